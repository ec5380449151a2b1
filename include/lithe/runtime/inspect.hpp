// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string_view>

#include "lithe/core/kernel.hpp"
#include "lithe/core/operator.hpp"
#include "lithe/core/shape.hpp"
#include "lithe/core/tensor.hpp"
#include "lithe/format/reader.hpp"
#include "lithe/memory/operator_heap.hpp"
#include "lithe/memory/planner.hpp"
#include "lithe/runtime/plan.hpp"
#include "lithe/runtime/table_counts.hpp"

/// What tools may see of a session: read-only views of its plan, made by Session::inspect() and for
/// observers. A view is two pointers, passed by value. It is valid until resize() or the end of the session.
namespace lithe::inline v0::runtime {

/// Views of things that are numbered from 0, as a range.
template <class View, class Source>
class Views {
 public:
  class Iterator {
   public:
    Iterator(const Source& source, std::size_t i) : source_(&source), i_(i) {}
    View operator*() const { return View(*source_, i_); }
    Iterator& operator++() {
      ++i_;
      return *this;
    }
    bool operator!=(const Iterator& other) const { return i_ != other.i_; }

   private:
    const Source* source_;
    std::size_t i_;
  };
  Views(const Source& source, std::size_t size) : source_(&source), size_(size) {}

  std::size_t size() const { return size_; }
  View operator[](std::size_t i) const { return View(*source_, i); }
  View back() const { return View(*source_, size_ - 1); }
  Iterator begin() const { return {*source_, 0}; }
  Iterator end() const { return {*source_, size_}; }

 private:
  const Source* source_;
  std::size_t size_;
};

/// A value of a graph: an input, a constant, or what a node computes.
class ValueView {
 public:
  ValueView(const Plan& plan, std::size_t i) : plan_(&plan), i_(i) {}

  std::int32_t number() const { return static_cast<std::int32_t>(i_); }
  /// The value as the file has it: names, declared dims, permutation from ONNX's axes.
  const format::Value& file() const { return *plan_->file->values()->Get(static_cast<std::uint32_t>(i_)); }
  std::string_view name() const { return text(file().name()); }
  DType dtype() const { return value().dtype; }  ///< as planned: half precision may be computed in f32
  DType file_dtype() const { return value().file_dtype; }
  const Shape& shape() const { return value().shape; }
  Extent extent() const { return value().extent; }
  const Quantization* quantization() const { return value().quantization; }
  bool is_input() const { return value().input; }
  bool is_output() const { return value().output; }
  /// Whether it is a host input: its contents decide shapes, and resize() takes them.
  bool decides_shapes() const { return file().host(); }
  /// The planned block at whose start it lies; null if it lies in another value's storage, a port or the
  /// file.
  const PlannedBlock* block() const {
    return value().block < 0 ? nullptr : &plan_->blocks[static_cast<std::size_t>(value().block)];
  }

 private:
  const PlanValue& value() const { return plan_->values[i_]; }

  const Plan* plan_;
  std::size_t i_;
};

/// When a node runs.
enum class Runs : std::uint8_t {
  every_time,
  while_planning,
  never,  ///< its outputs are empty, or already lie where they must be
};

class PlanView;

/// A node of a graph, with the tensors that it reads and writes at the current shapes.
class NodeView {
 public:
  NodeView(const Plan& plan, const PlanNode& node) : plan_(&plan), node_(&node) {}
  NodeView(const Plan& plan, std::size_t i) : NodeView(plan, plan.nodes[i]) {}

  std::int32_t number() const { return static_cast<std::int32_t>(node_ - plan_->nodes.data()); }
  /// The number of its graph in the model.
  std::int32_t graph() const { return plan_->index; }
  /// The node as the file has it: attributes, names of the ONNX nodes that it came from.
  const format::Node& file() const { return *node_->file; }
  const OperatorEntry& op() const { return *node_->op; }
  std::string_view op_name() const { return node_->op->spec->name; }
  const void* attributes() const { return node_->attributes; }
  template <class Op>
  const typename Op::Attributes& attributes_of() const {
    return *static_cast<const typename Op::Attributes*>(node_->attributes);
  }

  /// The kernel that runs at the current shapes; null while the session is not planned.
  const KernelEntry* kernel() const { return node_->kernel.entry; }
  const char* kernel_name() const { return kernel() == nullptr ? "" : kernel()->name; }
  /// The kernel's own bytes.
  std::span<const std::byte> kernel_object() const {
    return {static_cast<const std::byte*>(node_->kernel.object), kernel() == nullptr ? 0 : kernel()->bytes};
  }
  Runs runs() const {
    return node_->early ? Runs::while_planning : node_->skip ? Runs::never : Runs::every_time;
  }
  /// Whether the data decide its shapes, so that it is inferred and reshaped in every run.
  bool varies() const { return node_->varies(); }
  /// The number of its row-streaming chain, or -1.
  std::int32_t chain() const { return node_->chain; }

  /// Absent inputs and outputs have dtype none. While a strip runs, the tensors are the rows of that strip.
  std::span<const TensorView> inputs() const { return node_->inputs; }
  std::span<const Tensor> outputs() const { return node_->outputs; }
  /// Numbers of values; -1 stands for an absent one.
  std::span<const std::int32_t> input_ids() const { return node_->input_ids(); }
  std::span<const std::int32_t> output_ids() const { return node_->output_ids(); }
  /// The value of output `o` or input `i`, which must be present.
  ValueView output_value(std::size_t o) const { return {*plan_, static_cast<std::size_t>(output_ids()[o])}; }
  ValueView input_value(std::size_t i) const { return {*plan_, static_cast<std::size_t>(input_ids()[i])}; }

  /// The scratch memory that the kernel has in a run. block() holds it and the tensors of the node's
  /// subgraphs; it is null if the node needs neither.
  std::span<std::byte> workspace() const { return {node_->workspace, node_->workspace_bytes}; }
  const PlannedBlock* block() const {
    return node_->block < 0 ? nullptr : &plan_->blocks[static_cast<std::size_t>(node_->block)];
  }
  std::size_t children() const { return node_->children.size(); }
  PlanView child(std::size_t i) const;

 private:
  const Plan* plan_;
  const PlanNode* node_;
};

/// The plan of a graph: that of the session's signature, or one that a node carries.
class PlanView {
 public:
  explicit PlanView(const Plan& plan, const OperatorHeap* heap = nullptr) : plan_(&plan), heap_(heap) {}

  const format::Subgraph& file() const { return *plan_->file; }
  /// The number of the graph in the model.
  std::int32_t graph() const { return plan_->index; }
  Views<NodeView, Plan> nodes() const { return {*plan_, plan_->nodes.size()}; }
  Views<ValueView, Plan> values() const { return {*plan_, plan_->values.size()}; }
  /// Numbers of values.
  std::span<const std::int32_t> inputs() const { return plan_->inputs(); }
  std::span<const std::int32_t> outputs() const { return plan_->outputs(); }
  ValueView input(std::size_t i) const { return {*plan_, static_cast<std::size_t>(inputs()[i])}; }
  std::span<const StripChain> chains() const { return plan_->chains; }
  /// The memory of all planned tensors and workspaces at the current shapes.
  std::span<std::byte> tensors() const { return {plan_->base, plan_->tensor_bytes}; }
  /// The memory that the kernel library allocated for its operators; null in the plan of a child.
  const OperatorHeap* operator_heap() const { return heap_; }

  /// The sizes of the tables, with those of all graphs that nodes carry.
  TableCounts counts() const { return counts(*plan_); }
  /// The bytes of the arena that planning keeps beside tables and tensors: early results, widened constants,
  /// strips.
  std::size_t kept_bytes() const { return kept_bytes(*plan_); }

 private:
  static TableCounts counts(const Plan& plan) {
    TableCounts sum = counts_of(*plan.file);
    for (const PlanValue& v : plan.values) sum.quantized += v.quantization != nullptr ? 1 : 0;
    for (const PlanNode& node : plan.nodes)
      for (const Plan* child : node.children) add(sum, counts(*child));
    return sum;
  }
  static void add(TableCounts& sum, const TableCounts& more) {
    sum.graphs += more.graphs;
    sum.values += more.values;
    sum.nodes += more.nodes;
    sum.links += more.links;
    sum.ends += more.ends;
    sum.children += more.children;
    sum.quantized += more.quantized;
    sum.widest = std::max(sum.widest, more.widest);
  }
  static std::size_t bytes_of(const MemoryBlock& block) {
    return block.capacity == 0 ? 0 : block.capacity + 64;
  }
  static std::size_t kept_bytes(const Plan& plan) {
    std::size_t sum = 0;
    for (const PlanValue& v : plan.values)  // an input's contents are kept twice, for a resize that fails
      sum += bytes_of(v.own) * (v.input && v.contents != nullptr ? 2 : 1);
    for (const PlanNode& node : plan.nodes) {
      sum += bytes_of(node.own_workspace) + bytes_of(node.strip_table);
      for (const Plan* child : node.children) sum += kept_bytes(*child);
    }
    return sum;
  }

  const Plan* plan_;
  const OperatorHeap* heap_;
};

inline PlanView NodeView::child(std::size_t i) const { return PlanView(*node_->children[i]); }

}  // namespace lithe::inline v0::runtime
