// SPDX-License-Identifier: Apache-2.0
// libFuzzer: the bytes of an .onnx file. Start it with ONNX's node tests as corpus.
#include <cstddef>
#include <cstdint>
#include <span>

#include "tests/fuzz/exercise.hpp"
#include "tools/kernels/kernels.hpp"

extern "C" int LLVMFuzzerTestOneInput(
    const std::uint8_t* data, std::size_t size) {  // NOLINT(readability-identifier-naming): libFuzzer's
  lithe::test::exercise_onnx(std::as_bytes(std::span(data, size)), lithe::all_kernels());
  return 0;
}
