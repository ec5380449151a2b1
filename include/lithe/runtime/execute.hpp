// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

#include "lithe/core/kernel.hpp"
#include "lithe/core/status.hpp"
#include "lithe/runtime/choose.hpp"
#include "lithe/runtime/infer.hpp"
#include "lithe/runtime/inspect.hpp"
#include "lithe/runtime/node_views.hpp"
#include "lithe/runtime/observer.hpp"
#include "lithe/runtime/plan.hpp"
#include "lithe/runtime/plan_memory.hpp"
#include "lithe/runtime/point.hpp"
#include "lithe/runtime/replan.hpp"
#include "lithe/runtime/reshape.hpp"
#include "lithe/runtime/services.hpp"

/// Runs a plan.
namespace lithe::inline v0::runtime {

/// Runs all nodes. Errors, with the node: that of a kernel; Code::stopped if the stop flag is set, which is
/// read before every node and strip.
inline Status execute(Planning& planning, Plan& plan);

/// Answers what the kernel of one node asks of its session.
class NodeServices final : public RunServices {
 public:
  NodeServices(Planning& planning, Plan& plan, PlanNode& node)
      : planning_(planning), plan_(plan), node_(node) {}

  [[gnu::cold]] Status call(int subgraph, std::span<const TensorView> inputs,
                            std::span<TensorView> outputs) override {
    if (subgraph < 0 || static_cast<std::size_t>(subgraph) >= node_.children.size())
      return {Code::invalid_argument, "a node has no such subgraph"};
    Plan& child = *node_.children[static_cast<std::size_t>(subgraph)];
    if (inputs.size() != child.inputs().size() || outputs.size() != child.outputs().size())
      return {Code::invalid_model,
              "a subgraph has another number of inputs or outputs than its node gives it"};
    bool other_shapes = node_.varies();
    for (std::size_t i = 0; i < inputs.size(); ++i) {
      PlanValue& v = child.value(child.inputs()[i]);
      if (inputs[i].dtype != v.dtype)
        return {Code::dtype, "a subgraph's input has another element type than its node gives it"};
      other_shapes |= v.extent == Extent::unknown || !(v.shape == inputs[i].shape);
      v.shape = inputs[i].shape;
      v.bytes = inputs[i].bytes();
      v.pitch = v.shape.back();
      v.extent = Extent::exact;
      v.external = true;
      v.data = static_cast<std::byte*>(const_cast<void*>(inputs[i].data));
    }
    if (other_shapes) LITHE_TRY(plan_child(child));
    point(child, child.base);
    LITHE_TRY(execute(planning_, child));
    for (std::size_t o = 0; o < outputs.size(); ++o) {
      const PlanValue& v = child.value(child.outputs()[o]);
      outputs[o] = TensorView(v.contents != nullptr ? v.contents : v.data, v.dtype, v.shape, v.quantization);
    }
    return {};
  }

  [[gnu::cold]] Status resize_output(int output, const Shape& shape, Tensor& tensor,
                                     Contents contents) override {
    PlanValue& v = plan_.value(node_.output_ids()[static_cast<std::size_t>(output)]);
    std::uint64_t bytes = 0;
    if (!shape.checked_bytes(v.dtype, planning_.services->max_bytes, bytes))
      return {Code::out_of_memory, "an output is larger than the byte limit (max_bytes)"};
    const std::size_t old = tensor.bytes(), now = static_cast<std::size_t>(bytes);
    LITHE_TRY(store(planning_, v, now, contents == Contents::lost ? 0 : old < now ? old : now));
    v.shape = shape;
    v.pitch = shape.back();
    tensor = Tensor(v.data, v.dtype, v.shape, v.quantization);
    return {};
  }

  Status scratch(int number, std::size_t bytes, std::span<std::byte>& memory) override {
    ScratchBlock* block = nullptr;
    LITHE_TRY(grow_scratch(planning_, node_, number, bytes, block));
    memory = {block->data(), block->capacity};
    return {};
  }

  bool stopped() const override { return planning_.services->stopped(); }
  std::uint64_t max_iterations() const override { return planning_.services->max_iterations; }

 private:
  /// Plans the child again for new shapes, inside the bytes set aside for it or in a block that grows.
  Status plan_child(Plan& child) {
    if (const Fit fit = replan(planning_, child); !fit.ok()) return fit.status();
    const std::size_t have = node_.workspace_capacity > node_.workspace_bytes
                                 ? node_.workspace_capacity - node_.workspace_bytes
                                 : 0;
    child.base = node_.workspace == nullptr ? nullptr : node_.workspace + node_.workspace_bytes;
    if (child.tensor_bytes <= have) return {};
    LITHE_TRY(grow(planning_, node_.own_children, child.tensor_bytes));
    child.base = node_.own_children.data;
    return {};
  }

  Planning& planning_;
  Plan& plan_;
  PlanNode& node_;
};

/// Sets the shapes, storage and workspace of a node whose sizes the data decides, just before it runs.
inline Status refresh(Planning& planning, Plan& plan, PlanNode& node) {
  if (const Fit fit = infer_node(planning, plan, node, When::running); !fit.ok()) return fit.status();
  bool empty = true;
  for (std::size_t o = 0; o < node.output_ids().size(); ++o) {
    const std::int32_t id = node.output_ids()[o];
    if (id < 0) continue;
    LITHE_TRY(store(planning, plan.value(id), plan.value(id).bytes));
    empty &= plan.value(id).bytes == 0 && plan.scratch.infer_outputs[o].extent == Extent::exact;
  }
  view(plan, node);
  node.skip = empty && node.children.empty();
  if (node.skip) return {};
  if (const Fit fit = select(*planning.services, plan, node); !fit.ok()) return fit.status();
  LITHE_TRY(reshape_kernel(*planning.services, plan, node, node.workspace_bytes));
  if (node.workspace_bytes <= node.workspace_capacity && node.workspace != nullptr) return {};
  if (node.workspace_bytes == 0) return {};
  LITHE_TRY(grow(planning, node.own_workspace, node.workspace_bytes));
  node.workspace = node.own_workspace.data;
  node.workspace_capacity = node.own_workspace.capacity;
  return {};
}

/// Runs the node's kernel on its tensors as they are: those of a strip if `step` is not null.
inline Status run_node(Planning& planning, Plan& plan, PlanNode& node, const StripStep* step = nullptr) {
  const RunObserver* const observer = planning.observer;
  const Strip* const strip = step == nullptr ? nullptr : &step->strip;
  if (observer != nullptr && observer->before != nullptr)
    observer->before(observer->self, NodeView(plan, node), strip);
  NodeServices services(planning, plan, node);
  RunContext context(node.inputs, node.outputs, {node.workspace, node.workspace_bytes},
                     planning.services->threads, &services, strip, step == nullptr ? 0 : step->slot);
  LITHE_TRY(node.kernel.entry->run(node.kernel.object, node.attributes, context));
  if (observer != nullptr && observer->after != nullptr)
    observer->after(observer->self, NodeView(plan, node), strip);
  return {};
}

inline Status execute(Planning& planning, Plan& plan) {
  for (std::int32_t n = 0; n < plan.steps(); ++n) {
    PlanNode& node = plan.node(n);
    if (node.early) continue;
    if (planning.services->stopped()) return Status{Code::stopped, "the stop flag was set"}.at(plan.index, n);
    if (node.chain >= 0) {
      const StripChain& chain = plan.chain_of(node);
      LITHE_TRY(planning.services->streaming->run(planning, plan, chain));
      n = chain.last;
      continue;
    }
    if (node.varies()) LITHE_TRY(refresh(planning, plan, node).at(plan.index, n));
    if (node.skip) continue;
    LITHE_TRY(run_node(planning, plan, node).at(plan.index, n));
  }
  return {};
}

}  // namespace lithe::inline v0::runtime
