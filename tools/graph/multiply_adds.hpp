// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <span>
#include <string_view>

#include "lithe/runtime/inspect.hpp"

namespace lithe::graph {

/// Multiply-adds of a node, from the shapes of its inputs and of its first output; 0 for operators that are
/// no sums of products.
std::uint64_t multiply_adds(std::string_view op, std::span<const Shape> inputs, const Shape& output,
                            bool transpose_a = false);
/// The same of a session's node, at its current shapes.
std::uint64_t multiply_adds(const runtime::NodeView& node);

}  // namespace lithe::graph
