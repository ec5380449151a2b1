// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "lithe/core/kernel.hpp"
#include "lithe/ops/average_pool2d.hpp"
#include "lithe/simd/detail/isa.hpp"
#include "lithe/simd/detail/pool.hpp"

namespace lithe::inline v0::simd {

namespace detail {

template <class Floats>
struct Mean {
  static constexpr bool traced = false, rare = false;
  Floats sum{};

  [[gnu::always_inline]] void add(const Floats& x) { sum += x; }
  [[gnu::always_inline]] void result(Floats& to, float share) const { to = sum * share; }
};

}  // namespace detail

/// AveragePool2D in f32.
template <class Isa>
class AveragePool2DOn {
 public:
  using Op = ops::AveragePool2D;
  static constexpr auto full_name = isa::joined("simd::average_pool2d_f32_", Isa::name);
  static constexpr const char* name = full_name.data();
  static constexpr bool strided_inputs = true, strided_outputs = true;

  static bool supports(const Op::Attributes&, const NodeInfo& node) {
    return Isa::on(*node.cpu) && node.input(0).dtype == DType::f32;
  }

  static Status run(const Op::Attributes& a, RunContext& context) {
    const detail::PoolRows<Isa> rows(a, context);
    rows.for_each(context, [&](index_t image, index_t y, detail::Channels channels) {
      rows.template run<detail::Mean>(image, y, channels);
    });
    return {};
  }
};

/// In order of preference.
using AveragePool2D = isa::ForNonFinite::kernels<AveragePool2DOn>;

}  // namespace lithe::inline v0::simd
