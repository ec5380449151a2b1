// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <filesystem>
#include <string>
#include <string_view>

#include "tools/io/constant.hpp"

namespace lithe::io {

/// Whether read_image takes the extension: .png, .jpg or .jpeg, in any case.
bool is_image(const std::filesystem::path& path);

/// A PNG or JPEG file as u8 [H, W, channels]: 1 is gray, 3 is red, green, blue; transparency is dropped.
/// Errors: report::Failure (exit 3) with the file's name.
ConstantPtr read_image(const std::filesystem::path& path, int channels);

/// Unpacks raw deflate data whose unpacked size is known; `where` is for messages.
std::string inflate(std::string_view packed, std::size_t size, const std::string& where);

}  // namespace lithe::io
