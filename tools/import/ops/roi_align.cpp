// SPDX-License-Identifier: Apache-2.0
#include "lithe/ops/roi_align.hpp"

#include <string>
#include <vector>

#include "lithe/ops/max_roi_pool.hpp"
#include "tools/import/importer.hpp"
#include "tools/import/ops/compose.hpp"
#include "tools/import/ops/row.hpp"
#include "tools/import/ops/spatial.hpp"

namespace lithe::import {
namespace {

/// RoiAlign-10, 16, 22: X [N, C, H, W], regions [R, 4], images [R]. Before 16 regions are not in half pixels.
void import_roi_align(NodeImport& node) {
  ops::RoiAlign::Attributes attributes;
  read_attribute(node, "mode", attributes.mode);
  read_attribute(node, "output_height", attributes.output_height);
  read_attribute(node, "output_width", attributes.output_width);
  read_attribute(node, "sampling_ratio", attributes.sampling_ratio);
  read_attribute(node, "spatial_scale", attributes.spatial_scale);
  constexpr int first_with_half_pixels = 16;
  const std::string coordinates =
      node.attribute_string("coordinate_transformation_mode",
                            node.opset() < first_with_half_pixels ? "output_half_pixel" : "half_pixel");
  if (coordinates != "half_pixel" && coordinates != "output_half_pixel")
    node.refuse("coordinate_transformation_mode = \"" + coordinates + "\" is not known");
  attributes.half_pixel = coordinates == "half_pixel";
  Compose compose(node);
  const DType dtype = node.dtype(node.input(0));
  const graph::ValueId aligned =
      compose.apply<ops::RoiAlign>({node.transpose(node.input(0), channels_last_order(2)),
                                    compose.cast(node.input(1), dtype), node.input(2)},
                                   attributes);
  node.output(0, node.transpose(aligned, channels_first_order(2)));
}

/// MaxRoiPool-1, 22: X [N, C, H, W], regions [R, 5].
void import_max_roi_pool(NodeImport& node) {
  ops::MaxRoiPool::Attributes attributes;
  const std::vector<std::int64_t> shape = node.attribute_ints("pooled_shape");
  if (shape.size() != 2) node.refuse("attribute pooled_shape must be a height and a width");
  attributes.output_height = narrow(node, shape[0], "pooled_shape");
  attributes.output_width = narrow(node, shape[1], "pooled_shape");
  read_attribute(node, "spatial_scale", attributes.spatial_scale);
  Compose compose(node);
  const graph::ValueId pooled = compose.apply<ops::MaxRoiPool>(
      {node.transpose(node.input(0), channels_last_order(2)), node.input(1)}, attributes);
  node.output(0, node.transpose(pooled, channels_first_order(2)));
}

}  // namespace

void register_roi_align(ImporterTable& table) {
  table.add("MaxRoiPool", import_max_roi_pool);
  table.add("RoiAlign", import_roi_align, 10);
}

}  // namespace lithe::import
