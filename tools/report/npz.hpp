// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <filesystem>
#include <map>
#include <string>

#include "tools/graph/graph.hpp"

namespace lithe::report {

/// The arrays of an .npz file by name, as numpy.savez and numpy.savez_compressed write it (a ZIP archive of
/// .npy files, stored or deflated, below 4 GiB). Errors: Failure (exit 3) that names the file, and the member
/// where one is damaged.
std::map<std::string, graph::ConstantPtr> read_npz(const std::filesystem::path& path);

}  // namespace lithe::report
