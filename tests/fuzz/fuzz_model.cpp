// SPDX-License-Identifier: Apache-2.0
// libFuzzer: the bytes of a .lithe file. Start it with a corpus of converted models.
#include <cstddef>
#include <cstdint>
#include <span>

#include "tests/fuzz/exercise.hpp"
#include "tools/kernels/kernels.hpp"

extern "C" int LLVMFuzzerTestOneInput(
    const std::uint8_t* data, std::size_t size) {  // NOLINT(readability-identifier-naming): libFuzzer's
  const auto bytes = std::as_bytes(std::span(data, size));
  if (size % 2 == 0)
    lithe::test::exercise_model(bytes, lithe::all_kernels());
  else
    lithe::test::exercise_model(bytes, lithe::portable_kernels());
  return 0;
}
