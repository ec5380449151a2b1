// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <map>
#include <memory>
#include <set>
#include <span>
#include <string>
#include <vector>

#include "tools/import/wire.hpp"

namespace onnx {
class ModelProto;
}  // namespace onnx

namespace lithe::import {

struct ParseOptions {
  /// Dims of graph inputs that replace the file's, by name. A dim_param that gets a number here has it
  /// everywhere.
  std::map<std::string, std::vector<std::int64_t>> shapes{};
  Limits limits{};
  /// Operators ("domain::Operator") and domains that the user brings kernels for: they stay as they are.
  std::set<std::string> kept{};
};

/// An ONNX model that is checked, holds its weights, calls no functions of its own, and has quantized and integer
/// operators written as others (expansion.hpp).
struct ParsedModel {
  std::shared_ptr<const onnx::ModelProto> proto;
  std::string name;                ///< base name of the file
  std::string hash;                ///< the hash of the file's bytes
  std::vector<std::string> notes;  ///< what went wrong without being fatal, one line each
};

/// The oldest and newest opset of the default domain that are converted.
inline constexpr int oldest_opset = 1, newest_opset = 27;

/// Reads an .onnx file. Throws report::Failure: exit 3 for what is not a model (with the command that makes
/// one), is damaged, over a limit, or refused by ONNX's checker; 2 for an option that names no input; 4 where
/// the system refuses.
ParsedModel parse(const std::filesystem::path& path, const ParseOptions& options = {});
/// The same from memory; `folder` holds external data (none may be used where it is empty).
ParsedModel parse(std::span<const std::byte> bytes, const std::string& name,
                  const std::filesystem::path& folder, const ParseOptions& options = {});

}  // namespace lithe::import
