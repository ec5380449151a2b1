# SPDX-License-Identifier: Apache-2.0
# The board defines malloc and its kind as traps; unreferenced they are not linked. Run: cmake -DNM=nm -DPROGRAM=elf -P no_heap.cmake
execute_process(COMMAND ${NM} ${PROGRAM} OUTPUT_VARIABLE symbols COMMAND_ERROR_IS_FATAL ANY)
if(NOT symbols MATCHES " T _Z8firmwarev\n")
  message(FATAL_ERROR "${PROGRAM} has no symbol firmware(): nothing is proven")
endif()
string(REGEX MATCHALL " [TtWw] (_?malloc(_r)?|calloc|realloc|_?free(_r)?|_sbrk|_Znwj|_Znaj|_ZdlPv|_ZdlPvj|__cxa_throw|_ZNSt8ios_base.*|printf|_printf_r)\n" found "${symbols}")
if(found)
  message(FATAL_ERROR "${PROGRAM} holds${found}")
endif()
