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
#include "lithe/ops/detail/element_type.hpp"
#include "lithe/ops/detail/elementwise.hpp"
#include "lithe/ops/detail/quantized_sum.hpp"

namespace lithe::inline v0::ops {

/// The attribute of arithmetic: limits of the output in real units, rounded inwards for plain integers.
struct ClampAttribute {
  Clamp clamp{};
  static constexpr auto fields() { return Fields{field("clamp", &ClampAttribute::clamp)}; }
};

namespace detail {

enum class BinaryResult : std::uint8_t { number, comparison };

/// What all rows below share: an output element comes from one element of each input.
///   a [...], b [...], of one dtype    output: their shapes broadcast as numpy does; bool for comparisons
/// Runs in place of an input that has the output's shape. 8-bit tensors are all quantized, each per tensor,
/// or all plain integers. Integers wrap.
/// Errors: Code::shape where the shapes cannot be broadcast; Code::dtype for plain 8-bit integers where the
/// operator has no meaning for them; Code::invalid_model for a clamp with min > max or a quantization out of
/// range; Code::out_of_range from run for integers that are divided by zero.
template <OpName name, const auto& element_types, class A = NoAttributes,
          BinaryResult result = BinaryResult::number>
struct Binary {
  using Attributes = A;
  static constexpr bool binary_row = true, is_comparison = result == BinaryResult::comparison;
  static constexpr const auto& elements = element_types;
  static constexpr OpSpec spec{
      .name = name.text,
      .inputs = {"a", "b"},
      .outputs = {"output"},
      .accuracy = is_comparison || !element_types.has_floats() ? Accuracy::exact : Accuracy::rounding,
      .in_place = true,
      .elementwise = true};
  static constexpr auto types = []<std::size_t... i>(std::index_sequence<i...>) {
    constexpr auto& d = element_types.dtypes;
    return std::array{TypeRow{{d[i], d[i]}, {is_comparison ? DType::boolean : d[i]}}...};
  }(std::make_index_sequence<element_types.dtypes.size()>{});

  static Status infer(const A& attributes, InferContext& context) {
    if constexpr (requires { attributes.clamp; }) LITHE_TRY(check_clamp(attributes.clamp));
    LITHE_TRY(check_quantization(context, element_types.plain));
    LITHE_ASSIGN_OR_RETURN(const Shape shape, broadcast(context.shape(0), context.shape(1)));
    return context.output(0, shape);
  }
  static RowSpan rows(const A&, const NodeInfo& node, int input, RowSpan output) {
    return same_rows(node, input, output);
  }
};

/// The type that sums and products of T are computed in: unsigned arithmetic wraps where signed overflow
/// would be undefined.
template <class T>
using Wrapping = std::conditional_t<std::is_integral_v<T>, std::uint64_t, T>;

}  // namespace detail

/// Any operator of this header whose inputs have one dtype: all but Pow.
template <class Op>
concept BinaryOperator = requires { requires Op::binary_row; };

// Each row is an operator: its name, element types, attributes, and `apply` on a wide type: float for f32,
// f16, bf16 and quantized integers, double for f64, 64-bit integers for the rest. Where a row has `defined`,
// integers for which it is false are Code::out_of_range.

/// a + b. Source: ONNX Add-14.
struct Add : detail::Binary<"Add", detail::numbers, ClampAttribute> {
  static constexpr Quantizable quantizable{.inputs = 2};
  static constexpr bool commutes = true;
  static constexpr double neutral = 0;
  static constexpr int second_sign = 1;  // quantized numbers are added in fixed point
  template <class T>
  static T apply(T a, T b) {
    return static_cast<T>(detail::Wrapping<T>(a) + detail::Wrapping<T>(b));
  }
};
/// a - b. Source: ONNX Sub-14.
struct Sub : detail::Binary<"Sub", detail::numbers, ClampAttribute> {
  static constexpr Quantizable quantizable{.inputs = 2};
  static constexpr double neutral = 0;
  static constexpr int second_sign = -1;
  template <class T>
  static T apply(T a, T b) {
    return static_cast<T>(detail::Wrapping<T>(a) - detail::Wrapping<T>(b));
  }
};
/// a * b. Source: ONNX Mul-14.
struct Mul : detail::Binary<"Mul", detail::numbers, ClampAttribute> {
  static constexpr Quantizable quantizable{.inputs = 2};
  static constexpr bool commutes = true;
  static constexpr double neutral = 1;
  template <class T>
  static T apply(T a, T b) {
    return static_cast<T>(detail::Wrapping<T>(a) * detail::Wrapping<T>(b));
  }
};
/// a / b. Integers are rounded towards zero; the lowest number divided by -1 wraps to itself.
/// Source: ONNX Div-14.
struct Div : detail::Binary<"Div", detail::numbers, ClampAttribute> {
  static constexpr double neutral = 1;
  template <class T>
  static T apply(T a, T b) {
    if constexpr (std::signed_integral<T>)
      if (b == -1) return Sub::apply(T{}, a);
    return a / b;
  }
  template <class T>
  static bool defined(T, T b) {
    return b != 0;
  }
};
/// The larger of a and b; NaN where either is NaN. Source: ONNX Max-13.
struct Max : detail::Binary<"Max", detail::numbers, ClampAttribute> {
  static constexpr Quantizable quantizable{.inputs = 2};
  static constexpr bool commutes = true;
  template <class T>
  static T apply(T a, T b) {
    return a > b || a != a ? a : b;
  }
};
/// The smaller of a and b; NaN where either is NaN. Source: ONNX Min-13.
struct Min : detail::Binary<"Min", detail::numbers, ClampAttribute> {
  static constexpr Quantizable quantizable{.inputs = 2};
  static constexpr bool commutes = true;
  template <class T>
  static T apply(T a, T b) {
    return a < b || a != a ? a : b;
  }
};

struct ModAttributes {
  /// true: the remainder has the sign of a, as C's fmod; false: that of b, as Python's % (integers only).
  bool fmod = false;
  static constexpr auto fields() { return Fields{field("fmod", &ModAttributes::fmod)}; }
};
/// The remainder of a / b.
/// Errors also: Code::invalid_model for real numbers without fmod.
/// Source: ONNX Mod-13.
struct Mod : detail::Binary<"Mod", detail::numbers, ModAttributes> {
  static constexpr bool rounds = true;
  template <class T>
  static T apply(const Attributes& attributes, T a, T b) {
    if constexpr (std::floating_point<T>) {
      return std::fmod(a, b);
    } else {
      if constexpr (std::signed_integral<T>)
        if (b == -1) return 0;
      const T rest = a % b;
      return !attributes.fmod && rest != 0 && (rest < 0) != (b < 0) ? rest + b : rest;
    }
  }
  template <class T>
  static bool defined(T, T b) {
    return b != 0;
  }
  static Status infer(const Attributes& attributes, InferContext& context) {
    const bool real =
        is_float(context.dtype(0)) || detail::quantized(context.dtype(0), context.quantization(0));
    if (real && !attributes.fmod) return {Code::invalid_model, "Mod of real numbers needs fmod"};
    return Binary::infer(attributes, context);
  }
};

/// a where it is not negative, else a * b, where b is ONNX's slope.
/// Errors also: Code::shape unless b broadcasts to a's shape.
/// Source: ONNX PRelu-16.
struct PRelu : detail::Binary<"PRelu", detail::wide_numbers> {
  static constexpr Quantizable quantizable{.inputs = 2};
  template <class T>
  static T apply(T a, T b) {
    return a < 0 ? Mul::apply(a, b) : a;
  }
  static Status infer(const Attributes& attributes, InferContext& context) {
    LITHE_ASSIGN_OR_RETURN(const Shape shape, detail::broadcast(context.shape(0), context.shape(1)));
    if (shape != context.shape(0)) return {Code::shape, "PRelu's slope does not broadcast to its input"};
    return Binary::infer(attributes, context);
  }
};

/// a == b. Source: ONNX Equal-19.
struct Equal : detail::Binary<"Equal", detail::everything, NoAttributes, detail::BinaryResult::comparison> {
  static constexpr bool commutes = true;
  template <class T>
  static bool apply(T a, T b) {
    return a == b;
  }
};
/// a < b. Source: ONNX Less-13.
struct Less : detail::Binary<"Less", detail::numbers, NoAttributes, detail::BinaryResult::comparison> {
  template <class T>
  static bool apply(T a, T b) {
    return a < b;
  }
};
/// a <= b. Source: ONNX LessOrEqual-16.
struct LessOrEqual
    : detail::Binary<"LessOrEqual", detail::numbers, NoAttributes, detail::BinaryResult::comparison> {
  template <class T>
  static bool apply(T a, T b) {
    return a <= b;
  }
};
/// a > b. Source: ONNX Greater-13.
struct Greater : detail::Binary<"Greater", detail::numbers, NoAttributes, detail::BinaryResult::comparison> {
  template <class T>
  static bool apply(T a, T b) {
    return a > b;
  }
};
/// a >= b. Source: ONNX GreaterOrEqual-16.
struct GreaterOrEqual
    : detail::Binary<"GreaterOrEqual", detail::numbers, NoAttributes, detail::BinaryResult::comparison> {
  template <class T>
  static bool apply(T a, T b) {
    return a >= b;
  }
};

/// a and b. Source: ONNX And-7.
struct And : detail::Binary<"And", detail::booleans> {
  static constexpr bool commutes = true;
  template <class T>
  static T apply(T a, T b) {
    return a & b;
  }
};
/// a or b. Source: ONNX Or-7.
struct Or : detail::Binary<"Or", detail::booleans> {
  static constexpr bool commutes = true;
  template <class T>
  static T apply(T a, T b) {
    return a | b;
  }
};
/// Either a or b. Source: ONNX Xor-7.
struct Xor : detail::Binary<"Xor", detail::booleans> {
  static constexpr bool commutes = true;
  template <class T>
  static T apply(T a, T b) {
    return a ^ b;
  }
};
/// The bits that a and b both have. Source: ONNX BitwiseAnd-18.
struct BitwiseAnd : detail::Binary<"BitwiseAnd", detail::integers> {
  static constexpr bool commutes = true;
  template <class T>
  static T apply(T a, T b) {
    return a & b;
  }
};
/// The bits that a or b has. Source: ONNX BitwiseOr-18.
struct BitwiseOr : detail::Binary<"BitwiseOr", detail::integers> {
  static constexpr bool commutes = true;
  template <class T>
  static T apply(T a, T b) {
    return a | b;
  }
};
/// The bits that either a or b has. Source: ONNX BitwiseXor-18.
struct BitwiseXor : detail::Binary<"BitwiseXor", detail::integers> {
  static constexpr bool commutes = true;
  template <class T>
  static T apply(T a, T b) {
    return a ^ b;
  }
};

enum class ShiftDirection : std::uint8_t { left, right };
constexpr std::array<const char*, 2> enum_names(ShiftDirection) { return {"LEFT", "RIGHT"}; }
struct ShiftAttributes {
  ShiftDirection direction = ShiftDirection::left;
  static constexpr auto fields() { return Fields{field("direction", &ShiftAttributes::direction)}; }
};
/// a shifted by b bits. Bits that leave the type are lost: a shift by its width or more gives 0.
/// Source: ONNX BitShift-11.
struct BitShift : detail::Binary<"BitShift", detail::unsigned_integers, ShiftAttributes> {
  template <class T>
  static T apply(const Attributes& attributes, T a, T b) {
    if (b >= 64) return 0;
    return attributes.direction == ShiftDirection::left ? a << b : a >> b;
  }
};

/// a to the power of b.
///   a [...], b [...], of dtypes that may differ    output: their shapes broadcast, of a's dtype
/// Integers to integer powers wrap; integers to real powers are truncated and saturate; negative powers of
/// integers are 0, except those of 1 and -1.
/// Errors: Code::shape where the shapes cannot be broadcast; Code::out_of_range from run for a negative power
/// of the integer zero.
/// Source: ONNX Pow-15.
struct Pow {
  using Attributes = NoAttributes;
  static constexpr OpSpec spec{.name = "Pow",
                               .inputs = {"a", "b"},
                               .outputs = {"output"},
                               .accuracy = Accuracy::rounding,
                               .in_place = true,
                               .elementwise = true};
  static constexpr double neutral = 1;
  static constexpr std::array bases{DType::f32, DType::f16, DType::f64, DType::bf16, DType::s32, DType::s64};
  static constexpr std::array exponents{DType::f32, DType::f64, DType::s32, DType::s64, DType::u32};
  static constexpr auto types = []<std::size_t... i>(std::index_sequence<i...>) {
    constexpr std::size_t n = exponents.size();
    return std::array{TypeRow{{DType::f16, DType::f16}, {DType::f16}},
                      TypeRow{{DType::bf16, DType::bf16}, {DType::bf16}},
                      TypeRow{{DType::f32, DType::u64}, {DType::f32}},
                      TypeRow{{bases[i / n], exponents[i % n]}, {bases[i / n]}}...};
  }(std::make_index_sequence<bases.size() * exponents.size()>{});

  template <class T>
  static T apply(T a, T b) {
    if constexpr (std::floating_point<T>) {
      return std::pow(a, b);
    } else {
      if (b < 0) return a == 1 ? 1 : a != -1 ? 0 : b % 2 == 0 ? 1 : -1;
      T power = 1;
      for (; b != 0; b /= 2, a = Mul::apply(a, a))
        if (b % 2 != 0) power = Mul::apply(power, a);
      return power;
    }
  }
  template <class T>
  static bool defined(T a, T b) {
    return a != 0 || b >= 0;
  }

  static Status infer(const Attributes&, InferContext& context) {
    LITHE_ASSIGN_OR_RETURN(const Shape shape, detail::broadcast(context.shape(0), context.shape(1)));
    return context.output(0, shape);
  }
  static RowSpan rows(const Attributes&, const NodeInfo& node, int input, RowSpan output) {
    return detail::same_rows(node, input, output);
  }
};

}  // namespace lithe::inline v0::ops

namespace lithe::inline v0::ops::detail {

template <TypeSet types, class Op, class T>
Status run_binary(const typename Op::Attributes& attributes, RunContext& context) {
  using Result = std::conditional_t<requires { requires Op::is_comparison; }, bool, T>;
  const TensorView left = strip_input(context, 0), right = strip_input(context, 1);
  return map_chunks<types, T, Result, 2>(
      {&left, &right}, context.output(), [&](const auto& in, index_t n, Result* __restrict out) -> Status {
        const T *a = in[0], *b = in[1];
        if constexpr (std::is_integral_v<T> && requires { Op::defined(T{}, T{}); })
          for (index_t i = 0; i < n; ++i)
            if (!Op::defined(a[i], b[i])) return {Code::out_of_range, "integers are divided by zero"};
        for (index_t i = 0; i < n; ++i) {
          if constexpr (requires { Op::apply(attributes, T{}, T{}); })
            out[i] = Op::apply(attributes, a[i], b[i]);
          else
            out[i] = Op::apply(a[i], b[i]);
        }
        if constexpr (requires { attributes.clamp; })
          if (attributes.clamp.active()) Limits<T>(attributes.clamp).apply(out, n);
        return {};
      });
}

}  // namespace lithe::inline v0::ops::detail

namespace lithe::inline v0::portable {

template <ops::BinaryOperator Op>
struct Kernel<Op> {
  template <TypeSet types = every_type>
  static Status run(const typename Op::Attributes& attributes, RunContext& context) {
    constexpr bool sums = requires { Op::second_sign; };
    if constexpr (sums && types.has_one_of(DType::s8, DType::u8))
      if (ops::detail::quantized(context.input(0)))
        return ops::detail::for_quantized_type<types>(context.output().dtype, [&]<class T>() {
          ops::detail::add_quantized<T>(attributes.clamp, Op::second_sign, context);
        });
    constexpr TypeSet others = sums ? types.without(DType::s8, DType::u8) : types;
    return ops::detail::with_arithmetic<Op::elements, others>(context.input(0), [&]<class T>(T) {
      return ops::detail::run_binary<types, Op, T>(attributes, context);
    });
  }
};

template <std::same_as<ops::Pow> Op>
struct Kernel<Op> {
  static Status run(const NoAttributes& attributes, RunContext& context) {
    const auto small = [](DType d) { return d == DType::f32 || d == DType::f16 || d == DType::bf16; };
    const DType base = context.input(0).dtype, exponent = context.input(1).dtype;
    if (small(base) && small(exponent))
      return ops::detail::run_binary<every_type, ops::Pow, float>(attributes, context);
    if (is_float(base) || is_float(exponent))
      return ops::detail::run_binary<every_type, ops::Pow, double>(attributes, context);
    return ops::detail::run_binary<every_type, ops::Pow, std::int64_t>(attributes, context);
  }
};

/// The portable kernels of all operators of this header.
using BinaryKernels =
    KernelList<Kernel<ops::Add>, Kernel<ops::And>, Kernel<ops::BitShift>, Kernel<ops::BitwiseAnd>,
               Kernel<ops::BitwiseOr>, Kernel<ops::BitwiseXor>, Kernel<ops::Div>, Kernel<ops::Equal>,
               Kernel<ops::Greater>, Kernel<ops::GreaterOrEqual>, Kernel<ops::Less>, Kernel<ops::LessOrEqual>,
               Kernel<ops::Max>, Kernel<ops::Min>, Kernel<ops::Mod>, Kernel<ops::Mul>, Kernel<ops::Or>,
               Kernel<ops::Pow>, Kernel<ops::PRelu>, Kernel<ops::Sub>, Kernel<ops::Xor>>;

}  // namespace lithe::inline v0::portable
