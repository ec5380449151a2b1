// SPDX-License-Identifier: Apache-2.0
#include "tools/import/external.hpp"

#include <onnx/onnx_pb.h>

#include <algorithm>
#include <charconv>
#include <fstream>
#include <map>
#include <optional>
#include <stdexcept>
#include <string>
#include <system_error>

namespace lithe::import {

namespace {

namespace fs = std::filesystem;

using Visit = std::function<void(onnx::TensorProto&)>;

void each_tensor(onnx::GraphProto& graph, const Visit& visit);

void each_tensor(onnx::SparseTensorProto& sparse, const Visit& visit) {
  if (sparse.has_values()) visit(*sparse.mutable_values());
  if (sparse.has_indices()) visit(*sparse.mutable_indices());
}

void each_tensor(onnx::AttributeProto& attribute, const Visit& visit) {
  if (attribute.has_t()) visit(*attribute.mutable_t());
  for (auto& t : *attribute.mutable_tensors()) visit(t);
  if (attribute.has_sparse_tensor()) each_tensor(*attribute.mutable_sparse_tensor(), visit);
  for (auto& s : *attribute.mutable_sparse_tensors()) each_tensor(s, visit);
  if (attribute.has_g()) each_tensor(*attribute.mutable_g(), visit);
  for (auto& g : *attribute.mutable_graphs()) each_tensor(g, visit);
}

void each_tensor(onnx::GraphProto& graph, const Visit& visit) {
  for (auto& t : *graph.mutable_initializer()) visit(t);
  for (auto& s : *graph.mutable_sparse_initializer()) each_tensor(s, visit);
  for (auto& node : *graph.mutable_node())
    for (auto& attribute : *node.mutable_attribute()) each_tensor(attribute, visit);
}

struct Place {
  std::string location;
  std::uint64_t offset = 0;
  std::optional<std::uint64_t> length;
};

Place place_of(const onnx::TensorProto& tensor) {
  Place place;
  auto number = [&](const std::string& text) {
    std::uint64_t value = 0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
    if (error != std::errc{} || end != text.data() + text.size())
      throw std::runtime_error("tensor '" + tensor.name() +
                               "': its external offset or length is not a number");
    return value;
  };
  for (const auto& entry : tensor.external_data()) {
    if (entry.key() == "location") place.location = entry.value();
    if (entry.key() == "offset") place.offset = number(entry.value());
    if (entry.key() == "length") place.length = number(entry.value());
  }
  return place;
}

/// Inside the folder after following links, or a refusal.
fs::path resolve(const fs::path& folder, const std::string& location, const std::string& tensor) {
  const std::string where = "tensor '" + tensor + "': external data '" + location + "'";
  const fs::path relative(location);
  if (location.empty() || location.find('\0') != location.npos || relative.is_absolute() ||
      relative.has_root_name() || std::find(relative.begin(), relative.end(), "..") != relative.end())
    throw std::runtime_error(where + " must be a file inside the model's folder");
  if (folder.empty()) throw std::runtime_error(where + " cannot be found: the model has no folder");
  std::error_code error;
  const fs::path root = fs::canonical(folder, error);
  const fs::path file = error ? fs::path() : fs::canonical(root / relative, error);
  if (error)
    throw std::runtime_error(where + " cannot be opened (" + error.message() + "); keep it beside the model");
  const auto inside = std::mismatch(root.begin(), root.end(), file.begin(), file.end());
  if (inside.first != root.end()) throw std::runtime_error(where + " leads out of the model's folder");
  if (!fs::is_regular_file(file, error)) throw std::runtime_error(where + " is not a file");
  return file;
}

class Loader {
 public:
  Loader(const fs::path& folder, std::uint64_t limit) : folder_(folder), limit_(limit) {}

  void load(onnx::TensorProto& tensor) {
    if (tensor.data_location() != onnx::TensorProto::EXTERNAL) return;
    const Place place = place_of(tensor);
    const fs::path file = resolve(folder_, place.location, tensor.name());
    const std::string where = "tensor '" + tensor.name() + "': external data '" + place.location + "'";
    std::error_code error;
    const std::uint64_t size = fs::file_size(file, error);
    if (error) throw std::runtime_error(where + " cannot be read (" + error.message() + ")");
    if (place.offset > size || place.length.value_or(0) > size - place.offset)
      throw std::runtime_error(where + " is shorter than the model says");
    const std::uint64_t length = place.length.value_or(size - place.offset);
    if (files_.emplace(file, size).second) stored_ += size;
    loaded_ += length;
    if (loaded_ > limit_ || loaded_ / 2 > stored_)
      throw std::runtime_error(where + " would make the model too large");
    std::string bytes(length, '\0');
    std::ifstream stream(file, std::ios::binary);
    if (!stream.seekg(static_cast<std::streamoff>(place.offset)) ||
        !stream.read(bytes.data(), static_cast<std::streamsize>(length)))
      throw std::runtime_error(where + " cannot be read");
    tensor.clear_external_data();
    tensor.clear_data_location();
    tensor.set_raw_data(std::move(bytes));
  }

 private:
  const fs::path& folder_;
  std::uint64_t limit_, loaded_ = 0, stored_ = 0;
  std::map<fs::path, std::uint64_t> files_;
};

}  // namespace

void each_tensor(onnx::ModelProto& model, const Visit& visit) {
  each_tensor(*model.mutable_graph(), visit);
  for (auto& function : *model.mutable_functions())
    for (auto& node : *function.mutable_node())
      for (auto& attribute : *node.mutable_attribute()) each_tensor(attribute, visit);
}

void load_external_data(onnx::ModelProto& model, const fs::path& folder, std::uint64_t limit) {
  Loader loader(folder, limit);
  each_tensor(model, [&](onnx::TensorProto& tensor) { loader.load(tensor); });
}

}  // namespace lithe::import
