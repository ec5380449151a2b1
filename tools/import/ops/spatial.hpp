// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "lithe/ops/binary.hpp"
#include "lithe/ops/concat.hpp"
#include "lithe/ops/detail/window.hpp"
#include "lithe/ops/gather.hpp"
#include "lithe/ops/pad.hpp"
#include "lithe/ops/shape.hpp"
#include "lithe/ops/squeeze.hpp"
#include "lithe/ops/unsqueeze.hpp"
#include "tools/import/importer.hpp"
#include "tools/import/ops/compose.hpp"
#include "tools/import/ops/row.hpp"

/// What convolution and pooling share: windows over one to three spatial axes, and the way between ONNX's
/// channels-first tensors and lithe's channels-last ones. One spatial axis is the width of an image of
/// height 1.
namespace lithe::import {

/// How a window moves, in lithe's words; {depth, height, width} and {front, top, left, back, bottom, right}.
struct Window {
  std::array<std::int32_t, 3> kernel{1, 1, 1}, strides{1, 1, 1}, dilations{1, 1, 1};
  std::array<std::int32_t, 6> pads{};
  bool same = false;           ///< auto_pad SAME_*: the output is ceil(input / stride)
  bool upper = false;          ///< an odd element of that padding goes after
  std::array<bool, 3> open{};  ///< axes whose padding under SAME depends on sizes known at run time only

  /// Sets what an operator over the last axes of the window has of it.
  template <class Attributes>
  void apply(Attributes& a) const {
    const std::size_t axes = a.strides.size(), first = 3 - axes;
    for (std::size_t i = 0; i < axes; ++i) {
      a.strides[i] = strides[first + i];
      a.dilations[i] = dilations[first + i];
      a.pads[i] = pads[first + i];
      a.pads[i + axes] = pads[first + i + 3];
      if constexpr (requires { a.kernel; }) a.kernel[i] = kernel[first + i];
    }
  }
  ops::detail::WindowAxis axis(std::size_t i) const {
    return {kernel[i], strides[i], dilations[i], pads[i], pads[i + 3]};
  }
};

/// Spatial axes of input 0 [N, C, ...]: 1 to 3; others are refused by name. A filter [O, C, ...] tells too.
inline int spatial_axes(const NodeImport& node) {
  const bool filter = !node.rank(node.input(0)) && node.op_type() == "Conv" && node.has(1);
  const int axes = node.required_rank(node.input(filter ? 1 : 0)) - 2;
  if (axes < 1 || axes > 3)
    node.refuse(node.op_type() + " over " + std::to_string(std::max(axes, 0)) +
                " spatial axes is not supported; 1 to 3 are");
  return axes;
}

/// The dims of a filter with two axes besides the spatial ones; nullopt where they are not known.
inline std::optional<graph::Dims> filter_dims(const NodeImport& node, graph::ValueId filter, int axes) {
  std::optional<graph::Dims> dims = node.value(filter).dims;
  if (dims && dims->size() != static_cast<std::size_t>(axes) + 2)
    node.refuse("the weights' rank does not fit the input's");
  return dims;
}

/// Attribute group, at least 1.
inline std::int32_t read_group(NodeImport& node) {
  std::int32_t group = 1;
  read_attribute(node, "group", group);
  if (group < 1) node.refuse("attribute group = " + std::to_string(group) + " must be at least 1");
  return group;
}

/// An attribute with one number (at least `least`) for each spatial axis; missing ones, in front, are
/// `least`.
inline std::array<std::int32_t, 3> per_axis(const NodeImport& node, const std::vector<std::int64_t>& values,
                                            int axes, std::string_view name, std::int32_t least = 1) {
  std::array<std::int32_t, 3> result{least, least, least};
  if (values.empty()) return result;
  if (values.size() != static_cast<std::size_t>(axes))
    node.refuse("attribute " + std::string(name) + " has " + std::to_string(values.size()) + " numbers for " +
                std::to_string(axes) + " spatial axes");
  for (std::size_t a = 0; a < values.size(); ++a) {
    const std::int32_t v = narrow(node, values[a], name);
    if (v < least)
      node.refuse("attribute " + std::string(name) + " = " + std::to_string(v) + " must be at least " +
                  std::to_string(least));
    result[3 - values.size() + a] = v;
  }
  return result;
}

/// Padding of axis `a` of a window under SAME; nullopt where the input's size must be known and is not.
inline std::optional<std::int64_t> same_padding(const NodeImport& node, const Window& window, int axes,
                                                std::size_t a) {
  const std::int64_t stride = window.strides[a];
  const std::int64_t extent = (std::int64_t{window.kernel[a]} - 1) * window.dilations[a] + 1;
  if (stride == 1) return extent - 1;  // whatever the size
  const auto& dims = node.value(node.input(0)).dims;
  const std::int64_t size = dims ? (*dims)[a + static_cast<std::size_t>(axes) - 1] : -1;
  if (size < 0) return std::nullopt;
  if (size == 0) return 0;
  const std::int64_t output = (size + stride - 1) / stride;
  return std::max<std::int64_t>((output - 1) * stride + extent - size, 0);
}

/// Splits the padding `total` of axis `a`; an odd element goes after the input where `upper`.
inline void split_padding(const NodeImport& node, Window& window, std::size_t a, std::int64_t total,
                          bool upper) {
  const std::int64_t before = upper ? total / 2 : total - total / 2;
  window.pads[a] = narrow(node, before, "pads");
  window.pads[a + 3] = narrow(node, total - before, "pads");
}

/// Reads kernel_shape's numbers, strides and dilations.
inline Window read_steps(NodeImport& node, int axes, const std::vector<std::int64_t>& kernel) {
  Window window;
  window.kernel = per_axis(node, kernel, axes, "kernel_shape");
  window.strides = per_axis(node, node.attribute_ints("strides"), axes, "strides");
  window.dilations = per_axis(node, node.attribute_ints("dilations"), axes, "dilations");
  return window;
}

/// auto_pad, one of NOTSET, VALID, SAME_UPPER and SAME_LOWER.
inline std::string read_auto_pad(NodeImport& node) {
  std::string mode = node.attribute_string("auto_pad", "NOTSET");
  if (mode.empty()) return "NOTSET";
  if (mode != "NOTSET" && mode != "VALID" && mode != "SAME_UPPER" && mode != "SAME_LOWER")
    node.refuse("auto_pad = \"" + mode + "\" is not known");
  return mode;
}

/// Reads the attribute pads, where it is given, into `window`.
inline void read_pads(NodeImport& node, int axes, Window& window) {
  const std::vector<std::int64_t> pads = node.attribute_ints("pads");
  const auto n = static_cast<std::size_t>(axes), first = 3 - n;
  if (pads.empty()) return;
  if (pads.size() != 2 * n)
    node.refuse("attribute pads has " + std::to_string(pads.size()) + " numbers for " + std::to_string(axes) +
                " spatial axes");
  for (std::size_t a = 0; a < n; ++a) {
    window.pads[first + a] = narrow(node, pads[a], "pads");
    window.pads[first + a + 3] = narrow(node, pads[a + n], "pads");
  }
}

/// Reads strides, dilations, pads and auto_pad. `kernel` has one number for each spatial axis; empty where it
/// is not known, which only SAME cannot do without.
inline Window read_window(NodeImport& node, int axes, const std::vector<std::int64_t>& kernel) {
  Window window = read_steps(node, axes, kernel);
  const std::string mode = read_auto_pad(node);
  Window padded = window;
  read_pads(node, axes, padded);
  if (mode == "NOTSET") return padded;
  if (mode == "VALID") return window;
  if (kernel.empty()) node.refuse("auto_pad SAME needs kernel_shape or weights of a known shape");
  window.same = true;
  window.upper = mode == "SAME_UPPER";
  for (std::size_t a = 3 - static_cast<std::size_t>(axes); a < 3; ++a) {
    const auto total = same_padding(node, window, axes, a);
    window.open[a] = !total;
    split_padding(node, window, a, total.value_or(0), window.upper);
  }
  return window;
}

/// A convolution's kernel: the attribute, else the weights' dimensions after the first two, else empty.
inline std::vector<std::int64_t> kernel_shape(NodeImport& node, const std::optional<graph::Dims>& weights) {
  std::vector<std::int64_t> kernel = node.attribute_ints("kernel_shape");
  if (!weights) return kernel;
  std::vector<std::int64_t> real(weights->begin() + 2, weights->end());
  if (!graph::fixed(real)) return kernel;
  if (!kernel.empty() && kernel != real) node.refuse("kernel_shape contradicts the shape of the weights");
  return real;
}

/// The order of [N, C, ...] as [N, ..., C], or back.
inline std::vector<std::int32_t> channels_last_order(int axes) {
  return axes == 1   ? std::vector<std::int32_t>{0, 2, 1}
         : axes == 2 ? std::vector<std::int32_t>{0, 2, 3, 1}
                     : std::vector<std::int32_t>{0, 2, 3, 4, 1};
}
inline std::vector<std::int32_t> channels_first_order(int axes) {
  return axes == 1   ? std::vector<std::int32_t>{0, 2, 1}
         : axes == 2 ? std::vector<std::int32_t>{0, 3, 1, 2}
                     : std::vector<std::int32_t>{0, 4, 1, 2, 3};
}

/// [N, C, (D,) (H,) W] as [N, (D,) H, W, C], H = 1 where there is none.
inline graph::ValueId channels_last(NodeImport& node, graph::ValueId value, int axes) {
  const graph::ValueId last = node.transpose(value, channels_last_order(axes));
  return axes > 1 ? last : node.emit<ops::Unsqueeze>({}, {last, node.ints({1})}, node.dtype(value));
}

/// `value`, channels last, padded with `fill` so that the open axes of the window give ceil(input / stride).
inline graph::ValueId same_padded(NodeImport& node, graph::ValueId value, const Window& window, int axes,
                                  float fill) {
  std::vector<std::int64_t> at, strides, extents;
  for (std::size_t a = 0; a < 3; ++a) {
    if (!window.open[a]) continue;
    at.push_back(static_cast<std::int64_t>(a) + (axes == 3 ? 1 : 0));
    strides.push_back(window.strides[a]);
    extents.push_back((std::int64_t{window.kernel[a]} - 1) * window.dilations[a] + 1 - window.strides[a]);
  }
  const auto axis = node.ints(at), stride = node.ints(strides), one = node.ints({1});
  const auto binary = [&]<class Op>(graph::ValueId a, graph::ValueId b) {
    return node.emit<Op>({}, {a, b}, DType::s64);
  };
  const auto size =
      node.emit<ops::Gather>({}, {node.emit<ops::ShapeOf>({}, {value}, DType::s64), axis}, DType::s64);
  const auto rounded = binary.operator()<ops::Sub>(binary.operator()<ops::Add>(size, stride), one);
  const auto covered = binary.operator()<ops::Mul>(binary.operator()<ops::Div>(rounded, stride), stride);
  const auto missing =
      binary.operator()<ops::Sub>(binary.operator()<ops::Add>(covered, node.ints(extents)), size);
  const auto total = binary.operator()<ops::Max>(missing, node.ints({0}));
  const auto less = binary.operator()<ops::Div>(total, node.ints({2}));
  const auto more = binary.operator()<ops::Sub>(total, less);
  const auto pads = node.emit<ops::Concat>(
      {}, window.upper ? std::vector{less, more} : std::vector{more, less}, DType::s64);
  const DType dtype = node.dtype(value);
  return node.emit<ops::Pad>({}, {value, pads, node.scalar(fill, dtype), axis}, dtype);
}

/// Input 0 channels last, padded where the window leaves axes open; `fill` is what padding holds: where it
/// has none, or the elements are not floating-point numbers, such a window is refused.
inline graph::ValueId spatial_input(NodeImport& node, const Window& window, int axes,
                                    std::optional<float> fill) {
  const graph::ValueId value = channels_last(node, node.input(0), axes);
  if (window.open == std::array<bool, 3>{}) return value;
  if (!fill || !is_float(node.dtype(value)))
    node.refuse("auto_pad SAME with a stride needs spatial dimensions that are known at conversion",
                "fix them with --shape NAME=N,C,H,W for the graph's input");
  return same_padded(node, value, window, axes, *fill);
}

/// The way back: makes `value` [N, (OD,) OH, OW, C] the ONNX node's output `o`.
inline void output_channels_first(NodeImport& node, graph::ValueId value, int axes, int o = 0) {
  if (axes == 1) value = node.emit<ops::Squeeze>({}, {value, node.ints({1})}, node.dtype(value));
  node.output(o, node.transpose(value, channels_first_order(axes)));
}

/// Sizes of input 0 [N, C, ...] from axis `first` on; refuses the node where they are not known or 0.
inline std::vector<std::int64_t> known_sizes(const NodeImport& node, std::size_t first) {
  const auto& dims = node.value(node.input(0)).dims;
  const std::vector<std::int64_t> sizes =
      dims ? std::vector(dims->begin() + static_cast<std::ptrdiff_t>(first), dims->end())
           : std::vector<std::int64_t>{-1};
  for (const std::int64_t size : sizes)
    if (size <= 0)
      node.refuse(node.op_type() + " needs spatial dimensions that are known at conversion",
                  "fix them with --shape NAME=N,C,H,W for the graph's input");
  return sizes;
}

/// Whether sizes of input 0 [N, C, ...] from axis `first` on are known and not 0.
inline bool has_known_sizes(const NodeImport& node, std::size_t first) {
  const auto& dims = node.value(node.input(0)).dims;
  return dims && std::all_of(dims->begin() + static_cast<std::ptrdiff_t>(first), dims->end(),
                             [](std::int64_t size) { return size > 0; });
}

/// The spatial axes of [N, C, ...].
inline std::vector<std::int64_t> after_channels(int axes) {
  std::vector<std::int64_t> result;
  for (int a = 0; a < axes; ++a) result.push_back(a + 2);
  return result;
}

/// A reduction of input 0 [N, C, ...] over its spatial axes, which stay with size 1.
template <class Reduction>
void import_over_spatial_axes(NodeImport& node, int axes) {
  node.emit_outputs<Reduction>({}, {node.input(0), node.ints(after_channels(axes))});
}

/// Pools input 0 with `attributes` and a window, see spatial_input. Over three axes in two steps, because
/// each of these pools is one over height and width followed by one over depth.
template <class Op>
void import_pool(NodeImport& node, typename Op::Attributes attributes, const Window& window, int axes,
                 std::optional<float> fill) {
  const graph::ValueId input = node.input(0);
  const DType dtype = node.dtype(input);
  window.apply(attributes);
  graph::ValueId value = spatial_input(node, window, axes, fill);
  if (axes < 3) return output_channels_first(node, node.emit<Op>(attributes, {value}, dtype), axes);
  Compose c(node);
  const auto size = [&](int axis) { return c.size(value, axis); };
  const Size depth = size(1), channels = size(4);
  value = c.reshape(value, {-1, size(2), size(3), channels});
  value = node.emit<Op>(attributes, {value}, dtype);
  const Size height = size(1), width = size(2);
  value = c.reshape(value, {-1, depth, c.times(height, width), channels});
  Window along;
  for (auto member : {&Window::kernel, &Window::strides, &Window::dilations})
    (along.*member)[1] = (window.*member)[0];
  along.pads[1] = window.pads[0];
  along.pads[4] = window.pads[3];
  along.apply(attributes);
  value = node.emit<Op>(attributes, {value}, dtype);
  value = c.reshape(value, {-1, size(1), height, width, channels});
  output_channels_first(node, value, axes);
}

}  // namespace lithe::import
