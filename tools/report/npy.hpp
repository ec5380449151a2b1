// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <filesystem>
#include <string>
#include <string_view>
#include <vector>

#include "tools/graph/graph.hpp"

namespace lithe::report {

/// Reads an .npy file in C order of any dtype that numpy writes and lithe has ('<f2', '|b1', '<i8' ...;
/// bfloat16 and 4-bit types, which numpy has not, are never found). Errors: Failure with the file's name;
/// big-endian and Fortran order are refused by name.
graph::ConstantPtr read_npy(const std::filesystem::path& path);
/// The same from memory; `path` stands in messages.
graph::ConstantPtr parse_npy(std::string_view bytes, const std::filesystem::path& path);
/// A whole file of at most 2 GiB. Errors: Failure (exit 4) where it cannot be read.
std::string read_bytes(const std::filesystem::path& path);

/// Reads an ONNX TensorProto file (.pb), as the ONNX test suites hold.
graph::ConstantPtr read_tensor_proto(const std::filesystem::path& path);

/// By its extension: .npy or .pb.
graph::ConstantPtr read_tensor(const std::filesystem::path& path);

/// folder/PREFIX_0.npy (or .pb), _1 ... up to the first that is missing.
std::vector<graph::ConstantPtr> read_numbered(const std::filesystem::path& folder, const std::string& prefix);

/// Writes format version 1.0; half precision as '<f2', bfloat16 and float8 as their bits.
void write_npy(const std::filesystem::path& path, const TensorView& tensor);

/// "float32 [1, 3, 224, 224]".
std::string describe(const TensorView& tensor);
std::string describe(const Shape& shape);

}  // namespace lithe::report
