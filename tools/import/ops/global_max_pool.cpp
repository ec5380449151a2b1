// SPDX-License-Identifier: Apache-2.0
#include <cstdint>
#include <vector>

#include "lithe/ops/max_pool2d.hpp"
#include "tools/import/importer.hpp"
#include "tools/import/ops/spatial.hpp"

namespace lithe::import {
namespace {

/// GlobalMaxPool-1, 22: one window that covers the whole picture, whose size must be known.
void import_global_max_pool(NodeImport& node) {
  const int axes = spatial_axes(node);
  const graph::ValueId input = node.input(0);
  const auto& dims = node.value(input).dims;
  const std::vector<std::int64_t> size =
      dims ? std::vector(dims->begin() + 2, dims->end()) : std::vector<std::int64_t>{-1};
  if (!graph::fixed(size))
    node.refuse("GlobalMaxPool needs spatial dimensions that are known at conversion",
                "fix them with --shape NAME=N,C,H,W for the graph's input");
  ops::MaxPool2D::Attributes attributes;
  attributes.kernel = per_axis(node, size, axes, "kernel_shape");
  output_channels_first(
      node, node.emit<ops::MaxPool2D>(attributes, {channels_last(node, input, axes)}, node.dtype(input)),
      axes);
}

}  // namespace

void register_global_max_pool(ImporterTable& table) { table.add("GlobalMaxPool", import_global_max_pool); }

}  // namespace lithe::import
