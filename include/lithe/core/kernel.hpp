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

/// Part of a tensor that a kernel computes at once: rows of axis 1 of a channels-last tensor. The kernel's
/// tensors are windows of those rows, and the padding above and below is what is left of it at this strip.
struct Strip {
  index_t first = 0;  ///< first output row
  index_t count = 0;  ///< output rows
  index_t pad_top = 0, pad_bottom = 0;
};

/// At most this many differently shaped strips a node (top, middle, bottom); slot 0 is also the whole tensor.
inline constexpr int strip_slots = 3;

/// For `create`: constants may be packed here, once.
struct CreateContext {
  NodeInfo node;
  PackedWeights* packed_weights = nullptr;  ///< null: the kernel keeps its packing to itself
  std::array<std::uint64_t, 2> model_id{};  ///< content hash, for packing keys
  const ThreadPool* threads = nullptr;
};

/// For `reshape`: shapes are final for the next runs; contents are not there yet.
struct ReshapeContext {
  NodeInfo node;
  std::span<const TensorView> inputs;  ///< data is null; shape and pitch count
  std::span<const TensorView> outputs;
  const Strip* strip = nullptr;  ///< null: the whole tensor
  int slot = 0;                  ///< in [0, strip_slots)
  const ThreadPool* threads = nullptr;
  std::size_t workspace_bytes =
      0;  ///< asked for by the kernel: scratch memory, 64-byte aligned, for run() only

  void workspace(std::size_t bytes) { workspace_bytes = bytes; }
};

class RunContext;

/// What becomes of a tensor's elements when it gets another size.
enum class Contents : std::uint8_t {
  lost,
  kept,  ///< those that fit, in the order in which they lie in memory: a tensor grows along its first axis
};

/// What a running kernel may ask of its session.
struct RunServices {
  /// Runs subgraph `k` of the node on `inputs`; fills `outputs` with views of its results, valid until the
  /// next call.
  virtual Status call(int subgraph, std::span<const TensorView> inputs, std::span<TensorView> outputs) = 0;
  /// Fixes the shape of an output that infer announced with output_at_most, or that depends on a subgraph.
  virtual Status resize_output(int output, const Shape& shape, Tensor& tensor, Contents contents) = 0;
  /// Scratch memory that only the data sizes: block `number` of the node with at least `bytes` bytes, aligned to 64.
  /// Its contents survive growth, and the run. Errors: Code::out_of_memory unless the session is growable.
  virtual Status scratch(int number, std::size_t bytes, std::span<std::byte>& memory) = 0;
  virtual bool stopped() const = 0;
  virtual std::uint64_t max_iterations() const = 0;

 protected:
  ~RunServices() = default;
};

/// For `run`: tensors with contents. Nothing here allocates.
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
  const TensorView& input(int i) const { return inputs_[static_cast<std::size_t>(i)]; }
  Tensor& output(int i = 0) const { return outputs_[static_cast<std::size_t>(i)]; }
  std::span<std::byte> workspace() const { return workspace_; }
  const ThreadPool* threads() const { return threads_; }
  const Strip* strip() const { return strip_; }
  int slot() const { return slot_; }

  /// Fixes the real shape of an output whose infer used output_at_most; refreshes output(o).
  /// With Contents::kept, results may be appended to an output whose length nobody knows before.
  Status resize_output(int o, const Shape& shape, Contents contents = Contents::lost) {
    if (!has_output(o)) return {};
    if (services_ != nullptr)
      return services_->resize_output(o, shape, outputs_[static_cast<std::size_t>(o)], contents);
    outputs_[static_cast<std::size_t>(o)].shape = shape;
    outputs_[static_cast<std::size_t>(o)].pitch = shape.back();
    return {};
  }
  Status call(int subgraph, std::span<const TensorView> inputs, std::span<TensorView> outputs) {
    return services_ == nullptr ? Status{Code::unsupported, "no session to run a subgraph in"}
                                : services_->call(subgraph, inputs, outputs);
  }
  /// Scratch memory whose size the data decides; see RunServices::scratch.
  Status scratch(int number, std::size_t bytes, std::span<std::byte>& memory) {
    return services_ == nullptr ? Status{Code::unsupported, "no session to take scratch memory from"}
                                : services_->scratch(number, bytes, memory);
  }
  bool stopped() const { return services_ != nullptr && services_->stopped(); }
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

/// An operator behind plain function pointers. Attributes live in `attributes_bytes` of the session's tables.
struct OperatorEntry {
  const OpSpec* spec;
  std::span<const TypeRow> types;
  std::size_t attributes_bytes, attributes_align;
  Status (*parse)(void* attributes, AttributeReader reader);  ///< constructs the attributes, then fills them
  Status (*infer)(const void* attributes, InferContext&);
  RowSpan (*rows)(const void* attributes, const NodeInfo&, int input,
                  RowSpan output);  ///< null: cannot be streamed
};

/// A kernel behind plain function pointers: one per node is constructed in the session's tables.
struct KernelEntry {
  const OperatorEntry* op;
  const char* name;
  std::size_t bytes, align;
  std::uint32_t packed_inputs;  ///< bit i: input i, when constant, is not read after create
  bool strided_inputs, strided_outputs;
  bool (*supports)(const void* attributes, const NodeInfo&);
  /// Whether it can run this strip of a node that it supports; asked before create. Null: any strip.
  bool (*takes_strip)(const void* attributes, const NodeInfo&, const Strip&);
  void (*construct)(void* kernel);
  void (*destroy)(void* kernel);
  Status (*create)(void* kernel, const void* attributes, CreateContext&);
  Status (*reshape)(void* kernel, const void* attributes, ReshapeContext&);
  Status (*run)(void* kernel, const void* attributes, RunContext&);
};

namespace portable {
/// The plain C++ kernel of an operator, specialized in the operator's header: reference, fallback and
/// microcontroller path. Its `run` may be a template over the TypeSet of input 0 and output 0, for `Only`.
/// One with code for each element type is specialized as a template, `template <std::same_as<ops::Conv2D> Op>
/// struct Kernel<Op>`: programs that do not name it only read it.
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

/// The rows of an operator whose first input and first output have types of the set.
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
/// The operator as a kernel knows it: with the type rows that it is compiled for.
template <class K>
inline constexpr OperatorEntry operator_entry_of = [] {
  OperatorEntry e = make_operator<typename OpOf<K>::type>();
  e.types = K::rows;
  return e;
}();

// What a kernel does where it does not say otherwise.
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

/// A kernel is a type with `run(attributes, RunContext&)`; `name`, `supports`, `takes_strip`, `create`, `reshape`,
/// `packed_inputs`, `strided_inputs` and `strided_outputs` are optional, and any function may be static.
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
  e.bytes = sizeof(K), e.align = alignof(K);
  if constexpr (requires { K::packed_inputs; }) e.packed_inputs = K::packed_inputs;
  if constexpr (requires { K::strided_inputs; }) e.strided_inputs = K::strided_inputs;
  if constexpr (requires { K::strided_outputs; }) e.strided_outputs = K::strided_outputs;
  using F = KernelFunctions<K>;
  e.supports = supports_all, e.create = create_nothing, e.reshape = reshape_nothing;
  e.construct = F::construct, e.destroy = F::destroy, e.run = F::run;
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
/// quantized); the code of all others is left out, and such nodes are refused when the session is created.
///   KernelList<portable::Only<portable::Kernel<ops::Conv2D>, DType::s8>>
template <class Kernel, DType... dtypes>
struct Only : Kernel {
  using Op = typename detail::OpOf<Kernel>::type;
  static constexpr TypeSet types = type_set(dtypes...);
  static constexpr auto rows = detail::rows_of<Op, types>();

  static bool supports(const typename Op::Attributes& a, const NodeInfo& node) {
    if ((!node.inputs.empty() && !takes(node.input(0))) || !takes(node.output())) return false;
    if constexpr (requires { Kernel::supports(a, node); })
      return Kernel::supports(a, node);
    else
      return (void)a, true;
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

/// Named kernels in order of preference: the first that supports a node runs it; what is not listed is not
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
