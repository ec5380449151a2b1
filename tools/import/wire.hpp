// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>

namespace lithe::import {

/// What an .onnx file may ask for before any library looks at it.
struct Limits {
  std::uint64_t file_bytes = (std::uint64_t{1} << 31) - 1;  ///< protobuf's own limit
  std::uint64_t overhead_bytes =
      std::uint64_t{384} << 20;  ///< memory of the parsed tables, payloads of strings and tensors not counted
  std::uint64_t external_bytes = (std::uint64_t{1} << 31) - 1;
  int depth = 64;                 ///< messages inside messages: about 20 subgraphs inside each other
  std::uint64_t nodes = 200'000;  ///< also after functions are inlined
};

/// Walks the bytes as the protobuf encoding of an ONNX model without allocating, and estimates the memory
/// that parsing them takes. Returns what is wrong ("the file is truncated ..."), or an empty text.
std::string scan_model(std::span<const std::byte> bytes, const Limits& limits);

}  // namespace lithe::import
