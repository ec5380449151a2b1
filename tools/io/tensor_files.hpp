// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <filesystem>
#include <string>
#include <vector>

#include "tools/io/constant.hpp"

/// Tensors in files of either format.
namespace lithe::io {

/// Reads a tensor file, .npy or .pb by its extension.
ConstantPtr read_tensor(const std::filesystem::path& path);

/// folder/PREFIX_0.npy (or .pb), _1 ... up to the first that is missing.
std::vector<ConstantPtr> read_numbered(const std::filesystem::path& folder, const std::string& prefix);

}  // namespace lithe::io
