# SPDX-License-Identifier: Apache-2.0
include(${CMAKE_CURRENT_LIST_DIR}/dependencies.cmake)
# lithe::lithe and lithe::micro. lithe::micro alone: without an operating system, with COMPONENTS micro, or where lithe was
# installed without XNNPACK.
lithe_flatbuffers()
include(${CMAKE_CURRENT_LIST_DIR}/lithe-micro-targets.cmake)
if(EXISTS ${CMAKE_CURRENT_LIST_DIR}/lithe-targets.cmake AND NOT CMAKE_SYSTEM_NAME STREQUAL "Generic"
   AND NOT "${lithe_FIND_COMPONENTS}" STREQUAL "micro")
  lithe_xnnpack()
  include(${CMAKE_CURRENT_LIST_DIR}/lithe-targets.cmake)
endif()
