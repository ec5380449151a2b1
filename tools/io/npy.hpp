// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <filesystem>
#include <string_view>

#include "tools/io/constant.hpp"

namespace lithe::io {

/// Reads an .npy file in C order, of any dtype that both numpy and lithe have ('<f2', '|b1', '<i8' ...).
/// Errors: report::Failure with the file's name; big-endian numbers and Fortran order are refused by name.
ConstantPtr read_npy(const std::filesystem::path& path);
/// The same from memory; `path` is for messages.
ConstantPtr parse_npy(std::string_view bytes, const std::filesystem::path& path);

/// Writes format version 1.0; half precision as '<f2', bfloat16 and float8 as their bits.
void write_npy(const std::filesystem::path& path, const TensorView& tensor);

}  // namespace lithe::io
