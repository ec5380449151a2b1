// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <algorithm>
#include <cmath>
#include <concepts>
#include <cstdint>
#include <limits>

#include "lithe/core/kernel.hpp"
#include "lithe/ops/detail/convert.hpp"

namespace lithe::inline v0::ops {

/// Equally spaced numbers: output[i] = start + i * delta.
///   start, limit, delta: one element each    output [n], n = ceil((limit - start) / delta), at least 0
/// Errors: Code::needs_value while an input is unknown; Code::shape if an input is not one element, delta is
/// 0, or n is beyond 2^31 - 1 or not a number.
/// Source: ONNX Range-27.
struct Range {
  using Attributes = NoAttributes;
  static constexpr OpSpec spec{.name = "Range",
                               .inputs = {"start", "limit", "delta"},
                               .outputs = {"output"},
                               .accuracy = Accuracy::rounding};
  using enum DType;
  static constexpr TypeRow types[] = {{{f32, f32, f32}, {f32}},     {{f16, f16, f16}, {f16}},
                                      {{bf16, bf16, bf16}, {bf16}}, {{f64, f64, f64}, {f64}},
                                      {{s16, s16, s16}, {s16}},     {{s32, s32, s32}, {s32}},
                                      {{s64, s64, s64}, {s64}}};

  static Status infer(const Attributes&, InferContext& context) {
    TensorView values[3];
    for (int i = 0; i < 3; ++i) {
      if (context.shape(i).elements() != 1) return {Code::shape, "a range needs numbers of one element"};
      if (context.value(i) == nullptr)
        return {Code::needs_value, "the output shape depends on the contents of an input"};
      values[i] = *context.value(i);
    }
    LITHE_ASSIGN_OR_RETURN(const index_t n, count(values));
    return context.output(0, Shape{n});
  }

  static Result<index_t> count(const TensorView (&values)[3]) {
    constexpr std::int64_t most = std::numeric_limits<std::int32_t>::max();
    if (is_float(values[0].dtype)) {
      double v[3];
      for (int i = 0; i < 3; ++i) v[i] = *detail::load_doubles(values[i], 0, 1, &v[i]);
      const double n = std::ceil((v[1] - v[0]) / v[2]);
      if (v[2] == 0 || !(n <= static_cast<double>(most)))
        return Status{Code::shape, "a range has a delta of 0, or too many numbers"};
      return static_cast<index_t>(n > 0 ? n : 0);
    }
    const std::int64_t start = integer_at(values[0], 0), limit = integer_at(values[1], 0),
                       delta = integer_at(values[2], 0);
    if (delta == 0) return Status{Code::shape, "a range has a delta of 0"};
    if (delta > 0 ? limit <= start : limit >= start) return index_t{0};
    // Unsigned, because the difference of two 64-bit numbers may not fit 64 signed bits.
    const auto first = static_cast<std::uint64_t>(start), last = static_cast<std::uint64_t>(limit),
               step = static_cast<std::uint64_t>(delta);
    const std::uint64_t distance = delta > 0 ? last - first : first - last, by = delta > 0 ? step : 0 - step;
    const std::uint64_t n = (distance - 1) / by + 1;
    if (n > static_cast<std::uint64_t>(most)) return Status{Code::shape, "a range has too many numbers"};
    return static_cast<index_t>(n);
  }
};
static_assert(Operator<Range>);

}  // namespace lithe::inline v0::ops

namespace lithe::inline v0::portable {

template <std::same_as<ops::Range> Op>
struct Kernel<Op> {
  static Status run(const NoAttributes&, RunContext& context) {
    const TensorView values[3] = {context.input(0), context.input(1), context.input(2)};
    LITHE_ASSIGN_OR_RETURN(const index_t n, ops::Range::count(values));
    const Tensor& output = context.output();
    if (n != output.shape[0])
      return {Code::out_of_range, "the numbers of a range changed after its shape was inferred"};
    if (output.dtype == DType::f64) return fill<double>(values, output);
    return is_float(output.dtype) ? fill<float>(values, output) : fill<std::uint64_t>(values, output);
  }

 private:
  template <class Wide>
  static Status fill(const TensorView (&values)[3], const Tensor& output) {
    constexpr index_t chunk = ops::detail::chunk;
    Wide buffer[chunk];
    const Wide start = *ops::detail::load(values[0], 0, 1, buffer),
               delta = *ops::detail::load(values[2], 0, 1, buffer);
    for (index_t first = 0; first < output.shape[0]; first += chunk) {
      const index_t some = std::min(chunk, output.shape[0] - first);
      for (index_t i = 0; i < some; ++i) buffer[i] = start + static_cast<Wide>(first + i) * delta;
      ops::detail::store(output, first, some, buffer);
    }
    return {};
  }
};

}  // namespace lithe::inline v0::portable
