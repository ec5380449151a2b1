// SPDX-License-Identifier: Apache-2.0
#include "tools/io/tensor_proto.hpp"

#include <onnx/onnx_pb.h>

#include <cstring>
#include <memory>

#include "tools/io/read_bytes.hpp"
#include "tools/report/error.hpp"

namespace lithe::io {

namespace {

/// Appends the low `sizeof(T)` bytes of each element of a repeated field.
template <class T, class Field>
void append(std::vector<std::byte>& to, const Field& field) {
  to.resize(static_cast<std::size_t>(field.size()) * sizeof(T));
  std::byte* at = to.data();
  for (const auto& element : field) {
    const T narrow = static_cast<T>(element);
    std::memcpy(at, &narrow, sizeof(T));
    at += sizeof(T);
  }
}

/// The typed field of a tensor that has no raw_data. Types of at most 16 bits lie in int32_data, packed ones
/// byte by byte.
std::vector<std::byte> typed_data(const onnx::TensorProto& t, DType dtype) {
  std::vector<std::byte> bytes;
  switch (dtype) {
    case DType::f32:
      append<float>(bytes, t.float_data());
      break;
    case DType::f64:
      append<double>(bytes, t.double_data());
      break;
    case DType::s64:
      append<std::int64_t>(bytes, t.int64_data());
      break;
    case DType::u32:
      append<std::uint32_t>(bytes, t.uint64_data());
      break;
    case DType::u64:
      append<std::uint64_t>(bytes, t.uint64_data());
      break;
    case DType::s32:
      append<std::int32_t>(bytes, t.int32_data());
      break;
    case DType::f16:
    case DType::bf16:
    case DType::s16:
    case DType::u16:
      append<std::uint16_t>(bytes, t.int32_data());
      break;
    default:
      append<std::uint8_t>(bytes, t.int32_data());
      break;
  }
  return bytes;
}

}  // namespace

DType dtype_from_onnx(int data_type) {
  using T = onnx::TensorProto;
  switch (data_type) {
    case T::FLOAT:
      return DType::f32;
    case T::UINT8:
      return DType::u8;
    case T::INT8:
      return DType::s8;
    case T::UINT16:
      return DType::u16;
    case T::INT16:
      return DType::s16;
    case T::INT32:
      return DType::s32;
    case T::INT64:
      return DType::s64;
    case T::BOOL:
      return DType::boolean;
    case T::FLOAT16:
      return DType::f16;
    case T::DOUBLE:
      return DType::f64;
    case T::UINT32:
      return DType::u32;
    case T::UINT64:
      return DType::u64;
    case T::BFLOAT16:
      return DType::bf16;
    case T::FLOAT8E4M3FN:
      return DType::f8e4m3fn;
    case T::FLOAT8E4M3FNUZ:
      return DType::f8e4m3fnuz;
    case T::FLOAT8E5M2:
      return DType::f8e5m2;
    case T::FLOAT8E5M2FNUZ:
      return DType::f8e5m2fnuz;
    case T::FLOAT8E8M0:
      return DType::f8e8m0;
    case T::UINT4:
      return DType::u4;
    case T::INT4:
      return DType::s4;
    case T::UINT2:
      return DType::u2;
    case T::INT2:
      return DType::s2;
    case T::FLOAT4E2M1:
      return DType::f4e2m1;
    default:
      return DType::none;
  }
}

int onnx_from_dtype(DType dtype) {
  for (int type = onnx::TensorProto::UNDEFINED; type <= onnx::TensorProto::DataType_MAX; ++type)
    if (dtype_from_onnx(type) == dtype) return type;
  return onnx::TensorProto::UNDEFINED;
}

std::string onnx_type_name(int data_type) {
  if (!onnx::TensorProto_DataType_IsValid(data_type)) return "data type " + std::to_string(data_type);
  return onnx::TensorProto_DataType_Name(static_cast<onnx::TensorProto_DataType>(data_type));
}

ConstantPtr constant_from_onnx(const onnx::TensorProto& tensor) {
  const std::string where = "tensor '" + tensor.name() + "' ";
  const DType dtype = dtype_from_onnx(tensor.data_type());
  if (dtype == DType::none)
    throw report::Unsupported{where + "is of type " + onnx_type_name(tensor.data_type()),
                              "cast it to a number type in the model"};
  if (tensor.has_segment())
    throw report::Unsupported{where + "is stored in segments", "save the model again with onnx.save"};
  if (tensor.data_location() == onnx::TensorProto::EXTERNAL)
    throw report::Unsupported{where + "is stored outside of the model", {}};
  if (tensor.dims_size() > max_rank)
    throw report::Unsupported{
        where + "has " + std::to_string(tensor.dims_size()) + " dimensions; at most 8 are supported", {}};
  auto constant = std::make_shared<Constant>();
  constant->dtype = dtype;
  for (auto d : tensor.dims()) constant->shape.push_back(d);
  std::uint64_t expected = 0;
  if (!constant->shape.checked_bytes(dtype, std::uint64_t{1} << 31, expected))
    throw report::Unsupported{where + "has an impossible shape, or more than 2 GiB", {}};
  if (tensor.has_raw_data()) {
    const auto raw = std::as_bytes(std::span(tensor.raw_data()));
    constant->bytes.assign(raw.begin(), raw.end());
  } else {
    constant->bytes = typed_data(tensor, dtype);
  }
  if (constant->bytes.size() != expected)
    throw report::Unsupported{where + "holds " + std::to_string(constant->bytes.size()) +
                                  " bytes where its dims need " + std::to_string(expected),
                              "export the model again"};
  if (dtype == DType::boolean)
    for (std::byte& b : constant->bytes) b = b == std::byte{0} ? std::byte{0} : std::byte{1};
  return constant;
}

ConstantPtr read_tensor_proto(const std::filesystem::path& path) {
  onnx::TensorProto proto;
  if (!proto.ParseFromString(read_bytes(path))) report::bad_input(path.string() + ": not an ONNX tensor");
  try {
    return constant_from_onnx(proto);
  } catch (const report::Unsupported& refused) {
    report::bad_input(path.string() + ": " + refused.reason);
  }
}

}  // namespace lithe::io
