// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <string_view>

#include "tools/passes/node.hpp"

namespace lithe::passes {

/// How an operator depends on the order of its axes: what changes when the axes of input 0 change places.
enum class Layout : std::uint8_t {
  axis,            ///< attribute `axis`; outputs have the axes of the input
  picked_axis,     ///< attribute `axis`, which the output lacks, or has with one element (`keepdims`)
  axis_input,      ///< the one axis in input 1
  reduced_axes,    ///< the axes in input 1, or all; the output lacks them, or has them with one element
  last_axis,       ///< works along the last axis, for each index of the others alike
  first_and_last,  ///< the same, but the first axis stays the first
  last_axes,       ///< works along the axes from attribute `axis` on
  slice,           ///< the axes in input 3, or the first ones
  pad,             ///< the axes in input 3, or two numbers for each axis in input 1
  resize,          ///< attribute `axes`
  tile,            ///< a number for each axis in input 1
  gather,          ///< attribute `axis`, which the axes of input 1 replace
  squeeze,         ///< the axes in input 1 go
  unsqueeze,       ///< the axes in input 1 come
  reshape,         ///< axes merge and split in their order
  shape,           ///< an output element for each axis
};

/// The rule of one operator. Element-wise operators and quantizers need none: their specs and facts say all.
struct LayoutRule {
  std::string_view op;
  Layout layout;
  std::int64_t axis = 0;  ///< where attribute `axis` is absent
  bool ones = false;  ///< axes of one element may come and go before it as well: Squeeze and Unsqueeze pass
};

/// The rule of the node's operator; null: nothing passes through it.
const LayoutRule* layout_rule(const Node& node);

}  // namespace lithe::passes
