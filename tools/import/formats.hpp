// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <filesystem>
#include <span>
#include <string>

namespace lithe::import {

/// What a file that is not ONNX is, by its first bytes, and the one command that gives ONNX: "a TensorFlow
/// Lite model; ...". Empty: not recognized.
std::string other_format_by_content(std::span<const std::byte> bytes);
/// The same by the name, for formats without a signature. A folder is recognized too.
std::string other_format_by_name(const std::filesystem::path& path);

}  // namespace lithe::import
