// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <array>
#include <cmath>
#include <concepts>
#include <cstdint>
#include <type_traits>
#include <utility>

#include "lithe/core/facts.hpp"
#include "lithe/core/kernel.hpp"
#include "lithe/core/operator.hpp"
#include "lithe/ops/detail/elementwise.hpp"

namespace lithe::inline v0::ops {

namespace detail {

/// What all rows below share: each element of the output comes from one element of the input; NaN stays NaN.
///   input [...]    output: the input's shape, of bool for predicates, else of the input's dtype
/// Runs in place. 8-bit inputs of operators on real numbers are quantized per tensor.
/// Errors: Code::dtype for plain 8-bit integers where the operator has no meaning for them;
/// Code::invalid_model for a quantization out of range.
template <OpName name, const auto& element_types, class A = NoAttributes, bool predicate = false>
struct Unary {
  using Attributes = A;
  static constexpr bool unary_row = true, is_predicate = predicate;
  static constexpr const auto& elements = element_types;
  static constexpr OpSpec spec{
      .name = name.text,
      .inputs = {"input"},
      .outputs = {"output"},
      .accuracy = predicate || !element_types.has_floats() ? Accuracy::exact : Accuracy::rounding,
      .in_place = true,
      .elementwise = true};
  static constexpr auto types = []<std::size_t... i>(std::index_sequence<i...>) {
    return std::array{
        TypeRow{{element_types.dtypes[i]}, {predicate ? DType::boolean : element_types.dtypes[i]}}...};
  }(std::make_index_sequence<element_types.dtypes.size()>{});

  static Status infer(const A&, InferContext& context) {
    LITHE_TRY(check_quantization(context, element_types.plain));
    return context.output(0, context.shape(0));
  }
  static RowSpan rows(const A&, const NodeInfo& node, int input, RowSpan output) {
    return same_rows(node, input, output);
  }
};

template <float default_alpha>
struct Alpha {
  float alpha = default_alpha;  ///< the factor or limit in the row's formula
  static constexpr auto fields() { return Fields{field("alpha", &Alpha::alpha)}; }
};

}  // namespace detail

/// Any operator of this header.
template <class Op>
concept UnaryOperator = requires { requires Op::unary_row; };

// Each row is an operator: its name, element types, attributes, and `apply` on a wide type: float for f32,
// f16, bf16 and quantized integers, double for f64, 64-bit integers for the rest, whose results wrap to the
// dtype.

/// max(x, 0). Source: ONNX Relu-14.
struct Relu : detail::Unary<"Relu", detail::signed_numbers> {
  static constexpr Quantizable quantizable{.inputs = 1, .at_end = true};
  static constexpr Clamp output_range{.min = 0};
  static Clamp limits(const Attributes&) { return output_range; }
  template <class T>
  static T apply(T x) {
    return x < 0 ? T{} : x;
  }
};
/// -x. Source: ONNX Neg-13.
struct Neg : detail::Unary<"Neg", detail::signed_numbers> {
  static constexpr Quantizable quantizable{.inputs = 1};
  template <class T>
  static T apply(T x) {
    if constexpr (std::integral<T>)
      return static_cast<T>(0 - static_cast<std::uint64_t>(x));
    else
      return -x;
  }
};
/// |x|. Source: ONNX Abs-13.
struct Abs : detail::Unary<"Abs", detail::numbers> {
  static constexpr Quantizable quantizable{.inputs = 1};
  static constexpr Clamp output_range{.min = 0};
  template <class T>
  static T apply(T x) {
    if constexpr (std::floating_point<T>)
      return std::abs(x);
    else
      return std::signed_integral<T> && x < 0 ? Neg::apply(x) : x;
  }
};
/// -1, 0 or 1: the sign of x. Source: ONNX Sign-13.
struct Sign : detail::Unary<"Sign", detail::numbers> {
  template <class T>
  static T apply(T x) {
    return x > 0 ? T{1} : x < 0 ? static_cast<T>(-1) : x;
  }
};
/// Every bit of x inverted. Source: ONNX BitwiseNot-18.
struct BitwiseNot : detail::Unary<"BitwiseNot", detail::integers> {
  template <class T>
  static T apply(T x) {
    return ~x;
  }
};
/// true for false, false for true. Source: ONNX Not-1.
struct Not : detail::Unary<"Not", detail::booleans> {
  template <class T>
  static T apply(T x) {
    return x == 0;
  }
};

/// e to the power of x. Source: ONNX Exp-13.
struct Exp : detail::Unary<"Exp", detail::reals> {
  static constexpr Quantizable quantizable{.inputs = 1};
  static constexpr Clamp output_range{.min = 0};
  template <class T>
  static T apply(T x) {
    return std::exp(x);
  }
};
/// The natural logarithm of x. Source: ONNX Log-13.
struct Log : detail::Unary<"Log", detail::reals> {
  template <class T>
  static T apply(T x) {
    return std::log(x);
  }
};
/// The square root of x. Source: ONNX Sqrt-13.
struct Sqrt : detail::Unary<"Sqrt", detail::reals> {
  static constexpr Quantizable quantizable{.inputs = 1};
  static constexpr Clamp domain{.min = 0};
  static constexpr Clamp output_range{.min = 0};
  template <class T>
  static T apply(T x) {
    return std::sqrt(x);
  }
};
/// 1 / x. Source: ONNX Reciprocal-13.
struct Reciprocal : detail::Unary<"Reciprocal", detail::reals> {
  template <class T>
  static T apply(T x) {
    return 1 / x;
  }
};
/// The largest integer that is not above x. Source: ONNX Floor-13.
struct Floor : detail::Unary<"Floor", detail::reals> {
  static constexpr bool rounds = true;
  template <class T>
  static T apply(T x) {
    return std::floor(x);
  }
};
/// The smallest integer that is not below x. Source: ONNX Ceil-13.
struct Ceil : detail::Unary<"Ceil", detail::reals> {
  static constexpr bool rounds = true;
  template <class T>
  static T apply(T x) {
    return std::ceil(x);
  }
};
/// The nearest integer; halves go to the even neighbour. Source: ONNX Round-22.
struct Round : detail::Unary<"Round", detail::reals> {
  static constexpr bool rounds = true;
  template <class T>
  static T apply(T x) {
    return std::nearbyint(x);
  }
};
/// The error function of x. Source: ONNX Erf-13.
struct Erf : detail::Unary<"Erf", detail::reals> {
  static constexpr Quantizable quantizable{.inputs = 1};
  template <class T>
  static T apply(T x) {
    return std::erf(x);
  }
};
/// The sine of x radians. Source: ONNX Sin-22.
struct Sin : detail::Unary<"Sin", detail::reals> {
  template <class T>
  static T apply(T x) {
    return std::sin(x);
  }
};
/// The cosine of x radians. Source: ONNX Cos-22.
struct Cos : detail::Unary<"Cos", detail::reals> {
  template <class T>
  static T apply(T x) {
    return std::cos(x);
  }
};
/// The tangent of x radians. Source: ONNX Tan-22.
struct Tan : detail::Unary<"Tan", detail::reals> {
  template <class T>
  static T apply(T x) {
    return std::tan(x);
  }
};
/// The arc sine of x, in radians. Source: ONNX Asin-22.
struct Asin : detail::Unary<"Asin", detail::reals> {
  template <class T>
  static T apply(T x) {
    return std::asin(x);
  }
};
/// The arc cosine of x, in radians. Source: ONNX Acos-22.
struct Acos : detail::Unary<"Acos", detail::reals> {
  template <class T>
  static T apply(T x) {
    return std::acos(x);
  }
};
/// The arc tangent of x, in radians. Source: ONNX Atan-22.
struct Atan : detail::Unary<"Atan", detail::reals> {
  template <class T>
  static T apply(T x) {
    return std::atan(x);
  }
};
/// The hyperbolic sine of x. Source: ONNX Sinh-22.
struct Sinh : detail::Unary<"Sinh", detail::reals> {
  template <class T>
  static T apply(T x) {
    return std::sinh(x);
  }
};
/// The hyperbolic cosine of x. Source: ONNX Cosh-22.
struct Cosh : detail::Unary<"Cosh", detail::reals> {
  template <class T>
  static T apply(T x) {
    return std::cosh(x);
  }
};
/// The hyperbolic tangent of x. Source: ONNX Tanh-13.
struct Tanh : detail::Unary<"Tanh", detail::reals> {
  static constexpr Quantizable quantizable{.inputs = 1, .at_end = true};
  static constexpr Clamp output_range{.min = -1, .max = 1};
  template <class T>
  static T apply(T x) {
    return std::tanh(x);
  }
};
/// The inverse hyperbolic sine of x. Source: ONNX Asinh-22.
struct Asinh : detail::Unary<"Asinh", detail::reals> {
  template <class T>
  static T apply(T x) {
    return std::asinh(x);
  }
};
/// The inverse hyperbolic cosine of x. Source: ONNX Acosh-22.
struct Acosh : detail::Unary<"Acosh", detail::reals> {
  template <class T>
  static T apply(T x) {
    return std::acosh(x);
  }
};
/// The inverse hyperbolic tangent of x. Source: ONNX Atanh-22.
struct Atanh : detail::Unary<"Atanh", detail::reals> {
  template <class T>
  static T apply(T x) {
    return std::atanh(x);
  }
};

/// 1 / (1 + exp(-x)). Source: ONNX Sigmoid-13.
struct Sigmoid : detail::Unary<"Sigmoid", detail::reals> {
  static constexpr Quantizable quantizable{.inputs = 1, .at_end = true};
  static constexpr Clamp output_range{.min = 0, .max = 1};
  template <class T>
  static T apply(T x) {
    return 1 / (1 + std::exp(-x));
  }
};
/// log(1 + exp(x)), computed so that it does not overflow. Source: ONNX Softplus-22.
struct Softplus : detail::Unary<"Softplus", detail::reals> {
  static constexpr Quantizable quantizable{.inputs = 1};
  template <class T>
  static T apply(T x) {
    return x > 0 ? x + std::log1p(std::exp(-x)) : std::log1p(std::exp(x));
  }
};
/// x / (1 + |x|). Source: ONNX Softsign-22.
struct Softsign : detail::Unary<"Softsign", detail::reals> {
  template <class T>
  static T apply(T x) {
    return x / (1 + std::abs(x));
  }
};
/// x * tanh(log(1 + exp(x))). Source: ONNX Mish-22.
struct Mish : detail::Unary<"Mish", detail::reals> {
  template <class T>
  static T apply(T x) {
    return x * std::tanh(Softplus::apply(x));
  }
};
/// x * max(0, min(1, x / 6 + 1/2)). Source: ONNX HardSwish-22.
struct HardSwish : detail::Unary<"HardSwish", detail::reals> {
  static constexpr Quantizable quantizable{.inputs = 1, .at_end = true};
  template <class T>
  static T apply(T x) {
    return x <= -3 ? x * T{} : x >= 3 ? x : x * (x + 3) / 6;
  }
};
/// x, or alpha * x where x is negative. Source: ONNX LeakyRelu-16.
struct LeakyRelu : detail::Unary<"LeakyRelu", detail::reals, detail::Alpha<0.01f>> {
  static constexpr Quantizable quantizable{.inputs = 1, .at_end = true};
  template <class T>
  static T apply(const Attributes& a, T x) {
    return x < 0 ? static_cast<T>(a.alpha) * x : x;
  }
};
/// x, or alpha * (exp(x) - 1) where x is negative. Source: ONNX Elu-22.
struct Elu : detail::Unary<"Elu", detail::reals, detail::Alpha<1.0f>> {
  static constexpr Quantizable quantizable{.inputs = 1};
  template <class T>
  static T apply(const Attributes& a, T x) {
    return x < 0 ? static_cast<T>(a.alpha) * std::expm1(x) : x;
  }
};
/// x, or alpha * (exp(x / alpha) - 1) where x is negative. Source: ONNX Celu-12.
struct Celu : detail::Unary<"Celu", detail::reals, detail::Alpha<1.0f>> {
  template <class T>
  static T apply(const Attributes& a, T x) {
    const T alpha = static_cast<T>(a.alpha);
    return x < 0 ? std::min(T{}, alpha * std::expm1(x / alpha))
                 : x + std::min(T{}, alpha * std::expm1(x / alpha));
  }
};
/// x where it is above alpha, else 0. Source: ONNX ThresholdedRelu-22.
struct ThresholdedRelu : detail::Unary<"ThresholdedRelu", detail::reals, detail::Alpha<1.0f>> {
  template <class T>
  static T apply(const Attributes& a, T x) {
    return x <= static_cast<T>(a.alpha) ? T{} : x;
  }
};

struct SeluAttributes {
  float alpha = 1.67326319217681884765625f;  ///< the negative side tends to -gamma * alpha
  float gamma = 1.05070102214813232421875f;  ///< the slope of the positive side
  static constexpr auto fields() {
    return Fields{field("alpha", &SeluAttributes::alpha), field("gamma", &SeluAttributes::gamma)};
  }
};
/// gamma * x, or gamma * alpha * (exp(x) - 1) where x is not positive. Source: ONNX Selu-22.
struct Selu : detail::Unary<"Selu", detail::reals, SeluAttributes> {
  template <class T>
  static T apply(const Attributes& a, T x) {
    return static_cast<T>(a.gamma) * (x > 0 ? x : static_cast<T>(a.alpha) * std::expm1(x));
  }
};

struct HardSigmoidAttributes {
  float alpha = 0.2f;  ///< the slope between 0 and 1
  float beta = 0.5f;   ///< the value at x = 0
  static constexpr auto fields() {
    return Fields{field("alpha", &HardSigmoidAttributes::alpha), field("beta", &HardSigmoidAttributes::beta)};
  }
};
/// max(0, min(1, alpha * x + beta)). Source: ONNX HardSigmoid-22.
struct HardSigmoid : detail::Unary<"HardSigmoid", detail::reals, HardSigmoidAttributes> {
  static constexpr Quantizable quantizable{.inputs = 1, .at_end = true};
  static constexpr Clamp output_range{.min = 0, .max = 1};
  template <class T>
  static T apply(const Attributes& a, T x) {
    const T y = static_cast<T>(a.alpha) * x + static_cast<T>(a.beta);
    return y < 0 ? T{} : y > 1 ? T{1} : y;
  }
};

/// How Gelu is computed.
///   none  as written at Gelu
///   tanh  as x / 2 * (1 + tanh(sqrt(2 / pi) * (x + 0.044715 * x^3)))
enum class GeluApproximation : std::uint8_t { none, tanh };
constexpr auto enum_names(GeluApproximation) { return std::array{"none", "tanh"}; }
struct GeluAttributes {
  GeluApproximation approximate = GeluApproximation::none;
  static constexpr auto fields() { return Fields{field("approximate", &GeluAttributes::approximate)}; }
};
/// x / 2 * (1 + erf(x / sqrt(2))). Source: ONNX Gelu-20.
struct Gelu : detail::Unary<"Gelu", detail::reals, GeluAttributes> {
  static constexpr Quantizable quantizable{.inputs = 1};
  template <class T>
  static T apply(const Attributes& a, T x) {
    if (a.approximate == GeluApproximation::none)
      return x / 2 * (1 + std::erf(x * static_cast<T>(0.70710678118654752440)));
    return x / 2 *
           (1 +
            std::tanh(static_cast<T>(0.79788456080286535588) * (x + static_cast<T>(0.044715) * x * x * x)));
  }
};

/// Whether x is NaN. Source: ONNX IsNaN-20.
struct IsNaN : detail::Unary<"IsNaN", detail::floats, NoAttributes, true> {
  template <class T>
  static bool apply(T x) {
    return std::isnan(x);
  }
};
struct IsInfAttributes {
  bool detect_negative = true, detect_positive = true;  ///< which infinities count
  static constexpr auto fields() {
    return Fields{field("detect_negative", &IsInfAttributes::detect_negative),
                  field("detect_positive", &IsInfAttributes::detect_positive)};
  }
};
/// Whether x is an infinity of a sign that is asked for. Source: ONNX IsInf-20.
struct IsInf : detail::Unary<"IsInf", detail::floats, IsInfAttributes, true> {
  template <class T>
  static bool apply(const Attributes& a, T x) {
    return std::isinf(x) && (x < 0 ? a.detect_negative : a.detect_positive);
  }
};

}  // namespace lithe::inline v0::ops

namespace lithe::inline v0::portable {

template <ops::UnaryOperator Op>
struct Kernel<Op> {
  template <TypeSet types = every_type>
  static Status run(const typename Op::Attributes& attributes, RunContext& context) {
    const TensorView& input = context.input(0);
    const Tensor& output = context.output();
    Status status;
    const auto map = [&](const TensorView& from, const Tensor& to) {
      status = ops::detail::with_arithmetic<Op::elements, types>(
          from, [&]<class T>(T) { return map_as<types, T>(attributes, from, to); });
    };
    const bool table = ops::detail::quantized(input) && input.elements() > 256;
    table ? ops::detail::map_bytes(input, output, map) : map(input, output);
    return status;
  }

 private:
  template <TypeSet types, class T>
  static Status map_as(const typename Op::Attributes& attributes, const TensorView& input,
                       const Tensor& output) {
    using Result = std::conditional_t<Op::is_predicate, bool, T>;
    return ops::detail::map_chunks<types, T, Result, 1>(
        {&input}, output, [&](const auto& in, index_t n, Result* __restrict out) -> Status {
          for (index_t i = 0; i < n; ++i) {
            if constexpr (requires { Op::apply(attributes, T{}); })
              out[i] = Op::apply(attributes, in[0][i]);
            else
              out[i] = Op::apply(in[0][i]);
          }
          return {};
        });
  }
};

/// The portable kernels of all operators of this header.
using UnaryKernels =
    KernelList<Kernel<ops::Abs>, Kernel<ops::Acos>, Kernel<ops::Acosh>, Kernel<ops::Asin>, Kernel<ops::Asinh>,
               Kernel<ops::Atan>, Kernel<ops::Atanh>, Kernel<ops::BitwiseNot>, Kernel<ops::Ceil>,
               Kernel<ops::Celu>, Kernel<ops::Cos>, Kernel<ops::Cosh>, Kernel<ops::Elu>, Kernel<ops::Erf>,
               Kernel<ops::Exp>, Kernel<ops::Floor>, Kernel<ops::Gelu>, Kernel<ops::HardSigmoid>,
               Kernel<ops::HardSwish>, Kernel<ops::IsInf>, Kernel<ops::IsNaN>, Kernel<ops::LeakyRelu>,
               Kernel<ops::Log>, Kernel<ops::Mish>, Kernel<ops::Neg>, Kernel<ops::Not>,
               Kernel<ops::Reciprocal>, Kernel<ops::Relu>, Kernel<ops::Round>, Kernel<ops::Selu>,
               Kernel<ops::Sigmoid>, Kernel<ops::Sign>, Kernel<ops::Sin>, Kernel<ops::Sinh>,
               Kernel<ops::Softplus>, Kernel<ops::Softsign>, Kernel<ops::Sqrt>, Kernel<ops::Tan>,
               Kernel<ops::Tanh>, Kernel<ops::ThresholdedRelu>>;

}  // namespace lithe::inline v0::portable
