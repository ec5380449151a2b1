// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <limits>

#include "lithe/core/shape.hpp"
#include "lithe/simd/detail/vector.hpp"

/// Functions of vectors of floats. A formula has the name of its kernel, what an element costs where the
/// square root costs 1, and `apply`, which computes a vector in place.
namespace lithe::inline v0::simd::detail {

/// exp(z) is 2^n * (rest * series + 1), where n is z / log(2), rounded, and series is (exp(rest) - 1) / rest, by
/// the best polynomial of its degree. z is in [-100, 88]; where it is less, n and rest may be anything but NaN.
/// Where it is NaN, rest is.
template <class Isa>
struct Exponential {
  using Floats = Vector<float, Isa::bytes>;
  using Integers = Vector<std::int32_t, Isa::bytes>;
  Integers exponent;  ///< n in the exponent of a float
  Floats rest, series;

  [[gnu::always_inline]] explicit Exponential(const Floats& z) {
    constexpr float to_integer = 0x1.8p23f;  // a sum with it is rounded to an integer, in its lowest bits
    Floats n = z * 0x1.715476p0f + to_integer;
    exponent = reinterpret_cast<Integers>(n) << 23;
    n = n - to_integer;
    Floats t = n * -0x1.62E4p-1f + z;
    t = n * -0x1.7F7D1Cp-20f + t;
    Floats p = t * 0x1.6B9C66p-10f + 0x1.12254Ap-7f;
    p = p * t + 0x1.5556F2p-5f;
    p = p * t + 0x1.5554B4p-3f;
    p = p * t + 0x1.FFFFFEp-2f;
    rest = t;
    series = p * t + 1.0f;
  }
};

/// exp(x) for x <= 88, in place; 0 where that is not normal. NaN stays NaN.
template <class Isa>
[[gnu::always_inline]] inline void exp_of(Vector<float, Isa::bytes>& x) {
  using Floats = Vector<float, Isa::bytes>;
  using Integers = Vector<std::int32_t, Isa::bytes>;
  constexpr float lowest = -0x1.5D589Ep6f;  // below it exp is not normal
  const Exponential<Isa> exp(x);
  const Floats p = exp.series * exp.rest + 1.0f;
  const auto e = reinterpret_cast<Floats>(reinterpret_cast<Integers>(p) + exp.exponent);
  const Floats zero{}, kept = exp.rest * 0.0f + e;  // NaN stays, which the integers would lose
  x = x < lowest ? zero : kept;
}

/// With e = exp(-|x|): e / (1 + e) for negative x, else one minus that.
template <class Isa>
struct Logistic {
  static constexpr char name[] = "simd::sigmoid_f32_";
  static constexpr index_t cost = 8;
  [[gnu::always_inline]] static void apply(Vector<float, Isa::bytes>& x) {
    using Floats = Vector<float, Isa::bytes>;
    using Integers = Vector<std::int32_t, Isa::bytes>;
    auto e =
        reinterpret_cast<Floats>(reinterpret_cast<Integers>(x) | std::numeric_limits<std::int32_t>::min());
    exp_of<Isa>(e);
    const Floats small = e / (e + 1.0f);
    x = x > 0.0f ? 1.0f - small : small;
  }
};

/// With e = exp(-2 * |x|) - 1: -e / (e + 2), with the sign of x.
template <class Isa>
struct HyperbolicTangent {
  static constexpr char name[] = "simd::tanh_f32_";
  static constexpr index_t cost = 8;
  [[gnu::always_inline]] static void apply(Vector<float, Isa::bytes>& x) {
    using Floats = Vector<float, Isa::bytes>;
    using Integers = Vector<std::int32_t, Isa::bytes>;
    constexpr std::int32_t sign = std::numeric_limits<std::int32_t>::min(), one = 0x3F800000;
    Floats z = reinterpret_cast<Floats>(reinterpret_cast<Integers>(x) | sign) * 2.0f;
    Floats lowest;
    fill(lowest, -20.0f);  // there, and below, the result is 1
    z = z < lowest ? lowest : z;
    const Exponential<Isa> exp(z);
    const auto power = reinterpret_cast<Floats>(exp.exponent + one);
    const Floats small = exp.rest * exp.series;
    const Floats e = small * power + (power - 1.0f);
    const Floats quotient = e / (e + 2.0f);
    x = reinterpret_cast<Floats>((reinterpret_cast<Integers>(quotient) & ~sign) |
                                 (reinterpret_cast<Integers>(x) & sign));
  }
};

/// Up to 1, x plus x times a polynomial in x^2; beyond, 1 - exp(-q) with the sign of x, where q is a polynomial near
/// -log(1 - erf(|x|)). Each is the best of its degree.
template <class Isa>
struct ErrorFunction {
  static constexpr char name[] = "simd::erf_";
  static constexpr index_t cost = 8;
  [[gnu::always_inline]] static void apply(Vector<float, Isa::bytes>& x) {
    using Floats = Vector<float, Isa::bytes>;
    using Integers = Vector<std::int32_t, Isa::bytes>;
    constexpr std::int32_t sign = std::numeric_limits<std::int32_t>::min();
    const auto size = reinterpret_cast<Floats>(reinterpret_cast<Integers>(x) & ~sign);
    Floats most;
    fill(most, 4.0f);  // there, and above, the result is 1
    const Floats t = size > most ? most : size, square = x * x;
    Floats p = square * 0x1.4771FEp-14f - 0x1.A3515Ep-11f;
    p = p * square + 0x1.53F224p-8f;
    p = p * square - 0x1.B7F71Ap-6f;
    p = p * square + 0x1.CE2CE6p-4f;
    p = p * square - 0x1.81273Ep-2f;
    p = p * square + 0x1.06EBA8p-3f;
    const Floats inner = p * x + x;
    Floats q = t * 0x1.86DDDCp-13f - 0x1.825AB2p-9f;
    q = q * t + 0x1.65CB36p-6f;
    q = q * t - 0x1.A6531Ep-4f;
    q = q * t - 0x1.46BAFp-1f;
    q = q * t - 0x1.2088EAp+0f;
    q = q * t - 0x1.661CE4p-12f;
    const Exponential<Isa> exp(q);
    const Floats mantissa = exp.series * exp.rest + 1.0f;
    const Floats outer = 1.0f - reinterpret_cast<Floats>(reinterpret_cast<Integers>(mantissa) + exp.exponent);
    const auto signed_outer =
        reinterpret_cast<Floats>(reinterpret_cast<Integers>(outer) | (reinterpret_cast<Integers>(x) & sign));
    x = size > 1.0f ? signed_outer : inner;
  }
};

}  // namespace lithe::inline v0::simd::detail
