// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cmath>
#include <cstdint>
#include <numbers>

#include "lithe/core/kernel.hpp"
#include "lithe/ops/detail/element_type.hpp"
#include "lithe/ops/detail/elementwise.hpp"
#include "lithe/ops/detail/parallel.hpp"

namespace lithe::inline v0::ops {

namespace detail {

/// What the operators below share: a tensor of independent random numbers.
///   shape [rank] s64    output: of that shape
/// A session draws the same numbers from its first run on as every other session with this seed, and other
/// ones in each run.
/// Errors: Code::needs_value while `shape` is not known; Code::invalid_model for parameters that are not
/// finite.
template <OpName name>
struct Random {
  using enum DType;
  static constexpr bool random_row = true;
  static constexpr OpSpec spec{
      .name = name.text, .inputs = {"shape"}, .outputs = {"output"}, .accuracy = Accuracy::random};
  static constexpr TypeRow types[] = {{{s64}, {f32}}, {{s64}, {f16}}, {{s64}, {bf16}}, {{s64}, {f64}}};

 protected:
  static Status infer_shape(float first, float second, InferContext& context) {
    if (!std::isfinite(first) || !std::isfinite(second))
      return {Code::invalid_model, "a parameter of a distribution is not finite"};
    LITHE_ASSIGN_OR_RETURN(const IntList sizes, context.ints(0));
    Shape shape;
    for (std::int64_t size : sizes) shape.push_back(size);
    return context.output(0, shape);
  }
};

/// Random numbers by place: number `index` of a seed, in [0, 1).
/// Source: the output function of SplitMix64, Steele, Lea and Flood, "Fast splittable pseudorandom number
/// generators" (2014).
class RandomNumbers {
 public:
  explicit RandomNumbers(std::int64_t seed) : seed_(mixed(static_cast<std::uint64_t>(seed))) {}
  double operator[](std::uint64_t index) const {
    return static_cast<double>(mixed(seed_ + (index + 1) * 0x9E3779B97F4A7C15U) >> 11) * 0x1p-53;
  }

 private:
  static std::uint64_t mixed(std::uint64_t z) {
    z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9U;
    z = (z ^ (z >> 27)) * 0x94D049BB133111EBU;
    return z ^ (z >> 31);
  }
  std::uint64_t seed_;
};

}  // namespace detail

/// Any operator of this header.
template <class Op>
concept RandomOperator = requires { requires Op::random_row; };

/// Numbers in [low, high), all as likely. Source: ONNX RandomUniform-22, its attribute `shape` as an input.
struct RandomUniform : detail::Random<"RandomUniform"> {
  struct Attributes {
    float low = 0, high = 1;
    std::int64_t seed = 0;
    static constexpr auto fields() {
      return Fields{field("low", &Attributes::low), field("high", &Attributes::high),
                    field("seed", &Attributes::seed)};
    }
  };
  static Status infer(const Attributes& a, InferContext& context) {
    return infer_shape(a.low, a.high, context);
  }
  /// Number `i`, rounded to T.
  template <class T>
  static T draw(const Attributes& a, const detail::RandomNumbers& numbers, std::uint64_t i) {
    const double low = a.low, high = a.high;
    const T value = static_cast<T>(low + numbers[i] * (high - low));
    return static_cast<double>(value) == high ? static_cast<T>(low) : value;
  }
};
static_assert(Operator<RandomUniform>);

/// Numbers of a normal distribution, by the method of Box and Muller (1958). Source: ONNX RandomNormal-22, its
/// attribute `shape` as an input.
struct RandomNormal : detail::Random<"RandomNormal"> {
  struct Attributes {
    float mean = 0, scale = 1;
    std::int64_t seed = 0;
    static constexpr auto fields() {
      return Fields{field("mean", &Attributes::mean), field("scale", &Attributes::scale),
                    field("seed", &Attributes::seed)};
    }
  };
  static Status infer(const Attributes& a, InferContext& context) {
    return infer_shape(a.mean, a.scale, context);
  }
  template <class T>
  static T draw(const Attributes& a, const detail::RandomNumbers& numbers, std::uint64_t i) {
    const double radius = std::sqrt(-2 * std::log1p(-numbers[2 * i]));
    return static_cast<T>(double{a.mean} +
                          double{a.scale} * radius * std::cos(2 * std::numbers::pi * numbers[2 * i + 1]));
  }
};
static_assert(Operator<RandomNormal>);

}  // namespace lithe::inline v0::ops

namespace lithe::inline v0::portable {

template <ops::RandomOperator Op>
struct Kernel<Op> {
  Status run(const typename Op::Attributes& a, RunContext& context) {
    const ops::detail::RandomNumbers numbers(a.seed);
    const index_t n = context.output().elements();
    const std::uint64_t first = drawn_;
    drawn_ += static_cast<std::uint64_t>(n);
    return ops::detail::for_float_type(context.output().dtype, [&]<class T>() {
      auto* to = static_cast<T*>(context.output().data);
      const ops::detail::Ranges ranges(n, 16, 4096, 256);
      ops::detail::in_parallel(context.threads(), ranges.count, [&](index_t part) {
        for (index_t k = 0; k < ranges.length(part); ++k) {
          const index_t i = ranges.first(part) + k;
          to[i] = Op::template draw<T>(a, numbers, first + static_cast<std::uint64_t>(i));
        }
      });
    });
  }

 private:
  std::uint64_t drawn_ = 0;  ///< numbers of the seed that earlier runs took
};

/// The portable kernels of this header's operators.
using RandomKernels = KernelList<Kernel<ops::RandomNormal>, Kernel<ops::RandomUniform>>;

}  // namespace lithe::inline v0::portable
