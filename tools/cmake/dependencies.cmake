# SPDX-License-Identifier: Apache-2.0
# Every dependency becomes a target lithe::NAME, made of the first of: targets that the including project already has; an
# installed copy that fits; a source folder LITHE_<NAME>_SOURCE; the pinned commit from upstream (LITHE_FETCH, default ON).
# Also part of the installed package, where only the first half (runtime) is used.
include(FetchContent)

option(LITHE_FETCH "Fetch missing dependencies of lithe from upstream" ON)

function(lithe_wrap name)
  add_library(lithe::${name} INTERFACE IMPORTED GLOBAL)
  target_link_libraries(lithe::${name} INTERFACE ${ARGN})
endfunction()

# Unpacks or fetches one source tree into <name>_SOURCE_DIR. HEADERS: do not add its CMake project.
macro(lithe_source name repository commit)
  string(TOUPPER ${name} upper)
  if(LITHE_${upper}_SOURCE)
    set(FETCHCONTENT_SOURCE_DIR_${upper} ${LITHE_${upper}_SOURCE})
  elseif(NOT LITHE_FETCH)
    message(FATAL_ERROR "lithe: ${name} is missing; run tools/setup.sh, set LITHE_${upper}_SOURCE, or set LITHE_FETCH=ON")
  endif()
  set(subfolder "")
  if("${ARGN}" STREQUAL "HEADERS")
    set(subfolder SOURCE_SUBDIR nothing)
  endif()
  FetchContent_Declare(${name} GIT_REPOSITORY ${repository} GIT_TAG ${commit} ${subfolder} SYSTEM)
  FetchContent_MakeAvailable(${name})
endmacro()

# --- runtime ---------------------------------------------------------------------------------------------------------

# FlatBuffers' headers, 23.5.26 exactly: the committed generated header refuses any other.
function(lithe_flatbuffers)
  if(TARGET lithe::flatbuffers)
    return()
  elseif(TARGET flatbuffers::flatbuffers)
    lithe_wrap(flatbuffers flatbuffers::flatbuffers)
    return()
  endif()
  find_path(include flatbuffers/flatbuffers.h NO_CACHE)
  if(include)
    file(STRINGS ${include}/flatbuffers/base.h version REGEX "#define FLATBUFFERS_VERSION_(MAJOR|MINOR|REVISION) ")
    string(REGEX REPLACE "[^0-9;]" "" version "${version}")
  endif()
  if(NOT "${version}" STREQUAL "23;5;26")
    lithe_source(flatbuffers https://github.com/google/flatbuffers.git v23.5.26 HEADERS)
    set(include ${flatbuffers_SOURCE_DIR}/include)
  endif()
  lithe_wrap(flatbuffers)
  target_include_directories(lithe::flatbuffers INTERFACE ${include})
endfunction()

# XNNPACK's interface moves: an installed copy is used only if these calls of commit 4ea82e5 compile against it.
set(lithe_xnnpack_probe [[
#include <xnnpack.h>
xnn_status create(const float* scale, const int8_t* filter, const int32_t* bias, xnn_code_cache_t code, xnn_weights_cache_t weights, xnn_operator_t* op) {
  return xnn_create_convolution2d_nhwc_qs8_qc8w(0, 0, 0, 0, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 0, 1.0f, scale, filter, bias, 0, 1.0f, 0, 0, 0, code, weights, op);
}
xnn_status reshape(xnn_operator_t op, size_t* workspace_size, size_t* workspace_alignment, size_t* height, size_t* width, pthreadpool_t threads) {
  return xnn_reshape_convolution2d_nhwc_qs8_qc8w(op, 1, 1, 1, workspace_size, workspace_alignment, height, width, threads);
}
]])

function(lithe_xnnpack)
  if(TARGET lithe::xnnpack)
    return()
  elseif(TARGET XNNPACK)
    lithe_wrap(xnnpack XNNPACK cpuinfo pthreadpool)
    return()
  endif()

  find_path(include xnnpack.h NO_CACHE)
  set(libraries "")
  foreach(name XNNPACK microkernels-prod pthreadpool cpuinfo)
    find_library(${name}_library ${name} NO_CACHE)
    list(APPEND libraries ${${name}_library})
  endforeach()
  set(fits FALSE)
  if(include AND NOT "${libraries}" MATCHES "NOTFOUND")
    set(CMAKE_TRY_COMPILE_TARGET_TYPE STATIC_LIBRARY)
    try_compile(fits SOURCE_FROM_VAR probe.cpp lithe_xnnpack_probe CMAKE_FLAGS -DINCLUDE_DIRECTORIES=${include} NO_CACHE)
  endif()
  if(fits)
    set(THREADS_PREFER_PTHREAD_FLAG ON)
    find_package(Threads REQUIRED)
    lithe_wrap(xnnpack ${libraries} Threads::Threads ${CMAKE_DL_LIBS} m)
    target_include_directories(lithe::xnnpack INTERFACE ${include})
    return()
  endif()

  lithe_source(fxdiv https://github.com/Maratyszcza/FXdiv.git b408327ac2a15ec3e43352421954f5b1967701d1 HEADERS)
  lithe_source(fp16 https://github.com/Maratyszcza/FP16.git 4dfe081cf6bcd15db339cf2680b9281b8451eeb3 HEADERS)
  lithe_source(pthreadpool https://github.com/google/pthreadpool.git 0e6ca13779b57d397a5ba6bfdcaa8a275bc8ea2e HEADERS)
  lithe_source(cpuinfo https://github.com/pytorch/cpuinfo.git 877328f188a3c7d1fa855871a278eb48d530c4c0 HEADERS)
  foreach(name fxdiv fp16 pthreadpool cpuinfo)
    string(TOUPPER ${name} upper)
    set(${upper}_SOURCE_DIR ${${name}_SOURCE_DIR} CACHE PATH "")
  endforeach()
  set(CMAKE_POLICY_VERSION_MINIMUM 3.5)
  set(CMAKE_POLICY_DEFAULT_CMP0077 NEW) # the variables below are XNNPACK's and pthreadpool's options
  set(XNNPACK_LIBRARY_TYPE static)
  foreach(option XNNPACK_BUILD_ALL_MICROKERNELS XNNPACK_BUILD_TESTS XNNPACK_BUILD_BENCHMARKS XNNPACK_ENABLE_KLEIDIAI
                 XNNPACK_ENABLE_ARM_SME XNNPACK_ENABLE_ARM_SME2 PTHREADPOOL_BUILD_TESTS PTHREADPOOL_BUILD_BENCHMARKS)
    set(${option} OFF)
  endforeach()
  lithe_source(xnnpack https://github.com/google/XNNPACK.git 4ea82e595b36106653175dcb04b2aa532660d0d8)
  lithe_wrap(xnnpack XNNPACK cpuinfo pthreadpool)
endfunction()

# --- tools, tests and bench ------------------------------------------------------------------------------------------

# lithe_library(NAME PACKAGE TARGET REPOSITORY TAG): the common case, a package that brings its own CMake config.
function(lithe_library name package target repository tag)
  if(TARGET lithe::${name})
    return()
  endif()
  if(NOT TARGET ${target})
    find_package(${package} QUIET GLOBAL)
  endif()
  if(NOT TARGET ${target})
    set(BUILD_TESTING OFF)
    lithe_source(${name} ${repository} ${tag})
  endif()
  lithe_wrap(${name} ${target})
endfunction()

# The official ONNX library against the system's protobuf.
function(lithe_onnx)
  if(TARGET lithe::onnx)
    return()
  elseif(TARGET onnx)
    lithe_wrap(onnx onnx onnx_proto)
    return()
  endif()
  find_path(include onnx/checker.h NO_CACHE)
  find_library(onnx_library onnx NO_CACHE)
  find_library(onnx_proto_library onnx_proto NO_CACHE)
  if(include AND onnx_library AND onnx_proto_library)
    find_package(Protobuf REQUIRED GLOBAL)
    lithe_wrap(onnx ${onnx_library} ${onnx_proto_library} protobuf::libprotobuf)
    target_include_directories(lithe::onnx INTERFACE ${include})
    target_compile_definitions(lithe::onnx INTERFACE ONNX_NAMESPACE=onnx ONNX_ML=1)
    return()
  endif()
  lithe_source(onnx https://github.com/onnx/onnx.git v1.23.2)
  lithe_wrap(onnx onnx onnx_proto)
endfunction()

function(lithe_command_line_dependencies)
  lithe_library(cli11 CLI11 CLI11::CLI11 https://github.com/CLIUtils/CLI11.git v2.1.2)
  lithe_library(json nlohmann_json nlohmann_json::nlohmann_json https://github.com/nlohmann/json.git v3.11.2)
endfunction()

# Decoders of PNG, JPEG and deflate: one header.
function(lithe_stb)
  if(TARGET lithe::stb)
    return()
  endif()
  find_path(include stb_image.h PATH_SUFFIXES stb NO_CACHE)
  if(NOT include)
    lithe_source(stb https://github.com/nothings/stb.git 8b5f1f37b5b75829fc72d38e7b5d4bcbf8a26d55 HEADERS)
    set(include ${stb_SOURCE_DIR})
  endif()
  lithe_wrap(stb)
  target_include_directories(lithe::stb INTERFACE ${include})
endfunction()

function(lithe_tool_dependencies)
  lithe_onnx()
  lithe_stb()
  lithe_command_line_dependencies()
endfunction()

function(lithe_test_dependencies)
  lithe_library(gtest GTest GTest::gtest_main https://github.com/google/googletest.git release-1.12.1)
endfunction()

function(lithe_bench_dependencies)
  lithe_command_line_dependencies()
  lithe_library(benchmark benchmark benchmark::benchmark https://github.com/google/benchmark.git v1.7.1)
endfunction()
