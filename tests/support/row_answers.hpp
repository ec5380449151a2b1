// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <string>
#include <vector>

#include "lithe/session.hpp"

namespace lithe::test {

inline std::vector<char> read_file(const std::filesystem::path& path) {
  std::ifstream file(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(file), {}};
}

/// The bytes of output 0 for each row of an .npy file of 8-bit integers, one after the other, as input 0 of
/// f32, s8 or u8. Empty where the file holds no row, or a run fails.
inline std::vector<char> row_answers(Session& session, const std::filesystem::path& npy) {
  const std::vector<char> file = read_file(npy);
  if (file.size() < 10) return {};
  const std::size_t start =
      10 + static_cast<std::uint8_t>(file[8]) + 256u * static_cast<std::uint8_t>(file[9]);
  const std::string header(file.begin(),
                           file.begin() + static_cast<std::ptrdiff_t>(std::min(start, file.size())));
  const bool is_signed = header.find("'|i1'") != std::string::npos;
  if (!is_signed && header.find("'|u1'") == std::string::npos) return {};
  const auto size = static_cast<std::size_t>(session.input(0).elements());
  std::vector<char> answers;
  for (std::size_t at = start; at + size <= file.size(); at += size) {
    const Tensor input = session.input(0);
    if (input.dtype == DType::f32)
      for (std::size_t i = 0; i < size; ++i)
        input.as<float>()[i] = is_signed ? static_cast<float>(static_cast<std::int8_t>(file[at + i]))
                                         : static_cast<float>(static_cast<std::uint8_t>(file[at + i]));
    else
      std::memcpy(input.data, file.data() + at, size);
    if (!session.run().ok()) return {};
    const TensorView output = session.output(0);
    const auto* bytes = static_cast<const char*>(output.data);
    answers.insert(answers.end(), bytes, bytes + output.bytes());
  }
  return answers;
}

}  // namespace lithe::test
