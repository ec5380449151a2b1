#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# clang-tidy over our headers and tool sources, one by one, because misc-include-cleaner reads main files only. Umbrellas are left
# out, as they use nothing of what they include: tests/layering_test.cmake names them.
# usage: tools/tidy.sh [FILE]...   default: all; tools/setup.sh --target sanitizers --target lint first
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

cmake --preset tidy >/dev/null
umbrellas=$(sed -n 's/^set(umbrellas "\(.*\)")$/\1/p' tests/layering_test.cmake)
clang_tidy=${LITHE_CACHE:-${XDG_CACHE_HOME:-$HOME/.cache}/lithe}/lint-21/bin/clang-tidy
files=("$@")
(($#)) || mapfile -t files < <(find include tools -name '*.[ch]pp' | grep -vE "^include/lithe/($umbrellas)\.hpp$")
printf '%s\0' "${files[@]}" | xargs -0 -n 1 -P "$(nproc)" "$clang_tidy" -p build/tidy --quiet
