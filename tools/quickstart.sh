#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# From a fresh Debian to answers: sets up, builds the command and the example, converts the digits network, classifies
# the held-out pictures, draws some of them, and prints accuracy, latency and memory. Writes to build/ only.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

build=build/quickstart
mkdir -p build
say() { echo "--- $*"; }

say "setting up (tools/setup.sh)"
tools/setup.sh
say "building in $build"
cmake --preset release -B "$build" -DLITHE_BUILD_TESTS=OFF -DLITHE_BUILD_BENCH=OFF -DLITHE_BUILD_EXAMPLES=ON -DLITHE_WERROR=OFF >"$build.log" 2>&1 || { cat "$build.log" && exit 1; }
cmake --build "$build" --target lithe_command classify_demo >>"$build.log" 2>&1 || { tail -n 40 "$build.log" && exit 1; }
say "converting examples/digits/digits.onnx"
"$build/lithe" convert examples/digits/digits.onnx --self-test 2 -o "$build/digits.lithe"
"$build/lithe" verify "$build/digits.lithe"
say "classifying pictures that training never saw"
"$build/classify_demo" "$build/digits.lithe" examples/digits/images.npy examples/digits/labels.npy
