#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Builds and tests presets, then checks format and tidiness. Last line: "N passed, N failed".
# usage: tools/test.sh [STEP]...   steps: format dev release asan tsan aarch64 armhf cortex-m4 (default: all of these);
#        long ones: tidy, aarch64-core and armhf-core (every operator test), corruptions (2,000 of each file under sanitizers),
#        code-paths (every operator test once for each set of CPU features, in emulators)
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

steps=("$@")
[[ $# -gt 0 ]] || steps=(format dev release asan tsan aarch64 armhf cortex-m4)
passed=0 failed=0
results=$(mktemp -d)
trap 'rm -rf "$results"' EXIT
cache=${LITHE_CACHE:-${XDG_CACHE_HOME:-$HOME/.cache}/lithe}
lint=$cache/lint-21/bin

say() { echo "--- $*"; }
count() { # NAME COMMAND...: a step that is one test
  local name=$1
  shift
  if "$@"; then passed=$((passed + 1)); else failed=$((failed + 1)) && echo "FAILED: $name"; fi
}

setup_target() {
  case $1 in
    dev | release) echo host ;;
    asan | tsan | corruptions) echo sanitizers ;;
    code-paths) echo host aarch64 armhf ;;
    aarch64* | armhf* | cortex-m4) echo "${1%-core}" ;;
    format) echo lint ;;
    tidy) echo sanitizers lint ;;
    *) echo "test.sh: unknown step '$1'" >&2 && return 2 ;;
  esac
}

our_files() { find include/lithe tools tests bench examples -name '*.[ch]pp' -print | LC_ALL=C sort; }

check_format() { our_files | xargs -r "$lint/clang-format" --dry-run -Werror; }

check_tidy() {
  cmake --preset tidy >"$results/log" || { cat "$results/log" && return 1; }
  cmake --build --preset tidy
}

check_corruptions() {
  cmake --preset asan >"$results/log" || { cat "$results/log" && return 1; }
  cmake --build --preset asan --target fuzz_test >"$results/log" || { cat "$results/log" && return 1; }
  LITHE_CORRUPTIONS=2000 ctest --preset asan -L fuzz --timeout 7200
}

# The features are all that cpuinfo must find there, as `lithe cpu` prints them: else the tests refuse to run.
run_code_path() { # PRESET FEATURES EMULATOR...
  local preset=$1 features=$2 folder
  shift 2
  for folder in ops xnn simd session recorded; do
    count "$folder on $preset with $features" env LITHE_CPU_FEATURES="$features" LITHE_EMULATOR_SLACK=32 \
      LITHE_MODELS="$PWD/build/dev/models" LITHE_SHARED="$PWD/../shared" "$@" "build/$preset/tests/${folder}_test" --gtest_brief=1
  done
}

run_code_paths() {
  local preset log=$results/log
  local targets=(ops_test xnn_test simd_test session_test recorded_test)
  for preset in dev aarch64-core armhf-core; do
    cmake --preset "$preset" >"$log" || { cat "$log" && return 1; }
    cmake --build --preset "$preset" --target "${targets[@]}" >"$log" || { cat "$log" && return 1; }
  done
  cmake --build --preset dev --target test_models >"$log" || { cat "$log" && return 1; }
  local x86=(qemu-x86_64) aarch64=(qemu-aarch64 -L /usr/aarch64-linux-gnu) arm=(qemu-arm -L /usr/arm-linux-gnueabihf)
  run_code_path dev "" "${x86[@]}" -cpu Opteron_G1
  run_code_path dev "ssse3 sse41" "${x86[@]}" -cpu Nehalem
  run_code_path dev "ssse3 sse41 avx f16c fma3 avx2" "${x86[@]}" -cpu Haswell
  run_code_path aarch64-core "neon" "${aarch64[@]}" -cpu cortex-a53
  run_code_path aarch64-core "neon dot f16" "${aarch64[@]}" -cpu cortex-a76
  run_code_path aarch64-core "neon dot i8mm sve sve2 f16 bf16" "${aarch64[@]}" -cpu max
  run_code_path armhf-core "neon" "${arm[@]}"
}

run_preset() {
  local preset=$1 log=$results/log
  cmake --preset "$preset" >"$log" || { cat "$log" && return 1; }
  cmake --build --preset "$preset" >"$log" || { cat "$log" && return 1; }
  tail -n 1 "$log"
  ctest --preset "$preset" --output-junit "$results/$preset.xml" | grep -vE '^ +Start |   Passed   ' || true # failures are counted below
  [[ -f $results/$preset.xml ]] || { echo "preset $preset wrote no results" && return 1; }
  local tests failures disabled
  tests=$(grep -om1 'tests="[0-9]*"' "$results/$preset.xml" | tr -dc 0-9)
  failures=$(grep -om1 'failures="[0-9]*"' "$results/$preset.xml" | tr -dc 0-9)
  disabled=$(grep -om1 'skipped="[0-9]*"' "$results/$preset.xml" | tr -dc 0-9)
  ((tests)) || { echo "preset $preset has no tests" && return 1; }
  passed=$((passed + tests - failures - disabled)) failed=$((failed + failures))
}

arguments=()
for step in "${steps[@]}"; do
  for target in $(setup_target "$step"); do arguments+=(--target "$target"); done
done
tools/setup.sh "${arguments[@]}"

for step in "${steps[@]}"; do
  say "$step"
  started=$SECONDS
  case $step in
    format) count format check_format ;;
    tidy) count tidy check_tidy ;;
    corruptions) count corruptions check_corruptions ;;
    code-paths) run_code_paths || { failed=$((failed + 1)) && echo "FAILED: the tests of code paths do not build"; } ;;
    *) run_preset "$step" || { failed=$((failed + 1)) && echo "FAILED: $step does not build, or has no tests"; } ;;
  esac
  say "$step took $((SECONDS - started)) s"
done

echo "$passed passed, $failed failed"
((failed == 0))
