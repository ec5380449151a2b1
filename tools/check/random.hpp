// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>

namespace lithe::check {

/// The same numbers everywhere: files with self-test vectors must be bit-identical.
class Random {
 public:
  explicit Random(std::uint64_t seed) : state_(seed * 2 + 1) {}
  std::uint32_t bits() {
    state_ = state_ * 6364136223846793005u + 1442695040888963407u;
    return static_cast<std::uint32_t>(state_ >> 33);
  }
  float uniform() { return static_cast<float>(bits()) * 0x1p-30f - 1.0f; }  ///< in [-1, 1)

 private:
  std::uint64_t state_;
};

}  // namespace lithe::check
