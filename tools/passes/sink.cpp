// SPDX-License-Identifier: Apache-2.0
#include "tools/passes/sink.hpp"

#include <algorithm>
#include <utility>

#include "tools/graph/operators.hpp"
#include "tools/passes/constants.hpp"
#include "tools/passes/layout_rules.hpp"
#include "tools/passes/moves_elements.hpp"
#include "tools/passes/node.hpp"
#include "tools/passes/permutation.hpp"
#include "tools/passes/stored.hpp"
#include "tools/passes/value.hpp"

namespace lithe::passes {
namespace {

bool all_ones(const Value& value) {
  return value.dims &&
         std::all_of(value.dims->begin(), value.dims->end(), [](std::int64_t d) { return d == 1; });
}

/// A constant that broadcasts to the transposed tensor, in the order before the transpose, without leading
/// ones.
ConstantPtr restored_constant(const Constant& constant, const Permutation& p) {
  Shape padded = Shape::of_rank(static_cast<int>(p.size()) - constant.shape.rank());
  for (index_t d : constant.shape.dims()) padded.push_back(d);
  const ConstantPtr moved = transposed(*reshaped(constant, padded), inverse(p));
  if (!moved) return nullptr;
  Shape stripped;
  for (index_t d : moved->shape.dims())
    if (stripped.rank() > 0 || d != 1) stripped.push_back(d);
  return reshaped(*moved, stripped);
}

}  // namespace

bool Sink::run() {
  if (is_elementwise(node())) return elementwise();
  if (!graph::spec_of(node()).joins && !data_comes_through()) return false;
  if (is_quantizing(node())) return quantizing();
  const LayoutRule* rule = layout_rule(node());
  return rule != nullptr && by_rule(*rule);
}

bool Sink::data_comes_through() {
  const int above = node().inputs.empty() ? -1 : transpose_above(rewriter, node().inputs[0]);
  return above >= 0 && permutation_of(rewriter.graph(), rewriter.node(above)) == p;
}

bool Sink::by_rule(const LayoutRule& rule) {
  switch (rule.layout) {
    case Layout::axis:
      return axis_attribute(rule.axis, data_inputs(node()));
    case Layout::picked_axis:
      return arg();
    case Layout::axis_input:
      return cumulative();
    case Layout::reduced_axes:
      return reduce();
    case Layout::last_axis:
      return keeping_last(1, false);
    case Layout::first_and_last:
      return keeping_last(1, true);
    case Layout::last_axes: {
      const int axis = normalize_axis(int_attribute(node(), "axis", rule.axis), rank());
      return axis >= 0 && keeping_last(rank() - axis, false);
    }
    case Layout::slice:
      return slice();
    case Layout::pad:
      return pad();
    case Layout::resize:
      return resize();
    case Layout::tile:
      return tile();
    case Layout::gather:
      return gather();
    case Layout::squeeze:
      return squeeze();
    case Layout::unsqueeze:
      return unsqueeze();
    case Layout::reshape:
      return flatten() || reshape();
    case Layout::shape:
      return shape();
  }
  return false;
}

bool Sink::can_restore(ValueId v) const {
  if (v < 0) return true;
  const int t = transpose_above(rewriter, v);
  if (t >= 0 && permutation_of(rewriter.graph(), rewriter.node(t)) == p) return true;
  const auto r = rank_of(rewriter.value(v));
  if (!r || *r > rank()) return false;
  if (const ConstantPtr stored = stored_constant(rewriter, v))
    return element_bytes(stored->dtype) > 0 && stored_axis(rewriter, v) < 0;
  return all_ones(rewriter.value(v)) || (insert && *r == rank());
}

ValueId Sink::restored(ValueId v) {
  if (v < 0) return v;
  const int t = transpose_above(rewriter, v);
  if (t >= 0 && permutation_of(rewriter.graph(), rewriter.node(t)) == p) return rewriter.node(t).inputs[0];
  if (const ConstantPtr stored = stored_constant(rewriter, v))
    return with_stored(rewriter, v, restored_constant(*stored, p), -1, n);
  if (all_ones(rewriter.value(v))) return v;
  const Permutation back = inverse(p);
  for (const auto& reader : rewriter.readers(v))
    if (is_transpose(rewriter.node(reader.node)) &&
        permutation_of(rewriter.graph(), rewriter.node(reader.node)) == back)
      return rewriter.node(reader.node).outputs[0];
  inserted = true;
  const ValueId moved = rewriter.like(v, "/transposed");
  rewriter.graph().value(moved).dims = permuted(*rewriter.value(v).dims, back);
  take_name(rewriter.graph().value(moved), rewriter.value(v), p);
  if (auto& q = rewriter.graph().value(moved).quantization; q && q->axis >= 0)
    q->axis = p[static_cast<std::size_t>(q->axis)];
  Node transpose = make_node("Transpose", {v}, {moved});
  set_ints(transpose, "permutation", std::vector<std::int64_t>(back.begin(), back.end()));
  rewriter.add_node(std::move(transpose), n);
  return moved;
}

void Sink::restore_inputs(int first, int last) {
  std::vector<ValueId> inputs = node().inputs;
  for (int i = first; i < last; ++i)
    inputs[static_cast<std::size_t>(i)] = restored(inputs[static_cast<std::size_t>(i)]);
  rewriter.set_inputs(n, std::move(inputs));
}

void Sink::transpose_output(int o, const Permutation& q) {
  const ValueId y = node().outputs[static_cast<std::size_t>(o)];
  if (y < 0 || is_identity(q)) return;
  const ValueId before = rewriter.like(y, "/channels_last");
  Value& moved = rewriter.graph().value(before);
  if (moved.dims) moved.dims = permuted(*moved.dims, inverse(q));
  if (moved.quantization && moved.quantization->axis >= 0)
    moved.quantization->axis = q[static_cast<std::size_t>(moved.quantization->axis)];
  take_name(moved, rewriter.value(y), q);
  rewriter.set_output(n, o, before);
  Node transpose = make_node("Transpose", {before}, {y});
  set_ints(transpose, "permutation", std::vector<std::int64_t>(q.begin(), q.end()));
  below.push_back(rewriter.add_node(std::move(transpose), n));
}

bool Sink::outputs_have_rank(int wanted) const {
  const auto& outputs = rewriter.node(n).outputs;
  return std::all_of(outputs.begin(), outputs.end(),
                     [&](ValueId y) { return y < 0 || rank_of(rewriter.value(y)) == wanted; });
}

bool Sink::elementwise() {
  const auto& inputs = node().inputs;
  if (!outputs_have_rank(rank()) ||
      !std::all_of(inputs.begin(), inputs.end(), [&](ValueId v) { return can_restore(v); }))
    return false;
  restore_inputs(0, static_cast<int>(inputs.size()));
  transpose_output(0, p);
  return true;
}

bool Sink::axis_attribute(std::int64_t fallback, int data_inputs) {
  const int axis = normalize_axis(int_attribute(node(), "axis", fallback), rank());
  if (axis < 0 || !outputs_have_rank(rank())) return false;
  for (int i = 0; i < data_inputs; ++i)
    if (const ValueId v = input(node(), i); !can_restore(v) || rank_of(rewriter.value(v)) != rank())
      return false;
  for (int i = 0; i < data_inputs; ++i)  // a constant restored for broadcasting may lose leading ones
    if (stored_constant(rewriter, input(node(), i))) return false;
  restore_inputs(0, data_inputs);
  set_int(node(), "axis", p[static_cast<std::size_t>(axis)], fallback);
  for (int o = 0; o < static_cast<int>(node().outputs.size()); ++o) transpose_output(o, p);
  return true;
}

bool Sink::quantizing() {
  const auto rank_of_scale = rank_of(rewriter.value(node().inputs[1]));
  if (int_attribute(node(), "block_size", 0) != 0 || !rank_of_scale || *rank_of_scale > 1) return false;
  if (*rank_of_scale == 0 || all_ones(rewriter.value(node().inputs[1]))) {
    restore_inputs(0, 1);
    transpose_output(0, p);
    return true;
  }
  const int axis = normalize_axis(int_attribute(node(), "axis", 1), rank());
  if (axis < 0) return false;
  restore_inputs(0, 1);
  set_int(node(), "axis", p[static_cast<std::size_t>(axis)], 1);
  transpose_output(0, p);
  return true;
}

bool Sink::keeping_last(int axes, bool first) {
  for (int axis = rank() - axes; axis < rank(); ++axis)
    if (p[static_cast<std::size_t>(axis)] != axis) return false;
  if (first && p[0] != 0) return false;
  restore_inputs(0, 1);
  for (int o = 0; o < static_cast<int>(node().outputs.size()); ++o) transpose_output(o, p);
  return true;
}

}  // namespace lithe::passes
