// SPDX-License-Identifier: Apache-2.0
#include "tools/lithe/open_model.hpp"

#include <array>
#include <cstdio>
#include <fstream>
#include <string_view>
#include <utility>

#include "lithe/memory/mapped_file.hpp"
#include "lithe/platform.hpp"
#include "tools/graph/reopen.hpp"
#include "tools/import/convert.hpp"
#include "tools/report/error.hpp"

namespace lithe::cli {

namespace {

Result<Model> open_onnx(const std::filesystem::path& path,
                        const std::map<std::string, std::vector<std::int64_t>>& shapes, bool optimize) {
  import::Options options;
  options.check = false;
  options.optimize = optimize;
  options.shapes = shapes;
  return Model::open(graph::aligned_copy(import::convert(path, options).bytes));
}

/// Whether the file is ONNX's rather than ours: by its contents, whatever its name says; by its name where
/// the contents are neither's.
bool is_onnx(const std::filesystem::path& path) {
  const bool named = path.extension() == ".onnx";
  std::error_code error;
  if (!std::filesystem::is_regular_file(path, error)) return named;
  std::array<char, 12> head{};  // the size of the model, the offset of its root, our identifier
  std::ifstream(path, std::ios::binary).read(head.data(), head.size());
  const bool ours = std::string_view(head.data() + 8, 4) == format::ModelIdentifier();
  const bool onnx = !ours && head[0] == 8;  // the key of ModelProto's first field, ir_version
  if (ours && named)
    std::fprintf(stderr, "note: %s: holds a converted model; name it .lithe\n", path.c_str());
  if (onnx && !named)
    std::fprintf(stderr, "note: %s: holds an ONNX model, which is converted first; name it .onnx\n",
                 path.c_str());
  return onnx || (named && !ours);
}

}  // namespace

OpenModel::OpenModel(const std::filesystem::path& path,
                     const std::map<std::string, std::vector<std::int64_t>>& shapes, Passes passes)
    : path_(path) {
  auto model =
      is_onnx(path) ? open_onnx(path, shapes, passes == Passes::all) : open(path.c_str(), Access::copy);
  if (!model.ok()) {
    const bool system = model.code() == Code::io || model.code() == Code::out_of_memory;
    throw report::Failure(
        system ? report::exits::system : report::exits::bad_input,
        path.string() + ": " + model.status().text() + (system ? "" : "; convert the model again"));
  }
  model_ = *std::move(model);
}

}  // namespace lithe::cli
