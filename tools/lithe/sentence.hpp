// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <filesystem>
#include <string>

#include "lithe/model.hpp"

/// A Status for people.
namespace lithe::cli {

/// One line that names the file, the node with its operator and ONNX names, and what to do.
std::string sentence(const Status& status, const Model& model, const std::filesystem::path& file);
/// Throws report::Failure with the sentence; exit 4 for io and memory, else 3.
[[noreturn]] void fail(const Status& status, const Model& model, const std::filesystem::path& file);

}  // namespace lithe::cli
