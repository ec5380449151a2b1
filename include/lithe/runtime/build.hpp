// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string_view>

#include "lithe/core/check_node.hpp"
#include "lithe/core/kernel.hpp"
#include "lithe/core/operator.hpp"
#include "lithe/core/status.hpp"
#include "lithe/format/reader.hpp"
#include "lithe/memory/arena.hpp"
#include "lithe/model.hpp"
#include "lithe/runtime/plan.hpp"
#include "lithe/runtime/plan_memory.hpp"
#include "lithe/runtime/services.hpp"
#include "lithe/runtime/table_counts.hpp"

/// Allocates and fills a plan's tables: dtypes, constants, operators, attributes. Shapes come later.
namespace lithe::inline v0::runtime {

/// The file's quantization as kernels see it. Its scales and zero points stay in the file.
[[gnu::cold]] inline Quantization quantization_of(const Model& model, const format::Quantization& source) {
  Quantization q;
  const auto scales = model.buffer(source.scale());
  q.scale_dtype = static_cast<DType>(source.scale_dtype());
  q.scale = scales.data();
  q.count = static_cast<index_t>(scales.size() / static_cast<std::size_t>(element_bytes(q.scale_dtype)));
  if (source.zero_point() >= 0) {
    q.zero_point = model.buffer(static_cast<std::uint32_t>(source.zero_point())).data();
    q.zero_point_dtype = static_cast<DType>(source.zero_point_dtype());
  }
  q.axis = source.axis();
  q.block = static_cast<index_t>(source.block());
  return q;
}

[[gnu::cold]] inline Status build_values(Planning& planning, Plan& plan) {
  const Services& services = *planning.services;
  for (std::uint32_t i = 0; i < plan.file->values()->size(); ++i) {
    const format::Value& source = *plan.file->values()->Get(i);
    PlanValue& v = plan.values[i];
    v.file_dtype = dtype_of_value(source);
    v.dtype = services.lowered(v.file_dtype);
    v.root = static_cast<std::int32_t>(i);
    v.input = i < plan.file->inputs()->size();
    if (source.quantization() != nullptr) {
      std::span<Quantization> q;
      if (!planning.arena->array(1, q)) return out_of_arena();
      q[0] = quantization_of(*services.model, *source.quantization());
      v.quantization = q.data();
    }
    if (source.buffer() < 0) continue;
    v.buffer = source.buffer();
    v.contents = services.model->buffer(static_cast<std::uint32_t>(source.buffer())).data();
    v.shape = Shape(numbers(source.dims()));
    v.widen = v.dtype != v.file_dtype;
    v.bytes = static_cast<std::size_t>(bytes(v.dtype, static_cast<std::uint64_t>(v.shape.elements())));
    v.pitch = v.shape.back();
  }
  for (std::int32_t id : plan.outputs()) {
    plan.value(id).output = true;
    ++plan.value(id).readers;
  }
  return {};
}

[[gnu::cold]] inline Status check_node(std::span<const KernelEntry> kernels, const Plan& plan,
                                       const PlanNode& node) {
  const auto in = node.input_ids(), out = node.output_ids();
  const auto dtypes = [&plan](std::span<const std::int32_t> ids) {
    return [&plan, ids](std::size_t i) { return ids[i] < 0 ? DType::none : plan.value(ids[i]).dtype; };
  };
  return lithe::check_node(*node.op->spec, kernels, in.size(), dtypes(in), out.size(), dtypes(out),
                           node.children.size());
}

[[gnu::cold]] inline Status build(Planning& planning, Plan& plan, std::uint32_t subgraph);

/// Sets the node's operator and parses its attributes.
[[gnu::cold]] inline Status read_node(Planning& planning, PlanNode& node) {
  const Services& services = *planning.services;
  const format::Operator& op = *services.model->root().operators()->Get(node.file->op());
  for (const KernelEntry& kernel : services.kernels)
    if (is_operator(*kernel.op->spec, text(op.name()), op.version())) {
      node.op = kernel.op;
      break;
    }
  if (node.op == nullptr) return {Code::unsupported, "no kernel in the session's list runs this operator"};
  Arena& arena = *planning.arena;
  node.attributes = arena.allocate(node.op->attributes_bytes, node.op->attributes_align);
  if (node.attributes == nullptr || !arena.array(node.input_ids().size(), node.inputs) ||
      !arena.array(node.output_ids().size(), node.outputs) ||
      !arena.array(count(node.file->subgraphs()), node.children))
    return out_of_arena();
  NodeAttributes reader{node.file};
  return node.op->parse(node.attributes, {[](void* self, std::string_view& name, AttributeData& data) {
                                            return static_cast<NodeAttributes*>(self)->next(name, data);
                                          },
                                          &reader});
}

[[gnu::cold]] inline Status build_node(Planning& planning, Plan& plan, PlanNode& node) {
  LITHE_TRY(read_node(planning, node));
  LITHE_TRY(check_node(planning.services->kernels, plan, node));
  for (std::int32_t id : node.input_ids())
    if (id >= 0) ++plan.value(id).readers;
  for (std::size_t i = 0; i < node.children.size(); ++i) {
    std::span<Plan> child;
    if (!planning.arena->array(1, child)) return out_of_arena();
    node.children[i] = child.data();
    LITHE_TRY(build(planning, child[0], node.file->subgraphs()->Get(static_cast<std::uint32_t>(i))));
  }
  return {};
}

inline Status build(Planning& planning, Plan& plan, std::uint32_t subgraph) {
  plan.index = static_cast<std::int32_t>(subgraph);
  plan.file = planning.services->model->root().subgraphs()->Get(subgraph);
  const TableCounts counts = counts_of(*plan.file);
  Arena& arena = *planning.arena;
  Plan::Scratch& s = plan.scratch;
  if (!arena.array(counts.values, plan.values) || !arena.array(counts.nodes, plan.nodes) ||
      !arena.array(counts.widest, s.infer_inputs) || !arena.array(counts.widest, s.infer_outputs) ||
      !arena.array(counts.widest, s.input_info) || !arena.array(counts.widest, s.output_info) ||
      !arena.array(counts.widest, s.output_views) || !arena.array(counts.blocks(), plan.blocks) ||
      !arena.array(counts.blocks(), s.order) || !arena.array(counts.blocks(), s.placed))
    return out_of_arena();
  LITHE_TRY(build_values(planning, plan));
  for (std::int32_t n = 0; n < plan.steps(); ++n) {
    PlanNode& node = plan.node(n);
    node.file = plan.file->nodes()->Get(static_cast<std::uint32_t>(n));
    LITHE_TRY(build_node(planning, plan, node).at(plan.index, n));
  }
  return {};
}

}  // namespace lithe::inline v0::runtime
