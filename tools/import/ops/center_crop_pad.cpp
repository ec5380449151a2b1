// SPDX-License-Identifier: Apache-2.0
#include <cstddef>
#include <cstdint>
#include <numeric>
#include <optional>
#include <vector>

#include "lithe/ops/pad.hpp"
#include "lithe/ops/slice.hpp"
#include "tools/import/importer.hpp"

namespace lithe::import {
namespace {

/// CenterCropPad-18: the middle of longer axes, zeros around shorter ones; what is odd goes behind.
void import_center_crop_pad(NodeImport& node) {
  const graph::ValueId input = node.input(0);
  const int rank = node.required_rank(input);
  std::vector<std::int64_t> axes = node.attribute_ints("axes");
  if (axes.empty()) axes.resize(static_cast<std::size_t>(rank)), std::iota(axes.begin(), axes.end(), 0);
  const std::optional<std::vector<std::int64_t>> target = node.constant_ints(1);
  if (!target) node.refuse("CenterCropPad to a shape that is computed at run time is not supported");
  if (target->size() != axes.size()) node.refuse("CenterCropPad needs one size for each axis");
  std::vector<std::int64_t> starts, ends, before, behind;
  for (std::size_t i = 0; i < axes.size(); ++i) {
    const int d = normalize_axis(axes[i], rank);
    if (d < 0) node.refuse("an axis lies outside of the input");
    const std::int64_t size = (*node.value(input).dims)[static_cast<std::size_t>(d)], wanted = (*target)[i];
    if (size < 0)
      node.refuse("CenterCropPad needs dimensions that are known at conversion",
                  "fix them with --shape NAME=N,C,H,W for the graph's input");
    if (wanted < 0) node.refuse("CenterCropPad to a negative size");
    const std::int64_t cut = size > wanted ? (size - wanted) / 2 : 0;
    starts.push_back(cut), ends.push_back(size > wanted ? cut + wanted : size);
    const std::int64_t missing = size < wanted ? wanted - size : 0;
    before.push_back(missing / 2), behind.push_back(missing - missing / 2);
  }
  before.insert(before.end(), behind.begin(), behind.end());
  const graph::ValueId numbers = node.ints(axes);
  const graph::ValueId cropped =
      node.emit<ops::Slice>({}, {input, node.ints(starts), node.ints(ends), numbers}, node.dtype(input));
  node.emit_outputs<ops::Pad>({}, {cropped, node.ints(before), graph::absent, numbers});
}

}  // namespace

void register_center_crop_pad(ImporterTable& table) {
  table.add("CenterCropPad", import_center_crop_pad, 18);
}

}  // namespace lithe::import
