// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <array>
#include <cstdint>

#include "lithe/core/fields.hpp"
#include "lithe/core/operator.hpp"

namespace lithe::inline v0::ops::detail {

/// Which scale belongs to which element: one for all elements, one for each index of an axis, or one for each
/// block of indices of it.
struct ScaleGrid {
  index_t depth = 1, inner = 1;  ///< indices of the axis, and elements of the axes after it
  index_t block = 0, blocks = 1;
  bool single = true;

  index_t index(index_t element) const {
    if (single) return 0;
    const index_t d = element / inner % depth;
    return block == 0 ? d : (element / (inner * depth) * blocks + d / block) * inner + element % inner;
  }
};

/// The grid of an input and its scale. The scale is [] or [1] for all elements; [D] along `axis` of size D;
/// or, with block_size > 0, of the input's shape with ceil(D / block_size) in place of D.
/// Errors: Code::invalid_model for a block size that is negative or above 2^31 - 1; Code::shape otherwise.
inline Result<ScaleGrid> scale_grid(const Shape& input, const Shape& scale, std::int64_t axis,
                                    std::int64_t block_size) {
  constexpr Status misfit{Code::shape,
                          "the scale's shape fits neither the tensor, nor its axis, nor its blocks"};
  if (block_size < 0) return Status{Code::invalid_model, "block_size is negative"};
  if (block_size == 0 && (scale.rank() == 0 || scale == Shape{1})) return ScaleGrid{};
  const int at = normalize_axis(axis, input.rank());
  if (at < 0) return Status{Code::shape, "the axis of the scales is outside of the tensor"};
  ScaleGrid grid{input[at], input.product(at + 1, input.rank()), static_cast<index_t>(block_size), 1, false};
  if (block_size == 0) {
    if (scale.rank() != 1 || scale[0] != grid.depth) return misfit;
    return grid;
  }
  if (block_size > 0x7FFFFFFF) return Status{Code::invalid_model, "block_size is above 2^31 - 1"};
  grid.blocks = grid.depth / grid.block + (grid.depth % grid.block != 0 ? 1 : 0);
  Shape wanted = input;
  wanted[at] = grid.blocks;
  if (scale != wanted) return misfit;
  return grid;
}

/// Infers QuantizeLinear and DequantizeLinear: inputs are the tensor, its scale and its zero point.
/// Errors: those of scale_grid; Code::shape where scale and zero point differ in shape.
inline Status infer_scaled(InferContext& context, std::int64_t axis, std::int64_t block_size) {
  if (auto grid = scale_grid(context.shape(0), context.shape(1), axis, block_size); !grid.ok())
    return grid.status();
  if (context.has(2) && context.shape(2) != context.shape(1))
    if (context.shape(1).elements() != 1 || context.shape(2).elements() != 1)
      return {Code::shape, "zero points and scales must have the same shape"};
  return context.output(0, context.shape(0));
}

struct ScaledAttributes {
  std::int64_t axis = 1;        ///< negative: from the back; ignored with one scale
  std::int64_t block_size = 0;  ///< elements along the axis that share a scale; 0: one scale per index
  static constexpr auto fields() {
    return Fields{field("axis", &ScaledAttributes::axis), field("block_size", &ScaledAttributes::block_size)};
  }
};

/// Dtypes of the stored side. Its floats of 8 and 4 bits have no infinities, or saturate.
inline constexpr std::array stored_dtypes{
    DType::s8, DType::u8,       DType::s16,        DType::u16,    DType::s4,         DType::u4,    DType::s2,
    DType::u2, DType::f8e4m3fn, DType::f8e4m3fnuz, DType::f8e5m2, DType::f8e5m2fnuz, DType::f4e2m1};

constexpr bool has_small_floats(TypeSet types) {
  using enum DType;
  return types.has_one_of(f8e4m3fn, f8e4m3fnuz, f8e5m2, f8e5m2fnuz, f4e2m1);
}

/// Fills a chunk's scales or zero points: load(index) is called only where the scale's index changes.
template <class T, class Load>
void fill_by_scale(const ScaleGrid& grid, index_t first, index_t n, T* values, Load load) {
  index_t last = -1;
  T value{};
  for (index_t i = 0; i < n; ++i) {
    const index_t index = grid.index(first + i);
    if (index != last) value = load(last = index);
    values[i] = value;
  }
}

}  // namespace lithe::inline v0::ops::detail
