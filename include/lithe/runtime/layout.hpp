// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "lithe/runtime/choose.hpp"
#include "lithe/runtime/plan.hpp"

namespace lithe::inline v0::runtime {

/// Root of a value's storage and its offset in it.
inline std::int32_t GraphPlan::find(std::int32_t id, std::size_t& offset) const {
  offset = 0;
  while (value(id).root != id) offset += value(id).offset, id = value(id).root;
  return id;
}

/// Puts the storage of root `id` into that of root `into`, at `offset` bytes.
inline void GraphPlan::merge(std::int32_t id, std::int32_t into, std::size_t offset) {
  PlanValue &from = value(id), &to = value(into);
  from.root = into, from.offset = offset;
  to.members += from.members;
  if (from.first < to.first) to.first = from.first;
  if (from.last > to.last) to.last = from.last;
  to.pinned |= from.pinned;
}

/// A computed value of fixed shape: planning may decide where it lies.
inline bool GraphPlan::movable(std::int32_t id) const {
  if (id < 0) return false;
  const PlanValue& v = value(id);
  return v.contents == nullptr && !v.dynamic && !v.late && v.pitch == v.shape.back() && v.bytes > 0 &&
         bits(v.dtype) >= 8;
}

inline bool GraphPlan::readers_take_pitch(std::int32_t id, const PlanNode* except) const {
  if (value(id).output) return false;
  for (const PlanNode& node : nodes)
    for (std::int32_t in : node.input_ids())
      if (in == id && &node != except &&
          (node.chain >= 0 || node.kernel == nullptr || !node.kernel->strided_inputs))
        return false;
  return true;
}

inline bool GraphPlan::writer_gives_pitch(std::int32_t id) const {
  for (const PlanNode& node : nodes)
    for (std::int32_t out : node.output_ids())
      if (out == id)
        return node.chain < 0 && !node.dynamic && node.kernel != nullptr && node.kernel->strided_outputs;
  return false;
}

/// The axis along which `parts` make up `whole`: the first on which one of them differs.
inline int GraphPlan::cut_axis(const Shape& whole, std::span<const std::int32_t> parts) const {
  for (int axis = 0; axis < whole.rank(); ++axis)
    for (std::int32_t id : parts)
      if (id >= 0 && value(id).shape[axis] != whole[axis]) return axis;
  return 0;
}

/// Reshape and its kind, and a Cast from half precision to the f32 that it is planned in: the output is the
/// input's storage.
inline bool GraphPlan::alias_same(PlanNode& node) {
  const std::int32_t in = node.input_ids()[0], out = node.output_ids()[0];
  PlanValue &from = value(in), &to = value(out);
  if (from.contents != nullptr && !from.widen && !to.output) return to.contents = from.contents, true;
  std::size_t offset = 0;
  const std::int32_t root = find(in, offset);
  if (!movable(in) || !movable(out) || from.bytes != to.bytes || (to.output && value(root).external))
    return false;
  merge(out, root, offset);
  return true;
}

/// Concat: every input is computed straight into its part of the output.
inline bool GraphPlan::alias_concat(PlanNode& node) {
  const std::int32_t out = node.output_ids()[0];
  const PlanValue& to = value(out);
  if (!movable(out)) return false;
  const auto in = node.input_ids();
  const int axis = cut_axis(to.shape, in);
  const bool rows = to.shape.product(0, axis) == 1;
  if (!rows && axis != to.shape.rank() - 1) return false;
  for (std::size_t i = 0; i < in.size(); ++i) {
    if (in[i] < 0 || value(in[i]).bytes == 0) {
      if (in[i] < 0 || value(in[i]).dynamic) return false;
      continue;
    }
    std::size_t offset = 0;
    const PlanValue& v = value(in[i]);
    const std::int32_t root = find(in[i], offset);
    const PlanValue& r = value(root);
    for (std::size_t k = 0; k < i; ++k)
      if (std::size_t other = 0; in[k] >= 0 && find(in[k], other) == root) return false;
    if (!movable(in[i]) || offset != 0 || r.bytes != v.bytes || r.external || r.pinned ||
        r.contents != nullptr || r.dynamic)
      return false;
    if (!rows &&
        (root != in[i] || r.members != 1 || !writer_gives_pitch(in[i]) || !readers_take_pitch(in[i], &node)))
      return false;
  }
  std::size_t offset = 0;
  for (std::int32_t id : in) {
    PlanValue& v = value(id);
    if (v.bytes == 0) continue;
    std::size_t none = 0;
    merge(find(id, none), out, offset);
    if (rows) {
      offset += v.bytes;
    } else {
      v.pitch = to.shape.back();
      offset += static_cast<std::size_t>(v.shape.back()) * static_cast<std::size_t>(element_bytes(v.dtype));
    }
  }
  return true;
}

/// Split: every output is a part of the input.
inline bool GraphPlan::alias_split(PlanNode& node) {
  const std::int32_t in = node.input_ids()[0];
  const PlanValue& from = value(in);
  if (!movable(in)) return false;
  const int axis = cut_axis(from.shape, node.output_ids());
  const bool rows = from.shape.product(0, axis) == 1;
  if (!rows && axis != from.shape.rank() - 1) return false;
  std::size_t offset = 0;
  const std::int32_t root = find(in, offset);
  for (std::int32_t id : node.output_ids()) {
    if (id < 0 || value(id).bytes == 0) continue;
    if (!movable(id) || (value(id).output && (value(root).external || !rows)) ||
        (!rows && !readers_take_pitch(id, nullptr)))
      return false;
  }
  for (std::int32_t id : node.output_ids()) {
    if (id < 0) return false;
    PlanValue& v = value(id);
    if (v.bytes != 0) merge(id, root, offset);
    if (!rows) v.pitch = from.pitch;
    offset +=
        rows ? v.bytes
             : static_cast<std::size_t>(v.shape.back()) * static_cast<std::size_t>(element_bytes(v.dtype));
  }
  return true;
}

/// Element-wise nodes overwrite an input that nobody needs afterwards.
inline void GraphPlan::alias_in_place(PlanNode& node, std::int32_t step) {
  const std::int32_t out = node.output_ids()[0];
  if (out < 0 || !movable(out) || value(out).root != out || value(out).members != 1) return;
  for (std::int32_t id : node.input_ids()) {
    if (!movable(id)) continue;
    std::size_t offset = 0;
    const std::int32_t root = find(id, offset);
    const PlanValue &v = value(id), &r = value(root);
    bool fits = v.shape == value(out).shape && bits(v.dtype) == bits(value(out).dtype) && !r.external &&
                !r.pinned && r.last <= step && root != out;
    for (std::int32_t other : node.input_ids())
      if (std::size_t o = 0; other >= 0 && other != id && find(other, o) == root) fits = false;
    if (!fits) continue;
    merge(out, root, offset);
    return;
  }
}

/// Decides which values share storage, at the current shapes.
inline void GraphPlan::alias() {
  for (std::size_t i = 0; i < values.size(); ++i) {
    PlanValue& v = values[i];
    v.root = static_cast<std::int32_t>(i), v.offset = 0, v.members = 1;
    v.first = v.last = v.last_read = 0, v.pitch = v.shape.back(), v.pinned = v.output;
  }
  for (std::int32_t n = 0; n < steps(); ++n) {
    const PlanNode& node = nodes[static_cast<std::size_t>(n)];
    for (std::int32_t id : node.input_ids())
      if (id >= 0) value(id).last_read = value(id).last = last_step(n);
    for (std::int32_t id : node.output_ids())
      if (id >= 0) value(id).first = first_step(n), value(id).last_read = value(id).last = last_step(n);
  }
  for (std::int32_t id : outputs()) value(id).last = steps();
  for (std::int32_t n = 0; n < steps(); ++n) {
    PlanNode& node = nodes[static_cast<std::size_t>(n)];
    node.skip = false;
    if (node.host || node.dynamic || node.chain >= 0) continue;
    const OpSpec& spec = *node.op->spec;
    const bool in_one_dtype =
        spec.converts && value(node.input_ids()[0]).dtype == value(node.output_ids()[0]).dtype;
    if (spec.alias || in_one_dtype)
      node.skip = alias_same(node);
    else if (spec.joins)
      node.skip = alias_concat(node);
    else if (spec.splits)
      node.skip = alias_split(node);
    else if (spec.in_place)
      alias_in_place(node, n);
  }
}

/// Fills the node's views: shapes, pitches and where the data lies by now.
inline void GraphPlan::view(const PlanNode& node) {
  const auto in = node.input_ids(), out = node.output_ids();
  for (std::size_t i = 0; i < in.size(); ++i) {
    if (in[i] < 0) continue;
    const PlanValue& v = value(in[i]);
    node.inputs[i] =
        TensorView(v.contents != nullptr ? v.contents : v.data, v.dtype, v.shape, v.quantization);
    node.inputs[i].pitch = v.pitch;
  }
  for (std::size_t o = 0; o < out.size(); ++o) {
    if (out[o] < 0) continue;
    const PlanValue& v = value(out[o]);
    node.outputs[o] = Tensor(v.data, v.dtype, v.shape, v.quantization);
    node.outputs[o].pitch = v.pitch;
  }
}

/// Reshapes the node's kernel for what its views say now; `workspace_bytes` is what it asks for.
inline Status GraphPlan::reshape_kernel(PlanContext& context, const PlanNode& node,
                                        std::size_t& workspace_bytes, const Strip* strip, int slot) {
  for (std::size_t o = 0; o < node.outputs.size(); ++o) output_views[o] = node.outputs[o];
  ReshapeContext reshape{describe(node, &context.cpu),
                         node.inputs,
                         output_views.first(node.outputs.size()),
                         strip,
                         slot,
                         context.threads,
                         0};
  LITHE_TRY(node.kernel->reshape(node.object, node.attributes, reshape));
  workspace_bytes = align_up(reshape.workspace_bytes, 64);
  return {};
}

inline Status GraphPlan::reshape_node(PlanContext& context, PlanNode& node) {
  node.skip |= empty(node) && !node.dynamic;
  node.workspace_bytes = node.children_bytes = 0;
  if (node.skip || node.host || empty(node) || late(node)) return {};
  for (GraphPlan* child : node.children) {
    LITHE_TRY(child->settle(context));
    if (child->tensor_bytes > node.children_bytes) node.children_bytes = child->tensor_bytes;
  }
  view(node);
  return reshape_kernel(context, node, node.workspace_bytes);
}

/// Plans blocks for all roots and workspaces.
inline void GraphPlan::place() {
  std::int32_t n = 0;
  const auto add = [&](std::size_t bytes, std::int32_t first, std::int32_t last) {
    blocks[static_cast<std::size_t>(n)] = {bytes, first, last, 0};
    return n++;
  };
  for (std::size_t i = 0; i < values.size(); ++i) {
    PlanValue& v = values[i];
    v.block = -1;
    const bool stored = v.root == static_cast<std::int32_t>(i) && !v.external && v.contents == nullptr &&
                        v.buffer < 0 && !v.late && v.bytes > 0;
    if (stored) v.block = add((v.stored != 0 ? v.stored : v.bytes) + tensor_slack, v.first, v.last);
  }
  for (std::int32_t s = 0; s < steps(); ++s) {
    PlanNode& node = nodes[static_cast<std::size_t>(s)];
    node.block = -1;
    if (node.workspace_bytes + node.children_bytes > 0)
      node.block = add(node.workspace_bytes + node.children_bytes, first_step(s), last_step(s));
  }
  const auto count = static_cast<std::size_t>(n);
  tensor_bytes = plan_blocks(blocks.first(count), order.first(count), placed.first(count));
}

inline Status GraphPlan::settle(PlanContext& context) {
  for (std::int32_t n = 0; n < steps() && context.variable; ++n)
    if (PlanNode& node = nodes[static_cast<std::size_t>(n)]; !node.host && !late(node) && !empty(node))
      LITHE_TRY(select(context, node).at(index, n));
  alias();
  {
    const HeapScope scope(context);
    for (std::int32_t n = 0; n < steps(); ++n)
      if (chain_of(n) < 0) LITHE_TRY(reshape_node(context, nodes[static_cast<std::size_t>(n)]).at(index, n));
    for (const StripChain& chain : chains) LITHE_TRY(reshape_chain(context, chain));
  }
  place();
  return {};
}

inline void GraphPlan::point_node(PlanNode& node) {
  view(node);
  for (GraphPlan* child : node.children)
    if (node.workspace != nullptr) child->point(node.workspace + node.workspace_bytes);
}

inline void GraphPlan::point(std::byte* at) {
  base = at;
  for (PlanValue& v : values) {
    v.capacity = 0;
    if (v.block < 0) continue;
    const PlannedBlock& block = blocks[static_cast<std::size_t>(v.block)];
    v.data = base + block.offset, v.capacity = block.bytes - tensor_slack;
  }
  for (std::size_t i = 0; i < values.size(); ++i) {
    std::size_t offset = 0;
    const std::int32_t root = find(static_cast<std::int32_t>(i), offset);
    if (root != static_cast<std::int32_t>(i))
      values[i].data = value(root).data == nullptr ? nullptr : value(root).data + offset;
  }
  for (PlanNode& node : nodes) {
    node.workspace = node.block < 0 ? nullptr : base + blocks[static_cast<std::size_t>(node.block)].offset;
    node.workspace_capacity = node.block < 0 ? 0 : blocks[static_cast<std::size_t>(node.block)].bytes;
    if (!node.host) point_node(node);
  }
}

}  // namespace lithe::inline v0::runtime
