# SPDX-License-Identifier: Apache-2.0
include(${CMAKE_CURRENT_LIST_DIR}/dependencies.cmake)
lithe_flatbuffers()
lithe_xnnpack()
include(${CMAKE_CURRENT_LIST_DIR}/lithe-targets.cmake)
