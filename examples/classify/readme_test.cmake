# SPDX-License-Identifier: Apache-2.0
# The README shows main.cpp, letter by letter. Run: cmake -DROOT=repository -P readme_test.cmake
file(READ ${ROOT}/README.md readme)
file(READ ${ROOT}/examples/classify/main.cpp program)
string(REPLACE "// SPDX-License-Identifier: Apache-2.0\n" "" program "${program}")
string(FIND "${readme}" "```cpp\n${program}```\n" found)
if(found EQUAL -1)
  message(FATAL_ERROR "README.md does not show examples/classify/main.cpp as it is")
endif()
