// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <filesystem>
#include <functional>

namespace onnx {
class ModelProto;
class TensorProto;
}  // namespace onnx

namespace lithe::import {

/// Calls `visit` with every tensor of the model: initializers and attributes, in all graphs and functions.
void each_tensor(onnx::ModelProto& model, const std::function<void(onnx::TensorProto&)>& visit);

/// Moves external data into the model. Files are regular files inside `folder`, also after links are
/// followed, and all tensors together take no more bytes than `limit` nor twice the size of the files. Throws
/// std::runtime_error with one line that names tensor and file.
void load_external_data(onnx::ModelProto& model, const std::filesystem::path& folder, std::uint64_t limit);

}  // namespace lithe::import
