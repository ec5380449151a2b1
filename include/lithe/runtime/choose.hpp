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

/// The first kernel of the list that supports the node, or the last one that does; null: none.
inline const KernelEntry* GraphPlan::find_kernel(PlanContext& context, const PlanNode& node, bool last) {
  const NodeInfo info = describe(node, &context.cpu);
  for (std::size_t i = 0; i < context.kernels.size(); ++i) {
    const KernelEntry& kernel = context.kernels[last ? context.kernels.size() - 1 - i : i];
    const bool same =
        kernel.op == node.op || (kernel.op->spec->version == node.op->spec->version &&
                                 std::string_view(kernel.op->spec->name) == node.op->spec->name);
    if (same && kernel.supports(node.attributes, info)) return &kernel;
  }
  return nullptr;
}

/// Constructs the node's kernel: the first that supports it, or the `last`, for nodes whose shapes are not
/// known. Where shapes may change the last one stands by, unless it would need half-precision constants
/// widened that the first one packs.
inline Status GraphPlan::choose_node(PlanContext& context, PlanNode& node, bool last) {
  node.preferred.entry = find_kernel(context, node, last);
  if (node.preferred.entry == nullptr)
    return {Code::unsupported,
            "no kernel in the session's list supports this node's types, shapes or attributes"};
  LITHE_TRY(construct(context, node, node.preferred));
  node.kernel = node.preferred.entry, node.object = node.preferred.object;
  if (last || !context.variable) return {};
  const KernelEntry* other = find_kernel(context, node, true);
  if (other == node.preferred.entry) return {};
  const auto ids = node.input_ids();
  for (std::size_t i = 0; i < ids.size(); ++i)
    if (ids[i] >= 0 && value(ids[i]).widen && !packs(*other, i)) return {};
  node.fallback.entry = other;
  return construct(context, node, node.fallback);
}

/// Lets the first of the node's kernels run it that supports its shapes as they are now: what a kernel asks
/// of shapes was asked at those of the first plan.
inline Status GraphPlan::select(PlanContext& context, PlanNode& node) {
  const NodeInfo info = describe(node, &context.cpu);
  for (const NodeKernel* kernel : {&node.preferred, &node.fallback})
    if (kernel->entry != nullptr && kernel->entry->supports(node.attributes, info)) {
      node.kernel = kernel->entry, node.object = kernel->object;
      return {};
    }
  context.rebuild = true;
  return {Code::unsupported, "no kernel of the plan supports this node's new shapes"};
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

/// Constructs a kernel, and widens the constants of a lowered dtype that it reads in every run.
inline Status GraphPlan::construct(PlanContext& context, PlanNode& node, NodeKernel& kernel) {
  void* memory = context.arena->allocate(kernel.entry->bytes, kernel.entry->align);
  if (memory == nullptr) return out_of_arena();
  kernel.entry->construct(memory);
  kernel.object = memory;
  const auto ids = node.input_ids();
  for (std::size_t i = 0; i < ids.size(); ++i) {
    if (ids[i] < 0 || !value(ids[i]).widen || packs(*kernel.entry, i)) continue;
    PlanValue& v = value(ids[i]);
    LITHE_TRY(context.keep(v.grown, v.bytes + segment_slack));
    widen(v.file_dtype, v.contents, reinterpret_cast<float*>(v.grown.data),
          static_cast<std::size_t>(v.shape.elements()));
    v.contents = v.grown.data, v.widen = false;
  }
  return {};
}

/// Creates a constructed kernel; constants of a lowered dtype that it packs are widened for that long.
inline Status GraphPlan::create_node(PlanContext& context, PlanNode& node, const NodeKernel& kernel) {
  if (kernel.entry == nullptr) return {};
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
  return kernel.entry->create(kernel.object, node.attributes, create);
}

/// Picks and constructs kernels for nodes that have none.
inline Status GraphPlan::choose(PlanContext& context) {
  for (std::int32_t n = 0; n < steps(); ++n) {
    PlanNode& node = nodes[static_cast<std::size_t>(n)];
    for (GraphPlan* child : node.children) LITHE_TRY(child->choose(context));
    if (node.kernel != nullptr) continue;
    LITHE_TRY(choose_node(context, node, late(node)).at(index, n));
  }
  return {};
}

/// Creates the kernels that choose() constructed.
inline Status GraphPlan::create(PlanContext& context) {
  for (std::int32_t n = 0; n < steps(); ++n) {
    PlanNode& node = nodes[static_cast<std::size_t>(n)];
    for (GraphPlan* child : node.children) LITHE_TRY(child->create(context));
    if (node.host) continue;
    LITHE_TRY(create_node(context, node, node.preferred).at(index, n));
    LITHE_TRY(create_node(context, node, node.fallback).at(index, n));
  }
  return {};
}

}  // namespace lithe::inline v0::runtime
