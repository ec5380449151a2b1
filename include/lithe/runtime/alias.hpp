// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

#include "lithe/core/operator.hpp"
#include "lithe/core/shape.hpp"
#include "lithe/runtime/plan.hpp"

/// Which values share storage at the current shapes: reshapes, concatenations and splits that move nothing,
/// and results that overwrite an input.
namespace lithe::inline v0::runtime {

/// The root of a value's storage, and the value's offset in it.
inline std::int32_t find_root(const Plan& plan, std::int32_t id, std::size_t& offset) {
  offset = 0;
  while (plan.value(id).root != id) {
    offset += plan.value(id).offset;
    id = plan.value(id).root;
  }
  return id;
}
inline std::int32_t find_root(const Plan& plan, std::int32_t id) {
  std::size_t offset = 0;
  return find_root(plan, id, offset);
}

/// Puts the storage of root `id` into that of root `into`, at `offset` bytes.
[[gnu::cold]] inline void merge(Plan& plan, std::int32_t id, std::int32_t into, std::size_t offset) {
  PlanValue& from = plan.value(id);
  PlanValue& to = plan.value(into);
  from.root = into;
  from.offset = offset;
  to.members += from.members;
  if (from.first < to.first) to.first = from.first;
  if (from.last > to.last) to.last = from.last;
  to.pinned |= from.pinned;
}

/// Whether planning may decide where a value lies: it is computed by a run and has a fixed shape.
[[gnu::cold]] inline bool movable(const Plan& plan, std::int32_t id) {
  if (id < 0) return false;
  const PlanValue& v = plan.value(id);
  return v.contents == nullptr && v.extent == Extent::exact && v.pitch == v.shape.back() && v.bytes > 0 &&
         bits(v.dtype) >= 8;
}

[[gnu::cold]] inline bool readers_take_pitch(const Plan& plan, std::int32_t id, const PlanNode* except) {
  if (plan.value(id).output) return false;
  for (const PlanNode& node : plan.nodes)
    for (std::int32_t in : node.input_ids())
      if (in == id && &node != except &&
          (node.chain >= 0 || node.kernel.entry == nullptr || !node.kernel.entry->strided_inputs))
        return false;
  return true;
}

[[gnu::cold]] inline bool writer_gives_pitch(const Plan& plan, std::int32_t id) {
  for (const PlanNode& node : plan.nodes)
    for (std::int32_t out : node.output_ids())
      if (out == id)
        return node.chain < 0 && !node.varies() && node.kernel.entry != nullptr &&
               node.kernel.entry->strided_outputs;
  return false;
}

/// The axis along which `parts` make up `whole`: the first axis on which the size of a part differs.
[[gnu::cold]] inline int cut_axis(const Plan& plan, const Shape& whole, std::span<const std::int32_t> parts) {
  for (int axis = 0; axis < whole.rank(); ++axis)
    for (std::int32_t id : parts)
      if (id >= 0 && plan.value(id).shape[axis] != whole[axis]) return axis;
  return 0;
}

/// The bytes of one row of the last axis: what a part takes in a row of the whole.
inline std::size_t row_bytes(const PlanValue& v) {
  return static_cast<std::size_t>(v.shape.back()) * static_cast<std::size_t>(element_bytes(v.dtype));
}

/// Nodes like Reshape, and a Cast between types that are planned as one: the output shares the input's
/// storage.
[[gnu::cold]] inline bool alias_same(Plan& plan, const PlanNode& node) {
  const std::int32_t in = node.input_ids()[0], out = node.output_ids()[0];
  const PlanValue& from = plan.value(in);
  PlanValue& to = plan.value(out);
  if (from.contents != nullptr && !from.widen && !to.output) {
    to.contents = from.contents;
    return true;
  }
  std::size_t offset = 0;
  const std::int32_t root = find_root(plan, in, offset);
  if (!movable(plan, in) || !movable(plan, out) || from.bytes != to.bytes ||
      (to.output && plan.value(root).external))
    return false;
  merge(plan, out, root, offset);
  return true;
}

/// Whether input `i` of a Concat may be computed straight into the output. `rows` says that the parts lie one
/// after the other as wholes.
[[gnu::cold]] inline bool joinable(const Plan& plan, const PlanNode& node, std::size_t i, bool rows) {
  const auto in = node.input_ids();
  std::size_t offset = 0;
  const PlanValue& v = plan.value(in[i]);
  const std::int32_t root = find_root(plan, in[i], offset);
  const PlanValue& r = plan.value(root);
  for (std::size_t k = 0; k < i; ++k)
    if (in[k] >= 0 && find_root(plan, in[k]) == root) return false;
  if (!movable(plan, in[i]) || offset != 0 || r.bytes != v.bytes || r.external || r.pinned ||
      r.contents != nullptr || r.extent != Extent::exact)
    return false;
  return rows || (root == in[i] && r.members == 1 && writer_gives_pitch(plan, in[i]) &&
                  readers_take_pitch(plan, in[i], &node));
}

/// Concat: every input is computed straight into its part of the output.
[[gnu::cold]] inline bool alias_concat(Plan& plan, const PlanNode& node) {
  const std::int32_t out = node.output_ids()[0];
  const PlanValue& to = plan.value(out);
  if (!movable(plan, out)) return false;
  const auto in = node.input_ids();
  const int axis = cut_axis(plan, to.shape, in);
  const bool rows = to.shape.product(0, axis) == 1;
  if (!rows && axis != to.shape.rank() - 1) return false;
  for (std::size_t i = 0; i < in.size(); ++i) {
    const bool empty = in[i] < 0 || plan.value(in[i]).bytes == 0;
    if (empty && (in[i] < 0 || plan.value(in[i]).extent != Extent::exact)) return false;
    if (!empty && !joinable(plan, node, i, rows)) return false;
  }
  std::size_t offset = 0;
  for (std::int32_t id : in) {
    PlanValue& v = plan.value(id);
    if (v.bytes == 0) continue;
    merge(plan, find_root(plan, id), out, offset);
    offset += rows ? v.bytes : row_bytes(v);
    if (!rows) v.pitch = to.shape.back();
  }
  return true;
}

/// Split: every output is a part of the input.
[[gnu::cold]] inline bool alias_split(Plan& plan, const PlanNode& node) {
  const std::int32_t in = node.input_ids()[0];
  const PlanValue& from = plan.value(in);
  if (!movable(plan, in)) return false;
  const int axis = cut_axis(plan, from.shape, node.output_ids());
  const bool rows = from.shape.product(0, axis) == 1;
  if (!rows && axis != from.shape.rank() - 1) return false;
  std::size_t offset = 0;
  const std::int32_t root = find_root(plan, in, offset);
  for (std::int32_t id : node.output_ids()) {
    if (id < 0) return false;
    if (plan.value(id).bytes == 0) continue;
    if (!movable(plan, id) || (plan.value(id).output && (plan.value(root).external || !rows)) ||
        (!rows && !readers_take_pitch(plan, id, nullptr)))
      return false;
  }
  for (std::int32_t id : node.output_ids()) {
    PlanValue& v = plan.value(id);
    if (v.bytes != 0) merge(plan, id, root, offset);
    if (!rows) v.pitch = from.pitch;
    offset += rows ? v.bytes : row_bytes(v);
  }
  return true;
}

/// Element-wise nodes overwrite an input that nobody needs afterwards.
[[gnu::cold]] inline void alias_in_place(Plan& plan, const PlanNode& node, std::int32_t step) {
  const std::int32_t out = node.output_ids()[0];
  if (out < 0 || !movable(plan, out) || plan.value(out).root != out || plan.value(out).members != 1) return;
  for (std::int32_t id : node.input_ids()) {
    if (!movable(plan, id)) continue;
    std::size_t offset = 0;
    const std::int32_t root = find_root(plan, id, offset);
    const PlanValue& v = plan.value(id);
    const PlanValue& r = plan.value(root);
    bool fits = v.shape == plan.value(out).shape && bits(v.dtype) == bits(plan.value(out).dtype) &&
                !r.external && !r.pinned && r.last <= step && root != out;
    for (std::int32_t other : node.input_ids())
      if (other >= 0 && other != id && find_root(plan, other) == root) fits = false;
    if (!fits) continue;
    merge(plan, out, root, offset);
    return;
  }
}

/// Gives every value storage of its own, needed from the step that writes it to the last step that reads it.
/// The nodes of a chain run together: their tensors live from its first to its last step.
[[gnu::cold]] inline void separate(Plan& plan) {
  for (std::size_t i = 0; i < plan.values.size(); ++i) {
    PlanValue& v = plan.values[i];
    v.root = static_cast<std::int32_t>(i);
    v.offset = 0;
    v.members = 1;
    v.first = 0;
    v.last = 0;
    v.pitch = v.shape.back();
    v.pinned = v.output;
  }
  for (std::int32_t n = 0; n < plan.steps(); ++n) {
    const PlanNode& node = plan.node(n);
    const std::int32_t first = node.chain < 0 ? n : plan.chain_of(node).first;
    const std::int32_t last = node.chain < 0 ? n : plan.chain_of(node).last;
    for (std::int32_t id : node.input_ids())
      if (id >= 0) plan.value(id).last = last;
    for (std::int32_t id : node.output_ids()) {
      if (id < 0) continue;
      plan.value(id).first = first;
      plan.value(id).last = last;
    }
  }
  for (std::int32_t id : plan.outputs()) plan.value(id).last = plan.steps();
}

/// Merges the storage of values as the node allows. Returns whether the node has nothing left to run.
[[gnu::cold]] inline bool alias_node(Plan& plan, const PlanNode& node, std::int32_t step) {
  if (node.early || node.varies() || node.chain >= 0) return false;
  const OpSpec& spec = *node.op->spec;
  const bool in_one_dtype =
      spec.converts && plan.value(node.input_ids()[0]).dtype == plan.value(node.output_ids()[0]).dtype;
  if (spec.alias || in_one_dtype) return alias_same(plan, node);
  if (spec.joins) return alias_concat(plan, node);
  if (spec.splits) return alias_split(plan, node);
  if (spec.in_place) alias_in_place(plan, node, step);
  return false;
}

/// Decides for every value of the plan, and of its children, whose storage it lies in.
[[gnu::cold]] inline void alias(Plan& plan) {
  separate(plan);
  for (std::int32_t n = 0; n < plan.steps(); ++n) {
    PlanNode& node = plan.node(n);
    node.skip = alias_node(plan, node, n);
    if (always_empty(plan, node) && !node.varies()) node.skip = true;
  }
  for (const PlanNode& node : plan.nodes)
    if (laid_out(plan, node))
      for (Plan* child : node.children) alias(*child);
}

}  // namespace lithe::inline v0::runtime
