// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <filesystem>
#include <string>

namespace lithe::io {

/// A whole file of at most 2 GiB. Errors: Failure (exit 4) where it cannot be read.
std::string read_bytes(const std::filesystem::path& path);

}  // namespace lithe::io
