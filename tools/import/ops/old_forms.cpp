// SPDX-License-Identifier: Apache-2.0
#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include "lithe/ops/pad.hpp"
#include "lithe/ops/tile.hpp"
#include "lithe/ops/unary.hpp"
#include "tools/import/importer.hpp"
#include "tools/import/ops/compose.hpp"
#include "tools/import/ops/row.hpp"
#include "tools/io/tensor_proto.hpp"

/// Forms that operators had in opsets 1 to 6 and have no more. `consumed_inputs`, which many had, says nothing.
namespace lithe::import {
namespace {

using graph::ValueId;

/// `value` with axes of size 1 appended.
ValueId with_axes(Compose& compose, ValueId value, int count) {
  if (count <= 0) return value;
  std::vector<std::int64_t> axes;
  const int rank = compose.node.required_rank(value);
  for (int i = 0; i < count; ++i) axes.push_back(rank + i);
  return compose.unsqueeze(value, axes);
}

/// Add-1 and 6, and the like: with `broadcast`, b lies along the axes of a from `axis` on, the last ones without it.
template <class Op>
void import_aligned(NodeImport& node) {
  Compose compose(node);
  const bool broadcast = node.attribute_int("broadcast", 0) != 0;
  const bool placed = node.has_attribute("axis");
  std::int64_t axis = node.attribute_int("axis", 0);
  const ValueId a = node.input(0);
  ValueId b = node.input(1);
  if (broadcast && placed) {
    const int rank = node.required_rank(a);
    if (axis < 0) axis += rank;
    b = with_axes(compose, b, static_cast<int>(rank - axis) - node.required_rank(b));
  }
  node.emit_outputs<Op>({}, {a, b});
}

/// PRelu-1 and 6: a slope for each channel of [N, C, ...].
void import_old_prelu(NodeImport& node) {
  Compose compose(node);
  const ValueId x = node.input(0);
  ValueId slope = node.input(1);
  if (node.required_rank(slope) == 1) slope = with_axes(compose, slope, node.required_rank(x) - 2);
  node.emit_outputs<ops::PRelu>({}, {x, slope});
}

/// Reshape-1: the shape is an attribute.
void import_old_reshape(NodeImport& node) {
  node.emit_outputs<ops::Reshape>({}, {node.input(0), node.ints(node.attribute_ints("shape"))});
}

/// Cast-1: the type is a text.
void import_old_cast(NodeImport& node) {
  const std::string to = node.attribute_string("to", "");
  constexpr int types = 32;  // more than ONNX has
  for (int type = 1; type < types; ++type) {
    const DType dtype = io::dtype_from_onnx(type);
    if (dtype != DType::none && io::onnx_type_name(type) == to)
      return node.output(0, node.emit<ops::Cast>({}, {node.input(0)}, dtype));
  }
  node.refuse("Cast to " + to + " is not supported");
}

/// Concat-1: the axis is 1 where it is not said.
void import_old_concat(NodeImport& node) {
  ops::Concat::Attributes attributes;
  attributes.axis = node.attribute_int("axis", 1);
  node.emit_outputs<ops::Concat>(attributes, all_inputs(node));
}

/// Tile-1: one axis is repeated. Both numbers have the input's type.
void import_old_tile(NodeImport& node) {
  Compose compose(node);
  const graph::ConstantPtr axis = node.known(node.input(2));
  if (axis == nullptr || axis->view().elements() != 1 || (is_float(axis->dtype) && axis->dtype != DType::f32))
    node.refuse("the axis of a Tile must be known at conversion");
  const auto number =
      is_float(axis->dtype) ? static_cast<std::int64_t>(axis->as<float>()[0]) : integer_at(axis->view(), 0);
  std::vector<Size> repeats(static_cast<std::size_t>(node.required_rank(node.input(0))), 1);
  const int at = normalize_axis(number, static_cast<int>(repeats.size()));
  if (at < 0) node.refuse("the axis of a Tile lies outside of its input");
  repeats[static_cast<std::size_t>(at)] = Size::of(compose.cast(node.input(1), DType::s64));
  node.emit_outputs<ops::Tile>({}, {node.input(0), compose.vector(repeats)});
}

/// Pad-1: the pads are called paddings.
void import_old_pad(NodeImport& node) {
  ops::Pad::Attributes attributes;
  attributes.mode = named<decltype(attributes.mode)>(node, node.attribute_string("mode", "constant"), "mode");
  node.emit_outputs<ops::Pad>(attributes,
                              {node.input(0), node.ints(node.attribute_ints("paddings")),
                               node.scalar(node.attribute_float("value", 0), node.dtype(node.input(0)))});
}

/// Selu-1 has rounded constants.
void import_old_selu(NodeImport& node) {
  ops::Selu::Attributes attributes;
  attributes.alpha = node.attribute_float("alpha", 1.6732F);
  attributes.gamma = node.attribute_float("gamma", 1.0507F);
  node.emit_outputs<ops::Selu>(attributes, {node.input(0)});
}

}  // namespace

void register_old_forms(ImporterTable& table) {
  table.add("Add", import_aligned<ops::Add>);
  table.add("And", import_aligned<ops::And>);
  table.add("Cast", import_old_cast);
  table.add("Concat", import_old_concat);
  table.add("Div", import_aligned<ops::Div>);
  table.add("Equal", import_aligned<ops::Equal>);
  table.add("Greater", import_aligned<ops::Greater>);
  table.add("Less", import_aligned<ops::Less>);
  table.add("Mul", import_aligned<ops::Mul>);
  table.add("Or", import_aligned<ops::Or>);
  table.add("PRelu", import_old_prelu);
  table.add("Pad", import_old_pad);
  table.add("Pow", import_aligned<ops::Pow>);
  table.add("Reshape", import_old_reshape);
  table.add("Selu", import_old_selu);
  table.add("Sub", import_aligned<ops::Sub>);
  table.add("Tile", import_old_tile);
  table.add("Xor", import_aligned<ops::Xor>);
}

}  // namespace lithe::import
