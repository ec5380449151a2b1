# SPDX-License-Identifier: Apache-2.0
# One statement a line, and plain words in comments. Run: cmake -DROOT=repository -P words_test.cmake
cmake_policy(VERSION 3.25)

set(broken 0)
macro(report text)
  math(EXPR broken "${broken} + 1")
  message(NOTICE "${text}")
endmacro()

# Words that comments do without: "behind" is "after", "anew" is "again", and so on.
set(words "behind|anew|lest|likewise|hence|whoever|himself|thereof|therein")

# Statements that a comma joins, such as `a = x, b = y;`, `f(x), g(y);` and `return f(x), y;`. normalize() has made "@" of
# (...), [...] and texts, "#" of {...} without statements, and "$" of a semicolon; template arguments are gone.
set(place "[A-Za-z0-9_.:@*&>-]+")
set(before "([$\{}]|(case [A-Za-z0-9_:]+|default):) *((else|(if|for|while)( constexpr)? @) )*")
set(assignment "[*&]?${place} *([-+*/%|&^]|<<|>>)?= [^$\{},]*")
set(call "${place}@[^$\{}, ]*")
set(step "(\\+\\+|--)${place}|${place}(\\+\\+|--)")
set(joined "${before}(return [^$\{},]*|${assignment}|${call}|${step}), [^$\{}]*\\$")

function(normalize text result)
  string(REGEX REPLACE "\\\\." "" text "${text}")
  string(REGEX REPLACE "'[^'\n]'" "@" text "${text}")
  string(REGEX REPLACE "\"[^\"\n]*\"" "@" text "${text}")
  string(REGEX REPLACE "(//|#)[^\n]*" "" text "${text}")
  string(REGEX REPLACE "[ \n]+" " " text "${text}")
  string(REPLACE "$" "" text "${text}")
  string(REPLACE ";" "$" text "${text}")
  string(REPLACE "[" "(" text "${text}")
  string(REPLACE "]" ")" text "${text}")
  set(last "")
  while(NOT text STREQUAL last)
    set(last "${text}")
    string(REGEX REPLACE "\\([^(){}]*\\)" "@" text "${text}")
    string(REGEX REPLACE "{[^{}$]*}" "#" text "${text}")
    string(REGEX REPLACE "<[A-Za-z_:][A-Za-z0-9_:*&@,= ]*>" "" text "${text}")
  endwhile()
  set(${result} "${text}" PARENT_SCOPE)
endfunction()

# Sets `found` to the statements of a C++ text that a comma joins.
function(find_joined text)
  normalize("${text}" text)
  string(REGEX MATCHALL "${joined}" found "${text}")
  set(found "${found}" PARENT_SCOPE)
endfunction()

# The search itself finds what it must (~ is a semicolon), and nothing in declarations, loops and initializers.
foreach(statement "a = x, b = y~" "if (c) a.b += f(x, y), ++d~" "else f(x), g(y)~" "return f(x), y~" "case 1: a[i] = 0, b = 1~")
  string(REPLACE "~" ";" text "{ ${statement} }")
  find_joined("${text}")
  if(NOT found)
    report("'${statement}' is not found")
  endif()
endforeach()
foreach(statement "int a = x, b = y~" "for (i = 0, j = 1~ i < n~ ++i, ++j) f(i, j)~" "return {a, b}~" "a = std::map<int, int>{}~"
                  "A(int b, int c) : b_(b), c_(c) {}" "enum class E { a = 1, b = 2 }~" "f([&](int a, int b) { return g(a, b)~ }, c)~")
  string(REPLACE "~" ";" text "{ ${statement} }")
  find_joined("${text}")
  if(found)
    report("'${statement}' is taken for several statements")
  endif()
endforeach()

file(GLOB_RECURSE files RELATIVE ${ROOT} ${ROOT}/include/*.hpp ${ROOT}/tools/*.[ch]pp ${ROOT}/tests/*.[ch]pp ${ROOT}/bench/*.[ch]pp
     ${ROOT}/examples/*.[ch]pp)
foreach(file ${files})
  file(READ ${ROOT}/${file} text)
  string(REPLACE ";" "," lines "${text}")
  string(REGEX MATCHALL "//[^\n]*[^a-z_`](${words})[^a-z_][^\n]*" found "${lines}")
  foreach(line ${found})
    report("${file}: \"${line}\" has one of the words ${words}")
  endforeach()
  string(REGEX MATCHALL "\n *[^ /\n][^\n]*(\n+ *)?//[/!<]* +[Oo]f [^\n]*" found "${lines}")
  foreach(line ${found})
    string(REGEX REPLACE "^.*//" "//" line "${line}")
    report("${file}: \"${line}\" begins with 'of': name what it is about")
  endforeach()
  find_joined("${text}")
  foreach(line ${found})
    report("${file}: \"${line}\" ($ is a semicolon) is several statements: write a block")
  endforeach()
endforeach()

if(broken)
  message(FATAL_ERROR "${broken} lines are not plain")
endif()
