// SPDX-License-Identifier: Apache-2.0
#include <cmath>

#include "lithe/ops/binary.hpp"
#include "lithe/ops/lp_pool2d.hpp"
#include "lithe/ops/reduce.hpp"
#include "lithe/ops/unary.hpp"
#include "tools/import/importer.hpp"
#include "tools/import/ops/spatial.hpp"

namespace lithe::import {
namespace {

/// The exponent of the norm; a float in opset 1.
std::int32_t read_p(NodeImport& node) {
  if (node.opset() >= 2) return narrow(node, node.attribute_int("p", 2), "p");
  const float p = node.attribute_float("p", 2);
  if (p != std::floor(p) || p < 1 || p > 64) node.refuse("attribute p must be a whole number");
  return static_cast<std::int32_t>(p);
}

/// LpPool-1 to 22: ceil_mode and dilations since 18.
void import_lp_pool(NodeImport& node) {
  const int axes = spatial_axes(node);
  const Window window = read_window(node, axes, node.attribute_ints("kernel_shape"));
  ops::LpPool2D::Attributes attributes;
  attributes.ceil_mode = node.attribute_int("ceil_mode", 0) != 0 && !window.same;
  attributes.p = read_p(node);
  import_pool<ops::LpPool2D>(node, attributes, window, axes, 0.0F);
}

/// GlobalLpPool-1 to 22: one window that covers the whole picture; a norm over its axes where its size is not known.
void import_global_lp_pool(NodeImport& node) {
  const int axes = spatial_axes(node);
  if (!has_known_sizes(node, 2)) {
    const std::int32_t p = read_p(node);
    if (p == 1) return import_over_spatial_axes<ops::ReduceL1>(node, axes);
    if (p == 2) return import_over_spatial_axes<ops::ReduceL2>(node, axes);
    const DType dtype = node.dtype(node.input(0));
    const graph::ValueId exponent = node.scalar(static_cast<float>(p), dtype);
    const graph::ValueId root = node.scalar(1 / static_cast<float>(p), dtype);
    const graph::ValueId size = node.emit<ops::Abs>({}, {node.input(0)});
    const graph::ValueId power = node.emit<ops::Pow>({}, {size, exponent}, dtype);
    const graph::ValueId sum = node.emit<ops::ReduceSum>({}, {power, node.ints(after_channels(axes))});
    return node.emit_outputs<ops::Pow>({}, {sum, root}, dtype);
  }
  Window window;
  window.kernel = per_axis(node, known_sizes(node, 2), axes, "kernel_shape");
  ops::LpPool2D::Attributes attributes;
  attributes.p = read_p(node);
  import_pool<ops::LpPool2D>(node, attributes, window, axes, 0.0F);
}

}  // namespace

void register_lp_pool(ImporterTable& table) {
  table.add("LpPool", import_lp_pool);
  table.add("GlobalLpPool", import_global_lp_pool);
}

}  // namespace lithe::import
