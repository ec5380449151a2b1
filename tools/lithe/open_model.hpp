// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <filesystem>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "lithe/model.hpp"

namespace lithe::cli {

/// A model ready for sessions: a .lithe file, or an .onnx file converted in memory. The file's contents
/// decide which it is; a note says so if its name says otherwise.
class OpenModel {
 public:
  enum class Passes { all, none };
  /// Throws report::Failure with the file's name and what to do.
  explicit OpenModel(const std::filesystem::path& path,
                     const std::map<std::string, std::vector<std::int64_t>>& shapes = {},
                     Passes passes = Passes::all);
  const Model& model() const { return *model_; }
  const std::filesystem::path& path() const { return path_; }

 private:
  std::filesystem::path path_;
  std::optional<Model> model_;
};

}  // namespace lithe::cli
