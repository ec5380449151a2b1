// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <filesystem>
#include <map>
#include <string>

#include "tools/io/constant.hpp"

namespace lithe::io {

/// The arrays of an .npz file by name, as numpy.savez and numpy.savez_compressed write it (a ZIP archive of
/// .npy files, stored or deflated, below 4 GiB). Errors: report::Failure (exit 3) that names the
/// file, and the member that is damaged.
std::map<std::string, ConstantPtr> read_npz(const std::filesystem::path& path);

}  // namespace lithe::io
