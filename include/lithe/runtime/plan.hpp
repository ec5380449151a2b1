// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

#include "lithe/core/kernel.hpp"
#include "lithe/core/operator.hpp"
#include "lithe/core/quantization.hpp"
#include "lithe/core/shape.hpp"
#include "lithe/core/tensor.hpp"
#include "lithe/format/reader.hpp"
#include "lithe/memory/planner.hpp"
#include "lithe/runtime/options.hpp"

/// The tables of a session: data only, in its arena. Each phase that fills them has a header of its own, and
/// they follow each other in this order: build, infer (with early), choose, chains, alias, create, reshape,
/// place, point, execute.
namespace lithe::inline v0::runtime {

/// Memory beside the planned blocks: kept from the arena while planning, or grown by a run (plan_memory.hpp).
struct MemoryBlock {
  std::byte* data = nullptr;
  std::size_t capacity = 0;
};

struct PlanValue {
  Shape shape;
  const Quantization* quantization = nullptr;
  /// A constant's elements (in the file's dtype while `widen` is set), or an early result's; else null.
  const void* contents = nullptr;
  std::byte* data = nullptr;  ///< where the value lies now
  MemoryBlock own;            ///< contents that planning keeps, or a size that only the data decides
  std::size_t bytes = 0;      ///< packed, at the current shape
  std::size_t stored = 0;     ///< bytes that its storage holds at a time, if that is less; 0: all
  std::size_t capacity = 0;   ///< a root: bytes set aside
  std::size_t offset = 0;     ///< in its root's storage
  index_t pitch = 0;          ///< elements from row to row of the last axis
  std::int32_t root = -1;     ///< the value whose storage this one lies in
  std::int32_t first = 0;     ///< a root: the first step in which its storage is needed
  std::int32_t last = 0;      ///< a root: the last one
  std::int32_t members = 1;   ///< a root: values in its storage
  std::int32_t block = -1;    ///< a root: number of its planned block
  std::int32_t buffer = -1;   ///< a constant: its buffer in the model
  std::int32_t readers = 0;   ///< inputs of nodes and outputs of the graph that are this value
  DType dtype = DType::none;
  DType file_dtype = DType::none;
  Extent extent = Extent::exact;  ///< what is known of `shape` before a run
  bool input = false;             ///< an input of its graph
  bool output = false;            ///< an output of its graph
  bool pinned = false;            ///< a root: something in its storage must survive the run
  bool external = false;          ///< storage comes from a port or from the caller of a subgraph
  bool widen = false;             ///< a constant whose planned dtype is wider than the file's
};

/// The rows of one input that a node reads in a strip.
struct StripWindow {
  index_t first = 0;
  index_t count = 0;  ///< 0: the input is needed whole
  index_t front = 0;  ///< the row at the start of the input's buffer: the first that is still needed
};

/// What a node of a row-streaming chain does in one strip.
struct StripStep {
  Strip strip;       ///< the output rows that are new; a count of 0: nothing to run
  index_t kept = 0;  ///< the output row at the front of its rolling buffer
  int slot = -1;     ///< which of its shapes the kernel was reshaped for

  index_t end() const { return strip.first + strip.count; }
};

/// A kernel of a node, constructed in the tables.
struct NodeKernel {
  const KernelEntry* entry = nullptr;
  void* object = nullptr;
};

struct Plan;

/// Scratch memory that a running kernel asked for; its bytes follow the header.
struct alignas(64) ScratchBlock {
  ScratchBlock* next = nullptr;
  std::size_t capacity = 0;
  int number = 0;

  std::byte* data() { return reinterpret_cast<std::byte*>(this) + sizeof(ScratchBlock); }
};

struct PlanNode {
  const format::Node* file = nullptr;
  const OperatorEntry* op = nullptr;
  void* attributes = nullptr;
  NodeKernel kernel;     ///< the one that runs at the current shapes
  NodeKernel preferred;  ///< chosen at the shapes of the first plan
  NodeKernel fallback;   ///< for shapes that `preferred` does not support; none if shapes cannot change
  std::span<TensorView> inputs;
  std::span<Tensor> outputs;
  std::span<Plan*> children;
  std::byte* workspace = nullptr;
  std::size_t workspace_bytes = 0;  ///< the kernel's own; the children's tensors follow
  std::size_t children_bytes = 0;
  std::size_t workspace_capacity = 0;
  MemoryBlock own_workspace, own_children;
  ScratchBlock* scratch = nullptr;
  std::int32_t block = -1;
  std::int32_t chain = -1;  ///< number of the row-streaming chain this node belongs to
  MemoryBlock strip_table;
  std::span<StripStep> strips;     ///< a chain's node: one for each strip
  std::span<StripWindow> windows;  ///< a chain's node: one for each strip and input, strip by strip
  Extent extent = Extent::exact;   ///< what is known of its inputs' shapes; see varies()
  bool early = false;              ///< runs while planning
  bool skip = false;               ///< nothing to run: every output is empty, or already in its place

  std::span<const std::int32_t> input_ids() const { return numbers(file->inputs()); }
  std::span<const std::int32_t> output_ids() const { return numbers(file->outputs()); }
  /// The data decide its shapes: it is inferred and reshaped again in every run.
  bool varies() const { return extent != Extent::exact; }
  std::span<StripWindow> windows_of(std::size_t strip) const {
    return windows.subspan(strip * inputs.size(), inputs.size());
  }
};

/// Kernels may read this many bytes past a tensor's end (XNN_EXTRA_BYTES is 16).
inline constexpr std::size_t tensor_slack = 16;

/// One instance of a subgraph: the model's main one, or one that a node carries.
struct Plan {
  const format::Subgraph* file = nullptr;
  std::int32_t index = 0;  ///< the subgraph's number in the model
  bool refused = false;    ///< a subgraph that did not take the shapes the session was planned at
  std::span<PlanValue> values;
  std::span<PlanNode> nodes;
  std::span<const StripChain> chains;
  std::span<PlannedBlock> blocks;
  std::size_t tensor_bytes = 0;     ///< needed at the current shapes
  std::size_t tensor_capacity = 0;  ///< set aside
  std::byte* base = nullptr;        ///< where the tensors lie

  /// Room for one node at a time, as wide as the widest, and for the planner.
  struct Scratch {
    std::span<InferContext::Input> infer_inputs;
    std::span<InferContext::Output> infer_outputs;
    std::span<ValueInfo> input_info, output_info;
    std::span<TensorView> output_views;
    std::span<std::int32_t> order, placed;
    bool described = false;  ///< a NodeDescription is alive
  } scratch;

  PlanValue& value(std::int32_t id) { return values[static_cast<std::size_t>(id)]; }
  const PlanValue& value(std::int32_t id) const { return values[static_cast<std::size_t>(id)]; }
  PlanNode& node(std::int32_t n) { return nodes[static_cast<std::size_t>(n)]; }
  const PlanNode& node(std::int32_t n) const { return nodes[static_cast<std::size_t>(n)]; }
  const StripChain& chain_of(const PlanNode& node) const {
    return chains[static_cast<std::size_t>(node.chain)];
  }
  std::span<const std::int32_t> inputs() const { return numbers(file->inputs()); }
  std::span<const std::int32_t> outputs() const { return numbers(file->outputs()); }
  std::int32_t steps() const { return static_cast<std::int32_t>(nodes.size()); }
};

/// Whether all outputs of the node are empty, whatever the data.
inline bool always_empty(const Plan& plan, const PlanNode& node) {
  for (std::int32_t id : node.output_ids())
    if (id >= 0 && (plan.value(id).bytes != 0 || plan.value(id).extent != Extent::exact)) return false;
  return true;
}

/// Whether a shape of the node is unknown until it runs.
inline bool unknown_until_run(const Plan& plan, const PlanNode& node) {
  for (std::span<const std::int32_t> ids : {node.input_ids(), node.output_ids()})
    for (std::int32_t id : ids)
      if (id >= 0 && plan.value(id).extent == Extent::unknown) return true;
  return false;
}

/// Whether planning lays the node out: it runs, and its shapes or their bounds are known.
inline bool laid_out(const Plan& plan, const PlanNode& node) {
  return !node.skip && !node.early && !always_empty(plan, node) && !unknown_until_run(plan, node);
}

}  // namespace lithe::inline v0::runtime
