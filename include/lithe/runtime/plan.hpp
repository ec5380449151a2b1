// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <span>
#include <utility>

#include "lithe/core/check_node.hpp"
#include "lithe/core/kernel.hpp"
#include "lithe/core/services.hpp"
#include "lithe/memory/arena.hpp"
#include "lithe/memory/operator_heap.hpp"
#include "lithe/memory/planner.hpp"
#include "lithe/model.hpp"

/// The tables of a session: one GraphPlan per subgraph instance, in the arena. The steps that fill them stand
/// in their own headers: infer.hpp, choose.hpp, layout.hpp, execute.hpp.
namespace lithe::inline v0::runtime {

/// A block outside of the plan, for sizes that only the data decides; it only ever grows. Needs
/// SessionOptions::growable.
struct GrownBlock {
  std::byte* data = nullptr;
  std::size_t capacity = 0;
};

struct PlanValue {
  Shape shape;
  const Quantization* quantization = nullptr;
  const void* contents =
      nullptr;  ///< constants (of the file's dtype while `widen` is set) and evaluated host values
  std::byte* data = nullptr;  ///< start of this value now
  GrownBlock grown;
  std::size_t bytes = 0;             ///< packed, at the current shape
  std::size_t stored = 0;            ///< bytes kept of it at a time, when that is less (0: all)
  std::size_t capacity = 0;          ///< of a root: bytes set aside
  std::size_t offset = 0;            ///< in its root's storage
  index_t pitch = 0;                 ///< elements from row to row of the last axis
  std::int32_t root = -1;            ///< the value whose storage this one lies in
  std::int32_t first = 0, last = 0;  ///< of a root: the steps in which its storage is needed
  std::int32_t last_read = -1;       ///< the last step that reads this very value
  std::int32_t members = 1;          ///< of a root: values in its storage
  std::int32_t block = -1;           ///< of a root: number of its planned block
  std::int32_t buffer = -1;          ///< of a constant, in the model
  std::int32_t readers = 0;
  DType dtype = DType::none, file_dtype = DType::none;
  bool host = false;                   ///< its contents are known while planning
  bool dynamic = false;                ///< its shape is an upper bound until it is computed
  bool late = false;                   ///< its shape is unknown until it is computed
  bool input = false, output = false;  ///< of this graph
  bool pinned = false;                 ///< of a root: something in its storage must survive the run
  bool external = false;               ///< storage comes from a port or from the caller of a subgraph
  bool widen = false;                  ///< a constant whose planned dtype is wider than the file's
};

class GraphPlan;

/// What one node of a row-streaming chain does in one strip.
struct StripStep {
  Strip strip;                          ///< output rows that are new; none: nothing to run
  index_t window = 0, window_rows = 0;  ///< input rows it reads, clipped to the tensor
  index_t kept = 0;                     ///< the output's row at the front of its rolling buffer
  int slot = -1;                        ///< of the shape the kernel was reshaped for

  index_t end() const { return strip.first + strip.count; }
};

/// A kernel of a node, constructed in the tables.
struct NodeKernel {
  const KernelEntry* entry = nullptr;
  void* object = nullptr;
};

struct PlanNode {
  const format::Node* file = nullptr;
  const OperatorEntry* op = nullptr;
  const KernelEntry* kernel = nullptr;  ///< the one that runs at the present shapes
  void* attributes = nullptr;
  void* object = nullptr;  ///< of that kernel
  NodeKernel preferred;    ///< chosen at the shapes of the first plan
  NodeKernel fallback;     ///< for shapes that `preferred` does not support, where they may change
  std::span<TensorView> inputs;
  std::span<Tensor> outputs;
  std::span<GraphPlan*> children;
  std::byte* workspace = nullptr;
  std::size_t workspace_bytes = 0;  ///< the kernel's own, behind it the children's blocks
  std::size_t children_bytes = 0;
  std::size_t workspace_capacity = 0;
  GrownBlock grown, grown_children;
  std::int32_t block = -1;
  std::int32_t chain = -1;  ///< number of the row-streaming chain this node belongs to
  GrownBlock strip_table;
  std::span<StripStep> strips;  ///< of a chain's node, one a strip
  bool host = false;            ///< runs while planning
  bool dynamic = false;         ///< inferred and reshaped again at every run
  bool skip = false;            ///< nothing to run: every output is empty, or lies where it must be already

  std::span<const std::int32_t> input_ids() const { return numbers(file->inputs()); }
  std::span<const std::int32_t> output_ids() const { return numbers(file->outputs()); }
};

/// Hand-made or planned: nodes [first, last] run in strips of `rows` output rows of the last node's axis 1.
struct StripChain {
  std::int32_t first = 0, last = 0;
  std::int32_t rows = 0;
};

/// Kernels may read this many bytes past a tensor's end (XNN_EXTRA_BYTES is 16).
inline constexpr std::size_t tensor_slack = 16;

inline Status out_of_arena() {
  return {Code::out_of_memory,
          "the arena is too small: Session::memory() on a larger machine tells the size"};
}

class GraphPlan;

/// Sees every node right after it ran: profiling and comparison. Costs one test of a pointer where it is not
/// used.
struct RunObserver {
  void (*before)(void* self, const GraphPlan& graph, std::int32_t node) = nullptr;
  void (*after)(void* self, const GraphPlan& graph, std::int32_t node) = nullptr;
  void* self = nullptr;
};

/// What every step needs to know.
struct PlanContext {
  const Model* model = nullptr;
  std::span<const KernelEntry> kernels;
  Cpu cpu;
  const ThreadPool* threads = nullptr;
  PackedWeights* packed_weights = nullptr;
  HeapHooks heap_hooks;
  ArenaSource source;
  Arena* arena = nullptr;
  OperatorHeap* heap = nullptr;
  const std::atomic<bool>* stop = nullptr;
  const RunObserver* observer = nullptr;
  std::uint64_t max_bytes = std::uint64_t{1} << 30;
  std::uint64_t max_iterations = 1'000'000;
  std::span<const StripChain> strips;
  std::size_t grown_bytes = 0;
  bool growable = false;
  bool variable = false;  ///< shapes may change: there are symbols, or inputs or data that decide shapes
  bool open = false;      ///< the arena still grows: the first plan
  bool rebuild = false;   ///< a later plan found a block that is too small for it

  /// The dtype a value is planned with: half precision is computed in f32 where the CPU has no arithmetic for
  /// it.
  DType lowered(DType dtype) const {
    const bool widen = dtype == DType::bf16 || (dtype == DType::f16 && !cpu.f16_arithmetic);
    return widen ? DType::f32 : dtype;
  }
  /// Makes `block` at least `bytes` large, keeping nothing of its contents.
  Status grow(GrownBlock& block, std::size_t bytes) {
    if (bytes <= block.capacity) return {};
    if (!growable || source.reserve == nullptr)
      return {Code::out_of_memory,
              "a size that depends on the data is beyond the plan: create the session with growable set"};
    if (bytes > max_bytes)
      return {Code::out_of_memory, "a size that depends on the data is beyond max_bytes"};
    const std::size_t capacity = align_up(bytes, 4096);
    void* fresh = source.reserve(capacity);
    if (fresh == nullptr)
      return {Code::out_of_memory, "the system has no memory for a size that depends on the data"};
    release(block);
    block = {static_cast<std::byte*>(fresh), capacity};
    grown_bytes += capacity;
    return {};
  }
  /// The same for what planning itself keeps: from the arena while it is open, else only within the capacity.
  Status keep(GrownBlock& block, std::size_t bytes) {
    if (bytes <= block.capacity && block.data != nullptr) return {};
    rebuild = !open;
    if (!open) return {Code::out_of_memory, "a tensor is larger than the plan foresaw"};
    const std::size_t capacity = align_up(bytes + 1, 64);
    block = {static_cast<std::byte*>(arena->allocate(capacity)), capacity};
    return block.data == nullptr ? out_of_arena() : Status{};
  }
  void release(GrownBlock& block) {
    if (block.data != nullptr && !arena->contains(block.data))
      source.release(block.data, block.capacity), grown_bytes -= block.capacity;
    block = {};
  }
};

/// One instance of a subgraph: the model's main one, or one that a node carries. What no run calls is cold:
/// compiled for size, and sooner.
class GraphPlan {
 public:
  const format::Subgraph* file = nullptr;
  std::int32_t index = 0;  ///< in the model
  bool refused = false;    ///< a subgraph that did not take the shapes the session was planned at
  std::span<PlanValue> values;
  std::span<PlanNode> nodes;
  std::span<const StripChain> chains;
  std::size_t tensor_bytes = 0;     ///< needed at the current shapes
  std::size_t tensor_capacity = 0;  ///< set aside
  std::byte* base = nullptr;        ///< of the tensors
  // Scratch, sized for the widest node and for all blocks; one node at a time.
  std::span<InferContext::Input> infer_inputs;
  std::span<InferContext::Output> infer_outputs;
  std::span<ValueInfo> input_info, output_info;
  std::span<TensorView> output_views;
  std::span<PlannedBlock> blocks;
  std::span<std::int32_t> order, placed;

  PlanValue& value(std::int32_t id) { return values[static_cast<std::size_t>(id)]; }
  const PlanValue& value(std::int32_t id) const { return values[static_cast<std::size_t>(id)]; }
  std::span<const std::int32_t> inputs() const { return numbers(file->inputs()); }
  std::span<const std::int32_t> outputs() const { return numbers(file->outputs()); }
  std::int32_t steps() const { return static_cast<std::int32_t>(nodes.size()); }
  /// The nodes of a row-streaming chain run together: their tensors live from its first to its last step.
  std::int32_t first_step(std::int32_t n) const {
    return chain_of(n) < 0 ? n : chains[static_cast<std::size_t>(chain_of(n))].first;
  }
  std::int32_t last_step(std::int32_t n) const {
    return chain_of(n) < 0 ? n : chains[static_cast<std::size_t>(chain_of(n))].last;
  }
  std::int32_t chain_of(std::int32_t n) const { return nodes[static_cast<std::size_t>(n)].chain; }
  /// All outputs of the node are empty, whatever the data.
  bool empty(const PlanNode& node) const {
    for (std::int32_t id : node.output_ids())
      if (id >= 0 && (value(id).bytes != 0 || value(id).dynamic)) return false;
    return true;
  }
  /// A shape of the node is unknown until it runs.
  bool late(const PlanNode& node) const {
    for (std::span<const std::int32_t> ids : {node.input_ids(), node.output_ids()})
      for (std::int32_t id : ids)
        if (id >= 0 && value(id).late) return true;
    return false;
  }

  /// Allocates and fills the tables: dtypes, constants, operators, attributes. Shapes come later.
  [[gnu::cold]] Status build(PlanContext& context, std::uint32_t subgraph);
  /// Infers every node from the shapes (and known contents) of the inputs, evaluates host values, and cuts
  /// chains into strips. infer.hpp.
  [[gnu::cold]] Status infer(PlanContext& context);
  /// One node; `running`: all contents are there. Sets shapes of its outputs.
  Status infer_node(PlanContext& context, PlanNode& node, bool running);
  /// Nothing is known of the inputs: every node is inferred when it runs.
  [[gnu::cold]] void infer_late();
  /// Picks and constructs the kernels of nodes that have none yet; create() creates them. choose.hpp.
  [[gnu::cold]] Status choose(PlanContext& context);
  [[gnu::cold]] Status create(PlanContext& context);
  /// Aliases, reshapes and places everything at the current shapes; sets tensor_bytes. layout.hpp.
  [[gnu::cold]] Status settle(PlanContext& context);
  /// Points every view into `base` and the external values' data. layout.hpp.
  void point(std::byte* base);
  void point_node(PlanNode& node);
  /// Runs all nodes. execute.hpp.
  Status run(PlanContext& context);
  /// Destroys the kernels and gives grown blocks back.
  [[gnu::cold]] void destroy(PlanContext& context);

  /// Fills input_info and output_info; choose.hpp.
  NodeInfo describe(const PlanNode& node, const Cpu* cpu = nullptr);
  void view(const PlanNode& node);
  Status store(PlanContext& context, PlanValue& value, std::size_t bytes);
  std::int32_t find(std::int32_t id, std::size_t& offset) const;

 private:
  [[gnu::cold]] Status build_values(PlanContext& context);
  [[gnu::cold]] Status build_node(PlanContext& context, const format::Node& source, PlanNode& node);
  [[gnu::cold]] Status check_dtypes(std::span<const KernelEntry> kernels, const PlanNode& node) const;
  [[gnu::cold]] Status quantize(PlanContext& context, const format::Quantization& source,
                                const Quantization*& result);
  bool gather_inputs(const PlanNode& node, bool running, bool& dynamic);
  [[gnu::cold]] bool hostable(const PlanContext& context, const PlanNode& node) const;
  [[gnu::cold]] Status evaluate(PlanContext& context, PlanNode& node);
  [[gnu::cold]] const KernelEntry* find_kernel(PlanContext& context, const PlanNode& node, bool last);
  [[gnu::cold]] Status choose_node(PlanContext& context, PlanNode& node, bool last);
  [[gnu::cold]] Status construct(PlanContext& context, PlanNode& node, NodeKernel& kernel);
  [[gnu::cold]] Status create_node(PlanContext& context, PlanNode& node, const NodeKernel& kernel);
  Status select(PlanContext& context, PlanNode& node);
  [[gnu::cold]] void alias();
  [[gnu::cold]] void merge(std::int32_t id, std::int32_t into, std::size_t offset);
  [[gnu::cold]] bool movable(std::int32_t id) const;
  [[gnu::cold]] bool readers_take_pitch(std::int32_t id, const PlanNode* except) const;
  [[gnu::cold]] bool writer_gives_pitch(std::int32_t id) const;
  [[gnu::cold]] int cut_axis(const Shape& whole, std::span<const std::int32_t> parts) const;
  [[gnu::cold]] bool alias_same(PlanNode& node);
  [[gnu::cold]] bool alias_concat(PlanNode& node);
  [[gnu::cold]] bool alias_split(PlanNode& node);
  [[gnu::cold]] void alias_in_place(PlanNode& node, std::int32_t step);
  Status reshape_kernel(PlanContext& context, const PlanNode& node, std::size_t& workspace_bytes,
                        const Strip* strip = nullptr, int slot = 0);
  [[gnu::cold]] Status reshape_node(PlanContext& context, PlanNode& node);
  [[gnu::cold]] void place();
  Status refresh(PlanContext& context, PlanNode& node);
  Status run_node(PlanContext& context, PlanNode& node);
  Status run_chain(PlanContext& context, std::int32_t first);
  // Row streaming: strips.hpp.
  [[gnu::cold]] Status check_chain(const StripChain& chain);
  [[gnu::cold]] Status plan_strips(PlanContext& context, const StripChain& chain);
  [[gnu::cold]] Status reshape_chain(PlanContext& context, const StripChain& chain);
  [[gnu::cold]] Status reshape_strip(PlanContext& context, PlanNode& node, StripStep& step);
  Status run_strip(PlanContext& context, PlanNode& node, std::size_t strip, const PlanNode* before);
};

/// Nested subgraphs deeper than this are refused.
inline constexpr int max_nesting = 16;

inline Status GraphPlan::quantize(PlanContext& context, const format::Quantization& source,
                                  const Quantization*& result) {
  std::span<Quantization> q;
  if (!context.arena->array(1, q)) return out_of_arena();
  q[0].scale_dtype = static_cast<DType>(source.scale_dtype());
  q[0].scale = context.model->buffer(source.scale()).data();
  q[0].count = static_cast<index_t>(context.model->buffer(source.scale()).size() /
                                    static_cast<std::size_t>(element_bytes(q[0].scale_dtype)));
  if (source.zero_point() >= 0) {
    q[0].zero_point = context.model->buffer(static_cast<std::uint32_t>(source.zero_point())).data();
    q[0].zero_point_dtype = static_cast<DType>(source.zero_point_dtype());
  }
  q[0].axis = source.axis();
  q[0].block = static_cast<index_t>(source.block());
  result = q.data();
  return {};
}

inline Status GraphPlan::build_values(PlanContext& context) {
  for (std::uint32_t i = 0; i < file->values()->size(); ++i) {
    const format::Value& source = *file->values()->Get(i);
    PlanValue& v = values[i];
    v.file_dtype = dtype_of_value(source);
    v.dtype = context.lowered(v.file_dtype);
    v.root = static_cast<std::int32_t>(i);
    v.input = i < file->inputs()->size();
    if (source.quantization() != nullptr)
      LITHE_TRY(quantize(context, *source.quantization(), v.quantization));
    if (source.buffer() < 0) continue;
    v.buffer = source.buffer();
    v.contents = context.model->buffer(static_cast<std::uint32_t>(source.buffer())).data();
    v.shape = Shape(numbers(source.dims()));
    v.host = true, v.widen = v.dtype != v.file_dtype;
    v.bytes = static_cast<std::size_t>(bytes(v.dtype, static_cast<std::uint64_t>(v.shape.elements())));
    v.pitch = v.shape.back();
  }
  for (std::int32_t id : outputs()) value(id).output = true, ++value(id).readers;
  return {};
}

inline Status GraphPlan::check_dtypes(std::span<const KernelEntry> kernels, const PlanNode& node) const {
  const auto in = node.input_ids(), out = node.output_ids();
  const auto dtypes = [this](std::span<const std::int32_t> ids) {
    return [this, ids](std::size_t i) { return ids[i] < 0 ? DType::none : value(ids[i]).dtype; };
  };
  return check_node(*node.op->spec, kernels, in.size(), dtypes(in), out.size(), dtypes(out),
                    node.children.size());
}

inline Status GraphPlan::build_node(PlanContext& context, const format::Node& source, PlanNode& node) {
  node.file = &source;
  const format::Operator& op = *context.model->root().operators()->Get(source.op());
  for (const KernelEntry& kernel : context.kernels)
    if (kernel.op->spec->name == text(op.name()) && kernel.op->spec->version == op.version()) {
      node.op = kernel.op;
      break;
    }
  if (node.op == nullptr) return {Code::unsupported, "no kernel in the session's list runs this operator"};
  node.attributes = context.arena->allocate(node.op->attributes_bytes, node.op->attributes_align);
  if (node.attributes == nullptr || !context.arena->array(node.input_ids().size(), node.inputs) ||
      !context.arena->array(node.output_ids().size(), node.outputs) ||
      !context.arena->array(count(source.subgraphs()), node.children))
    return out_of_arena();
  NodeAttributes reader{&source};
  LITHE_TRY(node.op->parse(node.attributes, {[](void* self, std::string_view& name, AttributeData& data) {
                                               return static_cast<NodeAttributes*>(self)->next(name, data);
                                             },
                                             &reader}));
  LITHE_TRY(check_dtypes(context.kernels, node));
  for (std::int32_t id : node.input_ids())
    if (id >= 0) ++value(id).readers;
  for (std::size_t i = 0; i < node.children.size(); ++i) {
    std::span<GraphPlan> child;
    if (!context.arena->array(1, child)) return out_of_arena();
    node.children[i] = child.data();
    LITHE_TRY(child[0].build(context, source.subgraphs()->Get(static_cast<std::uint32_t>(i))));
  }
  return {};
}

inline Status GraphPlan::build(PlanContext& context, std::uint32_t subgraph) {
  index = static_cast<std::int32_t>(subgraph);
  file = context.model->root().subgraphs()->Get(subgraph);
  std::size_t widest = file->outputs()->size() + file->inputs()->size();
  for (const format::Node* node : *file->nodes()) {
    const std::size_t n = count(node->inputs()) + count(node->outputs());
    if (n > widest) widest = n;
  }
  const std::size_t block_count =
      file->values()->size() + file->nodes()->size() + file->inputs()->size() + file->outputs()->size();
  Arena& arena = *context.arena;
  if (!arena.array(file->values()->size(), values) || !arena.array(file->nodes()->size(), nodes) ||
      !arena.array(widest, infer_inputs) || !arena.array(widest, infer_outputs) ||
      !arena.array(widest, input_info) || !arena.array(widest, output_info) ||
      !arena.array(widest, output_views) || !arena.array(block_count, blocks) ||
      !arena.array(block_count, order) || !arena.array(block_count, placed))
    return out_of_arena();
  LITHE_TRY(build_values(context));
  for (std::uint32_t n = 0; n < file->nodes()->size(); ++n)
    LITHE_TRY(build_node(context, *file->nodes()->Get(n), nodes[n]).at(index, static_cast<std::int32_t>(n)));
  return {};
}

inline void GraphPlan::destroy(PlanContext& context) {
  for (PlanNode& node : nodes) {
    for (NodeKernel* kernel : {&node.preferred, &node.fallback})
      if (kernel->object != nullptr) kernel->entry->destroy(std::exchange(kernel->object, nullptr));
    context.release(node.grown), context.release(node.grown_children), context.release(node.strip_table);
    for (GraphPlan* child : node.children)
      if (child != nullptr) child->destroy(context);
  }
  for (PlanValue& v : values) context.release(v.grown);
}

}  // namespace lithe::inline v0::runtime
