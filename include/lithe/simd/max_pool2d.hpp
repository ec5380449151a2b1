// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <limits>

#include "lithe/core/kernel.hpp"
#include "lithe/ops/max_pool2d.hpp"
#include "lithe/simd/detail/isa.hpp"
#include "lithe/simd/detail/pool.hpp"
#include "lithe/simd/detail/vector.hpp"

namespace lithe::inline v0::simd {

namespace detail {

/// The largest element, where none is NaN. Their sum tells; it is NaN too for infinities of both signs.
template <class Floats>
struct Largest {
  static constexpr bool traced = true, rare = false;
  Floats largest;

  [[gnu::always_inline]] Largest() { fill(largest, -std::numeric_limits<float>::infinity()); }
  [[gnu::always_inline]] void add(const Floats& x) { largest = largest > x ? largest : x; }
  [[gnu::always_inline]] void result(Floats& to, float) const { to = largest; }
};

/// The largest element, or NaN if one is.
template <class Floats>
struct LargestOrNan : Largest<Floats> {
  static constexpr bool traced = false, rare = true;

  [[gnu::always_inline]] void add(const Floats& x) {
    this->largest = x > this->largest ? x : this->largest;
    this->largest = x == x ? this->largest : x;
  }
};

}  // namespace detail

/// MaxPool2D in f32. A row is computed again, in a slower way, where NaN may be in it.
template <class Isa>
class MaxPool2DOn {
 public:
  using Op = ops::MaxPool2D;
  static constexpr auto full_name = isa::joined("simd::max_pool2d_f32_", Isa::name);
  static constexpr const char* name = full_name.data();
  static constexpr bool strided_inputs = true, strided_outputs = true;

  static bool supports(const Op::Attributes&, const NodeInfo& node) {
    return Isa::on(*node.cpu) && node.input(0).dtype == DType::f32;
  }

  static Status run(const Op::Attributes& a, RunContext& context) {
    const detail::PoolRows<Isa> rows(a, context);
    rows.for_each(context, [&](index_t image, index_t y, detail::Channels channels) {
      if (!rows.template run<detail::Largest>(image, y, channels))
        rows.template run<detail::LargestOrNan>(image, y, channels);
    });
    return {};
  }
};

/// In order of preference.
using MaxPool2D = isa::ForNonFinite::kernels<MaxPool2DOn>;

}  // namespace lithe::inline v0::simd
