// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <fstream>
#include <iterator>
#include <string>
#include <vector>

namespace npy {

/// The elements of a .npy file of 8-bit integers in C order; empty if the file is none, or cannot be read.
/// Source: numpy.lib.format 1.0: 6 bytes magic, 2 version, 2 length of a text that describes the elements,
/// the text.
inline std::vector<std::uint8_t> read_bytes(const char* path) {
  std::ifstream file(path, std::ios::binary);
  const std::vector<char> all{std::istreambuf_iterator<char>(file), {}};
  if (all.size() < 10 || all[0] != '\x93' || all[6] != 1) return {};
  const std::size_t start = 10 + static_cast<std::uint8_t>(all[8]) + 256u * static_cast<std::uint8_t>(all[9]);
  if (start > all.size()) return {};
  const std::string text(all.begin() + 10, all.begin() + static_cast<std::ptrdiff_t>(start));
  if (text.find("'|u1'") == std::string::npos || text.find("'fortran_order': False") == std::string::npos)
    return {};
  return {all.begin() + static_cast<std::ptrdiff_t>(start), all.end()};
}

}  // namespace npy
