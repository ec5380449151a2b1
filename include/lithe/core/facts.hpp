// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <type_traits>

#include "lithe/core/fields.hpp"
#include "lithe/core/kernel.hpp"
#include "lithe/core/operator.hpp"
#include "lithe/core/shape.hpp"

/// What an operator says of itself beyond its spec: optional members of the operator that converter and tools
/// ask for, so that no pass keeps a list of operators. Sessions never read them, and programs that run models
/// link none of them.
namespace lithe::inline v0 {

/// `static constexpr Weights weights{...}`: a layer that multiplies input 0 by a filter (input 1) and adds a
/// bias [O] (input 2, optional). Passes fold scales and shifts into both; the quantizer stores them.
/// Precondition of all functions: a filter of rank 2 or more.
struct Weights {
  /// The filter is [..., C, M], and output channel c * M + m reads input channel c alone. Otherwise it is
  /// [O, ..., C / group].
  bool depthwise = false;
  /// Not every output element is a sum over all taps, as in a transposed convolution.
  bool transposed = false;

  constexpr int channel_axis(const Shape& filter) const { return depthwise ? filter.rank() - 2 : 0; }
  /// The first of the filter's rank - 2 spatial axes.
  constexpr int spatial_axis() const { return depthwise ? 0 : 1; }
  /// Output channels.
  constexpr index_t outputs(const Shape& filter) const {
    return depthwise ? filter[filter.rank() - 2] * filter.back() : filter[0];
  }
  /// Input channels; `group` is 1 where a layer has none.
  constexpr index_t inputs(const Shape& filter, index_t group) const {
    return depthwise ? filter[filter.rank() - 2] : filter.back() * group;
  }
  /// The output channel that filter element `i` contributes to; `i` counts in storage order.
  constexpr index_t output_channel(const Shape& filter, index_t i) const {
    if (outputs(filter) == 0) return 0;
    return depthwise ? i % outputs(filter) : i / (filter.elements() / outputs(filter));
  }
  /// The input channel that filter element `i` reads.
  constexpr index_t input_channel(const Shape& filter, index_t group, index_t i) const {
    if (depthwise) return i % outputs(filter) / filter.back();
    const index_t outputs_per_group = outputs(filter) / (group < 1 ? 1 : group);
    return output_channel(filter, i) / (outputs_per_group < 1 ? 1 : outputs_per_group) * filter.back() +
           i % filter.back();
  }
};

/// `static constexpr StoredWeights stored_weights{...}`: constant inputs of f32 that may all be s8 instead, with zero
/// points 0 and a scale for each index of an axis. Kernels widen them.
struct StoredWeights {
  int first = 0, count = 0;  ///< which inputs; none: no such form
  int axis = 0;
};

/// `static constexpr Movement movement = ...`, or `static Movement movement(const Attributes&)` where it
/// depends on attributes: what an operator does with the elements of input 0. All but `computes` give the
/// same result on the numbers that are stored for a quantized tensor and on the real numbers they stand for.
enum class Movement : std::uint8_t {
  computes,    ///< makes new elements
  rearranges,  ///< every element once, in another shape or order (Reshape, Transpose)
  joins,       ///< every element of all inputs once (Concat)
  selects,     ///< elements by their place, any number of them, maybe repeated (Slice, Gather, Expand)
  picks,       ///< elements near the place of the output, by order or place (MaxPool2D, a Pad that mirrors)
  pads,        ///< every element, and around them the one element of input 2 (zero where absent)
};

/// `static constexpr Coding coding = ...`: the operator leads from real numbers to the numbers stored for
/// them, or back.
enum class Coding : std::uint8_t {
  none,
  quantizes,           ///< by a scale, input 1, and a zero point, input 2 or zero
  dequantizes,         ///< back, by the same inputs
  quantizes_by_range,  ///< by a scale and a zero point that it finds itself
};

/// `static constexpr Quantizable quantizable{...}`: an operator without weights that has type rows for s8 and
/// u8 and is worth running on them.
struct Quantizable {
  int inputs = 0;  ///< so many of the first inputs are quantized tensors; 0: no quantized form
  /// Stays quantized after the last layer with weights; otherwise it returns to floating point there, where
  /// exactness costs little.
  bool at_end = false;
};

/// All of an operator's facts; null, false or the enumeration's first value where it does not say.
struct OperatorFacts {
  const OpSpec* spec = nullptr;
  /// `static constexpr const char* cpp_name`: the type in lithe::ops; the spec's name where absent.
  const char* cpp_name = nullptr;
  const Weights* weights = nullptr;
  StoredWeights stored_weights{};
  Coding coding = Coding::none;
  Quantizable quantizable{};
  /// `static constexpr Clamp output_range{...}`: every output element lies in it, whatever the input.
  const Clamp* output_range = nullptr;
  /// `static constexpr Clamp domain{...}`: an element of input 0 outside of it has no result.
  const Clamp* domain = nullptr;
  /// `static constexpr double neutral = ...`: a second operand of this value gives the first one.
  const double* neutral = nullptr;
  /// `static constexpr bool commutes = true`: the two inputs may change places.
  bool commutes = false;
  /// `static constexpr bool rounds = true`: a change in the input's last bit may change the output by a whole
  /// number.
  bool rounds = false;
  /// `static constexpr bool extremes_decide = true`: the output depends on which elements of input 0 are the
  /// largest, or the smallest, and by how much.
  bool extremes_decide = false;
  /// Attribute `clamp` bounds the output, and a following operator with `limits` may become part of it.
  bool clamps = false;
  Movement (*movement)(const void* attributes) = nullptr;
  /// `static Clamp limits(const Attributes&)`: the operator does nothing but bound its input by these.
  Clamp (*limits)(const void* attributes) = nullptr;
  /// `static std::uint64_t multiply_adds(const Attributes&, const NodeInfo&)`: of one run at the node's
  /// shapes, all inputs present; for operators whose time they are.
  std::uint64_t (*multiply_adds)(const void* attributes, const NodeInfo&) = nullptr;
};

namespace detail {

/// An operator's functions of facts without their types.
template <class Op>
struct FactFunctions {
  using A = typename Op::Attributes;

  static Movement movement(const void* a) {
    if constexpr (requires(const A& attributes) { Op::movement(attributes); })
      return Op::movement(*static_cast<const A*>(a));
    else
      return Op::movement;
  }
  static Clamp limits(const void* a) { return Op::limits(*static_cast<const A*>(a)); }
  static std::uint64_t multiply_adds(const void* a, const NodeInfo& node) {
    return Op::multiply_adds(*static_cast<const A*>(a), node);
  }
};

template <class Op>
constexpr OperatorFacts make_facts() {
  using A = typename Op::Attributes;
  using F = FactFunctions<Op>;
  OperatorFacts f{.spec = &Op::spec, .cpp_name = Op::spec.name};
  if constexpr (requires { Op::cpp_name; }) f.cpp_name = Op::cpp_name;
  if constexpr (requires { Op::weights; }) f.weights = &Op::weights;
  if constexpr (requires { Op::stored_weights; }) f.stored_weights = Op::stored_weights;
  if constexpr (requires { Op::coding; }) f.coding = Op::coding;
  if constexpr (requires { Op::quantizable; }) f.quantizable = Op::quantizable;
  if constexpr (requires { Op::output_range; }) f.output_range = &Op::output_range;
  if constexpr (requires { Op::domain; }) f.domain = &Op::domain;
  if constexpr (requires { Op::neutral; }) f.neutral = &Op::neutral;
  if constexpr (requires { Op::commutes; }) f.commutes = Op::commutes;
  if constexpr (requires { Op::rounds; }) f.rounds = Op::rounds;
  if constexpr (requires { Op::extremes_decide; }) f.extremes_decide = Op::extremes_decide;
  if constexpr (requires { Op::movement; }) f.movement = F::movement;
  if constexpr (requires(const A& a) { Op::limits(a); }) f.limits = F::limits;
  if constexpr (requires(const A& a, const NodeInfo& n) { Op::multiply_adds(a, n); })
    f.multiply_adds = F::multiply_adds;
  if constexpr (requires(const A& a) { a.clamp; }) f.clamps = f.limits == nullptr;
  return f;
}

}  // namespace detail

/// The facts of the operators that a list of kernels runs, one entry for each kernel, in the list's order.
template <class List>
struct FactsOf;
template <class... Kernels>
struct FactsOf<KernelList<Kernels...>> {
  static constexpr auto entries = [] {
    std::array<OperatorFacts, static_cast<std::size_t>(KernelList<Kernels...>::size)> all{};
    std::size_t n = 0;
    [[maybe_unused]] auto add = [&]<class K>(std::type_identity<K>) {
      if constexpr (requires { K::entries; })
        for (const OperatorFacts& facts : FactsOf<K>::entries) all[n++] = facts;
      else
        all[n++] = detail::make_facts<typename detail::OpOf<K>::type>();
    };
    (add(std::type_identity<Kernels>{}), ...);
    return all;
  }();
};

}  // namespace lithe::inline v0
