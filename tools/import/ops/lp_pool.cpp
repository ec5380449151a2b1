// SPDX-License-Identifier: Apache-2.0

#include "lithe/ops/lp_pool2d.hpp"
#include "tools/import/importer.hpp"
#include "tools/import/ops/spatial.hpp"

namespace lithe::import {
namespace {

/// LpPool-2 to 22: ceil_mode and dilations since 18.
void import_lp_pool(NodeImport& node) {
  const int axes = spatial_axes(node);
  const Window window = read_window(node, axes, node.attribute_ints("kernel_shape"));
  ops::LpPool2D::Attributes attributes;
  attributes.ceil_mode = node.attribute_int("ceil_mode", 0) != 0 && !window.same;
  read_attribute(node, "p", attributes.p);
  import_pool<ops::LpPool2D>(node, attributes, window, axes, 0.0F);
}

/// GlobalLpPool-2, 22: one window that covers the whole picture, whose size must be known.
void import_global_lp_pool(NodeImport& node) {
  const int axes = spatial_axes(node);
  Window window;
  window.kernel = per_axis(node, known_sizes(node, 2), axes, "kernel_shape");
  ops::LpPool2D::Attributes attributes;
  read_attribute(node, "p", attributes.p);
  import_pool<ops::LpPool2D>(node, attributes, window, axes, 0.0F);
}

}  // namespace

void register_lp_pool(ImporterTable& table) {
  table.add("LpPool", import_lp_pool, 2);
  table.add("GlobalLpPool", import_global_lp_pool, 2);
}

}  // namespace lithe::import
