// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <memory>
#include <span>
#include <vector>

#include "lithe/core/tensor.hpp"

namespace lithe::io {

/// A constant tensor, shared by every value that holds it; `bytes` is packed as in the file.
struct Constant {
  DType dtype = DType::none;
  Shape shape;
  std::vector<std::byte> bytes;

  TensorView view() const { return {bytes.data(), dtype, shape}; }
  template <class T>
  std::span<const T> as() const {
    return {reinterpret_cast<const T*>(bytes.data()), bytes.size() / sizeof(T)};
  }
};
using ConstantPtr = std::shared_ptr<const Constant>;

template <class T>
ConstantPtr make_constant(const Shape& shape, std::span<const T> elements) {
  auto c = std::make_shared<Constant>();
  c->dtype = dtype_of<T>;
  c->shape = shape;
  const auto raw = std::as_bytes(elements);
  c->bytes.assign(raw.begin(), raw.end());
  return c;
}

}  // namespace lithe::io
