// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <algorithm>
#include <array>
#include <bit>
#include <cstdint>

#include "lithe/core/kernel.hpp"
#include "lithe/ops/detail/elementwise.hpp"

namespace lithe::inline v0::ops::detail {

/// a + b or a - b of quantized numbers in fixed point. The multipliers are the scales over the output's
/// scale; the larger one has 21 bits. Bit-exact with XNNPACK's qs8 and qu8 vadd. Beyond its range of [2^-10,
/// 2^8), scales above 2^20 times the output's count as 2^20 times.
class QuantizedSum {
 public:
  /// `sign` is 1 for a sum, -1 for a difference.
  QuantizedSum(const Quantization& a, const Quantization& b, int sign, const Quantization& output)
      : zero_point_(output.zero_point_at(0)) {
    constexpr int multiplier_bits = 20, max_shift = 30;
    const float largest = 0x1.fffffep19f;
    const float left = std::min(a.scale_at(0) / output.scale_at(0), largest),
                right = std::min(b.scale_at(0) / output.scale_at(0), largest);
    const int exponent = static_cast<int>(std::bit_cast<std::uint32_t>(std::max(left, right)) >> 23) - 127;
    shift_ = std::min(multiplier_bits - exponent, max_shift);
    const float power = std::bit_cast<float>(static_cast<std::uint32_t>(shift_ + 127) << 23);
    left_ = round_to_even(left * power);
    right_ = sign * round_to_even(right * power);
    bias_ = (1 << shift_ >> 1) - left_ * a.zero_point_at(0) - right_ * b.zero_point_at(0);
  }
  std::int32_t operator()(std::int32_t a, std::int32_t b) const {
    return ((bias_ + a * left_ + b * right_) >> shift_) + zero_point_;
  }

 private:
  int shift_;
  std::int32_t left_, right_, bias_, zero_point_;
};

/// Computes input 0 plus or minus input 1, broadcast, where all tensors are quantized.
template <class T>
void add_quantized(const Clamp& clamp, int sign, const RunContext& context) {
  const TensorView a = strip_input(context, 0), b = strip_input(context, 1);
  const Tensor& output = context.output();
  const QuantizedSum sum(*a.quantization, *b.quantization, sign, *output.quantization);
  const QuantizedRange range =
      quantized_range<T>(clamp, output.quantization->scale_at(0), output.quantization->zero_point_at(0));
  const std::array<const Shape*, 2> shapes{&a.shape, &b.shape};
  for (BroadcastRuns<2> runs(output.shape, shapes); !runs.done(); runs.advance()) {
    const T* x = static_cast<const T*>(a.data) + runs.offset(0);
    const T* y = static_cast<const T*>(b.data) + runs.offset(1);
    T* to = static_cast<T*>(output.data) + runs.output_offset();
    const index_t x_step = runs.repeats(0) ? 0 : 1, y_step = runs.repeats(1) ? 0 : 1;
    for (index_t i = 0; i < runs.length(); ++i)
      to[i] = static_cast<T>(limit(sum(x[i * x_step], y[i * y_step]), range.min, range.max));
  }
}

}  // namespace lithe::inline v0::ops::detail
