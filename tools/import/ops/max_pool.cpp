// SPDX-License-Identifier: Apache-2.0
#include "lithe/ops/max_pool2d.hpp"
#include "tools/import/importer.hpp"
#include "tools/import/ops/spatial.hpp"

namespace lithe::import {
namespace {

/// MaxPool-1 to 22: storage_order and Indices since 8, ceil_mode and dilations since 10.
void import_max_pool(NodeImport& node) {
  if (node.wants(1)) node.refuse("the output Indices of MaxPool is not supported");
  const int axes = spatial_axes(node);
  const Window window = read_window(node, axes, node.attribute_ints("kernel_shape"));
  node.attribute_int("storage_order", 0);  // orders Indices alone
  ops::MaxPool2D::Attributes attributes;
  attributes.kernel = window.kernel, attributes.strides = window.strides;
  attributes.dilations = window.dilations, attributes.pads = window.pads;
  attributes.ceil_mode = node.attribute_int("ceil_mode", 0) != 0 && !window.same;
  const graph::ValueId input = node.input(0);
  output_channels_first(
      node, node.emit<ops::MaxPool2D>(attributes, {channels_last(node, input, axes)}, node.dtype(input)),
      axes);
}

}  // namespace

void register_max_pool(ImporterTable& table) { table.add("MaxPool", import_max_pool); }

}  // namespace lithe::import
