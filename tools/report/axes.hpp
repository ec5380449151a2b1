// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <functional>
#include <string>
#include <vector>

#include "lithe/core/shape.hpp"

namespace lithe::report {

/// A shape that somebody may have meant, and what is to be done to the tensor.
struct MeantShape {
  Shape shape;
  std::string text;  ///< "it looks like channels last (NHWC) ...: transpose it, ..."
};

/// What a shape that does not fit was probably meant to be: the axes of an image in the other order, without or with one
/// batch axis too many, or height and width exchanged. Those alone for which `fits` is true, likeliest first.
std::vector<MeantShape> meant_shapes(const Shape& given, const std::function<bool(const Shape&)>& fits);

}  // namespace lithe::report
