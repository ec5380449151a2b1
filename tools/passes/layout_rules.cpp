// SPDX-License-Identifier: Apache-2.0
#include "tools/passes/layout_rules.hpp"

#include <algorithm>
#include <iterator>

namespace lithe::passes {

const LayoutRule* layout_rule(const Node& node) {
  static constexpr LayoutRule rules[] = {
      {.op = "ArgMax", .layout = Layout::picked_axis},
      {.op = "ArgMin", .layout = Layout::picked_axis},
      {.op = "BatchNormalization", .layout = Layout::last_axis, .ones = true},
      {.op = "Concat", .layout = Layout::axis, .ones = true},
      {.op = "CumProd", .layout = Layout::axis_input},
      {.op = "CumSum", .layout = Layout::axis_input},
      {.op = "Flatten", .layout = Layout::reshape},
      {.op = "FullyConnected", .layout = Layout::last_axis},
      {.op = "Gather", .layout = Layout::gather},
      {.op = "GroupNormalization", .layout = Layout::first_and_last},
      {.op = "Hardmax", .layout = Layout::axis, .axis = -1},
      {.op = "LRN", .layout = Layout::last_axis},
      {.op = "LayerNormalization", .layout = Layout::last_axes, .axis = -1},
      {.op = "LogSoftmax", .layout = Layout::axis, .axis = -1},
      {.op = "Pad", .layout = Layout::pad, .ones = true},
      {.op = "RMSNormalization", .layout = Layout::last_axes, .axis = -1},
      {.op = "ReduceL1", .layout = Layout::reduced_axes},
      {.op = "ReduceL2", .layout = Layout::reduced_axes},
      {.op = "ReduceLogSumExp", .layout = Layout::reduced_axes},
      {.op = "ReduceMax", .layout = Layout::reduced_axes},
      {.op = "ReduceMean", .layout = Layout::reduced_axes},
      {.op = "ReduceMin", .layout = Layout::reduced_axes},
      {.op = "ReduceProd", .layout = Layout::reduced_axes},
      {.op = "ReduceSum", .layout = Layout::reduced_axes},
      {.op = "ReduceSumSquare", .layout = Layout::reduced_axes},
      {.op = "Reshape", .layout = Layout::reshape},
      {.op = "Resize", .layout = Layout::resize},
      {.op = "Shape", .layout = Layout::shape},
      {.op = "Slice", .layout = Layout::slice, .ones = true},
      {.op = "Softmax", .layout = Layout::axis, .axis = -1, .ones = true},
      {.op = "Split", .layout = Layout::axis, .ones = true},
      {.op = "Squeeze", .layout = Layout::squeeze},
      {.op = "Tile", .layout = Layout::tile},
      {.op = "TopK", .layout = Layout::axis, .axis = -1},
      {.op = "Unsqueeze", .layout = Layout::unsqueeze},
  };
  const auto* found = std::find_if(std::begin(rules), std::end(rules),
                                   [&](const LayoutRule& rule) { return is(node, rule.op); });
  return found == std::end(rules) ? nullptr : found;
}

}  // namespace lithe::passes
