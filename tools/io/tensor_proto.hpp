// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <filesystem>
#include <string>

#include "tools/io/constant.hpp"

namespace onnx {
class TensorProto;
}  // namespace onnx

namespace lithe::io {

/// DType::none for what has no counterpart (strings, complex numbers).
DType dtype_from_onnx(int data_type);
/// ONNX's data type of a dtype.
int onnx_from_dtype(DType dtype);
/// ONNX's name of a data type, for messages.
std::string onnx_type_name(int data_type);
/// The contents of raw_data or of the typed field, packed as in the file; booleans become 0 or 1. Throws
/// report::Unsupported for strings, complex numbers, more than 8 dimensions, and where the data do not fit
/// the dims.
ConstantPtr constant_from_onnx(const onnx::TensorProto& tensor);

/// Reads an ONNX TensorProto file (.pb), as in the ONNX test suites. Errors: report::Failure (exit 3).
ConstantPtr read_tensor_proto(const std::filesystem::path& path);

}  // namespace lithe::io
