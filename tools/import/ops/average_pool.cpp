// SPDX-License-Identifier: Apache-2.0
#include <optional>

#include "lithe/ops/average_pool2d.hpp"
#include "tools/import/importer.hpp"
#include "tools/import/ops/spatial.hpp"

namespace lithe::import {
namespace {

/// AveragePool-1 to 22: count_include_pad since 7, ceil_mode since 10, dilations since 19.
void import_average_pool(NodeImport& node) {
  const int axes = spatial_axes(node);
  const Window window = read_window(node, axes, node.attribute_ints("kernel_shape"));
  ops::AveragePool2D::Attributes attributes;
  attributes.ceil_mode = node.attribute_int("ceil_mode", 0) != 0 && !window.same;
  read_attribute(node, "count_include_pad", attributes.count_include_pad);
  // Zeros in front of the pool would count as elements.
  const bool counted = attributes.count_include_pad;
  import_pool<ops::AveragePool2D>(node, attributes, window, axes,
                                  counted ? std::optional(0.0F) : std::nullopt);
}

}  // namespace

void register_average_pool(ImporterTable& table) { table.add("AveragePool", import_average_pool); }

}  // namespace lithe::import
