// SPDX-License-Identifier: Apache-2.0
#include "lithe/ops/grid_sample.hpp"

#include <string>

#include "lithe/ops/cast.hpp"
#include "tools/import/domains.hpp"
#include "tools/import/importer.hpp"
#include "tools/import/ops/row.hpp"
#include "tools/import/ops/spatial.hpp"

namespace lithe::import {
namespace {

using graph::ValueId;

ValueId as(NodeImport& node, ValueId value, DType dtype) {
  return node.dtype(value) == dtype ? value : node.emit<ops::Cast>({}, {value}, dtype);
}

/// GridSample-16, 20, 22, and com.microsoft's: X [N, C, ...], grid [N, ..., spatial axes]. Before 20 linear is "bilinear".
void import_grid_sample(NodeImport& node) {
  ops::GridSample::Attributes attributes;
  std::string mode = node.attribute_string("mode", "linear");
  if (mode.starts_with("bi")) mode = mode.substr(2);
  attributes.mode = named<ops::SampleMode>(node, mode, "mode");
  read_attribute(node, "padding_mode", attributes.padding_mode);
  read_attribute(node, "align_corners", attributes.align_corners);
  const int axes = node.required_rank(node.input(0)) - 2;
  if (axes < 1 || axes > ops::GridSample::most_axes)
    node.refuse("GridSample over " + std::to_string(axes) + " spatial axes is not supported; 1 to 3 are");
  const DType given = node.dtype(node.input(0)), dtype = is_float(given) ? given : DType::f64;
  const ValueId image = node.transpose(as(node, node.input(0), dtype), channels_last_order(axes));
  const ValueId grid = as(node, node.input(1), dtype == DType::f64 ? dtype : DType::f32);
  const ValueId sampled = node.emit<ops::GridSample>(attributes, {image, grid}, dtype);
  node.output(0, as(node, node.transpose(sampled, channels_first_order(axes)), given));
}

}  // namespace

void register_grid_sample(ImporterTable& table) {
  table.add("GridSample", import_grid_sample, 16);
  table.add("GridSample", import_grid_sample, 1, microsoft);
}

}  // namespace lithe::import
