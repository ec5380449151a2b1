// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <concepts>
#include <cstdint>

#include "lithe/core/kernel.hpp"
#include "lithe/ops/detail/copy.hpp"

namespace lithe::inline v0::ops {

/// Finds the elements that are not zero, in row-major order.
///   input [d0, ..., d(R - 1)]    output [R, n] s64: column k holds the coordinates of the k-th such element
/// NaN counts as not zero, -0 as zero. n is known only after run and is at most the number of elements.
/// Source: ONNX NonZero-13; a scalar gives [0, n].
struct NonZero {
  using Attributes = NoAttributes;
  using enum DType;
  static constexpr OpSpec spec{.name = "NonZero", .inputs = {"input"}, .outputs = {"output"}};
  static constexpr TypeRow types[] = {{{f32}, {s64}},    {{f16}, {s64}}, {{bf16}, {s64}}, {{f64}, {s64}},
                                      {{s8}, {s64}},     {{s16}, {s64}}, {{s32}, {s64}},  {{s64}, {s64}},
                                      {{u8}, {s64}},     {{u16}, {s64}}, {{u32}, {s64}},  {{u64}, {s64}},
                                      {{boolean}, {s64}}};

  static Status infer(const Attributes&, InferContext& context) {
    if (context.quantization(0) != nullptr) return {Code::unsupported, "NonZero of a quantized tensor"};
    return context.output_at_most(0, Shape{context.rank(0), context.shape(0).joined(0, context.rank(0))});
  }
};
static_assert(Operator<NonZero>);

}  // namespace lithe::inline v0::ops

namespace lithe::inline v0::portable {

template <std::same_as<ops::NonZero> Op>
struct Kernel<Op> {
  static Status run(const ops::NonZero::Attributes&, RunContext& context) {
    const TensorView& input = context.input(0);
    return ops::detail::by_width(element_bytes(input.dtype),
                                 [&]<class T>() { return fill<T>(input, context); });
  }

 private:
  template <class T>
  static Status fill(const TensorView& input, RunContext& context) {
    const auto* data = static_cast<const std::byte*>(input.data);
    const T sign = is_float(input.dtype) ? static_cast<T>(T{1} << (sizeof(T) * 8 - 1)) : T{0};
    const auto counts = [&](index_t i) {
      return (ops::detail::load<T>(data, i) & static_cast<T>(~sign)) != 0;
    };
    const Shape& shape = input.shape;
    const index_t elements = shape.elements();
    index_t found = 0;
    for (index_t i = 0; i < elements; ++i) found += counts(i);
    LITHE_TRY(context.resize_output(0, Shape{shape.rank(), found}));
    auto* output = static_cast<std::int64_t*>(context.output().data);
    for (index_t i = 0, k = 0; i < elements; ++i) {
      if (!counts(i)) continue;
      index_t rest = i;
      for (int d = shape.rank() - 1; d >= 0; --d) {
        output[d * found + k] = rest % shape[d];
        rest /= shape[d];
      }
      ++k;
    }
    return {};
  }
};

}  // namespace lithe::inline v0::portable
