// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <span>
#include <vector>

#include "lithe/core/dtype.hpp"
#include "lithe/core/shape.hpp"
#include "tools/check/random.hpp"

/// What a model's inputs hold while it is checked.
namespace lithe::check {

using Buffer = std::vector<std::byte>;

/// random: where networks live; positive: the same without zeros and negative numbers.
enum class Contents { random, positive, zero, large };
const char* name(Contents contents);

inline constexpr float largest = 100;  ///< element of large f32 inputs

/// Integers stay small in `random` (they are often indices) and take the whole range of 8 bits.
Buffer make_contents(DType dtype, const Shape& shape, Contents contents, Random& random);
/// The numbers as elements of `dtype`: integers and booleans are rounded to the nearest that there is.
Buffer contents_of(std::span<const double> numbers, DType dtype);

}  // namespace lithe::check
