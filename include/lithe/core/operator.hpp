// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <concepts>
#include <cstddef>
#include <cstdint>
#include <initializer_list>
#include <span>
#include <string_view>

#include "lithe/core/shape.hpp"
#include "lithe/core/status.hpp"
#include "lithe/core/tensor.hpp"

namespace lithe::inline v0 {

struct Cpu;

/// How far two right kernels may differ; the tests derive their tolerance from it and from the dtype.
enum class Accuracy : std::uint8_t {
  exact,     ///< bit for bit: data movement, comparisons, integers
  rounding,  ///< the order of floating-point operations, or one step of a quantized output
  random,    ///< draws random numbers: only the distribution can be compared
};

/// Up to eight names of inputs or outputs. A trailing '?' marks an optional one; "..." marks the last one,
/// repeated once or more, and "?..." the last one, repeated any number of times.
class NameList {
 public:
  constexpr NameList(std::initializer_list<const char*> names) {
    for (const char* n : names) names_[count_++] = n;
  }
  constexpr int size() const { return count_; }
  constexpr const char* operator[](int i) const { return names_[i]; }
  constexpr bool variadic() const {
    return count_ > 0 && std::string_view(names_[count_ - 1]).ends_with("...");
  }
  constexpr bool optional(int i) const {
    return i < count_ &&
           (std::string_view(names_[i]).ends_with('?') || std::string_view(names_[i]).ends_with("?..."));
  }
  /// How many are required: everything before the first optional one.
  constexpr int required() const {
    int n = 0;
    while (n < count_ && !optional(n)) ++n;
    return n;
  }

 private:
  const char* names_[8] = {};
  int count_ = 0;
};

/// What an operator is, apart from its attributes.
struct OpSpec {
  const char* name;           ///< text in the file; ONNX's word where the meaning agrees
  std::uint16_t version = 1;  ///< a change of meaning is a new version
  NameList inputs;
  NameList outputs;
  Accuracy accuracy = Accuracy::exact;
  bool reads_shapes_only = false;  ///< the outputs depend on the inputs' shapes alone (Shape, Size)
  int subgraphs = 0;               ///< how many subgraphs a node carries
  bool in_place = false;           ///< output 0 may overwrite any input of the same shape and element width
  bool joins = false;   ///< the inputs are parts of output 0, one after the other along an axis (Concat)
  bool splits = false;  ///< the outputs are parts of input 0, one after the other along an axis (Split)
  bool alias = false;   ///< output 0 is input 0 with another shape: no data moves (Reshape, Squeeze)
  /// Output 0 is input 0 in another dtype. No data moves if both are planned in the same dtype (Cast).
  bool converts = false;
  bool elementwise = false;  ///< an output element depends on one element of each input, which broadcast
};

/// Whether `spec` is of the operator that files call by this name, in this version.
inline bool is_operator(const OpSpec& spec, std::string_view name, std::uint16_t version) {
  return spec.version == version && spec.name == name;
}

/// Up to eight dtypes, one for each input or output. The last one repeats for variadic operators.
class DTypeList {
 public:
  constexpr DTypeList() = default;
  constexpr DTypeList(std::initializer_list<DType> dtypes) {
    for (DType d : dtypes) dtypes_[count_++] = d;
  }
  constexpr int size() const { return count_; }
  constexpr DType operator[](int i) const { return dtypes_[i < count_ ? i : count_ - 1]; }

 private:
  DType dtypes_[8] = {};
  std::uint8_t count_ = 0;
};

/// One legal combination of element types. `any` stands for one dtype, the same everywhere in the row.
struct TypeRow {
  DTypeList inputs{};
  DTypeList outputs{};
};

/// What a plan knows of one input or output of a node.
struct ValueInfo {
  DType dtype = DType::none;   ///< none: an optional value that is absent
  Shape shape;                 ///< at the largest planned size
  const void* data = nullptr;  ///< the contents of a constant, dense and in the planned dtype; else null
  const Quantization* quantization = nullptr;
  std::int32_t buffer = -1;  ///< number of the constant's buffer in the model, for packing keys

  bool present() const { return dtype != DType::none; }
  bool constant() const { return data != nullptr; }
};

/// A node as kernels see it when they are asked whether they support it. The spans are valid during the call.
struct NodeInfo {
  std::span<const ValueInfo> inputs;
  std::span<const ValueInfo> outputs;
  const Cpu* cpu = nullptr;  ///< never null when a kernel is asked

  bool has(int i) const {
    return i < static_cast<int>(inputs.size()) && inputs[static_cast<std::size_t>(i)].present();
  }
  const ValueInfo& input(int i) const { return inputs[static_cast<std::size_t>(i)]; }
  const ValueInfo& output(int i = 0) const { return outputs[static_cast<std::size_t>(i)]; }
};

/// Rows [first, first + count) of axis 1 of a channels-last tensor.
struct RowSpan {
  index_t first = 0;
  index_t count = 0;
};

class InferContext;

struct SubgraphInference;

/// What is known of a shape before its node runs.
enum class Extent : std::uint8_t {
  exact,    ///< the shape itself
  at_most,  ///< an upper bound of every dimension; the run sets the shape
  unknown,  ///< nothing, not even the rank
};

/// Shape inference of one node: reads inputs, sets output shapes. Element types were checked against the
/// operator's type rows before; every shape set here is checked for validity and size.
class InferContext {
 public:
  struct Input {
    TensorView tensor;  ///< data is null unless the contents are known; dtype none: absent
    /// The contents are known now: a constant, a host input, an early result, or the node is about to run.
    bool known = false;
  };
  struct Output {
    DType dtype = DType::none;  ///< as the file declares (lowered); none: absent
    Shape shape;                ///< set by infer
    const Quantization* quantization = nullptr;
    Extent extent = Extent::unknown;  ///< what `shape` says; unknown until infer sets it
  };

  InferContext(std::span<const Input> inputs, std::span<Output> outputs, std::uint64_t max_bytes,
               SubgraphInference* subgraphs = nullptr, bool running = false)
      : inputs_(inputs), outputs_(outputs), max_bytes_(max_bytes), subgraphs_(subgraphs), running_(running) {}

  int inputs() const { return static_cast<int>(inputs_.size()); }
  int outputs() const { return static_cast<int>(outputs_.size()); }
  std::span<const Input> inputs_from(int first) const {
    return inputs_.subspan(static_cast<std::size_t>(first));
  }
  bool has(int i) const {
    return i < inputs() && inputs_[static_cast<std::size_t>(i)].tensor.dtype != DType::none;
  }
  bool has_output(int i) const {
    return i < outputs() && outputs_[static_cast<std::size_t>(i)].dtype != DType::none;
  }
  const Shape& shape(int i) const { return inputs_[static_cast<std::size_t>(i)].tensor.shape; }
  int rank(int i) const { return shape(i).rank(); }
  DType dtype(int i) const { return inputs_[static_cast<std::size_t>(i)].tensor.dtype; }
  DType output_dtype(int i = 0) const { return outputs_[static_cast<std::size_t>(i)].dtype; }
  const Quantization* quantization(int i) const {
    return inputs_[static_cast<std::size_t>(i)].tensor.quantization;
  }
  const Quantization* output_quantization(int i = 0) const {
    return outputs_[static_cast<std::size_t>(i)].quantization;
  }
  std::uint64_t max_bytes() const { return max_bytes_; }

  /// The contents of input `i` if they are known, else null. `i` must be below inputs().
  const TensorView* value(int i) const {
    const Input& input = inputs_[static_cast<std::size_t>(i)];
    return input.known ? &input.tensor : nullptr;
  }
  /// The contents of an integer input of rank 0 or 1 that decides shapes. Errors: Code::needs_value while
  /// they are not known; Code::dtype for other types; Code::shape for a higher rank or more than 64 numbers.
  Result<IntList> ints(int i) const {
    const TensorView* v = value(i);
    if (v == nullptr)
      return Status{Code::needs_value, "the output shape depends on the contents of an input"};
    if (!is_integer(v->dtype) || v->dtype == DType::u64 || element_bytes(v->dtype) == 0)
      return Status{Code::dtype, "a shape-deciding input must be of an integer type"};
    if (v->shape.rank() > 1 || v->elements() > IntList::capacity)
      return Status{Code::shape, "a shape-deciding input must be a vector of at most 64 numbers"};
    IntList list;
    for (index_t k = 0; k < v->elements(); ++k) list.push_back(integer_at(*v, k));
    return list;
  }

  /// Sets the shape of output `o`; does nothing if it is absent. Errors: Code::shape for a shape that is not
  /// valid; Code::out_of_memory above max_bytes().
  Status output(int o, const Shape& shape) { return set(o, shape, Extent::exact); }
  /// Sets an upper bound of a shape that only a run knows; the kernel's run calls RunContext::resize_output.
  Status output_at_most(int o, const Shape& shape) { return set(o, shape, Extent::at_most); }

  /// What infers the node's subgraphs; null for operators that have none.
  SubgraphInference* subgraphs() const { return subgraphs_; }
  /// The node is about to run: all contents are known, and output_at_most may announce any size of an output that
  /// run() resizes.
  bool running() const { return running_; }

 private:
  Status set(int o, const Shape& shape, Extent extent) {
    if (!has_output(o)) return {};
    Output& out = outputs_[static_cast<std::size_t>(o)];
    std::uint64_t bytes = 0;
    if (!shape.valid())
      return {Code::shape, "an output dimension is negative, above 2^31 - 1, or beyond rank 8"};
    if (!shape.checked_bytes(out.dtype, max_bytes_, bytes))
      return {Code::out_of_memory, "an output is larger than the byte limit (max_bytes)"};
    out.shape = shape;
    out.extent = extent;
    return {};
  }

  std::span<const Input> inputs_;
  std::span<Output> outputs_;
  std::uint64_t max_bytes_;
  SubgraphInference* subgraphs_;
  bool running_;
};

/// Lets an operator with subgraphs infer them; implemented by the session.
struct SubgraphInference {
  /// Infers subgraph number `subgraph` of the node (0: the first) on `inputs`, one for each input of the
  /// subgraph, with their contents if they are known. Fills dtype, shape, quantization and extent of
  /// `outputs`, one for each output of the subgraph; what they point to lives as long as the model. An output
  /// whose shape depends on contents that are not known yet is Extent::unknown. May be called several times
  /// with other shapes (If, Loop). Errors: Code::invalid_model if the subgraph has another number of inputs or
  /// outputs; the error of a node inside.
  virtual Status infer(int subgraph, std::span<const InferContext::Input> inputs,
                       std::span<InferContext::Output> outputs) = 0;

 protected:
  ~SubgraphInference() = default;
};

/// The contract that every operator header fulfils (include/lithe/README.md, "Adding an operator").
template <class Op>
concept Operator = requires(const typename Op::Attributes& attributes, InferContext& context) {
  { Op::Attributes::fields() };
  { Op::spec } -> std::convertible_to<const OpSpec&>;
  { std::span<const TypeRow>(Op::types) };
  { Op::infer(attributes, context) } -> std::same_as<Status>;
};

/// Operators that can run in strips of rows. `rows` says which rows of an input the given output rows need;
/// rows outside of the input are padding. A count of 0 says that the whole input is needed (a filter, a
/// broadcast side).
template <class Op>
concept RowStreamable =
    requires(const typename Op::Attributes& attributes, const NodeInfo& node, RowSpan rows) {
      { Op::rows(attributes, node, 0, rows) } -> std::same_as<RowSpan>;
    };

/// Whether the dtypes of a node fit a row. `input(i)` and `output(i)` give the dtype of a place. An absent
/// value (none) fits everything; all places that are `any` must have the same dtype.
template <class Input, class Output>
bool matches(const TypeRow& row, std::size_t inputs, Input input, std::size_t outputs, Output output) {
  DType bound = DType::none;
  const auto fits = [&](DType want, DType have) {
    if (have == DType::none || want == DType::any_output) return true;
    if (want != DType::any) return want == have;
    if (bound == DType::none) bound = have;
    return bound == have;
  };
  if (row.inputs.size() == 0 && inputs != 0) return false;
  for (std::size_t i = 0; i < inputs; ++i)
    if (!fits(row.inputs[static_cast<int>(i)], input(i))) return false;
  for (std::size_t i = 0; i < outputs; ++i)
    if (!fits(row.outputs[static_cast<int>(i)], output(i))) return false;
  return true;
}

inline bool matches(const TypeRow& row, std::span<const DType> inputs, std::span<const DType> outputs) {
  return matches(
      row, inputs.size(), [&](std::size_t i) { return inputs[i]; }, outputs.size(),
      [&](std::size_t i) { return outputs[i]; });
}

}  // namespace lithe::inline v0
