// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <algorithm>
#include <array>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <limits>
#include <type_traits>

#include "lithe/core/kernel.hpp"
#include "lithe/core/operator.hpp"
#include "lithe/ops/detail/broadcast.hpp"
#include "lithe/ops/detail/convert.hpp"
#include "lithe/ops/detail/quantized.hpp"

namespace lithe::inline v0::ops::detail {

/// An operator's name as a template argument.
template <std::size_t N>
struct OpName {
  char text[N];
  constexpr OpName(const char (&name)[N]) { std::copy_n(name, N, text); }
};

/// The element types of an element-wise operator.
template <std::size_t N>
struct ElementTypes {
  std::array<DType, N> dtypes;
  PlainBytes plain{};

  constexpr bool has(DType dtype) const {
    return std::find(dtypes.begin(), dtypes.end(), dtype) != dtypes.end();
  }
  constexpr bool has_floats() const { return has(DType::f32); }
  constexpr bool has_signed() const { return has(DType::s32); }
  constexpr bool has_unsigned() const { return has(DType::u32) || has(DType::boolean); }
};
template <std::size_t N, std::size_t M>
constexpr ElementTypes<N + M> join(const ElementTypes<N>& a, const std::array<DType, M>& b,
                                   PlainBytes plain) {
  ElementTypes<N + M> all{{}, plain};
  std::copy_n(b.begin(), M, std::copy_n(a.dtypes.begin(), N, all.dtypes.begin()));
  return all;
}

inline constexpr ElementTypes<4> floats{{DType::f32, DType::f16, DType::f64, DType::bf16}};
/// All types of real numbers: s8 and u8 count only where they are quantized.
inline constexpr auto reals = join(floats, std::array{DType::s8, DType::u8}, {});
inline constexpr auto wide_numbers =
    join(reals, std::array{DType::s32, DType::s64, DType::u32, DType::u64}, {});
inline constexpr auto signed_numbers =
    join(reals, std::array{DType::s16, DType::s32, DType::s64}, {.s8 = true});
inline constexpr auto numbers =
    join(signed_numbers, std::array{DType::u16, DType::u32, DType::u64}, {.s8 = true, .u8 = true});
inline constexpr ElementTypes<8> integers{
    {DType::s8, DType::s16, DType::s32, DType::s64, DType::u8, DType::u16, DType::u32, DType::u64},
    {.s8 = true, .u8 = true}};
inline constexpr ElementTypes<4> unsigned_integers{{DType::u8, DType::u16, DType::u32, DType::u64},
                                                   {.u8 = true}};
inline constexpr ElementTypes<1> booleans{{DType::boolean}};
inline constexpr auto everything = join(numbers, std::array{DType::boolean}, {.s8 = true, .u8 = true});

/// The kind of wide type in which a dtype's arithmetic happens.
enum class Arithmetic : std::uint8_t { single, double_, signed_, unsigned_ };
inline Arithmetic arithmetic(const TensorView& t) {
  if (t.dtype == DType::f64) return Arithmetic::double_;
  if (is_float(t.dtype) || quantized(t)) return Arithmetic::single;
  return is_signed_integer(t.dtype) ? Arithmetic::signed_ : Arithmetic::unsigned_;
}
/// Calls run(Wide{}) with the wide type of a tensor's arithmetic. Types that the operator or the set does not
/// have cost no code. `run` returns a Status or nothing.
/// Errors: Code::dtype for a type outside the rows; those of `run`.
template <const auto& element_types, TypeSet types = every_type, class Run>
Status with_arithmetic(const TensorView& t, Run run) {
  using enum DType;
  const Arithmetic kind = arithmetic(t);
  if constexpr (element_types.has_floats() && types.has_one_of(f32, f16, bf16, s8, u8))
    if (kind == Arithmetic::single) return status_of([&] { return run(float{}); });
  if constexpr (element_types.has_floats() && types.has(f64))
    if (kind == Arithmetic::double_) return status_of([&] { return run(double{}); });
  if constexpr (element_types.has_signed() && (types.has_plain_bytes() || types.has_one_of(s16, s32, s64)))
    if (kind == Arithmetic::signed_) return status_of([&] { return run(std::int64_t{}); });
  if constexpr (element_types.has_unsigned() &&
                (types.has_plain_bytes() || types.has_one_of(u16, u32, u64, boolean)))
    if (kind == Arithmetic::unsigned_) return status_of([&] { return run(std::uint64_t{}); });
  return {Code::dtype, "an element-wise kernel met a dtype outside its type rows"};
}

/// The limits of a clamp in a wide type; for integers real limits are rounded inwards.
template <class T>
struct Limits {
  T low = std::numeric_limits<T>::lowest(), high = std::numeric_limits<T>::max();

  explicit Limits(const Clamp& clamp) {
    if constexpr (std::is_floating_point_v<T>) {
      low = clamp.min;
      high = clamp.max;
    } else {
      low = nearest<T>(std::ceil(static_cast<double>(clamp.min)));
      high = nearest<T>(std::floor(static_cast<double>(clamp.max)));
    }
  }
  /// Limits n values; NaN stays NaN.
  void apply(T* values, index_t n) const {
    for (index_t i = 0; i < n; ++i) values[i] = values[i] < low ? low : values[i] > high ? high : values[i];
  }
};

/// Computes element by element over broadcast inputs of one wide type: `f(pointers, n, result)` computes n
/// results of a chunk and may refuse. Each chunk is read before it is written, so that the output may lie
/// where an input of its shape lies.
template <TypeSet types, class Wide, class Output, std::size_t N, class F>
Status map_chunks(const std::array<const TensorView*, N>& inputs, const Tensor& output, F f) {
  std::array<const Shape*, N> shapes;
  for (std::size_t i = 0; i < N; ++i) shapes[i] = &inputs[i]->shape;
  Wide buffers[N][chunk];
  Output result[chunk];
  for (BroadcastRuns<N> runs(output.shape, shapes); !runs.done(); runs.advance()) {
    std::array<const Wide*, N> at{};
    for (std::size_t i = 0; i < N; ++i) {
      if (!runs.repeats(i)) continue;
      const Wide value = *load<types>(*inputs[i], runs.offset(i), 1, buffers[i]);
      std::fill_n(buffers[i], std::min(chunk, runs.length()), value);
      at[i] = buffers[i];
    }
    for (index_t first = 0; first < runs.length(); first += chunk) {
      const index_t n = std::min(chunk, runs.length() - first);
      for (std::size_t i = 0; i < N; ++i)
        if (!runs.repeats(i)) at[i] = load<types>(*inputs[i], runs.offset(i) + first, n, buffers[i]);
      LITHE_TRY(f(at, n, result));
      if constexpr (std::is_same_v<Output, bool>)
        std::memcpy(static_cast<bool*>(output.data) + runs.output_offset() + first, result,
                    static_cast<std::size_t>(n));
      else
        store<types>(output, runs.output_offset() + first, n, result);
    }
  }
  return {};
}

/// Maps a tensor of bytes through a table: f(inputs, outputs) computes the output of all 256 stored values.
template <class F>
void map_bytes(const TensorView& input, const Tensor& output, F f) {
  const index_t n = input.elements();
  const auto* from = static_cast<const std::uint8_t*>(input.data);
  auto* to = static_cast<std::uint8_t*>(output.data);
  std::uint8_t stored[256], table[256];
  for (int i = 0; i < 256; ++i) stored[i] = static_cast<std::uint8_t>(i);
  f(TensorView(stored, input.dtype, {256}, input.quantization),
    Tensor(table, output.dtype, {256}, output.quantization));
  for (index_t i = 0; i < n; ++i) to[i] = table[from[i]];
}

/// A strip of rows needs the same rows of every input that has them; it needs the other inputs whole (0
/// rows).
inline RowSpan same_rows(const NodeInfo& node, int input, RowSpan output) {
  const Shape &in = node.input(input).shape, &out = node.output().shape;
  const bool has_rows = in.rank() == out.rank() && in.rank() > 1 && (in[1] != 1 || out[1] == 1);
  return has_rows ? output : RowSpan{0, 0};
}
/// Input i as a strip sees it: where the input came whole although its first axis runs along the output's
/// rows, the rows of the strip.
inline TensorView strip_input(const RunContext& context, int i) {
  TensorView view = context.input(i);
  if (context.strip() == nullptr || view.shape.rank() != context.output().shape.rank() - 1 ||
      view.shape.rank() == 0)
    return view;
  if (view.shape[0] == 1) return view;
  const index_t row = view.shape.product(1, view.shape.rank()) * element_bytes(view.dtype);
  Shape shape = view.shape;
  shape[0] = context.strip()->count;
  return {static_cast<const std::byte*>(view.data) + context.strip()->first * row, view.dtype, shape,
          view.quantization};
}

}  // namespace lithe::inline v0::ops::detail
