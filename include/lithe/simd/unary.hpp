// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <limits>

#include "lithe/core/kernel.hpp"
#include "lithe/ops/unary.hpp"
#include "lithe/simd/detail/activations.hpp"
#include "lithe/simd/detail/elements.hpp"
#include "lithe/simd/detail/isa.hpp"
#include "lithe/simd/detail/stored_floats.hpp"
#include "lithe/simd/detail/vector.hpp"

namespace lithe::inline v0::simd {

namespace detail {

/// An operator on one tensor, by a formula as those of activations.hpp: in f32, and if `halves` in f16 as f32.
template <class Isa, class Operator, class Formula, bool halves = false>
class UnaryOn {
 public:
  using Op = Operator;
  static constexpr auto full_name = isa::joined(Formula::name, Isa::name);
  static constexpr const char* name = full_name.data();
  static constexpr bool strided_inputs = true, strided_outputs = true;

  static bool supports(const typename Op::Attributes& a, const NodeInfo& node) {
    const DType dtype = node.input(0).dtype;
    if constexpr (requires { Formula::supports(a); })
      if (!Formula::supports(a)) return false;
    return Isa::on(*node.cpu) && (halves ? Stored::holds(dtype) : dtype == DType::f32);
  }

  static Status run(const typename Op::Attributes& a, RunContext& context) {
    if constexpr (halves)
      Stored::for_type(context.input(0).dtype, [&]<class T>() { run_as<T>(a, context); });
    else
      run_as<float>(a, context);
    return {};
  }

 private:
  using Stored = StoredFloats<Isa>;
  using Floats = typename Stored::Floats;
  static constexpr index_t grain = 48 * 1024 / Formula::cost, lanes = Stored::lanes;

  template <class T>
  static void run_as(const typename Op::Attributes& a, const RunContext& context) {
    for_each_run<Isa, T>(context, grain,
                         [&](const T* from, index_t count, T* to)
                             __attribute__((always_inline)) { compute(a, from, count, to); });
  }
  template <class T>
  [[gnu::always_inline]] static void compute(const typename Op::Attributes& a, const T* from, index_t count,
                                             T* to) {
    const auto apply = [&](Floats& x) __attribute__((always_inline)) {
      if constexpr (requires { Formula::apply(a, x); })
        Formula::apply(a, x);
      else
        Formula::apply(x);
    };
    index_t i = 0;
    for (; i + lanes <= count; i += lanes) {
      Floats x;
      Stored::load(x, from + i);
      apply(x);
      Stored::store(to + i, x);
    }
    if (i == count) return;
    Floats x{};
    Stored::load_first(x, from + i, count - i);
    apply(x);
    Stored::store_first(to + i, x, count - i);
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

/// log(1 + f) + e * log(2) for f in [-1/3, 1/3], in place: f - s * (f - r) and the rest, where s = f / (2 + f) and r is a
/// polynomial in s^2, the best of its degree, near 2 * artanh(s) / s - 2.
template <class Isa>
[[gnu::always_inline]] inline void log_of_sum(Vector<float, Isa::bytes>& f,
                                              const Vector<float, Isa::bytes>& e) {
  using Floats = Vector<float, Isa::bytes>;
  const Floats quotient = f / (f + 2.0f), square = quotient * quotient;
  Floats p = square * 0x1.36E0B6p-2f + 0x1.992B4p-2f;
  p = p * square + 0x1.5555B4p-1f;
  Floats log = quotient * (p * square - f) + e * 0x1.7F7D1Cp-20f;  // log(2) in two parts
  log = log + f;
  f = e * 0x1.62E4p-1f + log;
}

/// The logarithm of a normal number (1 + f) * 2^e with f in [-1/3, 1/3). Smaller numbers are taken for 0.
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
    Floats log = reinterpret_cast<Floats>(bits - (exponent << 23)) - 1.0f;
    log_of_sum<Isa>(log, e);
    Floats zero, negative;
    fill(zero, -Limits::infinity());
    fill(negative, Limits::quiet_NaN());
    log = x < Limits::min() ? zero : log;
    log = x < 0.0f ? negative : log;
    x = x <= Limits::max() ? log : x;
  }
};

/// max(x, 0) + log(1 + e) with e = exp(-|x|); 1 + e is halved where e is above 1/3.
template <class Isa>
struct SoftPlus {
  static constexpr char name[] = "simd::softplus_";
  static constexpr index_t cost = 8;
  [[gnu::always_inline]] static void apply(Vector<float, Isa::bytes>& x) {
    using Floats = Vector<float, Isa::bytes>;
    using Integers = Vector<std::int32_t, Isa::bytes>;
    const Floats zero{};
    Floats one;
    fill(one, 1.0f);
    auto e =
        reinterpret_cast<Floats>(reinterpret_cast<Integers>(x) | std::numeric_limits<std::int32_t>::min());
    exp_of<Isa>(e);
    const Floats halvings = e > 0x1.555556p-2f ? one : zero;
    Floats log = e > 0x1.555556p-2f ? (e - 1.0f) * 0.5f : e;
    log_of_sum<Isa>(log, halvings);
    x = (x > 0.0f ? x : zero) + log;
  }
};

/// x * n / (n + 2) with n = e * (e + 2), e = exp(x): tanh(log(1 + e)) without the logarithm.
template <class Isa>
struct MishFormula {
  static constexpr char name[] = "simd::mish_";
  static constexpr index_t cost = 8;
  [[gnu::always_inline]] static void apply(Vector<float, Isa::bytes>& x) {
    using Floats = Vector<float, Isa::bytes>;
    Floats most;
    fill(most, 20.0f);  // there, and above, the quotient is 1
    Floats e = x > most ? most : x;
    exp_of<Isa>(e);
    const Floats n = e * (e + 2.0f);
    x = x * (n / (n + 2.0f));
  }
};

/// x * sigmoid(2 * sqrt(2 / pi) * (x + 0.044715 * x^3)): 1 + tanh(z) is 2 * sigmoid(2 * z).
template <class Isa>
struct TanhGelu {
  static constexpr char name[] = "simd::gelu_tanh_";
  static constexpr index_t cost = 8;
  static bool supports(const ops::Gelu::Attributes& a) {
    return a.approximate == ops::GeluApproximation::tanh;
  }
  [[gnu::always_inline]] static void apply(Vector<float, Isa::bytes>& x) {
    using Floats = Vector<float, Isa::bytes>;
    Floats z = x * (x * x * 0x1.2444F2p-4f + 0x1.988454p+0f);
    Logistic<Isa>::apply(z);
    x = x * z;
  }
};

template <class Isa>
struct Ramp {
  static constexpr char name[] = "simd::hard_sigmoid_";
  static constexpr index_t cost = 1;
  [[gnu::always_inline]] static void apply(const ops::HardSigmoid::Attributes& a,
                                           Vector<float, Isa::bytes>& x) {
    using Floats = Vector<float, Isa::bytes>;
    const Floats zero{};
    Floats one, alpha, beta;
    fill(one, 1.0f);
    fill(alpha, a.alpha);
    fill(beta, a.beta);
    x = x * alpha + beta;
    clamp(x, zero, one);
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

template <class Isa>
struct ErfOn : detail::UnaryOn<Isa, ops::Erf, detail::ErrorFunction<Isa>, true> {};
template <class Isa>
struct GeluOn : detail::UnaryOn<Isa, ops::Gelu, detail::TanhGelu<Isa>, true> {};
template <class Isa>
struct HardSigmoidOn : detail::UnaryOn<Isa, ops::HardSigmoid, detail::Ramp<Isa>, true> {};
template <class Isa>
struct MishOn : detail::UnaryOn<Isa, ops::Mish, detail::MishFormula<Isa>, true> {};
template <class Isa>
struct SoftplusOn : detail::UnaryOn<Isa, ops::Softplus, detail::SoftPlus<Isa>, true> {};

/// In order of preference.
using Unary = KernelList<isa::Every::kernels<ErfOn>, isa::Every::kernels<GeluOn>,
                         isa::Every::kernels<HardSigmoidOn>, isa::ForNonFinite::kernels<LogOn>,
                         isa::Every::kernels<MishOn>, isa::ForNonFinite::kernels<CorrectSigmoidOn>,
                         isa::Every::kernels<SoftplusOn>, isa::ForNonFinite::kernels<SqrtOn>>;

}  // namespace lithe::inline v0::simd
