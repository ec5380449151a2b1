# SPDX-License-Identifier: Apache-2.0
# Who may include whom, read from the #include lines. Run: cmake -DROOT=repository -P layering_test.cmake
cmake_policy(VERSION 3.25)

set(broken 0)
macro(report text)
  math(EXPR broken "${broken} + 1")
  message(NOTICE "${text}")
endmacro()

# Sets `allowed` and `allowed_outside` from the first row of `rows` that names the file; `allowed` is empty where none does.
macro(find_row file_name)
  set(allowed "")
  foreach(row ${rows})
    string(REGEX REPLACE " *\\| +" ";" row "${row}")
    list(GET row 0 who)
    if(${file_name} MATCHES "^(${who})$")
      list(GET row 1 allowed)
      list(GET row 2 allowed_outside)
      break()
    endif()
  endforeach()
endmacro()

# They make one include of many and use nothing of what they include: tools/tidy.sh reads this line too.
set(umbrellas "lithe|platform|micro|[a-z]+/all")

# A row: headers | lithe headers they may include | other headers they may include besides the standard library's.
# The first row whose first expression matches a header is its row. Paths are relative to include/lithe/.
# Whoever may run without an operating system never includes what needs one, though its row names the folder.
set(os "memory/(mapped_file|system_[a-z_]*)|runtime/(cpu|threads|worker_affinity|packed_weights)")
set(rows
    "core/.*                       | core/.*                                                          | "
    "memory/(mapped_file|system_.*) | (core|memory)/.*                                                 | sys/.*|unistd|fcntl"
    "memory/.*                     | (core|memory)/.*                                                 | "
    "runtime/cpu                   | core/.*                                                          | cpuinfo"
    "runtime/threads               | core/.*|runtime/worker_affinity                                  | pthreadpool"
    "runtime/worker_affinity       | core/.*                                                          | pthreadpool|unistd|sys/.*"
    "runtime/packed_weights        | core/.*                                                          | sys/.*"
    "runtime/.*                    | model|(core|memory|format|runtime)/.*                            | "
    "ops/all                       | core/.*|ops/[a-z0-9_]*                                           | "
    "ops/.*                        | core/.*|ops/detail/.*                                            | "
    "xnn/all                       | core/.*|xnn/[a-z0-9_]*                                           | "
    "xnn/winograd_conv2d           | (core|memory|ops|xnn)/.*|simd/detail/.*|runtime/(cpu|threads|packed_weights) | xnnpack"
    "xnn/.*                        | (core|memory|ops|xnn)/.*|runtime/(cpu|threads|packed_weights)    | xnnpack|pthreadpool"
    "simd/detail/isa               | (core|simd)/.*                                                   | .*intrin|arm_neon"
    "simd/.*                       | (core|ops|simd)/.*|runtime/(cpu|packed_weights)                  | "
    "format/.*                     | (core|format)/.*                                                 | flatbuffers/.*"
    "(model|session)               | model|(core|memory|format|runtime)/.*                            | "
    "micro                         | model|session|(core|memory|format|runtime|ops)/.*                | "
    "(lithe|platform)              | .*                                                               | ")

file(GLOB_RECURSE headers RELATIVE ${ROOT}/include/lithe ${ROOT}/include/lithe/*.hpp ${ROOT}/include/lithe/*.h)
foreach(header ${headers})
  string(REGEX REPLACE "\\.hp?p?$" "" name ${header})
  find_row(${name})
  if(NOT allowed)
    report("${header}: no row of the table names this folder")
    continue()
  endif()

  set(depth 0)
  set(includes_of_${name} "")
  file(STRINGS ${ROOT}/include/lithe/${header} lines REGEX "^[ \t]*#[ \t]*(if|endif|include)")
  foreach(line ${lines})
    if(line MATCHES "^[ \t]*#[ \t]*if")
      math(EXPR depth "${depth} + 1")
    elseif(line MATCHES "^[ \t]*#[ \t]*endif")
      math(EXPR depth "${depth} - 1")
    elseif(line MATCHES "lithe/")
      string(REGEX REPLACE "^#include \"lithe/([a-z0-9_/]+)\\.hp?p?\"$" "\\1" included "${line}")
      list(APPEND includes_of_${name} ${included})
      if(included STREQUAL line)
        report("${header}: '${line}' must have the form #include \"lithe/folder/name.hpp\"")
      elseif(NOT included MATCHES "^(${allowed})$" OR (included MATCHES "^(${os})$" AND name MATCHES "^(runtime/.*|model|session|micro)$"
                                                     AND NOT name MATCHES "^(${os})$"))
        report("${header}: must not include lithe/${included}")
      elseif(depth GREATER 0)
        report("${header}: '${line}' stands inside #if")
      endif()
    elseif(line MATCHES "[<\"]([^>\"]+)[>\"]")
      string(REGEX REPLACE "\\.h$" "" outside ${CMAKE_MATCH_1})
      if(outside MATCHES "^(iostream|sstream|fstream|functional|regex|stdio|cstdio)$")
        report("${header}: <${outside}> has no place in a runtime header")
      elseif(NOT outside MATCHES "^([a-z_]+|c[a-z]+)$" OR outside MATCHES "^(xnnpack|cpuinfo|pthreadpool|unistd|fcntl|arm_neon|.*intrin)$")
        if(NOT outside MATCHES "^(${allowed_outside})$")
          report("${header}: must not include ${outside}")
        endif()
      endif()
    endif()
  endforeach()
endforeach()

# No circle: headers that include none of those left are taken away until none is left, or only circles and who includes them.
set(left ${headers})
list(TRANSFORM left REPLACE "\\.hp?p?$" "")
set(taken TRUE)
while(left AND taken)
  set(taken FALSE)
  foreach(name ${left})
    set(waits FALSE)
    foreach(included ${includes_of_${name}})
      if(included IN_LIST left)
        set(waits TRUE)
        break()
      endif()
    endforeach()
    if(NOT waits)
      list(REMOVE_ITEM left ${name})
      set(taken TRUE)
    endif()
  endforeach()
endwhile()
if(left) # each of them includes another one: the way from any of them ends in a circle
  list(GET left 0 name)
  set(way "")
  while(NOT name IN_LIST way)
    list(APPEND way ${name})
    foreach(included ${includes_of_${name}})
      if(included IN_LIST left)
        set(name ${included})
        break()
      endif()
    endforeach()
  endwhile()
  list(FIND way ${name} start)
  list(SUBLIST way ${start} -1 circle)
  list(JOIN circle " -> " circle)
  report("a circle of includes: ${circle} -> ${name}")
endif()

# One header of simd/ knows architectures and target attributes: kernels are written once for all of them.
file(GLOB_RECURSE kernels RELATIVE ${ROOT}/include/lithe ${ROOT}/include/lithe/simd/*.hpp)
list(REMOVE_ITEM kernels simd/detail/isa.hpp)
foreach(header ${kernels})
  file(STRINGS ${ROOT}/include/lithe/${header} lines REGEX "^[ \t]*#[ \t]*(if|elif)|target\\(|_mm[0-9]*_|__builtin_(ia32|neon|aarch64)_")
  foreach(line ${lines})
    report("${header}: '${line}' belongs in simd/detail/isa.hpp")
  endforeach()
endforeach()

# Who may include whom in tools/. A row: files | files of tools/ they may include | other headers, of the system and of libraries, they may include.
# Of the engine they may include everything but the insides of runtime/.
set(rows
    "kernels/.*              | kernels/.*                                                   | lithe/runtime/survey"
    "report/.*               | report/.*                                                    | unistd"
    "io/tensor_proto         | (io|report)/.*                                               | onnx/.*"
    "io/image                | (io|report)/.*                                               | stb_image"
    "io/.*                   | (io|report)/.*                                               | unistd|sys/stat"
    "graph/writer            | (graph|io|report|kernels)/.*                                 | schema/lithe_builders_generated"
    "graph/.*                | (graph|io|report|kernels)/.*                                 | "
    "passes/.*               | (passes|graph|io|report)/.*                                  | "
    "check/.*                | (check|passes|graph|io|report|kernels)/.*                    | "
    "quantize/.*             | (quantize|passes|graph|io|report|kernels)/.*                 | nlohmann/json"
    "import/.*               | (import|check|quantize|passes|graph|io|report|kernels)/.*    | onnx/.*"
    "lithe/.*                | .*                                                           | nlohmann/json|CLI/CLI|unistd|sys/.*")
file(GLOB_RECURSE files RELATIVE ${ROOT}/tools ${ROOT}/tools/*.[ch]pp)
foreach(file ${files})
  string(REGEX REPLACE "\\.[ch]pp$" "" name ${file})
  find_row(${name})
  if(NOT allowed)
    report("tools/${file}: no row of the table names this folder")
    continue()
  endif()
  file(STRINGS ${ROOT}/tools/${file} lines REGEX "^[ \t]*#[ \t]*include")
  foreach(line ${lines})
    string(REGEX REPLACE "^.*[<\"]([^>\"]+)[>\"].*$" "\\1" included "${line}")
    string(REGEX REPLACE "\\.h(pp)?$" "" included "${included}")
    if(included MATCHES "^tools/(.*)$")
      if(NOT CMAKE_MATCH_1 MATCHES "^(${allowed})$")
        report("tools/${file}: must not include ${included}")
      endif()
    elseif(NOT included MATCHES "^([a-z_]+|lithe/.*)$" OR included MATCHES "^(unistd|fcntl|stb_image)$"
           OR (included MATCHES "^lithe/runtime/" AND NOT included MATCHES "^lithe/runtime/(cpu|inspect|observer|options|threads)$"))
      if(NOT included MATCHES "^(${allowed_outside})$")
        report("tools/${file}: must not include ${included}")
      endif()
    endif()
  endforeach()
endforeach()

# The umbrella of a folder lists it.
foreach(header ${headers})
  if(NOT header MATCHES "^(${umbrellas})\\.hpp$" OR NOT header MATCHES "^([a-z]+)/all\\.hpp$")
    continue()
  endif()
  set(folder ${CMAKE_MATCH_1})
  file(READ ${ROOT}/include/lithe/${folder}/all.hpp all)
  file(GLOB listed RELATIVE ${ROOT}/include ${ROOT}/include/lithe/${folder}/*.hpp)
  list(REMOVE_ITEM listed lithe/${folder}/all.hpp)
  foreach(name ${listed})
    string(FIND "${all}" "#include \"${name}\"" found)
    if(found EQUAL -1)
      report("${folder}/all.hpp does not list ${name}")
    endif()
  endforeach()
endforeach()

if(broken)
  message(FATAL_ERROR "${broken} includes break the layering of the table above")
endif()
