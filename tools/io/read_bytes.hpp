// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <filesystem>
#include <string>

namespace lithe::io {

/// Reads a whole file of at most 2 GiB. Errors: report::Failure, exit 4 if it cannot be read, 3 if it is
/// larger.
std::string read_bytes(const std::filesystem::path& path);

}  // namespace lithe::io
