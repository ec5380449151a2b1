// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <limits>
#include <tuple>
#include <type_traits>

#include "lithe/core/kernel.hpp"
#include "lithe/ops/detail/gemm.hpp"
#include "lithe/ops/detail/requantize.hpp"

namespace lithe::inline v0::ops {

/// exp(x - max) / sum of exp(x - max) along an axis; as in ONNX, a line of -infinity, or one with NaN or
/// +infinity, is NaN.
///   input [...], rank at least 1    output: the input's shape
/// Units: axis may be negative (from the back). s8 and u8: quantized per tensor.
/// Errors: Code::invalid_model for an axis out of range or a quantization out of range.
/// Source: ONNX Softmax-13.
struct Softmax {
  struct Attributes {
    std::int32_t axis = -1;
    static constexpr auto fields() { return std::tuple{field("axis", &Attributes::axis)}; }
  };
  using enum DType;
  static constexpr OpSpec spec{.name = "Softmax",
                               .version = 1,
                               .inputs = {"input"},
                               .outputs = {"output"},
                               .accuracy = Accuracy::rounding,
                               .in_place = true};
  static constexpr TypeRow types[] = {
      {{f32}, {f32}}, {{f16}, {f16}}, {{f64}, {f64}}, {{s8}, {s8}}, {{u8}, {u8}}};

  static Status infer(const Attributes& a, InferContext& context) {
    if (normalize_axis(a.axis, context.rank(0)) < 0)
      return {Code::invalid_model, "axis is outside the input's rank"};
    if (detail::is_quantized_8bit(context.dtype(0))) {
      LITHE_TRY(detail::check_activation(context.quantization(0), context.dtype(0)));
      LITHE_TRY(detail::check_activation(context.output_quantization(), context.output_dtype()));
    }
    return context.output(0, context.shape(0));
  }
};
static_assert(Operator<Softmax>);

}  // namespace lithe::inline v0::ops

namespace lithe::inline v0::portable {

template <>
struct Kernel<ops::Softmax> {
  using Attributes = ops::Softmax::Attributes;

  static Status run(const Attributes& a, RunContext& context) {
    switch (context.output().dtype) {
      case DType::f32:
        return run_as<float>(a, context);
      case DType::f16:
        return run_as<half>(a, context);
      case DType::f64:
        return run_as<double>(a, context);
      case DType::s8:
        return run_as<std::int8_t>(a, context);
      case DType::u8:
        return run_as<std::uint8_t>(a, context);
      default:
        return {Code::dtype, "no kernel for this element type"};
    }
  }

 private:
  template <class T>
  static Status run_as(const Attributes& a, RunContext& context) {
    const Shape& shape = context.input(0).shape;
    const int axis = normalize_axis(a.axis, shape.rank());
    const index_t n = shape[axis], inner = shape.product(axis + 1, shape.rank());
    const T* x = static_cast<const T*>(context.input(0).data);
    T* y = static_cast<T*>(context.output().data);
    const Quantization* in = context.input(0).quantization;
    if constexpr (std::is_integral_v<T>) {
      const float scale = in->scale_at(0), per_step = 1 / context.output().quantization->scale_at(0);
      const std::int32_t zero_point = in->zero_point_at(0);
      const ops::detail::Requantizer<T> requantize(*context.output().quantization);
      for_lines<float>(shape, axis, [&](index_t at) {
        line<float>(
            n, inner, [&](index_t i) { return static_cast<float>(x[at + i] - zero_point) * scale; },
            [&](index_t i, float p) { y[at + i] = requantize(p * per_step); });
      });
    } else {
      using Acc = ops::detail::Accumulator<T>;
      for_lines<Acc>(shape, axis, [&](index_t at) {
        line<Acc>(
            n, inner, [&](index_t i) { return static_cast<Acc>(x[at + i]); },
            [&](index_t i, Acc p) { y[at + i] = static_cast<T>(p); });
      });
    }
    return {};
  }

  template <class Acc, class F>
  static void for_lines(const Shape& shape, int axis, F f) {
    const index_t outer = shape.product(0, axis), inner = shape.product(axis + 1, shape.rank());
    for (index_t o = 0; o < outer; ++o)
      for (index_t i = 0; i < inner; ++i) f(o * shape[axis] * inner + i);
  }

  /// Reads every element before it is written, so that the output may be the input.
  template <class Acc, class Read, class Write>
  static void line(index_t n, index_t stride, Read read, Write write) {
    Acc max = -std::numeric_limits<Acc>::infinity(), sum = 0;
    for (index_t i = 0; i < n; ++i) max = std::max(max, read(i * stride));
    for (index_t i = 0; i < n; ++i) sum += std::exp(read(i * stride) - max);
    for (index_t i = 0; i < n; ++i) write(i * stride, std::exp(read(i * stride) - max) / sum);
  }
};

}  // namespace lithe::inline v0::portable
