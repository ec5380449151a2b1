// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "lithe/ops/squeeze.hpp"
#include "lithe/ops/unsqueeze.hpp"
#include "tools/import/importer.hpp"
#include "tools/import/ops/row.hpp"

/// What convolution and pooling share: windows over one or two spatial axes, and the way between ONNX's
/// channels-first tensors and lithe's channels-last ones. One spatial axis is the width of an image of
/// height 1.
namespace lithe::import {

/// How a window moves, in lithe's words; {height, width} and {top, left, bottom, right}.
struct Window {
  std::array<std::int32_t, 2> kernel{1, 1}, strides{1, 1}, dilations{1, 1};
  std::array<std::int32_t, 4> pads{};
  bool same = false;  ///< auto_pad SAME_*: pads already make the output ceil(input / stride)
};

/// Spatial axes of input 0 [N, C, ...]: 1 or 2; others are refused by name. A filter [O, C, ...] tells too.
inline int spatial_axes(const NodeImport& node) {
  const bool filter = !node.rank(node.input(0)) && node.op_type() == "Conv" && node.has(1);
  const int axes = node.required_rank(node.input(filter ? 1 : 0)) - 2;
  if (axes < 1 || axes > 2)
    node.refuse(node.op_type() + " over " + std::to_string(std::max(axes, 0)) +
                " spatial axes is not supported; 1 and 2 are");
  return axes;
}

/// An attribute with one number (at least 1) a spatial axis; a missing height is 1.
inline std::array<std::int32_t, 2> per_axis(const NodeImport& node, const std::vector<std::int64_t>& values,
                                            int axes, std::string_view name) {
  std::array<std::int32_t, 2> result{1, 1};
  if (values.empty()) return result;
  if (values.size() != static_cast<std::size_t>(axes))
    node.refuse("attribute " + std::string(name) + " has " + std::to_string(values.size()) + " numbers for " +
                std::to_string(axes) + " spatial axes");
  for (int a = 0; a < axes; ++a) {
    const std::int32_t v = narrow(node, values[static_cast<std::size_t>(a)], name);
    if (v < 1)
      node.refuse("attribute " + std::string(name) + " = " + std::to_string(v) + " must be at least 1");
    const int at = 2 - axes + a;
    result[static_cast<std::size_t>(at)] = v;
  }
  return result;
}

/// Padding of spatial axis `a` (0 height, 1 width) under SAME: the output is ceil(input / stride).
inline std::int64_t same_padding(const NodeImport& node, const Window& window, int axes, int a) {
  const auto at = static_cast<std::size_t>(a);
  const std::int64_t stride = window.strides[at];
  const std::int64_t extent = (std::int64_t{window.kernel[at]} - 1) * window.dilations[at] + 1;
  if (stride == 1) return extent - 1;  // whatever the size
  const auto& dims = node.value(node.input(0)).dims;
  const int axis = a + axes;  // height and width are axes 2 and 3, a width alone is axis 2
  const std::int64_t size = dims ? (*dims)[static_cast<std::size_t>(axis)] : -1;
  if (size < 0)
    node.refuse("auto_pad SAME with a stride needs spatial dimensions that are known at conversion",
                "fix them with --shape NAME=N,C,H,W for the graph's input");
  if (size == 0) return 0;
  const std::int64_t output = (size + stride - 1) / stride;
  return std::max<std::int64_t>((output - 1) * stride + extent - size, 0);
}

/// Reads strides, dilations, pads and auto_pad. `kernel` has one number a spatial axis; empty where it is not
/// known, which only SAME cannot do without. `dilated`: whether this operator has dilations in this opset.
inline Window read_window(NodeImport& node, int axes, const std::vector<std::int64_t>& kernel,
                          bool dilated = true) {
  Window window;
  window.kernel = per_axis(node, kernel, axes, "kernel_shape");
  window.strides = per_axis(node, node.attribute_ints("strides"), axes, "strides");
  if (dilated) window.dilations = per_axis(node, node.attribute_ints("dilations"), axes, "dilations");
  const std::string mode = node.attribute_string("auto_pad", "NOTSET");
  const std::vector<std::int64_t> pads = node.attribute_ints("pads");
  if (mode == "VALID") return window;
  const auto first = static_cast<std::size_t>(2 - axes);
  if (mode == "SAME_UPPER" || mode == "SAME_LOWER") {
    if (kernel.empty()) node.refuse("auto_pad SAME needs kernel_shape or weights of a known shape");
    window.same = true;
    for (std::size_t a = first; a < 2; ++a) {
      const std::int64_t total = same_padding(node, window, axes, static_cast<int>(a));
      const std::int64_t before = mode == "SAME_UPPER" ? total / 2 : total - total / 2;
      window.pads[a] = narrow(node, before, "pads"),
      window.pads[a + 2] = narrow(node, total - before, "pads");
    }
    return window;
  }
  if (mode != "NOTSET" && !mode.empty()) node.refuse("auto_pad = \"" + mode + "\" is not known");
  if (pads.empty()) return window;
  const auto n = static_cast<std::size_t>(axes);
  if (pads.size() != 2 * n)
    node.refuse("attribute pads has " + std::to_string(pads.size()) + " numbers for " + std::to_string(axes) +
                " spatial axes");
  for (std::size_t a = 0; a < n; ++a)
    window.pads[first + a] = narrow(node, pads[a], "pads"),
                        window.pads[first + a + 2] = narrow(node, pads[a + n], "pads");
  return window;
}

/// [N, C, (H,) W] as [N, H, W, C], H = 1 where there is none.
inline graph::ValueId channels_last(NodeImport& node, graph::ValueId value, int axes) {
  if (axes == 2) return node.transpose(value, {0, 2, 3, 1});
  return node.emit<ops::Unsqueeze>({}, {node.transpose(value, {0, 2, 1}), node.ints({1})}, node.dtype(value));
}

/// The way back: makes `value` [N, OH, OW, C] the ONNX node's output 0.
inline void output_channels_first(NodeImport& node, graph::ValueId value, int axes) {
  if (axes == 2) return node.output(0, node.transpose(value, {0, 3, 1, 2}));
  const graph::ValueId flat = node.emit<ops::Squeeze>({}, {value, node.ints({1})}, node.dtype(value));
  node.output(0, node.transpose(flat, {0, 2, 1}));
}

}  // namespace lithe::import
