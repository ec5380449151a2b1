// SPDX-License-Identifier: Apache-2.0
#include <limits>

#include "lithe/ops/argmax_pool2d.hpp"
#include "lithe/ops/max_pool2d.hpp"
#include "tools/import/importer.hpp"
#include "tools/import/ops/spatial.hpp"

namespace lithe::import {
namespace {

/// The form with the output Indices: positions in the whole input tensor.
void import_with_indices(NodeImport& node, const Window& window, int axes, bool ceil, bool column_major) {
  if (axes > 2) node.refuse("MaxPool with Indices over 3 spatial axes is not supported; 1 and 2 are");
  ops::ArgmaxPool2D::Attributes attributes;
  window.apply(attributes);
  attributes.ceil_mode = ceil;
  attributes.column_major = column_major;
  const graph::ValueId input = node.input(0);
  const auto outputs = node.emit_several<ops::ArgmaxPool2D>(
      attributes, {spatial_input(node, window, axes, std::nullopt)}, {node.dtype(input), DType::s64});
  if (node.wants(0)) output_channels_first(node, outputs[0], axes);
  output_channels_first(node, outputs[1], axes, 1);
}

/// MaxPool-1 to 22: storage_order and Indices since 8, ceil_mode and dilations since 10.
void import_max_pool(NodeImport& node) {
  const int axes = spatial_axes(node);
  const Window window = read_window(node, axes, node.attribute_ints("kernel_shape"));
  const bool column_major = node.attribute_int("storage_order", 0) != 0;  // orders Indices alone
  const bool ceil = node.attribute_int("ceil_mode", 0) != 0 && !window.same;
  if (node.wants(1)) return import_with_indices(node, window, axes, ceil, column_major);
  ops::MaxPool2D::Attributes attributes;
  attributes.ceil_mode = ceil;
  import_pool<ops::MaxPool2D>(node, attributes, window, axes, -std::numeric_limits<float>::infinity());
}

}  // namespace

void register_max_pool(ImporterTable& table) { table.add("MaxPool", import_max_pool); }

}  // namespace lithe::import
