# SPDX-License-Identifier: Apache-2.0
# Included: defines target regenerate_schema. Run with -P: compares (or with -DWRITE=ON writes) the committed header.
#   cmake -DFLATC=flatc -DSCHEMA=schema/lithe.fbs -DHEADER=include/lithe/format/lithe_generated.h -DSCRATCH=DIR [-DWRITE=ON] -P schema.cmake
if(CMAKE_SCRIPT_MODE_FILE)
  execute_process(COMMAND ${FLATC} --version OUTPUT_VARIABLE version)
  if(NOT version MATCHES "23\\.5\\.26")
    message(FATAL_ERROR "flatc must be 23.5.26, this is: ${version}")
  endif()
  execute_process(
    COMMAND ${FLATC} --cpp --cpp-std c++17 --scoped-enums -o ${SCRATCH} ${SCHEMA} COMMAND_ERROR_IS_FATAL ANY)
  get_filename_component(name ${HEADER} NAME)
  if(WRITE)
    file(COPY_FILE ${SCRATCH}/${name} ${HEADER} ONLY_IF_DIFFERENT)
    return()
  endif()
  file(SHA256 ${SCRATCH}/${name} fresh)
  if(EXISTS ${HEADER})
    file(SHA256 ${HEADER} committed)
  endif()
  if(NOT fresh STREQUAL "${committed}")
    message(FATAL_ERROR "${HEADER} does not follow from ${SCHEMA}: build the target regenerate_schema and commit")
  endif()
  return()
endif()

find_program(LITHE_FLATC flatc PATHS ${LITHE_PREFIXES} PATH_SUFFIXES bin NO_CACHE)
set(lithe_schema_command
    ${CMAKE_COMMAND} -DFLATC=${LITHE_FLATC} -DSCHEMA=${PROJECT_SOURCE_DIR}/schema/lithe.fbs
    -DHEADER=${PROJECT_SOURCE_DIR}/include/lithe/format/lithe_generated.h -DSCRATCH=${PROJECT_BINARY_DIR}/schema)
set(lithe_schema_script -P ${CMAKE_CURRENT_LIST_FILE})
add_custom_target(regenerate_schema COMMAND ${lithe_schema_command} -DWRITE=ON ${lithe_schema_script} VERBATIM)
