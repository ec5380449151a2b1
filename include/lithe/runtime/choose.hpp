// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "lithe/runtime/plan.hpp"

namespace lithe::inline v0::runtime {

/// Serves the kernel library's allocations from the session's heap while it lives.
class HeapScope {
 public:
  explicit HeapScope(const PlanContext& context) : hooks_(context.heap_hooks) {
    if (hooks_.enter != nullptr && context.heap != nullptr)
      previous_ = hooks_.enter(context.heap), entered_ = true;
  }
  HeapScope(const HeapScope&) = delete;
  HeapScope& operator=(const HeapScope&) = delete;
  ~HeapScope() {
    if (entered_) hooks_.leave(previous_);
  }

 private:
  HeapHooks hooks_;
  OperatorHeap* previous_ = nullptr;
  bool entered_ = false;
};

/// Writes half or bfloat16 constants as floats.
inline void widen(DType from, const void* source, float* to, std::size_t count) {
  for (std::size_t i = 0; i < count; ++i)
    to[i] = from == DType::f16 ? static_cast<float>(static_cast<const half*>(source)[i])
                               : static_cast<float>(static_cast<const bfloat16*>(source)[i]);
}

/// Whether the kernel reads constant input `i` in create only.
inline bool packs(const KernelEntry& kernel, std::size_t i) {
  return i < 32 && (kernel.packed_inputs >> i & 1u) != 0;
}

inline NodeInfo GraphPlan::describe(const PlanNode& node, const Cpu* cpu) {
  const auto fill = [&](std::span<const std::int32_t> ids, std::span<ValueInfo> info) {
    for (std::size_t i = 0; i < ids.size(); ++i) {
      info[i] = {};
      if (ids[i] < 0) continue;
      const PlanValue& v = value(ids[i]);
      info[i].dtype = v.dtype, info[i].shape = v.shape, info[i].quantization = v.quantization,
      info[i].buffer = v.buffer;
      if (v.buffer >= 0) info[i].data = v.contents;
    }
  };
  fill(node.input_ids(), input_info);
  fill(node.output_ids(), output_info);
  return {input_info.first(node.input_ids().size()), output_info.first(node.output_ids().size()), cpu};
}

/// The first kernel of the list that supports the node; the last one that does for nodes whose shapes are not
/// known.
inline Status GraphPlan::choose_node(PlanContext& context, PlanNode& node, bool fallback) {
  const NodeInfo info = describe(node, &context.cpu);
  for (std::size_t i = 0; i < context.kernels.size(); ++i) {
    const KernelEntry& kernel = context.kernels[fallback ? context.kernels.size() - 1 - i : i];
    const bool same =
        kernel.op == node.op || (kernel.op->spec->version == node.op->spec->version &&
                                 std::string_view(kernel.op->spec->name) == node.op->spec->name);
    if (!same || !kernel.supports(node.attributes, info)) continue;
    node.kernel = &kernel;
    return {};
  }
  return {Code::unsupported,
          "no kernel in the session's list supports this node's types, shapes or attributes"};
}

/// Memory for the time of one create: from the system where there is one, else from the operator heap.
class Scratch {
 public:
  explicit Scratch(PlanContext& context) : context_(context) {}
  Scratch(const Scratch&) = delete;
  Scratch& operator=(const Scratch&) = delete;
  ~Scratch() {
    if (data_ == nullptr) return;
    if (context_.source.reserve != nullptr)
      context_.source.release(data_, bytes_);
    else
      context_.heap->deallocate(data_);
  }
  std::byte* allocate(std::size_t bytes) {
    bytes_ = align_up(bytes, 4096);
    if (context_.source.reserve != nullptr)
      data_ = context_.source.reserve(bytes_);
    else if (context_.heap != nullptr)
      data_ = context_.heap->allocate(bytes_);
    return static_cast<std::byte*>(data_);
  }

 private:
  PlanContext& context_;
  void* data_ = nullptr;
  std::size_t bytes_ = 0;
};

/// Constructs the chosen kernel, and widens the constants of a lowered dtype that it reads in every run.
inline Status GraphPlan::construct_node(PlanContext& context, PlanNode& node) {
  void* memory = context.arena->allocate(node.kernel->bytes, node.kernel->align);
  if (memory == nullptr) return out_of_arena();
  node.kernel->construct(memory);
  node.object = memory;
  const auto ids = node.input_ids();
  for (std::size_t i = 0; i < ids.size(); ++i) {
    if (ids[i] < 0 || !value(ids[i]).widen || packs(*node.kernel, i)) continue;
    PlanValue& v = value(ids[i]);
    LITHE_TRY(context.keep(v.grown, v.bytes + segment_slack));
    widen(v.file_dtype, v.contents, reinterpret_cast<float*>(v.grown.data),
          static_cast<std::size_t>(v.shape.elements()));
    v.contents = v.grown.data, v.widen = false;
  }
  return {};
}

/// Creates a constructed kernel; constants of a lowered dtype that it packs are widened for that long.
inline Status GraphPlan::create_node(PlanContext& context, PlanNode& node) {
  const NodeInfo info = describe(node, &context.cpu);
  const auto ids = node.input_ids();
  std::size_t total = 0;
  for (std::int32_t id : ids)
    if (id >= 0 && value(id).widen) total += align_up(value(id).bytes + segment_slack, 64);
  Scratch scratch(context);
  std::byte* memory = total == 0 ? nullptr : scratch.allocate(total);
  if (total != 0 && memory == nullptr)
    return {Code::out_of_memory, "no memory to widen half-precision constants"};
  for (std::size_t i = 0; i < ids.size(); ++i) {
    if (ids[i] < 0 || !value(ids[i]).widen) continue;
    const PlanValue& v = value(ids[i]);
    widen(v.file_dtype, v.contents, reinterpret_cast<float*>(memory),
          static_cast<std::size_t>(v.shape.elements()));
    input_info[i].data = memory;
    memory += align_up(v.bytes + segment_slack, 64);
  }
  CreateContext create{info, context.packed_weights, context.model->id(), context.threads};
  const HeapScope scope(context);
  return node.kernel->create(node.object, node.attributes, create);
}

/// Picks and constructs kernels for nodes that have none.
inline Status GraphPlan::choose(PlanContext& context) {
  for (std::int32_t n = 0; n < steps(); ++n) {
    PlanNode& node = nodes[static_cast<std::size_t>(n)];
    for (GraphPlan* child : node.children) LITHE_TRY(child->choose(context));
    if (node.kernel != nullptr) continue;
    bool late = false;
    for (std::int32_t id : node.input_ids()) late |= id >= 0 && value(id).late;
    for (std::int32_t id : node.output_ids()) late |= id >= 0 && value(id).late;
    LITHE_TRY(choose_node(context, node, late).at(index, n));
    LITHE_TRY(construct_node(context, node).at(index, n));
  }
  return {};
}

/// Creates the kernels that choose() constructed.
inline Status GraphPlan::create(PlanContext& context) {
  for (std::int32_t n = 0; n < steps(); ++n) {
    PlanNode& node = nodes[static_cast<std::size_t>(n)];
    for (GraphPlan* child : node.children) LITHE_TRY(child->create(context));
    if (!node.host) LITHE_TRY(create_node(context, node).at(index, n));
  }
  return {};
}

}  // namespace lithe::inline v0::runtime
