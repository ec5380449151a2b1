// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "lithe/runtime/infer.hpp"
#include "lithe/runtime/layout.hpp"

namespace lithe::inline v0::runtime {

/// What a running kernel may ask of its session.
struct NodeHost final : RunHost {
  NodeHost(PlanContext& plan_context, GraphPlan& plan_graph, PlanNode& plan_node)
      : context(plan_context), graph(plan_graph), node(plan_node) {}

  Status call(int subgraph, std::span<const TensorView> inputs, std::span<TensorView> outputs) override {
    if (subgraph < 0 || static_cast<std::size_t>(subgraph) >= node.children.size())
      return {Code::invalid_argument, "a node has no such subgraph"};
    GraphPlan& child = *node.children[static_cast<std::size_t>(subgraph)];
    if (inputs.size() != child.inputs().size() || outputs.size() != child.outputs().size())
      return {Code::invalid_model,
              "a subgraph has another number of inputs or outputs than its node gives it"};
    bool replan = node.dynamic;
    for (std::size_t i = 0; i < inputs.size(); ++i) {
      PlanValue& v = child.value(child.inputs()[i]);
      if (inputs[i].dtype != v.dtype)
        return {Code::dtype, "a subgraph's input has another element type than its node gives it"};
      replan |= v.late || !(v.shape == inputs[i].shape);
      v.shape = inputs[i].shape, v.bytes = inputs[i].bytes(), v.pitch = v.shape.back();
      v.late = v.dynamic = false, v.external = true;
      v.data = const_cast<void*>(inputs[i].data) == nullptr
                   ? nullptr
                   : static_cast<std::byte*>(const_cast<void*>(inputs[i].data));
    }
    if (replan) LITHE_TRY(plan_again(child));
    child.point(child.base);
    LITHE_TRY(child.run(context));
    for (std::size_t o = 0; o < outputs.size(); ++o) {
      const PlanValue& v = child.value(child.outputs()[o]);
      outputs[o] = TensorView(v.contents != nullptr ? v.contents : v.data, v.dtype, v.shape, v.quantization);
    }
    return {};
  }

  Status resize_output(int output, const Shape& shape, Tensor& tensor) override {
    PlanValue& v = graph.value(node.output_ids()[static_cast<std::size_t>(output)]);
    std::uint64_t bytes = 0;
    if (!shape.checked_bytes(v.dtype, context.max_bytes, bytes))
      return {Code::out_of_memory, "an output is larger than the byte limit (max_bytes)"};
    LITHE_TRY(graph.store(context, v, static_cast<std::size_t>(bytes)));
    v.shape = shape, v.pitch = shape.back();
    tensor = Tensor(v.data, v.dtype, v.shape, v.quantization);
    return {};
  }

  bool stopped() const override {
    return context.stop != nullptr && context.stop->load(std::memory_order_relaxed);
  }
  std::uint64_t max_iterations() const override { return context.max_iterations; }

  /// New shapes for the child, inside the bytes set aside, or in a grown block.
  Status plan_again(GraphPlan& child) {
    LITHE_TRY(child.infer(context));
    LITHE_TRY(child.settle(context));
    const std::size_t have =
        node.workspace_capacity > node.workspace_bytes ? node.workspace_capacity - node.workspace_bytes : 0;
    child.base = node.workspace == nullptr ? nullptr : node.workspace + node.workspace_bytes;
    if (child.tensor_bytes <= have) return {};
    LITHE_TRY(context.grow(node.grown_children, child.tensor_bytes));
    child.base = node.grown_children.data;
    return {};
  }

  PlanContext& context;
  GraphPlan& graph;
  PlanNode& node;
};

/// Room for `bytes` of a value whose size the data decides.
inline Status GraphPlan::store(PlanContext& context, PlanValue& v, std::size_t bytes) {
  v.bytes = bytes;
  if (bytes <= v.capacity && v.data != nullptr) return {};
  LITHE_TRY(context.grow(v.grown, bytes + tensor_slack));
  v.data = v.grown.data;
  return {};
}

/// Shapes, storage and scratch of a node whose sizes the data decides, just before it runs.
inline Status GraphPlan::refresh(PlanContext& context, PlanNode& node) {
  LITHE_TRY(infer_node(context, node, true));
  bool empty = true;
  for (std::size_t o = 0; o < node.output_ids().size(); ++o) {
    const std::int32_t id = node.output_ids()[o];
    if (id < 0) continue;
    LITHE_TRY(store(context, value(id), value(id).bytes));
    empty &= value(id).bytes == 0 && !infer_outputs[o].at_most;
  }
  view(node);
  node.skip = empty && node.children.empty();
  if (node.skip) return {};
  LITHE_TRY(select(context, node));
  LITHE_TRY(reshape_kernel(context, node, node.workspace_bytes));
  if (node.workspace_bytes <= node.workspace_capacity && node.workspace != nullptr) return {};
  if (node.workspace_bytes == 0) return {};
  LITHE_TRY(context.grow(node.grown, node.workspace_bytes));
  node.workspace = node.grown.data, node.workspace_capacity = node.grown.capacity;
  return {};
}

inline Status GraphPlan::run_node(PlanContext& context, PlanNode& node) {
  NodeHost host(context, *this, node);
  RunContext run(node.inputs, node.outputs, {node.workspace, node.workspace_bytes}, context.threads, &host);
  return node.kernel->run(node.object, node.attributes, run);
}

inline Status GraphPlan::run(PlanContext& context) {
  const RunObserver* const observer = context.observer;
  for (std::int32_t n = 0; n < steps(); ++n) {
    PlanNode& node = nodes[static_cast<std::size_t>(n)];
    if (node.host) continue;
    if (context.stop != nullptr && context.stop->load(std::memory_order_relaxed))
      return Status{Code::stopped, "the stop flag was set"}.at(index, n);
    if (node.chain >= 0) {
      LITHE_TRY(run_chain(context, n));
      n = chains[static_cast<std::size_t>(node.chain)].last;
      continue;
    }
    if (node.dynamic) LITHE_TRY(refresh(context, node).at(index, n));
    if (node.skip) continue;
    if (observer != nullptr) observer->before(observer->self, *this, n);
    LITHE_TRY(run_node(context, node).at(index, n));
    if (observer != nullptr) observer->after(observer->self, *this, n);
  }
  return {};
}

}  // namespace lithe::inline v0::runtime
