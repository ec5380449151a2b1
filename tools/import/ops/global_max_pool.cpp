// SPDX-License-Identifier: Apache-2.0
#include "lithe/ops/max_pool2d.hpp"
#include "lithe/ops/reduce.hpp"
#include "tools/import/importer.hpp"
#include "tools/import/ops/spatial.hpp"

namespace lithe::import {
namespace {

/// GlobalMaxPool-1, 22: one window that covers the whole picture; a maximum over its axes where its size is not known.
void import_global_max_pool(NodeImport& node) {
  const int axes = spatial_axes(node);
  if (!has_known_sizes(node, 2)) return import_over_spatial_axes<ops::ReduceMax>(node, axes);
  Window window;
  window.kernel = per_axis(node, known_sizes(node, 2), axes, "kernel_shape");
  import_pool<ops::MaxPool2D>(node, {}, window, axes, std::nullopt);
}

}  // namespace

void register_global_max_pool(ImporterTable& table) { table.add("GlobalMaxPool", import_global_max_pool); }

}  // namespace lithe::import
