// SPDX-License-Identifier: Apache-2.0
#include <cstddef>
#include <cstdint>
#include <numeric>
#include <vector>

#include "lithe/ops/binary.hpp"
#include "lithe/ops/cast.hpp"
#include "lithe/ops/concat.hpp"
#include "lithe/ops/pad.hpp"
#include "lithe/ops/slice.hpp"
#include "lithe/ops/unsqueeze.hpp"
#include "tools/import/importer.hpp"
#include "tools/import/ops/sizes.hpp"

namespace lithe::import {
namespace {

/// CenterCropPad-18: the middle of longer axes, zeros around shorter ones; an odd element goes after the
/// input.
void import_center_crop_pad(NodeImport& node) {
  const graph::ValueId input = node.input(0);
  const int rank = node.required_rank(input);
  std::vector<std::int64_t> axes = node.attribute_ints("axes");
  if (axes.empty()) {
    axes.resize(static_cast<std::size_t>(rank));
    std::iota(axes.begin(), axes.end(), 0);
  }
  for (std::int64_t& axis : axes)
    if (axis = normalize_axis(axis, rank); axis < 0) node.refuse("an axis lies outside of the input");
  std::vector<graph::ValueId> sizes;
  for (std::int64_t axis : axes) {
    const graph::ValueId one = size_of(node, input, static_cast<int>(axis));
    sizes.push_back(node.emit<ops::Unsqueeze>({}, {one, node.ints({0})}, DType::s64));
  }
  const auto numbers = [&]<class Op>(graph::ValueId a, graph::ValueId b) {
    return node.emit<Op>({}, {a, b}, DType::s64);
  };
  const bool wide = node.dtype(node.input(1)) == DType::s64;
  const graph::ValueId wanted = wide ? node.input(1) : node.emit<ops::Cast>({}, {node.input(1)}, DType::s64);
  const graph::ValueId size = node.emit<ops::Concat>({.axis = 0}, sizes, DType::s64), two = node.ints({2}),
                       named = node.ints(axes);
  const graph::ValueId kept = numbers.operator()<ops::Min>(size, wanted);
  const graph::ValueId cut = numbers.operator()<ops::Div>(numbers.operator()<ops::Sub>(size, kept), two);
  const graph::ValueId end = numbers.operator()<ops::Add>(cut, kept);
  const graph::ValueId missing = numbers.operator()<ops::Sub>(wanted, kept);
  const graph::ValueId before = numbers.operator()<ops::Div>(missing, two);
  const graph::ValueId behind = numbers.operator()<ops::Sub>(missing, before);
  const graph::ValueId pads = node.emit<ops::Concat>({.axis = 0}, {before, behind}, DType::s64);
  const graph::ValueId cropped = node.emit<ops::Slice>({}, {input, cut, end, named}, node.dtype(input));
  node.emit_outputs<ops::Pad>({}, {cropped, pads, graph::absent, named});
}

}  // namespace

void register_center_crop_pad(ImporterTable& table) {
  table.add("CenterCropPad", import_center_crop_pad, 18);
}

}  // namespace lithe::import
