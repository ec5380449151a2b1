// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>

#include "lithe/core/tensor.hpp"

namespace lithe::report {

/// "float32 [1, 3, 224, 224]".
std::string type_text(const TensorView& tensor);
/// "[1, 3, 224, 224]".
std::string shape_text(const Shape& shape);

}  // namespace lithe::report
