#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Builds and tests presets, then checks format and tidiness. Last line: "N passed, N failed, N skipped".
# usage: tools/test.sh [-v] [STEP]...   -v names the skipped tests
#        steps: format dev release asan tsan aarch64 armhf cortex-m4 (default: all of these);
#        long ones: tidy, aarch64-core and armhf-core (every operator test), corruptions (2,000 of each file under sanitizers),
#        code-paths (every operator test once for each set of CPU features, in emulators)
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

verbose=()
if [[ ${1:-} == -v ]]; then
  verbose=(-v)
  shift
fi
steps=("$@")
(($#)) || steps=(format dev release asan tsan aarch64 armhf cortex-m4)
passed=0 failed=0 skipped=0
results=$(mktemp -d)
trap 'rm -rf "$results"' EXIT
cache=${LITHE_CACHE:-${XDG_CACHE_HOME:-$HOME/.cache}/lithe}
lint=$cache/lint-21/bin

say() { echo "--- $*"; }
fail() { # TEXT: a failure that no file of results counts
  failed=$((failed + 1))
  echo "FAILED: $*"
}
count() { # NAME COMMAND...: a step that is one test
  local name=$1
  shift
  if "$@"; then passed=$((passed + 1)); else fail "$name"; fi
}
quietly() { # NAME COMMAND...: shows the output of a command that fails
  local log=$results/$1.log
  shift
  "$@" >"$log" 2>&1 || { cat "$log" && return 1; }
}
tally() { # STATUS NAME FILE.xml [FOLDER]: adds what the results of a test program say that ended with this status
  local status=$1 name=$2 failed_before=$failed counts=(0 0 0)
  shift 2
  [[ ! -f $1 ]] || read -ra counts < <(tools/tally.py "${verbose[@]}" "$@")
  passed=$((passed + counts[0])) failed=$((failed + counts[1])) skipped=$((skipped + counts[2]))
  if ((status != 0 && failed == failed_before)); then
    fail "$name ended with status $status"
  elif ((counts[0] + counts[1] + counts[2] == 0)); then
    fail "$name ran no tests"
  fi
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

check_corruptions() {
  quietly configure cmake --preset asan || return 1
  quietly build cmake --build --preset asan --target fuzz_test || return 1
  LITHE_CORRUPTIONS=2000 ctest --preset asan -L fuzz --timeout 7200
}

# The features are all that cpuinfo must find there, as `lithe cpu` prints them: else the tests refuse to run.
run_code_path() { # PRESET FEATURES EMULATOR...
  local preset=$1 features=$2 folder file=$results/code_path.xml status
  shift 2
  for folder in ops xnn simd session recorded; do
    rm -f "$file"
    status=0
    env LITHE_CPU_FEATURES="$features" LITHE_EMULATOR_SLACK=32 LITHE_MODELS="$PWD/build/dev/models" LITHE_SHARED="$PWD/../shared" "$@" \
      "build/$preset/tests/${folder}_test" --gtest_brief=1 --gtest_output="xml:$file" || status=$?
    tally "$status" "$folder on $preset with $features" "$file"
  done
}

run_code_paths() {
  local preset targets=(ops_test xnn_test simd_test session_test recorded_test)
  for preset in dev aarch64-core armhf-core; do
    quietly configure cmake --preset "$preset" || return 1
    quietly build cmake --build --preset "$preset" --target "${targets[@]}" || return 1
  done
  quietly models cmake --build --preset dev --target test_models || return 1
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
  local preset=$1 file=$results/$1.xml status=0 environment=()
  quietly configure cmake --preset "$preset" || return 1
  quietly build cmake --build --preset "$preset" || return 1
  if [[ $preset == aarch64* || $preset == armhf* ]]; then # one start of the emulator for a folder: its own results name the tests
    environment=(env "GTEST_OUTPUT=xml:$results/$preset/")
  fi
  "${environment[@]}" ctest --preset "$preset" --no-tests=error --output-junit "$file" |
    grep -vE '^ +Start |   Passed   |Skipped|^The following tests did not run' || status=${PIPESTATUS[0]}
  tally "$status" "$preset" "$file" "$results/$preset"
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
    tidy) count tidy tools/tidy.sh ;;
    corruptions) count corruptions check_corruptions ;;
    code-paths) run_code_paths || fail "the tests of code paths do not build" ;;
    *) run_preset "$step" || fail "$step does not build" ;;
  esac
  say "$step took $((SECONDS - started)) s"
done

echo "$passed passed, $failed failed, $skipped skipped"
((failed == 0))
