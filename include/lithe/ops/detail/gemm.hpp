// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>
#include <limits>
#include <type_traits>

#include "lithe/core/kernel.hpp"
#include "lithe/ops/detail/element_type.hpp"
#include "lithe/ops/detail/requantize.hpp"

namespace lithe::inline v0::ops::detail {

/// The spec of a linear layer: all of them have these inputs and outputs, in these places.
constexpr OpSpec linear_spec(const char* name) {
  return {.name = name,
          .inputs = {"input", "filter", "bias?"},
          .outputs = {"output"},
          .accuracy = Accuracy::rounding};
}
constexpr TypeRow linear_row(DType values, DType bias) { return {{values, values, bias}, {values}}; }
inline constexpr TypeRow linear_types[] = {
    linear_row(DType::f32, DType::f32), linear_row(DType::f16, DType::f16), linear_row(DType::s8, DType::s32),
    linear_row(DType::u8, DType::s32)};

inline constexpr std::int64_t max_channels = std::int64_t{1} << 30;

/// The type in which products of T are summed: float for 16-bit floats; unsigned for integers, so that
/// overflow wraps.
template <class T>
using Accumulator = std::conditional_t<
    std::is_same_v<T, half> || std::is_same_v<T, bfloat16>, float,
    std::conditional_t<std::is_integral_v<T>,
                       std::conditional_t<sizeof(T) == 8, std::uint64_t, std::uint32_t>, T>>;

/// How many elements loops over contiguous channels keep in registers or in the first-level cache.
inline constexpr index_t channel_block = 32;

/// Calls `f(i)` for i in [0, count). A whole block is a loop of known length, which compilers vectorize at
/// -O2.
template <class F>
void for_block(index_t count, F f) {
  if (count == channel_block)
    for (index_t i = 0; i < channel_block; ++i) f(i);
  else
    for (index_t i = 0; i < count; ++i) f(i);
}

/// The sum of a[i] * b[i]. Four partial sums let compilers vectorize without reassociating.
template <class A, class B>
Accumulator<A> dot(const A* a, const B* b, index_t n) {
  using Acc = Accumulator<A>;
  auto product = [&](index_t i) { return static_cast<Acc>(a[i]) * static_cast<Acc>(b[i]); };
  Acc s0 = 0, s1 = 0, s2 = 0, s3 = 0;
  index_t i = 0;
  for (; i + 4 <= n; i += 4) {
    s0 += product(i);
    s1 += product(i + 1);
    s2 += product(i + 2);
    s3 += product(i + 3);
  }
  for (; i < n; ++i) s0 += product(i);
  return (s0 + s1) + (s2 + s3);
}

/// Asks for a workspace of a size that was computed in 64 bits.
/// Errors: Code::out_of_memory beyond the address space.
inline Status ask_workspace(ReshapeContext& context, std::uint64_t bytes) {
  if (bytes > std::numeric_limits<std::size_t>::max() / 2)
    return {Code::out_of_memory, "a workspace is beyond the address space"};
  context.workspace(static_cast<std::size_t>(bytes));
  return {};
}

/// The arithmetic of one output channel of a linear layer (input 0, filter 1, bias 2): `start` is the bias,
/// `product` and `sum` are added, `store` clamps. 8-bit types keep a scale, and u8 a zero point too, for each
/// output channel in the workspace.
template <class T>
class Linear {
 public:
  using Acc = Accumulator<T>;
  static constexpr std::uint64_t workspace_per_channel = 0;

  Linear(const Clamp& clamp, const RunContext& context, index_t)
      : bias_(context.has(2) ? static_cast<const T*>(context.input(2).data) : nullptr), clamp_(clamp) {}
  Acc start(index_t channel) const { return bias_ == nullptr ? Acc{0} : static_cast<Acc>(bias_[channel]); }
  Acc product(T x, T weight, index_t) const { return static_cast<Acc>(x) * static_cast<Acc>(weight); }
  Acc sum(const T* x, const T* weights, index_t n, index_t) const { return dot(x, weights, n); }
  T store(Acc value, index_t) const { return static_cast<T>(clamp_(value)); }

 private:
  const T* bias_;
  Clamp clamp_;
};

template <class T>
  requires(sizeof(T) == 1)
class Linear<T> {
 public:
  using Acc = std::uint32_t;
  static constexpr bool has_zero_points = std::is_unsigned_v<T>;
  static constexpr std::uint64_t workspace_per_channel =
      sizeof(float) + (has_zero_points ? sizeof(std::int32_t) : 0);

  Linear(const Clamp& clamp, const RunContext& context, index_t channels)
      : bias_(context.has(2) ? static_cast<const std::int32_t*>(context.input(2).data) : nullptr),
        scales_(reinterpret_cast<float*>(context.workspace().data())),
        zero_points_(reinterpret_cast<std::int32_t*>(scales_ + channels)),
        requantize_(*context.output().quantization, clamp) {
    const Quantization& input = *context.input(0).quantization;
    const Quantization& filter = *context.input(1).quantization;
    input_zero_point_ = input.zero_point_at(0);
    for (index_t i = 0; i < channels; ++i) {
      scales_[i] = requantization_scale(input.scale_at(0), filter_scale(filter, i),
                                        context.output().quantization->scale_at(0));
      if constexpr (has_zero_points) zero_points_[i] = filter_zero_point(filter, i);
    }
  }
  Acc start(index_t channel) const { return bias_ == nullptr ? 0 : static_cast<Acc>(bias_[channel]); }
  Acc product(T x, T weight, index_t channel) const {
    return static_cast<Acc>((x - input_zero_point_) * (weight - zero_point(channel)));
  }
  Acc sum(const T* x, const T* weights, index_t n, index_t channel) const {
    const std::int32_t x_zero = input_zero_point_, weight_zero = zero_point(channel);
    Acc total = 0;
    for (index_t i = 0; i < n; ++i) total += static_cast<Acc>((x[i] - x_zero) * (weights[i] - weight_zero));
    return total;
  }
  T store(Acc value, index_t channel) const {
    return requantize_(static_cast<std::int32_t>(value), scales_[channel]);
  }

 private:
  std::int32_t zero_point([[maybe_unused]] index_t channel) const {
    if constexpr (has_zero_points)
      return zero_points_[channel];
    else
      return 0;
  }

  const std::int32_t* bias_;
  float* scales_;
  std::int32_t* zero_points_;
  Requantizer<T> requantize_;
  std::int32_t input_zero_point_ = 0;
};

/// Asks for the workspace that Linear needs for output 0 and this many channels.
/// Errors: Code::out_of_memory.
inline Status linear_workspace(ReshapeContext& context, index_t channels) {
  const DType dtype = context.outputs[0].dtype;
  const std::uint64_t each = dtype == DType::s8   ? Linear<std::int8_t>::workspace_per_channel
                             : dtype == DType::u8 ? Linear<std::uint8_t>::workspace_per_channel
                                                  : 0;
  return ask_workspace(context, each * static_cast<std::uint64_t>(channels));
}

/// The portable kernel of a linear layer. `Layer` has Attributes; `channels(filter)`, the output channels of
/// a filter of this shape; and `run<T>(attributes, context)`, which computes output 0 of element type T.
template <class Layer>
struct LinearKernel {
  using Attributes = typename Layer::Attributes;
  static constexpr bool strided_inputs = true, strided_outputs = true;

  static Status reshape(const Attributes&, ReshapeContext& context) {
    return linear_workspace(context, Layer::channels(context.inputs[1].shape));
  }
  template <TypeSet types = every_type>
  static Status run(const Attributes& a, RunContext& context) {
    return for_linear_type<types>(context.output().dtype,
                                  [&]<class T>() { Layer::template run<T>(a, context); });
  }
};

/// The sizes of the two matrices of a MatMul. A vector counts as one row (a) or one column (b).
struct MatMulDims {
  index_t m, k, n, b_k;
};

inline MatMulDims matmul_dims(const Shape& a, const Shape& b, bool transpose_a, bool transpose_b) {
  const index_t a_rows = a.rank() > 1 ? a[a.rank() - 2] : 1, a_columns = a.back();
  const index_t b_rows = b.rank() > 1 ? b[b.rank() - 2] : b[0], b_columns = b.rank() > 1 ? b.back() : 1;
  return {transpose_a ? a_columns : a_rows, transpose_a ? a_rows : a_columns,
          transpose_b ? b_rows : b_columns, transpose_b ? b_columns : b_rows};
}

/// A matrix whose element (i, j) lies at i * row + j * column.
template <class T>
struct Matrix {
  const T* data;
  index_t row, column;
};

/// c[M, N] = a * b; c is dense.
template <class T>
void multiply(Matrix<T> a, Matrix<T> b, T* c, const MatMulDims& dims) {
  using Acc = Accumulator<T>;
  for (index_t i = 0; i < dims.m; ++i, c += dims.n) {
    const T* x = a.data + i * a.row;
    if (a.column == 1 && b.row == 1 && dims.k > 1) {
      for (index_t j = 0; j < dims.n; ++j) c[j] = static_cast<T>(dot(x, b.data + j * b.column, dims.k));
      continue;
    }
    for (index_t j = 0; j < dims.n; j += channel_block) {
      const index_t count = dims.n - j < channel_block ? dims.n - j : channel_block;
      Acc sums[channel_block] = {};
      for (index_t k = 0; k < dims.k; ++k) {
        const Acc left = static_cast<Acc>(x[k * a.column]);
        const T* y = b.data + k * b.row + j * b.column;
        if (b.column == 1)
          for_block(count, [&](index_t l) { sums[l] += left * static_cast<Acc>(y[l]); });
        else
          for (index_t l = 0; l < count; ++l) sums[l] += left * static_cast<Acc>(y[l * b.column]);
      }
      for (index_t l = 0; l < count; ++l) c[j + l] = static_cast<T>(sums[l]);
    }
  }
}

}  // namespace lithe::inline v0::ops::detail
