// SPDX-License-Identifier: Apache-2.0
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "lithe/ops/conv2d.hpp"
#include "lithe/ops/depthwise_conv2d.hpp"
#include "lithe/ops/reshape.hpp"
#include "lithe/ops/unsqueeze.hpp"
#include "tools/import/importer.hpp"
#include "tools/import/ops/row.hpp"
#include "tools/import/ops/spatial.hpp"

namespace lithe::import {
namespace {

using graph::ValueId;

/// The kernel's extents: the attribute, else the weights' dimensions, else empty.
std::vector<std::int64_t> kernel_shape(NodeImport& node, const std::optional<graph::Dims>& weights) {
  std::vector<std::int64_t> kernel = node.attribute_ints("kernel_shape");
  if (!weights) return kernel;
  std::vector<std::int64_t> real(weights->begin() + 2, weights->end());
  if (!graph::fixed(real)) return kernel;
  if (!kernel.empty() && kernel != real) node.refuse("kernel_shape contradicts the shape of the weights");
  return real;
}

/// [O, C / group, (KH,) KW] as [O, KH, KW, C / group].
ValueId filter(NodeImport& node, ValueId weights, int axes) {
  if (axes == 2) return node.transpose(weights, {0, 2, 3, 1});
  return node.emit<ops::Unsqueeze>({}, {node.transpose(weights, {0, 2, 1}), node.ints({1})},
                                   node.dtype(weights));
}

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

/// Conv-1, 11, 22. input [N, C, (H,) W], weights [O, C / group, (KH,) KW], bias [O].
void import_conv(NodeImport& node) {
  const int axes = spatial_axes(node);
  const ValueId weights = node.input(1);
  const std::optional<graph::Dims> dims = node.value(weights).dims;  // a copy: emitting moves values
  if (dims && dims->size() != static_cast<std::size_t>(axes) + 2)
    node.refuse("the weights' rank does not fit the input's");
  const Window window = read_window(node, axes, kernel_shape(node, dims));
  std::int32_t group = 1;
  read_attribute(node, "group", group);
  if (group < 1) node.refuse("attribute group = " + std::to_string(group) + " must be at least 1");

  const bool depthwise = group > 1 && dims && (*dims)[1] == 1;
  std::vector<ValueId> inputs{channels_last(node, node.input(0), axes),
                              depthwise ? depthwise_filter(node, weights, group, (*dims)[0] != group, axes)
                                        : filter(node, weights, axes)};
  if (node.has(2)) inputs.push_back(node.input(2));
  const DType dtype = node.dtype(node.input(0));
  ValueId output;
  if (depthwise) {
    ops::DepthwiseConv2D::Attributes attributes;
    attributes.strides = window.strides, attributes.dilations = window.dilations;
    attributes.pads = window.pads;
    output = node.emit<ops::DepthwiseConv2D>(attributes, inputs, dtype);
  } else {
    ops::Conv2D::Attributes attributes;
    attributes.strides = window.strides, attributes.dilations = window.dilations;
    attributes.pads = window.pads;
    attributes.group = group;
    output = node.emit<ops::Conv2D>(attributes, inputs, dtype);
  }
  output_channels_first(node, output, axes);
}

}  // namespace

void register_conv(ImporterTable& table) { table.add("Conv", import_conv); }

}  // namespace lithe::import
