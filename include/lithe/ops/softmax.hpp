// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <algorithm>
#include <array>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <initializer_list>
#include <limits>
#include <type_traits>
#include <utility>

#include "lithe/core/facts.hpp"
#include "lithe/core/kernel.hpp"
#include "lithe/ops/detail/element_type.hpp"
#include "lithe/ops/detail/elementwise.hpp"
#include "lithe/ops/detail/gemm.hpp"
#include "lithe/ops/detail/lines.hpp"
#include "lithe/ops/detail/requantize.hpp"

namespace lithe::inline v0::ops {

struct SoftmaxAttributes {
  std::int32_t axis = -1;
  static constexpr auto fields() { return Fields{field("axis", &SoftmaxAttributes::axis)}; }
};

namespace detail {

/// What all rows below share: each line along an axis becomes another line.
///   input [...], rank at least 1    output: the input's shape
/// Units: axis may be negative (from the back). s8 and u8: quantized per tensor.
/// Errors: Code::invalid_model for an axis or a quantization out of range.
template <OpName name, const auto& element_types, Accuracy how_far = Accuracy::rounding>
struct AlongAxis {
  using Attributes = SoftmaxAttributes;
  static constexpr bool along_axis_row = true;
  static constexpr bool extremes_decide = true;
  static constexpr const auto& elements = element_types;
  static constexpr OpSpec spec{
      .name = name.text, .inputs = {"input"}, .outputs = {"output"}, .accuracy = how_far, .in_place = true};
  static constexpr auto types = []<std::size_t... i>(std::index_sequence<i...>) {
    return std::array{TypeRow{{element_types.dtypes[i]}, {element_types.dtypes[i]}}...};
  }(std::make_index_sequence<element_types.dtypes.size()>{});

  static Status infer(const Attributes& a, InferContext& context) {
    if (normalize_axis(a.axis, context.rank(0)) < 0)
      return {Code::invalid_model, "axis is outside the input's rank"};
    if (is_quantized_8bit(context.dtype(0))) {
      LITHE_TRY(check_activation(context.quantization(0), context.dtype(0)));
      LITHE_TRY(check_activation(context.output_quantization(), context.output_dtype()));
    }
    return context.output(0, context.shape(0));
  }

 protected:
  /// The largest element of a line and the sum of exp(x - largest).
  template <class T, class Read>
  static std::pair<T, T> max_and_sum(index_t n, Read read) {
    T max = -std::numeric_limits<T>::infinity(), sum = 0;
    for (index_t i = 0; i < n; ++i) max = std::max(max, read(i));
    for (index_t i = 0; i < n; ++i) sum += std::exp(read(i) - max);
    return {max, sum};
  }
};

/// exp(-steps * scale) in units of 2^-31, for a whole number of steps: computed in fixed point, so that all
/// machines agree.
class ExpOfSteps {
 public:
  explicit ExpOfSteps(float scale)
      : exponent_(static_cast<std::uint32_t>(std::min(scale * 1.44269504f, 63.0f) * 0x1p26f)) {}

  std::uint32_t operator()(std::uint32_t steps) const {
    const std::uint64_t exponent = std::uint64_t{steps} * exponent_;
    const std::uint64_t halvings = exponent >> 26;
    if (halvings > 31) return 0;
    const auto fraction = static_cast<std::uint32_t>(exponent << 6);  // in units of 2^-32
    // 2^-fraction as a polynomial with the least relative error, 2.6e-6.
    std::uint32_t power = 0x00DDBE6A;
    for (const std::uint32_t coefficient : {0x06CB2189u, 0x1EA2BA71u, 0x58B536B0u, 0x7FFFEA3Fu})
      power = coefficient - static_cast<std::uint32_t>(std::uint64_t{power} * fraction >> 32);
    return power >> halvings;
  }

 private:
  std::uint32_t exponent_;  ///< the exponent of 1/2 for one step, in units of 2^-26
};

}  // namespace detail

/// Any operator of this header.
template <class Op>
concept AlongAxisOperator = requires { requires Op::along_axis_row; };

// Each row's line<T>(n, read, write) reads every element of a line before it writes it, so that the output
// may be the input.

/// exp(x - max) / sum of exp(x - max). As in ONNX, a line of -infinity, or with a NaN or +infinity, becomes
/// NaN. s8 and u8 give the same bits on every machine.
/// Source: ONNX Softmax-13.
struct Softmax : detail::AlongAxis<"Softmax", detail::reals> {
  static constexpr Quantizable quantizable{.inputs = 1, .at_end = true};
  static constexpr Clamp output_range{.min = 0, .max = 1};
  template <class T, class Read, class Write>
  static void line(index_t n, Read read, Write write) {
    const auto [max, sum] = max_and_sum<T>(n, read);
    for (index_t i = 0; i < n; ++i) write(i, std::exp(read(i) - max) / sum);
  }
};

/// x - max - log(sum of exp(x - max)): the logarithm of Softmax without its loss of precision.
/// Source: ONNX LogSoftmax-13.
struct LogSoftmax : detail::AlongAxis<"LogSoftmax", detail::floats> {
  template <class T, class Read, class Write>
  static void line(index_t n, Read read, Write write) {
    const auto [max, sum] = max_and_sum<T>(n, read);
    const T log = std::log(sum);
    for (index_t i = 0; i < n; ++i) write(i, read(i) - max - log);
  }
};

/// 1 at the line's first largest element, 0 elsewhere; NaN counts as the largest.
/// Source: ONNX Hardmax-13.
struct Hardmax : detail::AlongAxis<"Hardmax", detail::floats, Accuracy::exact> {
  template <class T, class Read, class Write>
  static void line(index_t n, Read read, Write write) {
    index_t best = 0;
    T max = n > 0 ? read(0) : T{};
    for (index_t i = 1; i < n && max == max; ++i)
      if (const T x = read(i); !(x <= max)) {
        max = x;
        best = i;
      }
    for (index_t i = 0; i < n; ++i) write(i, i == best ? T{1} : T{0});
  }
};
static_assert(Operator<Softmax>);

}  // namespace lithe::inline v0::ops

namespace lithe::inline v0::portable {

template <ops::AlongAxisOperator Op>
struct Kernel<Op> {
  using Attributes = ops::SoftmaxAttributes;

  template <TypeSet types = every_type>
  static Status run(const Attributes& a, RunContext& context) {
    const auto run_type = [&]<class T>() { run_as<T>(a, context); };
    if constexpr (Op::elements.has(DType::s8))
      if (ops::detail::is_quantized_8bit(context.output().dtype))
        return ops::detail::for_quantized_type<types>(context.output().dtype, run_type);
    return ops::detail::for_float_type<types>(context.output().dtype, run_type);
  }

 private:
  template <class T>
  static void run_as(const Attributes& a, RunContext& context) {
    const Shape& shape = context.input(0).shape;
    const ops::detail::Lines lines(shape, normalize_axis(a.axis, shape.rank()));
    const index_t n = lines.length, stride = lines.stride;
    const T* x = static_cast<const T*>(context.input(0).data);
    T* y = static_cast<T*>(context.output().data);
    if constexpr (std::is_integral_v<T>) {
      const ops::detail::ExpOfSteps exp(context.input(0).quantization->scale_at(0));
      const float per_step = 1 / context.output().quantization->scale_at(0);
      const ops::detail::Requantizer<T> requantize(*context.output().quantization);
      lines.for_each([&](index_t at) {
        T max = std::numeric_limits<T>::lowest();
        float sum = 0;
        const auto exp_at = [&](index_t i) {
          return static_cast<float>(exp(static_cast<std::uint32_t>(max - x[at + i * stride])));
        };
        for (index_t i = 0; i < n; ++i) max = std::max(max, x[at + i * stride]);
        for (index_t i = 0; i < n; ++i) sum += exp_at(i);
        for (index_t i = 0; i < n; ++i) y[at + i * stride] = requantize(exp_at(i) * (per_step / sum));
      });
    } else {
      using Acc = ops::detail::Accumulator<T>;
      lines.for_each([&](index_t at) {
        Op::template line<Acc>(
            n, [&](index_t i) { return static_cast<Acc>(x[at + i * stride]); },
            [&](index_t i, Acc p) { y[at + i * stride] = static_cast<T>(p); });
      });
    }
  }
};

/// The portable kernels of all operators of this header.
using SoftmaxKernels = KernelList<Kernel<ops::Hardmax>, Kernel<ops::LogSoftmax>, Kernel<ops::Softmax>>;

}  // namespace lithe::inline v0::portable
