// SPDX-License-Identifier: Apache-2.0
#include <cstdint>
#include <optional>
#include <vector>

#include "lithe/ops/conv2d.hpp"
#include "lithe/ops/conv3d.hpp"
#include "lithe/ops/depthwise_conv2d.hpp"
#include "lithe/ops/reshape.hpp"
#include "lithe/ops/unsqueeze.hpp"
#include "tools/import/importer.hpp"
#include "tools/import/ops/spatial.hpp"

namespace lithe::import {
namespace {

using graph::ValueId;

/// [C * M, 1, (KH,) KW] as [KH, KW, C, M].
ValueId depthwise_filter(NodeImport& node, ValueId weights, std::int64_t channels, bool multiplied,
                         int axes) {
  ValueId split = weights;
  if (multiplied) {
    // 0 keeps KH and KW.
    std::vector<std::int64_t> shape{channels, -1, 0};
    if (axes == 2) shape.push_back(0);
    split = node.emit<ops::Reshape>({}, {weights, node.ints(shape)}, node.dtype(weights));
  }
  if (axes == 2) return node.transpose(split, {2, 3, 0, 1});
  return node.emit<ops::Unsqueeze>({}, {node.transpose(split, {2, 0, 1}), node.ints({0})},
                                   node.dtype(weights));
}

template <class Op>
ValueId convolution(NodeImport& node, const Window& window, std::int32_t group,
                    const std::vector<ValueId>& inputs) {
  typename Op::Attributes attributes;
  window.apply(attributes);
  if constexpr (requires { attributes.group; }) attributes.group = group;
  return node.emit<Op>(attributes, inputs, node.dtype(inputs[0]));
}

/// Conv-1, 11, 22. input [N, C, (D,) (H,) W], weights [O, C / group, (KD,) (KH,) KW], bias [O].
void import_conv(NodeImport& node) {
  const int axes = spatial_axes(node);
  const ValueId weights = node.input(1);
  const std::optional<graph::Dims> dims = filter_dims(node, weights, axes);
  const Window window = read_window(node, axes, kernel_shape(node, dims));
  const std::int32_t group = read_group(node);

  const bool depthwise = group > 1 && dims && (*dims)[1] == 1 && axes < 3;
  std::vector<ValueId> inputs{spatial_input(node, window, axes, 0.0F),
                              depthwise ? depthwise_filter(node, weights, group, (*dims)[0] != group, axes)
                                        : channels_last(node, weights, axes)};
  if (node.has(2)) inputs.push_back(node.input(2));
  output_channels_first(node,
                        depthwise   ? convolution<ops::DepthwiseConv2D>(node, window, group, inputs)
                        : axes == 3 ? convolution<ops::Conv3D>(node, window, group, inputs)
                                    : convolution<ops::Conv2D>(node, window, group, inputs),
                        axes);
}

}  // namespace

void register_conv(ImporterTable& table) { table.add("Conv", import_conv); }

}  // namespace lithe::import
