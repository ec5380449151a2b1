// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

#include "lithe/core/operator.hpp"
#include "lithe/core/status.hpp"
#include "lithe/runtime/early.hpp"
#include "lithe/runtime/fit.hpp"
#include "lithe/runtime/plan.hpp"
#include "lithe/runtime/services.hpp"

/// Finds the shapes of every node's outputs from the shapes, and the known contents, of its inputs.
namespace lithe::inline v0::runtime {

[[gnu::cold]] inline Fit infer(Planning& planning, Plan& plan);

/// Lets an operator infer the subgraphs of its node.
class ChildInference final : public SubgraphInference {
 public:
  ChildInference(Planning& planning, PlanNode& node) : planning_(planning), node_(node) {}

  Status infer(int subgraph, std::span<const InferContext::Input> inputs,
               std::span<InferContext::Output> outputs) override {
    Plan& child = *node_.children[static_cast<std::size_t>(subgraph)];
    if (inputs.size() != child.inputs().size() || outputs.size() != child.outputs().size())
      return {Code::invalid_model,
              "a subgraph has another number of inputs or outputs than its node gives it"};
    for (std::size_t i = 0; i < inputs.size(); ++i) {
      PlanValue& v = child.value(child.inputs()[i]);
      const TensorView& from = inputs[i].tensor;
      if (from.dtype != v.dtype)
        return {Code::dtype, "a subgraph's input has another element type than its node gives it"};
      v.shape = from.shape;
      v.pitch = from.shape.back();
      v.bytes = from.bytes();
      v.contents = inputs[i].known ? from.data : nullptr;
      v.external = true;
      v.extent = Extent::exact;
    }
    fit_ = runtime::infer(planning_, child);
    if (planning_.first) child.refused = fit_.status().code() == Code::shape;
    if (child.refused && fit_.status().code() != Code::shape)
      fit_ = Fit::replan("a subgraph that refused the planned shapes takes these");
    LITHE_TRY(fit_.status());
    for (std::size_t o = 0; o < outputs.size(); ++o) {
      const PlanValue& v = child.value(child.outputs()[o]);
      outputs[o] = {v.dtype, v.shape, v.quantization, v.extent};
    }
    return {};
  }
  /// Whether a subgraph answered that the session must plan again, whatever the operator made of that answer.
  bool replans() const { return fit_.replans(); }
  Fit fit() const { return fit_; }

 private:
  Planning& planning_;
  PlanNode& node_;
  Fit fit_;
};

/// Marks all shapes as unknown, because nothing is known of the inputs: every node is inferred when it runs.
[[gnu::cold]] inline void leave_unknown(Plan& plan) {
  for (std::int32_t id : plan.inputs()) {
    plan.value(id).extent = Extent::unknown;
    plan.value(id).external = true;
  }
  for (PlanNode& node : plan.nodes) {
    node.extent = Extent::unknown;
    for (std::int32_t id : node.output_ids())
      if (id >= 0) plan.value(id).extent = Extent::unknown;
    for (Plan* child : node.children) leave_unknown(*child);
  }
}

enum class When : std::uint8_t { planning, running };

/// Fills the plan's infer_inputs. Returns what is known of all their shapes together.
inline Extent gather_inputs(Plan& plan, const PlanNode& node, When when) {
  const auto ids = node.input_ids();
  Extent all = Extent::exact;
  for (std::size_t i = 0; i < ids.size(); ++i) {
    InferContext::Input& input = plan.scratch.infer_inputs[i];
    input = {};
    if (ids[i] < 0) continue;
    const PlanValue& v = plan.value(ids[i]);
    if (v.extent > all) all = v.extent;
    const bool running = when == When::running;
    const void* data = v.contents != nullptr ? (v.widen ? nullptr : v.contents) : running ? v.data : nullptr;
    input.tensor = TensorView(data, v.dtype, v.shape, v.quantization);
    const bool empty =
        running ? v.bytes == 0 : v.external && v.extent != Extent::unknown && v.shape.elements() == 0;
    input.known = data != nullptr || empty;
  }
  return all;
}

/// Copies the shape that the operator inferred for an output to its value.
inline Status take_output(PlanNode& node, PlanValue& v, const InferContext::Output& output, Extent inputs,
                          When when) {
  if (output.extent == Extent::unknown)
    return {Code::invalid_model, "an operator did not infer one of its outputs"};
  v.shape = output.shape;
  v.pitch = v.shape.back();
  v.bytes = static_cast<std::size_t>(bytes(v.dtype, static_cast<std::uint64_t>(v.shape.elements())));
  if (when == When::running) return {};
  v.extent = inputs != Extent::exact ? Extent::at_most : output.extent;
  if (!node.early) v.contents = nullptr;
  return {};
}

/// Infers one node and sets the shapes of its outputs. While running, all contents are known. While planning,
/// a shape that depends on unknown contents is left Extent::unknown.
inline Fit infer_node(Planning& planning, Plan& plan, PlanNode& node, When when) {
  const Extent inputs = gather_inputs(plan, node, when);
  const auto in = node.input_ids(), out = node.output_ids();
  for (std::size_t o = 0; o < out.size(); ++o) {
    InferContext::Output& output = plan.scratch.infer_outputs[o];
    output = {};
    if (out[o] < 0) continue;
    output.dtype = plan.value(out[o]).dtype;
    output.quantization = plan.value(out[o]).quantization;
  }
  const bool running = when == When::running;
  if (!running)  // a subgraph that the operator does not ask for is inferred when it runs
    for (Plan* child : node.children) leave_unknown(*child);
  ChildInference children(planning, node);
  InferContext context(plan.scratch.infer_inputs.first(in.size()),
                       plan.scratch.infer_outputs.first(out.size()), planning.services->max_bytes, &children,
                       when == When::running);
  const bool can_infer = running || inputs != Extent::unknown;
  const Status status = can_infer ? node.op->infer(node.attributes, context)
                                  : Status{Code::needs_value, "its inputs' shapes depend on the data"};
  if (children.replans()) return children.fit();
  const bool unknown = status.code() == Code::needs_value && !running;
  if (!unknown) LITHE_TRY(status);
  if (unknown)
    for (Plan* child : node.children) leave_unknown(*child);
  if (!running) {
    node.extent = unknown ? Extent::unknown : inputs;
    planning.variable |= node.varies();
  }
  for (std::size_t o = 0; o < out.size(); ++o) {
    if (out[o] < 0) continue;
    PlanValue& v = plan.value(out[o]);
    if (!unknown) {
      LITHE_TRY(take_output(node, v, plan.scratch.infer_outputs[o], inputs, when));
      continue;
    }
    v.extent = Extent::unknown;
    v.shape = Shape();
    v.bytes = 0;
  }
  return {};
}

/// Infers all nodes, and runs those that may run early.
inline Fit infer(Planning& planning, Plan& plan) {
  for (std::int32_t n = 0; n < plan.steps(); ++n) {
    PlanNode& node = plan.node(n);
    LITHE_TRY(infer_node(planning, plan, node, When::planning).at(plan.index, n));
    if (can_run_early(planning, plan, node)) LITHE_TRY(run_early(planning, plan, node).at(plan.index, n));
  }
  return {};
}

}  // namespace lithe::inline v0::runtime
