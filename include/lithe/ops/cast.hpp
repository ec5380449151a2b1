// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <algorithm>
#include <concepts>
#include <cstdint>
#include <cstring>

#include "lithe/core/kernel.hpp"
#include "lithe/core/operator.hpp"
#include "lithe/ops/detail/convert.hpp"

namespace lithe::inline v0::ops {

/// Converts every element to the dtype that the file declares for the output.
///   input [...]    output: the input's shape
/// To floats: the nearest number, ties to even. With `saturate` 8-bit floats stay finite; f8e8m0 becomes the
/// power of two that is not below the number.
/// Floats to integers: towards zero, to s64 for u32, u64 and s64, else to s32, of which the low bits are
/// kept. Where those do not hold the number, and for NaN, they become their lowest; u64 has [2^63, 2^64) too.
/// ONNX leaves this undefined; so does ONNX Runtime on x86.
/// Integers to integers: the low bits. To bool: whether the number is not 0. From bool: 0 or 1.
/// Errors: Code::unsupported where an 8-bit tensor is quantized (see QuantizeLinear, DequantizeLinear).
/// Source: ONNX Cast-25 with round_mode "up".
struct Cast {
  struct Attributes {
    bool saturate = true;
    static constexpr auto fields() { return Fields{field("saturate", &Attributes::saturate)}; }
  };
  using enum DType;
  static constexpr OpSpec spec{.name = "Cast",
                               .inputs = {"input"},
                               .outputs = {"output"},
                               .in_place = true,
                               .converts = true,
                               .elementwise = true};
  static constexpr TypeRow types[] = {{{any}, {any_output}}};
  static constexpr bool rounds = true;

  static Status infer(const Attributes&, InferContext& context) {
    if (!known(context.dtype(0)) || !known(context.output_dtype()))
      return {Code::dtype, "Cast needs two known dtypes"};
    if (context.quantization(0) != nullptr || context.output_quantization() != nullptr)
      return {Code::unsupported, "Cast converts plain numbers, not quantized ones"};
    return context.output(0, context.shape(0));
  }
};
static_assert(Operator<Cast>);

}  // namespace lithe::inline v0::ops

namespace lithe::inline v0::portable {

template <std::same_as<ops::Cast> Op>
struct Kernel<Op> {
  static Status run(const ops::Cast::Attributes& attributes, RunContext& context) {
    const TensorView& input = context.input(0);
    const Tensor& output = context.output();
    const index_t total = input.elements();
    if (input.dtype == output.dtype) {
      if (total != 0) std::memmove(output.data, input.data, input.bytes());
      return {};
    }
    for (index_t first = 0; first < total; first += ops::detail::chunk)
      convert(attributes, input, output, first, std::min(ops::detail::chunk, total - first));
    return {};
  }

 private:
  static bool single(DType d) { return d == DType::f32 || d == DType::f16 || d == DType::bf16; }

  /// Converts through the narrowest wide type that holds all values of the input, so that they are rounded
  /// once.
  static void convert(const ops::Cast::Attributes& attributes, const TensorView& input, const Tensor& output,
                      index_t first, index_t n) {
    namespace d = ops::detail;
    float floats[d::chunk];
    std::int64_t integers[d::chunk];
    double doubles[d::chunk];
    if (single(input.dtype) && single(output.dtype))
      return d::store_floats(output, first, n, d::load_floats(input, first, n, floats));
    if (!is_float(input.dtype) && !is_float(output.dtype))
      return d::store_integers(output, first, n, d::load_integers(input, first, n, integers));
    if (!is_float(input.dtype) && output.dtype == DType::f32) {
      const std::int64_t* from = d::load_integers(input, first, n, integers);
      for (index_t i = 0; i < n; ++i)
        floats[i] = input.dtype == DType::u64 ? static_cast<float>(static_cast<std::uint64_t>(from[i]))
                                              : static_cast<float>(from[i]);
      return d::store_floats(output, first, n, floats);
    }
    const double* from = d::load_doubles(input, first, n, doubles);
    if (is_float(output.dtype)) return d::store_doubles(output, first, n, from, attributes.saturate);
    for (index_t i = 0; i < n; ++i) integers[i] = integer_of(from[i], output.dtype);
    d::store_integers(output, first, n, integers);
  }

  /// A float as an integer of a dtype that keeps its low bits: what x86's instructions give, on every processor.
  static std::int64_t integer_of(double v, DType dtype) {
    if (dtype == DType::boolean) return v != 0;
    if (bits(dtype) < 32 || dtype == DType::s32) return truncate<std::int32_t>(v);
    if (dtype == DType::u64 && v >= 0x1p63)
      return truncate<std::int64_t>(v - 0x1p63) ^ std::numeric_limits<std::int64_t>::min();
    return truncate<std::int64_t>(v);
  }
  /// Rounds towards zero. NaN, and what the integer does not hold, give its lowest number.
  template <class Integer>
  static Integer truncate(double v) {
    constexpr Integer lowest = std::numeric_limits<Integer>::min();
    constexpr double limit = -static_cast<double>(lowest);
    return v >= -limit && v < limit ? static_cast<Integer>(v) : lowest;
  }
};

}  // namespace lithe::inline v0::portable
