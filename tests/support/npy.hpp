// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <charconv>
#include <cstddef>
#include <fstream>
#include <iterator>
#include <string>
#include <vector>

#include "lithe/core/shape.hpp"

namespace lithe::test {

/// A float array from an .npy file of version 1 in C order: all that tests without the tools read.
struct FloatArray {
  Shape shape;
  std::vector<float> elements;
  bool ok = false;  ///< false: missing, or of another kind
};

inline FloatArray read_floats(const std::string& path) {
  FloatArray array;
  std::ifstream file(path, std::ios::binary);
  const std::string bytes{std::istreambuf_iterator<char>(file), {}};
  if (!file || bytes.size() < 10 || bytes.compare(0, 8, std::string("\x93NUMPY\x01\x00", 8)) != 0)
    return array;
  const std::size_t length = static_cast<unsigned char>(bytes[8]) |
                             static_cast<std::size_t>(static_cast<unsigned char>(bytes[9])) << 8;
  if (length > bytes.size() - 10) return array;
  const std::string header = bytes.substr(10, length);
  const std::size_t open = header.find('('), close = header.find(')');
  if (header.find("'<f4'") == std::string::npos || header.find("True") != std::string::npos ||
      open == std::string::npos || close < open)
    return array;
  for (const char *at = header.data() + open + 1, *end = header.data() + close; at < end;) {
    int dim = 0;
    const auto [next, error] = std::from_chars(at, end, dim);
    if (error == std::errc())
      array.shape.push_back(dim), at = next;
    else
      ++at;
  }
  const std::size_t start = 10 + length;
  array.elements.resize((bytes.size() - start) / sizeof(float));
  bytes.copy(reinterpret_cast<char*>(array.elements.data()), array.elements.size() * sizeof(float), start);
  array.ok = array.shape.valid() && static_cast<std::size_t>(array.shape.elements()) == array.elements.size();
  return array;
}

}  // namespace lithe::test
