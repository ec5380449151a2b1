// SPDX-License-Identifier: Apache-2.0
#include <cstdint>
#include <string>
#include <vector>

#include "lithe/ops/binary.hpp"
#include "lithe/ops/concat.hpp"
#include "lithe/ops/reshape.hpp"
#include "lithe/ops/shape.hpp"
#include "tools/import/importer.hpp"

namespace lithe::import {
namespace {

using graph::ValueId;

std::int64_t block_size(NodeImport& node) {
  if (node.required_rank(node.input(0)) != 4) node.refuse(node.op_type() + " needs [N, C, H, W]");
  const std::int64_t size = node.attribute_int("blocksize", 0);
  if (size < 1 || size > 65535)
    node.refuse("attribute blocksize = " + std::to_string(size) + " is not supported");
  return size;
}

/// The sizes of axes 1 to 3 of `x` [N, H, W, C] where all are known and none is 0, else empty.
std::vector<std::int64_t> known_sizes(const NodeImport& node, ValueId x) {
  const auto& dims = node.value(x).dims;
  if (!dims || (*dims)[1] <= 0 || (*dims)[2] <= 0 || (*dims)[3] <= 0) return {};
  return {(*dims)[1], (*dims)[2], (*dims)[3]};
}

/// `moved` as an image of `x`'s shape with its sides times `grow` and divided by `shrink`.
void output_image(NodeImport& node, ValueId x, ValueId moved, std::int64_t grow, std::int64_t shrink) {
  const auto sizes = known_sizes(node, x);
  ValueId shape = graph::absent;
  ops::Reshape::Attributes reshape;
  if (!sizes.empty()) {
    shape = node.ints(
        {0, sizes[0] * grow / shrink, sizes[1] * grow / shrink, sizes[2] * shrink * shrink / (grow * grow)});
  } else {
    const ValueId old = node.emit<ops::ShapeOf>({}, {x}, DType::s64);
    const ValueId times = node.ints({1, grow, grow, shrink * shrink}),
                  by = node.ints({1, shrink, shrink, grow * grow});
    shape = node.emit<ops::Div>({}, {node.emit<ops::Mul>({}, {old, times}, DType::s64), by}, DType::s64);
    reshape.allow_zero = true;
  }
  const ValueId merged = node.emit<ops::Reshape>(reshape, {moved, shape}, node.dtype(x));
  node.output(0, node.transpose(merged, {0, 3, 1, 2}));
}

/// DepthToSpace-1 to 13, channels last: blocks of channels become blocks of pixels. mode since 11.
void import_depth_to_space(NodeImport& node) {
  const std::int64_t b = block_size(node);
  const std::string mode = node.attribute_string("mode", "DCR");
  if (mode != "DCR" && mode != "CRD") node.refuse("attribute mode = \"" + mode + "\" is not supported");
  const bool depth_first = mode == "DCR";
  const ValueId x = node.transpose(node.input(0), {0, 2, 3, 1});
  const std::vector<std::int64_t> blocks = depth_first ? std::vector<std::int64_t>{0, 0, 0, b, b, -1}
                                                       : std::vector<std::int64_t>{0, 0, 0, -1, b, b};
  const ValueId split = node.emit<ops::Reshape>({}, {x, node.ints(blocks)}, node.dtype(x));
  const ValueId moved =
      depth_first ? node.transpose(split, {0, 1, 3, 2, 4, 5}) : node.transpose(split, {0, 1, 4, 2, 5, 3});
  output_image(node, x, moved, b, 1);
}

/// SpaceToDepth-1 to 13, channels last: blocks of pixels become blocks of channels.
void import_space_to_depth(NodeImport& node) {
  const std::int64_t b = block_size(node);
  const ValueId x = node.transpose(node.input(0), {0, 2, 3, 1});
  const auto sizes = known_sizes(node, x);
  ops::Reshape::Attributes reshape;
  ValueId shape = graph::absent;  // [N, H / b, b, W / b, b, C]
  if (!sizes.empty()) {
    if (sizes[0] % b != 0 || sizes[1] % b != 0)
      node.refuse("the blocks of SpaceToDepth do not divide the image");
    shape = node.ints({0, sizes[0] / b, b, sizes[1] / b, b, sizes[2]});
  } else {
    const auto axes = [&](std::int64_t start, std::int64_t end) {
      return node.emit<ops::ShapeOf>({.start = start, .end = end}, {x}, DType::s64);
    };
    const ValueId block = node.ints({b});
    const auto part = [&](std::int64_t axis) {
      return node.emit<ops::Div>({}, {axes(axis, axis + 1), block}, DType::s64);
    };
    shape = node.emit<ops::Concat>({.axis = 0}, {axes(0, 1), part(1), block, part(2), block, axes(3, 4)},
                                   DType::s64);
    reshape.allow_zero = true;
  }
  const ValueId split = node.emit<ops::Reshape>(reshape, {x, shape}, node.dtype(x));
  output_image(node, x, node.transpose(split, {0, 1, 3, 2, 4, 5}), 1, b);
}

}  // namespace

void register_depth_to_space(ImporterTable& table) {
  table.add("DepthToSpace", import_depth_to_space);
  table.add("SpaceToDepth", import_space_to_depth);
}

}  // namespace lithe::import
