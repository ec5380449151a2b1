# SPDX-License-Identifier: Apache-2.0
# Target tidy: clang-tidy over each of our headers and tool sources. One by one, because misc-include-cleaner reads main files only;
# umbrellas are left out, as they use nothing of what they include.
cmake_host_system_information(RESULT cores QUERY NUMBER_OF_LOGICAL_CORES)
add_custom_target(
  tidy
  COMMAND sh -c "find include tools -name '*.[ch]pp' ! -name all.hpp ! -path include/lithe/lithe.hpp ! -path include/lithe/platform.hpp ! -path include/lithe/micro.hpp -print0 | xargs -0 -r -n 1 -P ${cores} '${LITHE_CACHE_DIR}/lint-21/bin/clang-tidy' -p '${PROJECT_BINARY_DIR}' --quiet"
  WORKING_DIRECTORY ${PROJECT_SOURCE_DIR}
  VERBATIM)
