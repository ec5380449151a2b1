// SPDX-License-Identifier: Apache-2.0
#include <cstdint>
#include <vector>

#include "lithe/ops/binary.hpp"
#include "lithe/ops/cast.hpp"
#include "lithe/ops/gather.hpp"
#include "lithe/ops/reshape.hpp"
#include "lithe/ops/unsqueeze.hpp"
#include "lithe/ops/where.hpp"
#include "tools/import/domains.hpp"
#include "tools/import/importer.hpp"
#include "tools/import/ops/sizes.hpp"
#include "tools/io/tensor_proto.hpp"

/// Operators that compare positions: a mask of comparisons between counted numbers.
namespace lithe::import {
namespace {

using graph::ValueId;

/// Row numbers [M, 1] of the last two axes of `value`, plus `offset`.
ValueId rows(NodeImport& node, ValueId value, ValueId offset) {
  const ValueId count = size_of(node, value, node.required_rank(value) - 2);
  const ValueId numbers =
      node.emit<ops::Unsqueeze>({}, {numbers_below(node, count), node.ints({1})}, DType::s64);
  return node.emit<ops::Add>({}, {numbers, offset}, DType::s64);
}
ValueId columns(NodeImport& node, ValueId value) {
  return numbers_below(node, size_of(node, value, node.required_rank(value) - 1));
}

/// EyeLike-9 to 22: ones where column - row is k, of the input's type unless `dtype` says another one.
void import_eye_like(NodeImport& node) {
  const ValueId input = node.input(0);
  const DType dtype = node.has_attribute("dtype")
                          ? io::dtype_from_onnx(static_cast<int>(node.attribute_int("dtype", 0)))
                          : node.dtype(input);
  if (dtype == DType::none) node.refuse("attribute dtype is no type of numbers");
  if (node.required_rank(input) != 2) node.refuse("EyeLike needs a matrix");
  const ValueId offset = integer(node, node.attribute_int("k", 0));
  const ValueId mask =
      node.emit<ops::Equal>({}, {rows(node, input, offset), columns(node, input)}, DType::boolean);
  node.emit_outputs<ops::Cast>({}, {mask}, dtype);
}

/// Trilu-14: what is on the other side of diagonal k becomes 0.
void import_trilu(NodeImport& node) {
  const ValueId input = node.input(0);
  if (node.required_rank(input) < 2) node.refuse("Trilu needs matrices");
  const bool upper = node.attribute_int("upper", 1) != 0;
  const ValueId diagonal = rows(node, input, node.has(1) ? node.input(1) : integer(node, 0)),
                column = columns(node, input);
  const ValueId mask = upper ? node.emit<ops::GreaterOrEqual>({}, {column, diagonal}, DType::boolean)
                             : node.emit<ops::LessOrEqual>({}, {column, diagonal}, DType::boolean);
  node.emit_outputs<ops::Where>({}, {mask, input, zero(node, node.dtype(input))});
}

/// `value` as s64.
ValueId as_integers(NodeImport& node, ValueId value) {
  return node.dtype(value) == DType::s64 ? value : node.emit<ops::Cast>({}, {value}, DType::s64);
}

/// OneHot-9 and 11: indices outside [-depth, depth) give no "on".
void import_one_hot(NodeImport& node) {
  const int rank = node.required_rank(node.input(0));
  const int axis = normalize_axis(node.attribute_int("axis", -1), rank + 1);
  if (axis < 0) node.refuse("attribute axis of OneHot lies outside of the output");
  const ValueId depth =
      node.emit<ops::Reshape>({}, {as_integers(node, node.input(1)), node.ints({})}, DType::s64);
  ValueId indices = as_integers(node, node.input(0));
  const ValueId negative = node.emit<ops::Less>({}, {indices, integer(node, 0)}, DType::boolean),
                from_back = node.emit<ops::Add>({}, {indices, depth}, DType::s64);
  indices = node.emit<ops::Where>({}, {negative, from_back, indices}, DType::s64);
  indices = node.emit<ops::Unsqueeze>({}, {indices, node.ints({axis})}, DType::s64);
  ValueId classes = numbers_below(node, depth);
  std::vector<std::int64_t> behind;
  for (int d = axis + 1; d <= rank; ++d) behind.push_back(d - axis);
  if (!behind.empty()) classes = node.emit<ops::Unsqueeze>({}, {classes, node.ints(behind)}, DType::s64);
  const ValueId mask = node.emit<ops::Equal>({}, {indices, classes}, DType::boolean);
  const DType dtype = node.dtype(node.input(2));
  const ValueId off = node.emit<ops::Gather>({}, {node.input(2), integer(node, 0)}, dtype),
                on = node.emit<ops::Gather>({}, {node.input(2), integer(node, 1)}, dtype);
  node.emit_outputs<ops::Where>({}, {mask, on, off});
}

/// Shrink-9: 0 between -lambd and lambd, nearer to 0 by `bias` outside.
void import_shrink(NodeImport& node) {
  const float lambd = node.attribute_float("lambd", 0.5F), bias = node.attribute_float("bias", 0);
  const ValueId x = node.input(0);
  const DType dtype = node.dtype(x);
  const ValueId below = node.emit<ops::Less>({}, {x, node.scalar(-lambd, dtype)}, DType::boolean),
                above = node.emit<ops::Greater>({}, {x, node.scalar(lambd, dtype)}, DType::boolean);
  const ValueId up = node.emit<ops::Add>({}, {x, node.scalar(bias, dtype)}, dtype),
                down = node.emit<ops::Sub>({}, {x, node.scalar(bias, dtype)}, dtype);
  const ValueId outside = node.emit<ops::Where>({}, {above, down, zero(node, dtype)}, dtype);
  node.emit_outputs<ops::Where>({}, {below, up, outside});
}

}  // namespace

void register_masks(ImporterTable& table) {
  table.add("EyeLike", import_eye_like, 9);
  table.add("OneHot", import_one_hot, 9);
  table.add("Shrink", import_shrink, 9);
  table.add("Trilu", import_trilu, 14);
  table.add("Trilu", import_trilu, 1, microsoft);
}

}  // namespace lithe::import
