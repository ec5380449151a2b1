// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <limits>

#include "lithe/core/kernel.hpp"
#include "lithe/ops/unary.hpp"
#include "lithe/simd/detail/activations.hpp"
#include "lithe/simd/detail/elements.hpp"
#include "lithe/simd/detail/isa.hpp"
#include "lithe/simd/detail/vector.hpp"

namespace lithe::inline v0::simd {

namespace detail {

/// An operator on one f32 tensor, by a formula as those of activations.hpp.
template <class Isa, class Operator, class Formula>
class UnaryOn {
 public:
  using Op = Operator;
  static constexpr auto full_name = isa::joined(Formula::name, Isa::name);
  static constexpr const char* name = full_name.data();
  static constexpr bool strided_inputs = true, strided_outputs = true;

  static bool supports(const typename Op::Attributes&, const NodeInfo& node) {
    return Isa::on(*node.cpu) && node.input(0).dtype == DType::f32;
  }

  static Status run(const typename Op::Attributes&, RunContext& context) {
    for_each_run<Isa, float>(context, grain,
                             [](const float* from, index_t count, float* to)
                                 __attribute__((always_inline)) { compute(from, count, to); });
    return {};
  }

 private:
  using Floats = Vector<float, Isa::bytes>;
  static constexpr index_t grain = 48 * 1024 / Formula::cost, lanes = Isa::bytes / sizeof(float);

  [[gnu::always_inline]] static void compute(const float* from, index_t count, float* to) {
    index_t i = 0;
    for (; i + lanes <= count; i += lanes) {
      Floats x;
      load(x, from + i);
      Formula::apply(x);
      store(to + i, x);
    }
    if (i == count) return;
    Floats x{};
    const auto bytes = static_cast<std::size_t>(count - i) * sizeof(float);
    std::memcpy(&x, from + i, bytes);
    Formula::apply(x);
    std::memcpy(to + i, &x, bytes);
  }
};

/// x times an estimate of 1 / sqrt(x), and a step of Newton's method.
template <class Isa>
struct SquareRoot {
  static constexpr char name[] = "simd::sqrt_f32_";
  static constexpr index_t cost = 1;
  [[gnu::always_inline]] static void apply(Vector<float, Isa::bytes>& x) {
    using Floats = Vector<float, Isa::bytes>;
    using Integers = Vector<std::int32_t, Isa::bytes>;
    using Limits = std::numeric_limits<float>;
    const auto magnitude =
        reinterpret_cast<Floats>(reinterpret_cast<Integers>(x) & std::numeric_limits<std::int32_t>::max());
    const Floats zero{};
    Floats inverse = x;
    Isa::estimate_inverse_root(inverse);
    inverse = magnitude < Limits::min() ? zero : inverse;
    Floats root = x * inverse;
    const Floats error = 0.5f - root * (inverse * 0.5f);
    root = root * error + root;
    x = x > Limits::max() ? x : root;
  }
};

/// The logarithm of a normal number (1 + f) * 2^e with f in [-1/3, 1/3): e * log(2) plus f - s * (f - r), where
/// s = f / (2 + f) and r is a polynomial in s^2, the best of its degree, near 2 * artanh(s) / s - 2. Smaller
/// numbers are taken for 0.
template <class Isa>
struct Logarithm {
  static constexpr char name[] = "simd::log_f32_";
  static constexpr index_t cost = 8;
  [[gnu::always_inline]] static void apply(Vector<float, Isa::bytes>& x) {
    using Floats = Vector<float, Isa::bytes>;
    using Integers = Vector<std::int32_t, Isa::bytes>;
    using Limits = std::numeric_limits<float>;
    constexpr std::int32_t two_thirds = 0x3F2AAAAB;
    const auto bits = reinterpret_cast<Integers>(x);
    const Integers exponent = (bits - two_thirds) >> 23;
    const Floats e = __builtin_convertvector(exponent, Floats);
    const Floats f = reinterpret_cast<Floats>(bits - (exponent << 23)) - 1.0f;
    const Floats quotient = f / (f + 2.0f), square = quotient * quotient;
    Floats p = square * 0x1.36E0B6p-2f + 0x1.992B4p-2f;
    p = p * square + 0x1.5555B4p-1f;
    Floats log = quotient * (p * square - f) + e * 0x1.7F7D1Cp-20f;  // log(2) in two parts
    log = log + f;
    log = e * 0x1.62E4p-1f + log;
    Floats zero, negative;
    fill(zero, -Limits::infinity());
    fill(negative, Limits::quiet_NaN());
    log = x < Limits::min() ? zero : log;
    log = x < 0.0f ? negative : log;
    x = x <= Limits::max() ? log : x;
  }
};

}  // namespace detail

template <class Isa>
struct SqrtOn : detail::UnaryOn<Isa, ops::Sqrt, detail::SquareRoot<Isa>> {};
template <class Isa>
struct LogOn : detail::UnaryOn<Isa, ops::Log, detail::Logarithm<Isa>> {};
template <class Isa>
struct SigmoidOn : detail::UnaryOn<Isa, ops::Sigmoid, detail::Logistic<Isa>> {};

/// The same where XNNPACK has NaN for numbers beyond 1e38.
template <class Isa>
struct CorrectSigmoidOn : SigmoidOn<Isa> {
  static bool supports(const ops::Sigmoid::Attributes& a, const NodeInfo& node) {
    return SigmoidOn<Isa>::supports(a, node) && node.cpu->avx512;
  }
};

/// In order of preference.
using Unary = KernelList<isa::ForNonFinite::kernels<LogOn>, isa::ForNonFinite::kernels<CorrectSigmoidOn>,
                         isa::ForNonFinite::kernels<SqrtOn>>;

}  // namespace lithe::inline v0::simd
