// SPDX-License-Identifier: Apache-2.0
#include "tools/io/tensor_files.hpp"

#include "tools/io/npy.hpp"
#include "tools/io/tensor_proto.hpp"

namespace lithe::io {

ConstantPtr read_tensor(const std::filesystem::path& path) {
  return path.extension() == ".pb" ? read_tensor_proto(path) : read_npy(path);
}

std::vector<ConstantPtr> read_numbered(const std::filesystem::path& folder, const std::string& prefix) {
  for (std::vector<ConstantPtr> tensors;;) {
    const std::string stem = (folder / (prefix + "_" + std::to_string(tensors.size()))).string();
    if (std::filesystem::exists(stem + ".npy"))
      tensors.push_back(read_npy(stem + ".npy"));
    else if (std::filesystem::exists(stem + ".pb"))
      tensors.push_back(read_tensor_proto(stem + ".pb"));
    else
      return tensors;
  }
}

}  // namespace lithe::io
