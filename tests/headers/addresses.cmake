# SPDX-License-Identifier: Apache-2.0
# Writes a program that includes one header and takes the address of every function that the header declares, so that the
# linker refuses what it declares and does not define. Reads our formatting: a declaration begins at the start of its line,
# that of a member two columns further. Run: cmake -DHEADER=file -DNAME=lithe/folder/name.hpp -DOUTPUT=file -P addresses.cmake
cmake_policy(VERSION 3.25)

file(READ ${HEADER} text)
string(REPLACE ";" "$" text "${text}") # no dollar stands in a header, and a semicolon would part a list
string(REGEX REPLACE "\n}  // namespace[^\n]*" "\n%" text "${text}")
string(REGEX REPLACE " *//[^\n]*" "" text "${text}")
string(REGEX REPLACE "\\[\\[[a-z:]+\\]\\] ?|alignas\\([^)]*\\) ?" "" text "${text}")
string(REGEX REPLACE "[][]" "?" text "${text}") # array bounds and captures, none of them in a declaration
string(
  REGEX MATCHALL
        "\n(namespace [^{]*{|%|}|template [^{}$]*[{$]|(inline|constexpr) [^{}$]*[{$]|(class|struct) [^{}$]*[{$]|  [a-z~A-Z][^{}$]*[{$])"
        declarations "${text}")

set(program "// Written by tests/headers/addresses.cmake.\n#include \"${NAME}\"\n\n")
# Private members may be named where a template is instantiated explicitly.
set(members "template <auto member>\nstruct Taken {\n  static inline auto address = member;\n};\n")
set(taken 0)
set(scopes "") # the open namespaces
set(owner "") # the class whose members follow
foreach(declaration ${declarations})
  string(REGEX REPLACE "[ \n]+" " " words "${declaration}")
  string(STRIP "${words}" words)
  if(words STREQUAL "%")
    string(APPEND program "}\n")
    list(POP_BACK scopes)
  elseif(words STREQUAL "}")
    set(owner "")
  elseif(words MATCHES "^namespace ")
    string(APPEND program "${words}\n")
    string(REGEX REPLACE "^namespace |inline | {$" "" words "${words}")
    list(APPEND scopes ${words})
  elseif(words MATCHES "^template ")
    if(words MATCHES "^[^=]*\\([^=]*\\$$")
      message(FATAL_ERROR "${NAME} declares a template without its body: ${words}")
    endif()
  elseif(declaration MATCHES "^\n  ") # a member, or a statement
    if(owner AND NOT words MATCHES "^using |^[^(]*\\(\\*" AND words MATCHES "([A-Za-z_0-9~]+)\\([^=]*\\)( const)?( noexcept)?\\$$")
      set(member ${CMAKE_MATCH_1})
      if(member MATCHES "^~?${owner}$")
        message(FATAL_ERROR "${NAME}: nothing can take the address of ${words}")
      endif()
      math(EXPR taken "${taken} + 1")
      list(JOIN scopes "::" scope)
      string(APPEND members "template struct Taken<&${scope}::${owner}::${member}>;\n")
    endif()
  elseif(words MATCHES "^(class|struct) ([A-Za-z]+)[^$]*{$")
    set(owner ${CMAKE_MATCH_2})
  elseif(words MATCHES "^([^(=]*)\\((.*)\\)( noexcept)? ?[{$]$")
    set(parameters "${CMAKE_MATCH_2}")
    string(REGEX REPLACE "^((inline|constexpr) )+" "" head "${CMAKE_MATCH_1}")
    string(REGEX REPLACE " = [^,]+" "" parameters "${parameters}") # values of arguments that may be missing
    if(head MATCHES "::[a-z_0-9]+$") # a member's body: its class declares it
      continue()
    elseif(NOT head MATCHES "^(.*[ *&>])([a-z_0-9]+)$")
      message(FATAL_ERROR "${NAME}: no way to take the address of ${words}")
    endif()
    math(EXPR taken "${taken} + 1")
    string(APPEND program "${CMAKE_MATCH_1}(*address_${taken})(${parameters}) = &${CMAKE_MATCH_2};\n")
  endif()
endforeach()
file(WRITE ${OUTPUT} "${program}\n${members}\nint main() { return 0; }\n")
message(STATUS "${NAME}: ${taken} functions")
