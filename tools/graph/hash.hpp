// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <array>
#include <cstdint>
#include <span>
#include <string>

namespace lithe::graph {

/// A 128-bit content hash, which tells contents apart and does not protect against forgery. Two words are
/// updated by each 16-byte block {w0, w1}, the last one zero-padded: low = rotate((low ^ w0) * odd, 29) + w1
/// and high = rotate((high ^ w1) * odd, 37) + w0. At the end the length is mixed in, and a 64-bit finalizer
/// crosses the two.
class Hash {
 public:
  /// Equal to hashing the concatenation, as long as every part but the last is a multiple of 16 bytes.
  void add(std::span<const std::byte> bytes);
  std::array<std::uint64_t, 2> value() const;

 private:
  std::uint64_t low_ = 0x243F6A8885A308D3u, high_ = 0x13198A2E03707344u, bytes_ = 0;
};

std::array<std::uint64_t, 2> hash(std::span<const std::byte> bytes);
/// 32 hexadecimal digits, the high word first.
std::string hex(const std::array<std::uint64_t, 2>& hash);

}  // namespace lithe::graph
