// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <vector>

#include "lithe/core/dtype.hpp"
#include "lithe/core/shape.hpp"
#include "tools/check/random.hpp"

/// What a model's inputs hold while it is checked.
namespace lithe::check {

using Buffer = std::vector<std::byte>;

enum class Contents { zero, random, large };
const char* name(Contents contents);

inline constexpr float largest = 100;  ///< element of large f32 inputs

/// Integers stay small in `random` (they are often indices) and take the whole range of 8 bits.
Buffer make_contents(DType dtype, const Shape& shape, Contents contents, Random& random);

/// How many contents make_host_contents knows.
inline constexpr int host_attempts = 4;
/// Contents for a shape-deciding input, of which nothing is known: a few that operators usually take, by
/// `attempt` from 0 on.
Buffer make_host_contents(DType dtype, const Shape& shape, int attempt);

/// The contents moved by up to `step`, each element on its own.
Buffer moved(const Buffer& from, DType dtype, double step, Random& random);

}  // namespace lithe::check
