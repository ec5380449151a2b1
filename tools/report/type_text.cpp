// SPDX-License-Identifier: Apache-2.0
#include "tools/report/type_text.hpp"

namespace lithe::report {

std::string shape_text(const Shape& shape) {
  std::string text = "[";
  for (int i = 0; i < shape.rank(); ++i) text += (i == 0 ? "" : ", ") + std::to_string(shape[i]);
  return text + "]";
}

std::string dims_text(std::span<const std::int64_t> dims,
                      const std::function<std::string(std::int64_t)>& open) {
  std::string text;
  for (const std::int64_t dim : dims)
    text += (text.empty() ? "" : ", ") + (dim >= 0 ? std::to_string(dim) : open ? open(dim) : "?");
  return "[" + text + "]";
}

std::string type_text(const TensorView& tensor) {
  return std::string(name(tensor.dtype)) + " " + shape_text(tensor.shape);
}

}  // namespace lithe::report
