// SPDX-License-Identifier: Apache-2.0
#include <cstdint>
#include <string>
#include <vector>

#include "lithe/ops/binary.hpp"
#include "lithe/ops/concat.hpp"
#include "lithe/ops/reshape.hpp"
#include "lithe/ops/shape.hpp"
#include "tools/import/importer.hpp"
#include "tools/import/ops/row.hpp"

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

/// The shape of `x` [N, H, W, C] times `times` or by `by`, one number an axis.
template <class Op>
ValueId scaled_shape(NodeImport& node, ValueId x, std::vector<std::int64_t> by) {
  const ValueId shape = node.emit<ops::ShapeOf>({}, {x}, DType::s64);
  return node.emit<Op>({}, {shape, node.ints(std::move(by))}, DType::s64);
}

/// DepthToSpace-1 to 13, channels last: blocks of channels become blocks of pixels. mode since 11.
void import_depth_to_space(NodeImport& node) {
  const std::int64_t b = block_size(node);
  const std::string mode = node.attribute_string("mode", "DCR");
  if (mode != "DCR" && mode != "CRD") node.refuse("attribute mode = \"" + mode + "\" is not supported");
  const bool depth_first = mode == "DCR";
  const DType dtype = node.dtype(node.input(0));
  const ValueId x = node.transpose(node.input(0), {0, 2, 3, 1});
  const std::vector<std::int64_t> blocks = depth_first ? std::vector<std::int64_t>{0, 0, 0, b, b, -1}
                                                       : std::vector<std::int64_t>{0, 0, 0, -1, b, b};
  const ValueId split = node.emit<ops::Reshape>({}, {x, node.ints(blocks)}, dtype);
  const ValueId moved =
      depth_first ? node.transpose(split, {0, 1, 3, 2, 4, 5}) : node.transpose(split, {0, 1, 4, 2, 5, 3});
  const ValueId larger = scaled_shape<ops::Mul>(node, x, {1, b, b, 1});
  const ValueId shape = node.emit<ops::Div>({}, {larger, node.ints({1, 1, 1, b * b})}, DType::s64);
  const ValueId merged = node.emit<ops::Reshape>({.allow_zero = true}, {moved, shape}, dtype);
  node.output(0, node.transpose(merged, {0, 3, 1, 2}));
}

/// SpaceToDepth-1 to 13, channels last: blocks of pixels become blocks of channels.
void import_space_to_depth(NodeImport& node) {
  const std::int64_t b = block_size(node);
  const DType dtype = node.dtype(node.input(0));
  const ValueId x = node.transpose(node.input(0), {0, 2, 3, 1});
  // [N, H / b, b, W / b, b, C] from [N, H, 1, W, 1, C] / [1, b, 1, b, 1, 1] and two axes of b.
  const auto axes = [&](std::int64_t start, std::int64_t end) {
    return node.emit<ops::ShapeOf>({.start = start, .end = end}, {x}, DType::s64);
  };
  const ValueId block = node.ints({b});
  const auto part = [&](std::int64_t axis) {
    return node.emit<ops::Div>({}, {axes(axis, axis + 1), block}, DType::s64);
  };
  const ValueId shape = node.emit<ops::Concat>(
      {.axis = 0}, {axes(0, 1), part(1), block, part(2), block, axes(3, 4)}, DType::s64);
  const ValueId split = node.emit<ops::Reshape>({.allow_zero = true}, {x, shape}, dtype);
  const ValueId moved = node.transpose(split, {0, 1, 3, 2, 4, 5});
  const ValueId smaller = scaled_shape<ops::Div>(node, x, {1, b, b, 1});
  const ValueId deep = node.emit<ops::Mul>({}, {smaller, node.ints({1, 1, 1, b * b})}, DType::s64);
  const ValueId merged = node.emit<ops::Reshape>({.allow_zero = true}, {moved, deep}, dtype);
  node.output(0, node.transpose(merged, {0, 3, 1, 2}));
}

}  // namespace

void register_depth_to_space(ImporterTable& table) {
  table.add("DepthToSpace", import_depth_to_space);
  table.add("SpaceToDepth", import_space_to_depth);
}

}  // namespace lithe::import
