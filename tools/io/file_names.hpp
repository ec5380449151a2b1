// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <span>
#include <string>
#include <vector>

namespace lithe::io {

/// The names of the files, without extension, that hold the tensors of these names: '/' becomes '_', and a number is
/// appended where that is the name of another one. A name that can be a file's own stays as it is.
std::vector<std::string> file_names(std::span<const std::string> names);

}  // namespace lithe::io
