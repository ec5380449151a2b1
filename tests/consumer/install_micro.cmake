# SPDX-License-Identifier: Apache-2.0
# Installs lithe::micro as who has no XNNPACK would, with the headers in a folder that is not include/.
# Run: cmake -DSOURCE=repository -DBUILD=folder -DPREFIX=folder -DPREFIX_PATH=folders -DCOMPILER=c++ -DGENERATOR=Ninja -P install_micro.cmake
execute_process(
  COMMAND ${CMAKE_COMMAND} -S ${SOURCE} -B ${BUILD} -G ${GENERATOR} -DLITHE_XNNPACK=OFF -DLITHE_FETCH=OFF
          -DCMAKE_INSTALL_INCLUDEDIR=headers/of_lithe "-DCMAKE_PREFIX_PATH=${PREFIX_PATH}" -DCMAKE_CXX_COMPILER=${COMPILER}
  COMMAND_ERROR_IS_FATAL ANY)
execute_process(COMMAND ${CMAKE_COMMAND} --install ${BUILD} --prefix ${PREFIX} COMMAND_ERROR_IS_FATAL ANY)
file(GLOB_RECURSE hosted ${PREFIX}/*xnn* ${PREFIX}/*/lithe.hpp)
if(hosted OR NOT EXISTS ${PREFIX}/headers/of_lithe/lithe/micro.hpp)
  message(FATAL_ERROR "micro.hpp is missing, or something of XNNPACK is there: ${hosted}")
endif()
