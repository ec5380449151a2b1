// SPDX-License-Identifier: Apache-2.0
#include "lithe/ops/reduce.hpp"

#include <cstdint>
#include <type_traits>
#include <utility>
#include <vector>

#include "lithe/ops/cast.hpp"
#include "lithe/ops/unary.hpp"
#include "tools/import/importer.hpp"

namespace lithe::import {
namespace {

using graph::ValueId;

/// The inputs of a reduction of `input`: axes are an attribute before the opset `axes_input`, then an input.
std::vector<ValueId> reduced_inputs(NodeImport& node, ValueId input, int axes_input) {
  if (node.opset() >= axes_input)
    return node.has(1) ? std::vector<ValueId>{input, node.input(1)} : std::vector<ValueId>{input};
  std::vector<std::int64_t> axes = node.attribute_ints("axes");
  return axes.empty() ? std::vector<ValueId>{input} : std::vector<ValueId>{input, node.ints(std::move(axes))};
}

ops::ReduceAttributes reduce_attributes(NodeImport& node, int axes_input) {
  ops::ReduceAttributes attributes;
  attributes.keepdims = node.attribute_int("keepdims", 1) != 0;
  if (node.opset() >= axes_input)
    attributes.noop_with_empty_axes = node.attribute_int("noop_with_empty_axes", 0) != 0;
  return attributes;
}

/// Whether the node is known to reduce over no axes.
bool over_no_axes(const NodeImport& node, const ops::ReduceAttributes& attributes) {
  if (!attributes.noop_with_empty_axes) return false;
  const auto axes = node.has(1) ? node.constant_ints(1) : std::vector<std::int64_t>{};
  return axes && axes->empty();
}

/// Whether a reduction over no axes leaves its input as it is.
template <class Op>
inline constexpr bool keeps_single_elements =
    !std::is_same_v<Op, ops::ReduceL1> && !std::is_same_v<Op, ops::ReduceL2> &&
    !std::is_same_v<Op, ops::ReduceSumSquare>;

/// ONNX's reduction of the same name.
template <class Op, int axes_input = 18>
void import_reduce(NodeImport& node) {
  const ops::ReduceAttributes attributes = reduce_attributes(node, axes_input);
  if (keeps_single_elements<Op> && over_no_axes(node, attributes)) return node.output(0, node.input(0));
  node.emit_outputs<Op>(attributes, reduced_inputs(node, node.input(0), axes_input));
}

/// A reduction that ends in a logarithm: of integers, in f64.
template <class Op, bool then_log>
void import_log_reduce(NodeImport& node) {
  const ops::ReduceAttributes attributes = reduce_attributes(node, 18);
  if (!then_log && over_no_axes(node, attributes)) return node.output(0, node.input(0));
  const DType dtype = node.dtype(node.input(0)), wide = is_float(dtype) ? dtype : DType::f64;
  const ValueId input = wide == dtype ? node.input(0) : node.emit<ops::Cast>({}, {node.input(0)}, wide);
  ValueId result = node.emit<Op>(attributes, reduced_inputs(node, input, 18), wide);
  if (then_log) result = node.emit<ops::Log>({}, {result}, wide);
  node.output(0, wide == dtype ? result : node.emit<ops::Cast>({}, {result}, dtype));
}

}  // namespace

void register_reduce(ImporterTable& table) {
  table.add("ReduceL1", import_reduce<ops::ReduceL1>);
  table.add("ReduceL2", import_reduce<ops::ReduceL2>);
  table.add("ReduceLogSum", import_log_reduce<ops::ReduceSum, true>);
  table.add("ReduceLogSumExp", import_log_reduce<ops::ReduceLogSumExp, false>);
  table.add("ReduceMax", import_reduce<ops::ReduceMax>);
  table.add("ReduceMean", import_reduce<ops::ReduceMean>);
  table.add("ReduceMin", import_reduce<ops::ReduceMin>);
  table.add("ReduceProd", import_reduce<ops::ReduceProd>);
  table.add("ReduceSum", import_reduce<ops::ReduceSum, 13>);
  table.add("ReduceSumSquare", import_reduce<ops::ReduceSumSquare>);
}

}  // namespace lithe::import
