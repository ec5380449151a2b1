// SPDX-License-Identifier: Apache-2.0
#include "tools/graph/hash.hpp"

#include <bit>
#include <cstddef>
#include <cstring>

namespace lithe::graph {

namespace {

std::uint64_t finalize(std::uint64_t x) {
  x = (x ^ (x >> 32)) * 0xD6E8FEB86659FD93u;
  x = (x ^ (x >> 32)) * 0xD6E8FEB86659FD93u;
  return x ^ (x >> 32);
}

}  // namespace

void Hash::add(std::span<const std::byte> bytes) {
  bytes_ += bytes.size();
  for (std::size_t i = 0; i < bytes.size(); i += 16) {
    std::uint64_t words[2] = {};
    std::memcpy(words, bytes.data() + i, bytes.size() - i < 16 ? bytes.size() - i : 16);
    low_ = std::rotl((low_ ^ words[0]) * 0x9E3779B97F4A7C15u, 29) + words[1];
    high_ = std::rotl((high_ ^ words[1]) * 0xC2B2AE3D27D4EB4Fu, 37) + words[0];
  }
}

std::array<std::uint64_t, 2> Hash::value() const {
  const std::uint64_t a = finalize(low_ ^ bytes_), b = finalize(high_ + bytes_ * 0x9E3779B97F4A7C15u);
  return {finalize(a + std::rotl(b, 17)), finalize(b ^ std::rotl(a, 41))};
}

std::array<std::uint64_t, 2> hash(std::span<const std::byte> bytes) {
  Hash h;
  h.add(bytes);
  return h.value();
}

std::string hex(const std::array<std::uint64_t, 2>& hash) {
  std::string text;
  for (int word = 1; word >= 0; --word)
    for (int shift = 60; shift >= 0; shift -= 4)
      text += "0123456789abcdef"[(hash[static_cast<std::size_t>(word)] >> shift) & 15u];
  return text;
}

}  // namespace lithe::graph
