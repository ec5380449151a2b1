// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "lithe/runtime/plan.hpp"

namespace lithe::inline v0::runtime {

/// Host values larger than this are computed by ordinary runs instead of while planning.
inline constexpr std::size_t max_host_bytes = 64 * 1024;

/// Lets an operator infer the subgraphs of its node.
struct ChildInference final : SubgraphInference {
  ChildInference(PlanContext& plan_context, PlanNode& plan_node) : context(plan_context), node(plan_node) {}

  Status infer(int subgraph, std::span<const InferContext::Input> inputs,
               std::span<InferContext::Output> outputs) override {
    GraphPlan& child = *node.children[static_cast<std::size_t>(subgraph)];
    if (inputs.size() != child.inputs().size() || outputs.size() != child.outputs().size())
      return {Code::invalid_model,
              "a subgraph has another number of inputs or outputs than its node gives it"};
    for (std::size_t i = 0; i < inputs.size(); ++i) {
      PlanValue& v = child.value(child.inputs()[i]);
      const TensorView& from = inputs[i].tensor;
      if (from.dtype != v.dtype)
        return {Code::dtype, "a subgraph's input has another element type than its node gives it"};
      v.shape = from.shape, v.pitch = from.shape.back();
      v.bytes = from.bytes();
      v.contents = inputs[i].known ? from.data : nullptr;
      v.host = inputs[i].known, v.external = true, v.late = v.dynamic = false;
    }
    const Status status = child.infer(context);
    if (context.open) child.refused = status.code() == Code::shape;
    if (child.refused && status.code() != Code::shape)
      return {Code::out_of_memory, "a subgraph that refused the planned shapes takes these: plan again"};
    LITHE_TRY(status);
    for (std::size_t o = 0; o < outputs.size(); ++o) {
      const PlanValue& v = child.value(child.outputs()[o]);
      if (v.late) return {Code::needs_value, "a subgraph's output shape depends on the data"};
      outputs[o] = {v.dtype, v.shape, v.quantization, v.dynamic, true};
    }
    return {};
  }

  PlanContext& context;
  PlanNode& node;
};

/// Fills infer_inputs; false when a shape is unknown yet.
inline bool GraphPlan::gather_inputs(const PlanNode& node, bool running, bool& dynamic) {
  const auto ids = node.input_ids();
  bool known_shapes = true;
  for (std::size_t i = 0; i < ids.size(); ++i) {
    infer_inputs[i] = {};
    if (ids[i] < 0) continue;
    const PlanValue& v = value(ids[i]);
    if (v.late && !running) known_shapes = false;
    if (v.dynamic || v.late) dynamic = true;
    const void* data = v.contents != nullptr ? (v.widen ? nullptr : v.contents) : running ? v.data : nullptr;
    infer_inputs[i].tensor = TensorView(data, v.dtype, v.shape, v.quantization);
    const bool empty = running ? v.bytes == 0 : v.external && !v.late && v.shape.elements() == 0;
    infer_inputs[i].known = data != nullptr || empty;
  }
  return known_shapes;
}

inline Status GraphPlan::infer_node(PlanContext& context, PlanNode& node, bool running) {
  bool dynamic = false;
  const bool known_shapes = gather_inputs(node, running, dynamic);
  const auto in = node.input_ids(), out = node.output_ids();
  for (std::size_t o = 0; o < out.size(); ++o) {
    infer_outputs[o] = {};
    if (out[o] >= 0)
      infer_outputs[o].dtype = value(out[o]).dtype,
      infer_outputs[o].quantization = value(out[o]).quantization;
  }
  if (!running)  // a subgraph that the operator does not ask for is inferred when it runs
    for (GraphPlan* child : node.children) child->infer_late();
  ChildInference children(context, node);
  InferContext infer(infer_inputs.first(in.size()), infer_outputs.first(out.size()), context.max_bytes,
                     &children);
  Status status = known_shapes ? node.op->infer(node.attributes, infer)
                               : Status{Code::needs_value, "its inputs' shapes depend on the data"};
  const bool late = status.code() == Code::needs_value && !running;
  if (!late) LITHE_TRY(status);
  if (late)
    for (GraphPlan* child : node.children) child->infer_late();
  if (!running) node.dynamic = dynamic || late;
  context.variable |= node.dynamic;
  for (std::size_t o = 0; o < out.size(); ++o) {
    if (out[o] < 0) continue;
    if (!late && !infer_outputs[o].set)
      return {Code::invalid_model, "an operator did not infer one of its outputs"};
    PlanValue& v = value(out[o]);
    if (late) {
      v.late = v.dynamic = true, v.shape = Shape(), v.bytes = 0;
      continue;
    }
    v.shape = infer_outputs[o].shape, v.pitch = v.shape.back();
    v.bytes = static_cast<std::size_t>(bytes(v.dtype, static_cast<std::uint64_t>(v.shape.elements())));
    if (running) continue;
    v.late = false, v.dynamic = dynamic || infer_outputs[o].at_most;
    if (!node.host) v.contents = nullptr, v.host = false;
  }
  return {};
}

inline void GraphPlan::infer_late() {
  for (std::int32_t id : inputs()) value(id).late = value(id).dynamic = value(id).external = true;
  for (PlanNode& node : nodes) {
    node.dynamic = true;
    for (std::int32_t id : node.output_ids())
      if (id >= 0) value(id).late = value(id).dynamic = true;
    for (GraphPlan* child : node.children) child->infer_late();
  }
}

/// Whether planning may compute the node: everything it depends on is known by now.
inline bool GraphPlan::hostable(const PlanContext& context, const PlanNode& node) const {
  if (!context.open) return node.host;
  const OpSpec& spec = *node.op->spec;
  if (node.dynamic || spec.subgraphs != 0 || spec.accuracy == Accuracy::random) return false;
  for (std::int32_t id : node.input_ids())
    if (id >= 0 && !spec.reads_shapes_only &&
        (!value(id).host || value(id).contents == nullptr || value(id).widen))
      return false;
  std::size_t total = 0;
  for (std::int32_t id : node.output_ids())
    if (id >= 0) total += value(id).dynamic ? max_host_bytes + 1 : value(id).bytes;
  return total <= max_host_bytes;
}

/// Runs the node now and keeps its outputs.
inline Status GraphPlan::evaluate(PlanContext& context, PlanNode& node) {
  if (node.kernel == nullptr) {
    LITHE_TRY(choose_node(context, node, true));
    LITHE_TRY(create_node(context, node, node.preferred));
  }
  LITHE_TRY(select(context, node));
  const auto in = node.input_ids(), out = node.output_ids();
  for (std::size_t i = 0; i < in.size(); ++i)
    node.inputs[i] = in[i] < 0 ? TensorView()
                               : TensorView(value(in[i]).contents, value(in[i]).dtype, value(in[i]).shape,
                                            value(in[i]).quantization);
  for (std::size_t o = 0; o < out.size(); ++o) {
    if (out[o] < 0) continue;
    PlanValue& v = value(out[o]);
    LITHE_TRY(context.keep(v.grown, v.bytes + tensor_slack));
    node.outputs[o] = Tensor(v.grown.data, v.dtype, v.shape, v.quantization);
    v.contents = v.data = v.grown.data, v.host = true;
  }
  std::size_t workspace_bytes = 0;
  LITHE_TRY(reshape_kernel(context, node, workspace_bytes));
  LITHE_TRY(context.keep(node.grown, workspace_bytes));
  RunContext run(node.inputs, node.outputs, {node.grown.data, workspace_bytes}, context.threads);
  return node.kernel->run(node.object, node.attributes, run);
}

inline Status GraphPlan::infer(PlanContext& context) {
  for (std::int32_t n = 0; n < steps(); ++n) {
    PlanNode& node = nodes[static_cast<std::size_t>(n)];
    LITHE_TRY(infer_node(context, node, false).at(index, n));
    if (!hostable(context, node)) continue;
    node.host = true;
    LITHE_TRY(evaluate(context, node).at(index, n));
  }
  for (const StripChain& chain : chains) LITHE_TRY(plan_strips(context, chain));
  return {};
}

}  // namespace lithe::inline v0::runtime
