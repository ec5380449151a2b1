// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>
#include <cstring>

#include "lithe/core/kernel.hpp"
#include "lithe/ops/detail/parallel.hpp"
#include "lithe/ops/transpose.hpp"

namespace lithe::inline v0::simd {

/// Three planes of 4-byte elements to pixels of three, [..., 3, P...] -> [..., P..., 3]: how pictures come
/// to a channels-last network. Ranges of pixels are shared among threads.
class Transpose {
 public:
  using Op = ops::Transpose;
  static constexpr const char* name = "simd::transpose_3_planes_x32";

  static bool supports(const Op::Attributes& a, const NodeInfo& node) {
#if defined(__GNUC__) && __has_builtin(__builtin_shufflevector)
    const ValueInfo& input = node.input(0);
    return element_bytes(input.dtype) == 4 && plane_axis(a, input.shape) >= 0 && input.shape.elements() > 0;
#else
    return static_cast<void>(a), static_cast<void>(node), false;
#endif
  }

  static Status run(const Op::Attributes& a, RunContext& context) {
    const TensorView& input = context.input(0);
    const Shape& shape = input.shape;
    const int axis = plane_axis(a, shape);
    const auto images = shape.product(0, axis), pixels = shape.product(axis + 1, shape.rank());
    const auto* in = static_cast<const std::uint32_t*>(input.data);
    auto* out = static_cast<std::uint32_t*>(context.output().data);
    const ops::detail::Ranges ranges(pixels, planes, grain, most_ranges);
    ops::detail::in_parallel(context.threads(), images * ranges.count, [&](index_t i) {
      const index_t image = i / ranges.count, first = ranges.first(i % ranges.count);
      const index_t from = image * planes * pixels + first, to = (image * pixels + first) * planes;
      interleave(in + from, pixels, ranges.length(i % ranges.count), out + to);
    });
    return {};
  }

 private:
  static constexpr index_t planes = 3, grain = 16384, most_ranges = 64;

  /// The axis of three that the permutation moves behind all others; -1 where it does anything else.
  static int plane_axis(const Op::Attributes& a, const Shape& shape) {
    const int rank = shape.rank();
    if (rank < 2) return -1;
    const int axis = Op::source(a, rank, rank - 1);
    if (axis == rank - 1 || shape[axis] != planes) return -1;
    for (int i = 0; i < rank - 1; ++i)
      if (Op::source(a, rank, i) != i + (i >= axis ? 1 : 0)) return -1;
    return axis;
  }

  /// `count` pixels out of three planes that lie `stride` elements apart.
  static void interleave(const std::uint32_t* in, index_t stride, index_t count, std::uint32_t* out) {
    const std::uint32_t *x = in, *y = in + stride, *z = in + 2 * std::ptrdiff_t{stride};
    index_t i = 0;
#if defined(__GNUC__) && __has_builtin(__builtin_shufflevector)
    using Four [[gnu::vector_size(16)]] = std::uint32_t;
    constexpr index_t lanes = 4;
    const auto load = [](const std::uint32_t* from) {
      Four v;
      std::memcpy(&v, from, sizeof v);
      return v;
    };
    for (; i + lanes <= count; i += lanes, out += planes * lanes) {
      const Four a = load(x + i), b = load(y + i), c = load(z + i);
      const Four low = __builtin_shufflevector(a, b, 0, 4, 1, 5),
                 high = __builtin_shufflevector(a, b, 2, 6, 3, 7);
      const Four tail = __builtin_shufflevector(high, c, 2, 3, 7, 6);  // a3 b3 c3 c2
      const Four pixels[] = {
          __builtin_shufflevector(low, c, 0, 1, 4, 2),
          __builtin_shufflevector(__builtin_shufflevector(low, c, 3, 5, 3, 5), high, 0, 1, 4, 5),
          __builtin_shufflevector(tail, tail, 3, 0, 1, 2)};
      std::memcpy(out, pixels, sizeof pixels);
    }
#endif
    for (; i < count; ++i, out += planes) out[0] = x[i], out[1] = y[i], out[2] = z[i];
  }
};

}  // namespace lithe::inline v0::simd
