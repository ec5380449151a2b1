// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>
#include <type_traits>

#include "lithe/core/fields.hpp"
#include "lithe/core/operator.hpp"
#include "lithe/core/services.hpp"

namespace lithe::inline v0 {

class PackedWeights;

/// The part of an output that a kernel computes in one call: rows of axis 1 of a channels-last tensor. The
/// kernel's tensors are windows of the rows that it reads and writes; pad_top and pad_bottom are the padding
/// rows that this strip still reads.
struct Strip {
  index_t first = 0;  ///< first output row
  index_t count = 0;  ///< output rows
  index_t pad_top = 0, pad_bottom = 0;
};

/// How many shapes of strip a node may have (top, middle, bottom); slot 0 is also that of the whole tensor.
inline constexpr int strip_slots = 3;

/// What `create` is given. It is called once; a kernel packs its constants here. What the context points to
/// must not be kept, except the packed weights, which outlive the session.
struct CreateContext {
  NodeInfo node;
  PackedWeights* packed_weights = nullptr;  ///< null: the kernel keeps its packing to itself
  std::array<std::uint64_t, 2> model_id{};  ///< content hash, for packing keys
  const ThreadPool* threads = nullptr;      ///< null: the calling thread alone
};

/// What `reshape` is given: the shapes of the next runs, and no contents.
struct ReshapeContext {
  NodeInfo node;
  std::span<const TensorView> inputs;  ///< shape and pitch count; data is null
  std::span<const TensorView> outputs;
  const Strip* strip = nullptr;  ///< null: the whole tensor
  int slot = 0;                  ///< in [0, strip_slots)
  const ThreadPool* threads = nullptr;
  std::size_t workspace_bytes = 0;  ///< what workspace() asked for

  /// Asks for scratch memory: RunContext::workspace() has at least that many bytes.
  void workspace(std::size_t bytes) { workspace_bytes = bytes; }
};

class RunContext;

/// What becomes of a tensor's elements when it gets another size.
enum class Contents : std::uint8_t {
  lost,
  kept,  ///< elements that fit stay, in their order in memory: a tensor grows along its first axis
};

/// What a running kernel may ask of its session; RunContext has the same functions for kernels.
struct RunServices {
  /// Runs subgraph number `subgraph` of the node on `inputs`, and fills `outputs` with views of its results,
  /// which are valid until the next call. Errors: Code::invalid_argument if there is no such subgraph;
  /// Code::invalid_model if it has another number of inputs or outputs; the error of a node inside.
  virtual Status call(int subgraph, std::span<const TensorView> inputs, std::span<TensorView> outputs) = 0;
  /// Fixes the shape of an output that infer announced with output_at_most, or that depends on a subgraph,
  /// and sets `tensor` to it. Errors: Code::out_of_memory beyond the plan unless the session is growable, and
  /// above max_bytes.
  virtual Status resize_output(int output, const Shape& shape, Tensor& tensor, Contents contents) = 0;
  /// Scratch memory whose size only the data decides: block `number` of the node, with at least `bytes`
  /// bytes, aligned to 64. Its contents survive growth and the run. Errors: Code::out_of_memory unless the
  /// session is growable.
  virtual Status scratch(int number, std::size_t bytes, std::span<std::byte>& memory) = 0;
  virtual bool stopped() const = 0;
  virtual std::uint64_t max_iterations() const = 0;

 protected:
  ~RunServices() = default;
};

/// What `run` is given: tensors with contents. Nothing here allocates, except call(), resize_output() and
/// scratch() in a growable session. The context and all that it hands out are valid during the call of run().
///
/// Tensors: an absent one has dtype none. Data are aligned at least to the element type: a tensor of the
/// arena to 64 bytes, a constant to 16, but a strip's window, a part of a joined tensor and memory that the
/// caller bound may begin anywhere. The 16 bytes after a tensor may be read, never written. An output
/// overlaps an input only where the operator's spec says in_place. `services` may be null (an early node, a
/// kernel called alone): then call() and scratch() give Code::unsupported, and resize_output() only sets the
/// shape.
class RunContext {
 public:
  RunContext(std::span<const TensorView> inputs, std::span<Tensor> outputs, std::span<std::byte> workspace,
             const ThreadPool* threads, RunServices* services = nullptr, const Strip* strip = nullptr,
             int slot = 0)
      : inputs_(inputs),
        outputs_(outputs),
        workspace_(workspace),
        threads_(threads),
        services_(services),
        strip_(strip),
        slot_(slot) {}

  int inputs() const { return static_cast<int>(inputs_.size()); }
  int outputs() const { return static_cast<int>(outputs_.size()); }
  std::span<const TensorView> inputs_from(int first) const {
    return inputs_.subspan(static_cast<std::size_t>(first));
  }
  bool has(int i) const { return i < inputs() && inputs_[static_cast<std::size_t>(i)]; }
  bool has_output(int i) const {
    return i < outputs() && static_cast<bool>(outputs_[static_cast<std::size_t>(i)]);
  }
  /// `i` must be below inputs() or outputs().
  const TensorView& input(int i) const { return inputs_[static_cast<std::size_t>(i)]; }
  Tensor& output(int i = 0) const { return outputs_[static_cast<std::size_t>(i)]; }
  /// The bytes that reshape asked for, aligned to 64; their contents are undefined. Empty if it asked for
  /// none.
  std::span<std::byte> workspace() const { return workspace_; }
  /// Null: the calling thread alone.
  const ThreadPool* threads() const { return threads_; }
  /// The rows to compute; null: the whole output.
  const Strip* strip() const { return strip_; }
  /// The slot that reshape was given for this shape of strip.
  int slot() const { return slot_; }

  /// Fixes the real shape of an output whose infer used output_at_most; output(o) is the new tensor
  /// afterwards. With Contents::kept, a kernel may append to an output whose length nobody knows before.
  /// Errors: see RunServices::resize_output.
  Status resize_output(int o, const Shape& shape, Contents contents = Contents::lost) {
    if (!has_output(o)) return {};
    if (services_ != nullptr)
      return services_->resize_output(o, shape, outputs_[static_cast<std::size_t>(o)], contents);
    outputs_[static_cast<std::size_t>(o)].shape = shape;
    outputs_[static_cast<std::size_t>(o)].pitch = shape.back();
    return {};
  }
  /// Runs a subgraph of the node; see RunServices::call.
  Status call(int subgraph, std::span<const TensorView> inputs, std::span<TensorView> outputs) {
    return services_ == nullptr ? Status{Code::unsupported, "no session to run a subgraph in"}
                                : services_->call(subgraph, inputs, outputs);
  }
  /// Scratch memory whose size only the data decides; see RunServices::scratch.
  Status scratch(int number, std::size_t bytes, std::span<std::byte>& memory) {
    return services_ == nullptr ? Status{Code::unsupported, "no session to take scratch memory from"}
                                : services_->scratch(number, bytes, memory);
  }
  /// Whether the caller's stop flag is set: a loop then returns Code::stopped.
  bool stopped() const { return services_ != nullptr && services_->stopped(); }
  /// How often a loop may run before it returns Code::limit.
  std::uint64_t max_iterations() const {
    return services_ == nullptr ? 1'000'000 : services_->max_iterations();
  }

 private:
  std::span<const TensorView> inputs_;
  std::span<Tensor> outputs_;
  std::span<std::byte> workspace_;
  const ThreadPool* threads_;
  RunServices* services_;
  const Strip* strip_;
  int slot_;
};

/// An operator as plain function pointers. Attributes live in `attributes_bytes` of the session's tables.
struct OperatorEntry {
  const OpSpec* spec;
  std::span<const TypeRow> types;
  std::size_t attributes_bytes, attributes_align;
  Status (*parse)(void* attributes, AttributeReader reader);  ///< constructs the attributes, then fills them
  Status (*infer)(const void* attributes, InferContext&);
  /// See RowStreamable. Null: the operator cannot run in strips.
  RowSpan (*rows)(const void* attributes, const NodeInfo&, int input, RowSpan output);
};

/// A kernel as plain function pointers. Each node has a kernel of its own, constructed in the session's
/// tables.
struct KernelEntry {
  const OperatorEntry* op;
  const char* name;
  std::size_t bytes, align;
  std::uint32_t packed_inputs;  ///< bit i: if input i is constant, it is not read after create
  bool strided_inputs, strided_outputs;
  bool (*supports)(const void* attributes, const NodeInfo&);
  /// Whether the kernel can run this strip of a node that it supports; asked before create. Null: any strip.
  bool (*takes_strip)(const void* attributes, const NodeInfo&, const Strip&);
  void (*construct)(void* kernel);
  void (*destroy)(void* kernel);
  Status (*create)(void* kernel, const void* attributes, CreateContext&);
  Status (*reshape)(void* kernel, const void* attributes, ReshapeContext&);
  Status (*run)(void* kernel, const void* attributes, RunContext&);
};

namespace portable {
/// The plain C++ kernel of an operator, specialized in the operator's header: the reference, the fallback,
/// and what runs on a microcontroller. Its `run` may be a template over the TypeSet of input 0 and output 0,
/// for `Only`. A kernel with code for each element type is specialized as a template, `template
/// <std::same_as<ops::Conv2D> Op> struct Kernel<Op>`: a program that does not name it only parses it.
template <class Op>
struct Kernel;
}  // namespace portable

namespace detail {

template <class K>
struct OpOf {
  using type = typename K::Op;
};
template <class O>
struct OpOf<portable::Kernel<O>> {
  using type = O;
};

/// An operator's functions without their types.
template <class Op>
struct OperatorFunctions {
  using A = typename Op::Attributes;

  [[gnu::cold]] static Status parse(void* memory, AttributeReader reader) {
    return parse_attributes(*new (memory) A{}, reader);
  }
  [[gnu::cold]] static Status infer(const void* a, InferContext& context) {
    return Op::infer(*static_cast<const A*>(a), context);
  }
  [[gnu::cold]] static RowSpan rows(const void* a, const NodeInfo& node, int input, RowSpan output) {
    return Op::rows(*static_cast<const A*>(a), node, input, output);
  }
};

template <class Op>
constexpr OperatorEntry make_operator() {
  using A = typename Op::Attributes;
  using F = OperatorFunctions<Op>;
  OperatorEntry e{&Op::spec, Op::types, sizeof(A), alignof(A), F::parse, F::infer, nullptr};
  if constexpr (RowStreamable<Op>) e.rows = F::rows;
  return e;
}

}  // namespace detail

template <Operator Op>
inline constexpr OperatorEntry operator_entry = detail::make_operator<Op>();

namespace detail {

/// The type rows of an operator whose first input and first output are in the set.
template <class Op, TypeSet types>
constexpr auto rows_of() {
  constexpr auto fits = [](const DTypeList& list) {
    return list.size() == 0 || list[0] >= DType::any_output || types.has(list[0]);
  };
  constexpr std::size_t count = [&] {
    std::size_t n = 0;
    for (const TypeRow& row : Op::types) n += fits(row.inputs) && fits(row.outputs) ? 1 : 0;
    return n;
  }();
  static_assert(count > 0, "the operator has no row of these types");
  std::array<TypeRow, count> rows{};
  std::size_t n = 0;
  for (const TypeRow& row : Op::types)
    if (fits(row.inputs) && fits(row.outputs)) rows[n++] = row;
  return rows;
}
/// The operator with only those type rows that the kernel is compiled for.
template <class K>
inline constexpr OperatorEntry operator_entry_of = [] {
  OperatorEntry e = make_operator<typename OpOf<K>::type>();
  e.types = K::rows;
  return e;
}();

// What a kernel does if it does not define the function.
inline bool supports_all(const void*, const NodeInfo&) { return true; }
inline Status create_nothing(void*, const void*, CreateContext&) { return {}; }
inline Status reshape_nothing(void*, const void*, ReshapeContext&) { return {}; }

/// A kernel's functions without their types; all but run are cold.
template <class K>
struct KernelFunctions {
  using A = typename OpOf<K>::type::Attributes;

  [[gnu::cold]] static bool supports(const void* a, const NodeInfo& node) {
    return K::supports(*static_cast<const A*>(a), node);
  }
  [[gnu::cold]] static bool takes_strip(const void* a, const NodeInfo& node, const Strip& strip) {
    return K::takes_strip(*static_cast<const A*>(a), node, strip);
  }
  [[gnu::cold]] static void construct(void* k) { new (k) K{}; }
  [[gnu::cold]] static void destroy(void* k) { static_cast<K*>(k)->~K(); }
  [[gnu::cold]] static Status create(void* k, const void* a, CreateContext& context) {
    return static_cast<K*>(k)->create(*static_cast<const A*>(a), context);
  }
  [[gnu::cold]] static Status reshape(void* k, const void* a, ReshapeContext& context) {
    return static_cast<K*>(k)->reshape(*static_cast<const A*>(a), context);
  }
  static Status run(void* k, const void* a, RunContext& context) {
    return static_cast<K*>(k)->run(*static_cast<const A*>(a), context);
  }
};

/// A kernel is a type with `run(attributes, RunContext&)`. `name`, `supports`, `takes_strip`, `create`,
/// `reshape`, `packed_inputs`, `strided_inputs` and `strided_outputs` are optional; any function may be
/// static.
template <class K>
constexpr KernelEntry make_kernel() {
  using Op = typename OpOf<K>::type;
  using A = typename Op::Attributes;
  static_assert(std::is_trivially_destructible_v<A>);
  KernelEntry e{};
  if constexpr (requires { K::rows; })
    e.op = &operator_entry_of<K>;
  else
    e.op = &operator_entry<Op>;
  if constexpr (requires { K::name; })
    e.name = K::name;
  else
    e.name = "portable";
  e.bytes = sizeof(K);
  e.align = alignof(K);
  if constexpr (requires { K::packed_inputs; }) e.packed_inputs = K::packed_inputs;
  if constexpr (requires { K::strided_inputs; }) e.strided_inputs = K::strided_inputs;
  if constexpr (requires { K::strided_outputs; }) e.strided_outputs = K::strided_outputs;
  using F = KernelFunctions<K>;
  e.supports = supports_all;
  e.create = create_nothing;
  e.reshape = reshape_nothing;
  e.construct = F::construct;
  e.destroy = F::destroy;
  e.run = F::run;
  if constexpr (requires(const A& a, const NodeInfo& n) { K::supports(a, n); }) e.supports = F::supports;
  if constexpr (requires(const A& a, const NodeInfo& n, const Strip& s) { K::takes_strip(a, n, s); })
    e.takes_strip = F::takes_strip;
  if constexpr (requires(K& k, const A& a, CreateContext& c) { k.create(a, c); }) e.create = F::create;
  if constexpr (requires(K& k, const A& a, ReshapeContext& c) { k.reshape(a, c); }) e.reshape = F::reshape;
  return e;
}

}  // namespace detail

namespace portable {
/// A portable kernel for nodes whose first input and first output have these element types (s8 and u8:
/// quantized). The code of other types is not linked; a node of another type is refused when the session is
/// created.
///   KernelList<portable::Only<portable::Kernel<ops::Conv2D>, DType::s8>>
template <class Kernel, DType... dtypes>
struct Only : Kernel {
  using Op = typename detail::OpOf<Kernel>::type;
  static constexpr TypeSet types = type_set(dtypes...);
  static constexpr auto rows = detail::rows_of<Op, types>();

  static bool supports([[maybe_unused]] const typename Op::Attributes& a, const NodeInfo& node) {
    if ((!node.inputs.empty() && !takes(node.input(0))) || !takes(node.output())) return false;
    if constexpr (requires { Kernel::supports(a, node); })
      return Kernel::supports(a, node);
    else
      return true;
  }
  Status run(const typename Op::Attributes& a, RunContext& context) {
    if constexpr (requires { Kernel::template run<types>(a, context); })
      return Kernel::template run<types>(a, context);
    else
      return Kernel::run(a, context);
  }

 private:
  static bool takes(const ValueInfo& value) {
    const bool plain_bytes =
        element_bytes(value.dtype) == 1 && is_integer(value.dtype) && value.quantization == nullptr;
    return !value.present() || (types.has(value.dtype) && !plain_bytes);
  }
};
}  // namespace portable

/// Kernels in order of preference: the first that supports a node runs it. A kernel that is not listed is not
/// linked. A list may contain lists.
template <class... Kernels>
struct KernelList {
  static constexpr int size = [] {
    int n = 0;
    ((n +=
      [] {
        if constexpr (requires { Kernels::entries; })
          return static_cast<int>(Kernels::entries.size());
        else
          return 1;
      }()),
     ...);
    return n;
  }();
  static constexpr auto entries = [] {
    std::array<KernelEntry, static_cast<std::size_t>(size)> all{};
    std::size_t n = 0;
    [[maybe_unused]] auto add = [&]<class K>(std::type_identity<K>) {
      if constexpr (requires { K::entries; })
        for (const KernelEntry& e : K::entries) all[n++] = e;
      else
        all[n++] = detail::make_kernel<K>();
    };
    (add(std::type_identity<Kernels>{}), ...);
    return all;
  }();
};

}  // namespace lithe::inline v0
