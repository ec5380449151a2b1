// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstring>

#include "lithe/core/kernel.hpp"
#include "lithe/ops/binary.hpp"
#include "lithe/ops/detail/parallel.hpp"

#if defined(__x86_64__) && (defined(__GNUC__) || defined(__clang__))
#define LITHE_SIMD_TARGET __attribute__((target("avx2")))
#define LITHE_SIMD_BYTES 32
#elif defined(__aarch64__)
#define LITHE_SIMD_TARGET
#define LITHE_SIMD_BYTES 16
#endif

namespace lithe::inline v0::simd {

/// f32 tensors of one shape, added and clamped in one pass: XNNPACK's operator has no clamp and a second one
/// goes over the sums again. AVX2 or AArch64; the same bits as the portable kernel. Ranges of elements are
/// shared among threads.
class Add {
 public:
  using Op = ops::Add;
#ifdef LITHE_SIMD_TARGET
  static constexpr const char* name =
      LITHE_SIMD_BYTES == 32 ? "simd::add_clamp_f32_avx2" : "simd::add_clamp_f32_neon";
#else
  static constexpr const char* name = "simd::add_clamp_f32";
#endif

  static bool supports(const Op::Attributes& a, const NodeInfo& node) {
#ifdef LITHE_SIMD_TARGET
    return node.input(0).dtype == DType::f32 && a.clamp.active() &&
           node.input(0).shape == node.input(1).shape && (node.cpu->avx2 || node.cpu->neon);
#else
    return static_cast<void>(a), static_cast<void>(node), false;
#endif
  }

  static Status run(const Op::Attributes& attributes, RunContext& context) {
#ifdef LITHE_SIMD_TARGET
    const auto* a = static_cast<const float*>(context.input(0).data);
    const auto* b = static_cast<const float*>(context.input(1).data);
    auto* out = static_cast<float*>(context.output().data);
    const ops::detail::Ranges ranges(context.output().elements(), 1, grain, most_ranges);
    ops::detail::in_parallel(context.threads(), ranges.count, [&](index_t i) {
      const index_t first = ranges.first(i);
      add(a + first, b + first, ranges.length(i), attributes.clamp, out + first);
    });
    return {};
#else
    static_cast<void>(attributes), static_cast<void>(context);
    return {Code::unsupported, "no vector kernel for this architecture"};
#endif
  }

#ifdef LITHE_SIMD_TARGET
 private:
  static constexpr index_t grain = 48 * 1024, most_ranges = 64, lanes = LITHE_SIMD_BYTES / sizeof(float);

  LITHE_SIMD_TARGET static void add(const float* a, const float* b, index_t count, Clamp clamp, float* out) {
    using Floats [[gnu::vector_size(LITHE_SIMD_BYTES)]] = float;
    const Floats low = clamp.min - Floats{}, high = clamp.max - Floats{};  // -0 stays -0
    index_t i = 0;
    for (; i + lanes <= count; i += lanes) {
      Floats x, y;
      std::memcpy(&x, a + i, sizeof x);
      std::memcpy(&y, b + i, sizeof y);
      x += y;
      x = low > x ? low : x;
      x = high < x ? high : x;
      std::memcpy(out + i, &x, sizeof x);
    }
    for (; i < count; ++i) out[i] = clamp(a[i] + b[i]);
  }

#undef LITHE_SIMD_TARGET
#undef LITHE_SIMD_BYTES
#endif
};

}  // namespace lithe::inline v0::simd
