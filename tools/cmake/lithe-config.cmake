# SPDX-License-Identifier: Apache-2.0
include(${CMAKE_CURRENT_LIST_DIR}/dependencies.cmake)
# lithe::lithe and lithe::micro; without an operating system, or with COMPONENTS micro, lithe::micro alone.
lithe_flatbuffers()
include(${CMAKE_CURRENT_LIST_DIR}/lithe-micro-targets.cmake)
if(NOT CMAKE_SYSTEM_NAME STREQUAL "Generic" AND NOT "${lithe_FIND_COMPONENTS}" STREQUAL "micro")
  lithe_xnnpack()
  include(${CMAKE_CURRENT_LIST_DIR}/lithe-targets.cmake)
endif()
