// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "lithe/core/kernel.hpp"
#include "lithe/ops/binary.hpp"
#include "lithe/simd/detail/elements.hpp"
#include "lithe/simd/detail/isa.hpp"
#include "lithe/simd/detail/vector.hpp"

namespace lithe::inline v0::simd {

/// f32 tensors of one shape, added and clamped in one pass: XNNPACK's operator has no clamp and a second one
/// goes over the sums again. The same bits as the portable kernel. Ranges of elements are shared among threads.
template <class Isa>
class AddOn {
 public:
  using Op = ops::Add;
  static constexpr auto full_name = isa::joined("simd::add_clamp_f32_", Isa::name);
  static constexpr const char* name = full_name.data();

  static bool supports(const Op::Attributes& a, const NodeInfo& node) {
    return Isa::on(*node.cpu) && node.input(0).dtype == DType::f32 && a.clamp.active() &&
           node.input(0).shape == node.input(1).shape;
  }

  static Status run(const Op::Attributes& attributes, RunContext& context) {
    const auto* a = static_cast<const float*>(context.input(0).data);
    const auto* b = static_cast<const float*>(context.input(1).data);
    auto* out = static_cast<float*>(context.output().data);
    detail::for_each_range<Isa>(context.threads(), context.output().elements(), 1, grain,
                                [&](index_t first, index_t count) __attribute__((always_inline)) {
                                  add(a + first, b + first, count, attributes.clamp, out + first);
                                });
    return {};
  }

 private:
  using Floats = detail::Vector<float, Isa::bytes>;
  static constexpr index_t grain = 48 * 1024, lanes = Isa::bytes / sizeof(float);

  [[gnu::always_inline]] static void add(const float* a, const float* b, index_t count, Clamp clamp,
                                         float* out) {
    Floats low, high;
    detail::fill(low, clamp.min);
    detail::fill(high, clamp.max);
    index_t i = 0;
    for (; i + lanes <= count; i += lanes) {
      Floats x, y;
      detail::load(x, a + i);
      detail::load(y, b + i);
      x += y;
      detail::clamp(x, low, high);
      detail::store(out + i, x);
    }
    for (; i < count; ++i) out[i] = clamp(a[i] + b[i]);
  }
};

/// In order of preference.
using Add = isa::ForMoves::kernels<AddOn>;

}  // namespace lithe::inline v0::simd
