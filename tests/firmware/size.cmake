# SPDX-License-Identifier: Apache-2.0
# Flash of engine, kernels and math library: all but the model, the pictures, start-up and semihosting, which board.ld sets
# apart. Run: cmake -DNM=nm -DPROGRAM=elf -DLIMIT=bytes -P size.cmake
execute_process(COMMAND ${NM} ${PROGRAM} OUTPUT_VARIABLE symbols COMMAND_ERROR_IS_FATAL ANY)
set(bytes 0)
foreach(part code data)
  foreach(edge start end)
    if(NOT symbols MATCHES "([0-9a-f]+) . ${part}_${edge}\n")
      message(FATAL_ERROR "${PROGRAM} has no symbol ${part}_${edge}")
    endif()
    set(${edge} 0x${CMAKE_MATCH_1})
  endforeach()
  math(EXPR bytes "${bytes} + ${end} - ${start}")
endforeach()
message(STATUS "${bytes} bytes of ${LIMIT}")
if(bytes GREATER LIMIT)
  message(FATAL_ERROR "${PROGRAM} takes ${bytes} bytes of flash without its model, more than ${LIMIT}")
endif()
