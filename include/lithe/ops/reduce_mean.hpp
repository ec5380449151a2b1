// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <tuple>

#include "lithe/core/kernel.hpp"
#include "lithe/ops/detail/reduce.hpp"
#include "lithe/ops/detail/requantize.hpp"

namespace lithe::inline v0::ops {

/// Mean over axes; the mean of nothing is NaN, and refused for integers.
///   input [...]    output: the reduced axes are 1, or left out without keepdims
/// Units: axes may be negative (from the back); none means all. s8 and u8: quantized per tensor; the mean of
/// the stored integers is requantized, rounding to nearest even.
/// Errors: Code::invalid_model for an axis out of range or named twice, or a quantization out of range;
/// Code::unsupported for an 8-bit mean of more than 2^23 elements.
/// Source: ONNX ReduceMean-18 (GlobalAveragePool-22: axes 1 and 2).
struct ReduceMean {
  struct Attributes {
    IntList axes;
    bool keepdims = true;
    static constexpr auto fields() {
      return std::tuple{field("axes", &Attributes::axes), field("keepdims", &Attributes::keepdims)};
    }
  };
  using enum DType;
  static constexpr OpSpec spec{.name = "ReduceMean",
                               .version = 1,
                               .inputs = {"input"},
                               .outputs = {"output"},
                               .accuracy = Accuracy::rounding};
  static constexpr TypeRow types[] = {
      {{f32}, {f32}}, {{f16}, {f16}}, {{f64}, {f64}}, {{s8}, {s8}}, {{u8}, {u8}}};

  static Status infer(const Attributes& a, InferContext& context) {
    const Shape& input = context.shape(0);
    LITHE_ASSIGN_OR_RETURN(const detail::AxisSet reduced, detail::axis_set(a.axes, input.rank()));
    std::int64_t count = 1;
    for (int i = 0; i < input.rank(); ++i)
      if (reduced.has(i)) count *= input[i];
    if (detail::is_quantized_8bit(context.dtype(0))) {
      if (count == 0) return {Code::shape, "an 8-bit mean of no elements"};
      LITHE_TRY(detail::check_quantized_mean(context, count));
    }
    return context.output(0, detail::reduced_shape(input, reduced, a.keepdims));
  }
};
static_assert(Operator<ReduceMean>);

}  // namespace lithe::inline v0::ops

namespace lithe::inline v0::portable {

template <>
struct Kernel<ops::ReduceMean> {
  static Status run(const ops::ReduceMean::Attributes& a, RunContext& context) {
    LITHE_ASSIGN_OR_RETURN(const ops::detail::AxisSet reduced,
                           ops::detail::axis_set(a.axes, context.input(0).shape.rank()));
    return ops::detail::for_mean_type(context.output().dtype, [&]<class T>() {
      return ops::detail::reduce_mean<T>(context, reduced), Status{};
    });
  }
};

}  // namespace lithe::inline v0::portable
