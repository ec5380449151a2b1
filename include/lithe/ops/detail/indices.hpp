// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <type_traits>

#include "lithe/core/operator.hpp"
#include "lithe/core/tensor.hpp"
#include "lithe/ops/detail/convert.hpp"
#include "lithe/ops/detail/copy.hpp"
#include "lithe/ops/detail/strided.hpp"

namespace lithe::inline v0::ops {

/// How an element that is written over counts.
enum class Reduction : std::uint8_t { none, add, mul, max, min };
constexpr std::array<const char*, 5> enum_names(Reduction) { return {"none", "add", "mul", "max", "min"}; }

}  // namespace lithe::inline v0::ops

namespace lithe::inline v0::ops::detail {

inline constexpr Status index_outside{Code::out_of_range, "an index lies outside of its axis"};

/// `index` in [-size, size) as a position; -1 if it is outside.
inline index_t position(std::int64_t index, index_t size) {
  if (index < -size || index >= size) return -1;
  return static_cast<index_t>(index < 0 ? index + size : index);
}

/// Checks that `indices` has at most one index for each element on axes other than `axis`.
/// Errors: Code::shape.
inline Status check_indices(const Shape& data, const Shape& indices, std::int64_t axis) {
  const int skipped = normalize_axis(axis, data.rank());
  if (skipped < 0) return {Code::shape, "the axis lies outside of the input"};
  if (indices.rank() != data.rank()) return {Code::shape, "indices need the rank of the input"};
  for (int d = 0; d < data.rank(); ++d)
    if (d != skipped && indices[d] > data[d]) return {Code::shape, "there are more indices than elements"};
  return {};
}

/// Calls f(offset in `data` of the element that an index names, offset of the index) for every index.
/// Errors: Code::out_of_range.
template <class F>
Status for_each_index(const Shape& data, int axis, const TensorView& indices, F f) {
  if (indices.elements() == 0) return {};
  Strides from = element_strides(data, data.back());
  const index_t stride = from[static_cast<std::size_t>(axis)], size = data[axis];
  from[static_cast<std::size_t>(axis)] = 0;
  const StridedLoops loops(indices.shape, from, element_strides(indices));
  const auto last = static_cast<std::size_t>(loops.rank - 1);
  bool inside = true;
  loops.for_each_row([&](index_t base, index_t at) {
    for (index_t i = 0; inside && i < loops.extent[last]; ++i) {
      const index_t element = at + i * loops.to[last];
      const index_t place = position(integer_at(indices, element), size);
      if (place < 0)
        inside = false;
      else
        f(base + i * loops.from[last] + place * stride, element);
    }
  });
  return inside ? Status{} : index_outside;
}

/// The offset of the slice that tuple `t` of `depth` indices names, on the axes from `first` on.
/// Errors: Code::out_of_range.
inline Result<index_t> slice_offset(const Shape& data, int first, const TensorView& indices, index_t t,
                                    int depth) {
  index_t offset = 0;
  for (int k = 0; k < depth; ++k) {
    const index_t place = position(integer_at(indices, t * depth + k), data[first + k]);
    if (place < 0) return index_outside;
    offset = offset * data[first + k] + place;
  }
  return offset * data.product(first + depth, data.rank());
}

/// Reduces n elements of `from` into `to`. Each reduction is computed in a wide type and rounded to the
/// tensor's type; NaN stays NaN.
template <class Wide>
void reduce_wide(Reduction reduction, const Tensor& to, index_t at, const TensorView& from, index_t first,
                 index_t n) {
  using Safe = std::conditional_t<std::is_integral_v<Wide>, std::uint64_t, Wide>;
  for (index_t done = 0; done < n; done += chunk) {
    const index_t some = std::min(chunk, n - done);
    Wide left[chunk], right[chunk];
    const Wide* a = load(to, at + done, some, left);
    const Wide* b = load(from, first + done, some, right);
    Wide result[chunk];
    for (index_t i = 0; i < some; ++i) {
      const Wide x = a[i], y = b[i];
      result[i] = reduction == Reduction::add ? static_cast<Wide>(static_cast<Safe>(x) + static_cast<Safe>(y))
                  : reduction == Reduction::mul
                      ? static_cast<Wide>(static_cast<Safe>(x) * static_cast<Safe>(y))
                  : reduction == Reduction::max ? (x > y || x != x ? x : y)
                                                : (x < y || x != x ? x : y);
    }
    store(to, at + done, some, result);
  }
}

/// Writes n elements of `from` to `to`, from element `at` on: over what is there, or reduced with it.
inline void write_over(Reduction reduction, const Tensor& to, index_t at, const TensorView& from,
                       index_t first, index_t n) {
  if (reduction == Reduction::none) {
    const auto bytes = static_cast<std::size_t>(n * element_bytes(to.dtype));
    std::memcpy(element(to, at), element(from, first), bytes);
    return;
  }
  if (to.dtype == DType::f64) return reduce_wide<double>(reduction, to, at, from, first, n);
  if (is_float(to.dtype)) return reduce_wide<float>(reduction, to, at, from, first, n);
  if (is_signed_integer(to.dtype)) return reduce_wide<std::int64_t>(reduction, to, at, from, first, n);
  return reduce_wide<std::uint64_t>(reduction, to, at, from, first, n);
}

/// Checks what all scatters ask: inputs 0 and 2 become the output, under `reduction`.
/// Errors: Code::unsupported for sub-byte elements, 8-bit floats and quantized tensors under a reduction;
/// Code::invalid_model for quantizations that differ.
inline Status check_scatter(const InferContext& context, Reduction reduction) {
  const DType dtype = context.dtype(0);
  LITHE_TRY(whole_bytes(dtype));
  LITHE_TRY(same_scale(context, 0, 0));
  LITHE_TRY(same_scale(context, 2, 0));
  if (reduction == Reduction::none) return {};
  if (is_float(dtype) && element_bytes(dtype) == 1)
    return {Code::unsupported, "8-bit floats cannot be reduced"};
  if (context.quantization(0) != nullptr)
    return {Code::unsupported, "a scatter with a reduction of a quantized tensor"};
  return {};
}

}  // namespace lithe::inline v0::ops::detail
