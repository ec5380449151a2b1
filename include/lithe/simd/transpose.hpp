// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>
#include <utility>

#include "lithe/core/kernel.hpp"
#include "lithe/ops/detail/parallel.hpp"
#include "lithe/ops/transpose.hpp"
#include "lithe/simd/detail/isa.hpp"
#include "lithe/simd/detail/vector.hpp"

namespace lithe::inline v0::simd {

/// Three planes of elements of 1, 2 or 4 bytes to pixels of three, [..., 3, P...] -> [..., P..., 3]: how
/// pictures come to a channels-last network. Ranges of pixels are shared among threads.
template <class Isa>
class TransposeOn {
 public:
  using Op = ops::Transpose;
  static constexpr auto full_name = isa::joined("simd::transpose_3_planes_", Isa::name);
  static constexpr const char* name = full_name.data();

  static bool supports(const Op::Attributes& a, const NodeInfo& node) {
    const ValueInfo& input = node.input(0);
    const int bytes = element_bytes(input.dtype);
    return Isa::on(*node.cpu) && (bytes == 1 || bytes == 2 || bytes == 4) &&
           plane_axis(a, input.shape) >= 0 && input.shape.elements() > 0;
  }

  static Status run(const Op::Attributes& a, RunContext& context) {
    switch (element_bytes(context.output().dtype)) {
      case 1:
        return run_as<std::uint8_t>(a, context);
      case 2:
        return run_as<std::uint16_t>(a, context);
      default:
        return run_as<std::uint32_t>(a, context);
    }
  }

 private:
  static constexpr index_t planes = 3, grain = 16384, most_ranges = 64;

  template <class T>
  static Status run_as(const Op::Attributes& a, RunContext& context) {
    const TensorView& input = context.input(0);
    const Shape& shape = input.shape;
    const int axis = plane_axis(a, shape);
    const auto images = shape.product(0, axis), pixels = shape.product(axis + 1, shape.rank());
    const auto* in = static_cast<const T*>(input.data);
    auto* out = static_cast<T*>(context.output().data);
    const ops::detail::Ranges ranges(pixels, planes, grain, most_ranges);
    ops::detail::in_parallel(context.threads(), images * ranges.count, [&](index_t i) {
      const index_t image = i / ranges.count, first = ranges.first(i % ranges.count);
      const index_t from = image * planes * pixels + first, to = (image * pixels + first) * planes;
      const index_t length = ranges.length(i % ranges.count);
      Isa::enter([&]() __attribute__((always_inline)) { interleave(in + from, pixels, length, out + to); });
    });
    return {};
  }

  /// The axis of three that the permutation moves after all others; -1 where it does anything else.
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
  template <class T>
  [[gnu::always_inline]] static void interleave(const T* in, index_t stride, index_t count, T* out) {
    using Vector = detail::Vector<T, 16>;
    constexpr int lanes = sizeof(Vector) / sizeof(T);
    constexpr std::make_integer_sequence<int, lanes> all;
    const T *x = in, *y = in + stride, *z = in + 2 * std::ptrdiff_t{stride};
    index_t i = 0;
    for (; i + lanes <= count; i += lanes, out += planes * lanes) {
      Vector a, b, c, pixels;
      detail::load(a, x + i);
      detail::load(b, y + i);
      detail::load(c, z + i);
      pick<0>(pixels, a, b, c, all);
      detail::store(out, pixels);
      pick<lanes>(pixels, a, b, c, all);
      detail::store(out + lanes, pixels);
      pick<2 * lanes>(pixels, a, b, c, all);
      detail::store(out + 2 * lanes, pixels);
    }
    for (; i < count; ++i, out += planes) {
      out[0] = x[i];
      out[1] = y[i];
      out[2] = z[i];
    }
  }

  /// Elements first, first + 1 ... of the pixels a[0], b[0], c[0], a[1], b[1], c[1] ...
  template <int first, class Vector, int... i>
  [[gnu::always_inline]] static void pick(Vector& to, const Vector& a, const Vector& b, const Vector& c,
                                          std::integer_sequence<int, i...>) {
    constexpr int lanes = sizeof...(i);
    const Vector two = __builtin_shufflevector(
        a, b, ((first + i) % planes == 1 ? lanes : 0) + static_cast<int>((first + i) / planes)...);
    to = __builtin_shufflevector(
        two, c, ((first + i) % planes == 2 ? lanes + static_cast<int>((first + i) / planes) : i)...);
  }
};

/// In order of preference.
using Transpose = isa::ForMoves::kernels<TransposeOn>;

}  // namespace lithe::inline v0::simd
