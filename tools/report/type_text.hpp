// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <functional>
#include <span>
#include <string>

#include "lithe/core/tensor.hpp"

namespace lithe::report {

/// "float32 [1, 3, 224, 224]".
std::string type_text(const TensorView& tensor);
/// "[1, 3, 224, 224]".
std::string shape_text(const Shape& shape);
/// "[1, 3, ?, ?]": sizes, and what `open` calls each dimension that has none (a negative number); "?" unless given.
std::string dims_text(std::span<const std::int64_t> dims,
                      const std::function<std::string(std::int64_t)>& open = {});

}  // namespace lithe::report
