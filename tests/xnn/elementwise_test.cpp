// SPDX-License-Identifier: Apache-2.0
#include <gtest/gtest.h>

#include <cmath>
#include <cstddef>

#include "lithe/xnn/binary.hpp"
#include "lithe/xnn/cast.hpp"
#include "lithe/xnn/clip.hpp"
#include "lithe/xnn/dequantize_linear.hpp"
#include "lithe/xnn/matmul.hpp"
#include "lithe/xnn/quantize_linear.hpp"
#include "lithe/xnn/softmax.hpp"
#include "lithe/xnn/unary.hpp"
#include "tests/xnn/against_portable.hpp"

namespace lithe::test {
namespace {

using enum DType;
using xnn::Unary;

/// Quantized tensors are compared after the table of 256 values as well: many elements.
template <class Op>
void unary(const std::vector<DType>& dtypes, double low = -6, double high = 6,
           const typename Op::Attributes& a = {}, double tolerance = 0) {
  agrees<Unary<Op>>(a, {Input{3, 211}.between(low, high)}, dtypes,
                    {.tolerance = tolerance, .quantized = Quantized::always});
  agrees<Unary<Op>>(a, {Input{2, 3, 5}.between(low, high)}, dtypes,
                    {.tolerance = tolerance, .quantized = Quantized::always});
}

TEST(XnnUnary, Values) {
  const std::vector<DType> all{f32, f16, s8, u8}, no_half{f32, s8, u8};
  unary<ops::Abs>(all);
  unary<ops::Ceil>(all);
  unary<ops::Elu>(all, -6, 6, {.alpha = 0.7f});
  unary<ops::Exp>(no_half, -10, 3);
  unary<ops::Floor>(all);
  unary<ops::Gelu>(no_half);
  unary<ops::HardSwish>(all);
  unary<ops::LeakyRelu>(all, -6, 6, {.alpha = 0.1f});
  unary<ops::Neg>(all);
  unary<ops::Relu>(all);
  unary<ops::Round>(all);
  unary<ops::Sigmoid>(all);
  unary<ops::Tanh>(all);
  unary<ops::Log>({f32}, 0.1, 50);
  unary<ops::Sqrt>({f32, f16}, 0, 50);
}

TEST(XnnUnary, SharedAmongThreads) {
  agrees<Unary<ops::Relu>>({}, {{251, 199}}, {f32, s8}, {.quantized = Quantized::always});
  agrees<Unary<ops::Tanh>>({}, {{71, 99}}, {f32, s8}, {.quantized = Quantized::always});
}

TEST(XnnUnary, Refusals) {
  const ValueInfo x{f32, {4}}, wide{f64, {4}}, half_{f16, {4}}, empty{f32, {0}};
  EXPECT_TRUE(supports<Unary<ops::Exp>>({}, {x}, x));
  EXPECT_FALSE(supports<Unary<ops::Exp>>({}, {wide}, wide));
  EXPECT_FALSE(supports<Unary<ops::Exp>>({}, {half_}, half_));
  EXPECT_FALSE(supports<Unary<ops::Exp>>({}, {empty}, empty));
  EXPECT_FALSE(supports<Unary<ops::Gelu>>({.approximate = ops::GeluApproximation::tanh}, {x}, x));
  EXPECT_FALSE(supports<Unary<ops::Elu>>({.alpha = -1}, {x}, x));
  EXPECT_FALSE(supports<Unary<ops::Relu>>({}, {{s8, {4}}}, {s8, {4}})) << "plain integers";
  const float small = 0.001f, large = 1;
  const Quantization fine{.scale = &small, .count = 1}, coarse{.scale = &large, .count = 1};
  EXPECT_FALSE(supports<Unary<ops::LeakyRelu>>({.alpha = 1e-4f}, {{s8, {4}, nullptr, &coarse}},
                                               {s8, {4}, nullptr, &coarse}));
  EXPECT_FALSE(supports<Unary<ops::LeakyRelu>>({}, {{s8, {4}, nullptr, &coarse}}, {s8, {4}, nullptr, &fine}));
}

template <class Op>
void binary(const std::vector<DType>& dtypes, const typename Op::Attributes& a = {}, bool bit_exact = false) {
  const MatchOptions real{.bit_exact = bit_exact, .quantized = Quantized::always};
  agrees<xnn::Binary<Op>>(a, {{2, 3, 4, 5}, {2, 3, 4, 5}}, dtypes, real);
  agrees<xnn::Binary<Op>>(a, {{2, 3, 4, 5}, {4, 1}}, dtypes, real);
  agrees<xnn::Binary<Op>>(a, {{3, 37}, {37}}, dtypes, real);
  agrees<xnn::Binary<Op>>(a, {{3, 37}, {}}, dtypes, real);
  agrees<xnn::Binary<Op>>(a, {{2, 3, 2, 1, 2, 3}, {1, 4, 1, 3}}, dtypes, real);
}

TEST(XnnBinary, Values) {
  binary<ops::Add>({f32, f16});
  binary<ops::Sub>({f32, f16});
  binary<ops::Mul>({f32, f16, s8, u8});
  binary<ops::Add>({f32, f16}, {.clamp = {-1, 1.5f}});
  for (const ops::ClampAttribute& a : {ops::ClampAttribute{}, ops::ClampAttribute{{-1, 1.5f}}}) {
    binary<ops::Add>({s8, u8}, a, true);
    binary<ops::Sub>({s8, u8}, a, true);
  }
  // Half of these sums lie half-way between two integers.
  const Input x = Input{3, 211}.quantized(0.02f, 7);
  const MatchOptions halves{
      .bit_exact = true, .quantized = Quantized::always, .output_quantization = {{0.04f, 3}}};
  agrees<xnn::Binary<ops::Add>>({}, {x, x}, {s8, u8}, halves);
  agrees<xnn::Binary<ops::Sub>>({}, {x, x}, {s8, u8}, halves);
  agrees<xnn::Binary<ops::Sub>>({}, {{5}, {2, 3, 5}}, {f32, f16, s8, u8}, {.quantized = Quantized::always});
  // An output that begins at 0, as after a fused ReLU.
  agrees<xnn::Binary<ops::Add>>(
      {.clamp = {.min = 0}}, {{3, 37}, {3, 37}}, {s8},
      {.bit_exact = true, .quantized = Quantized::always, .output_quantization = {{0.02f, -128}}});
  agrees<xnn::Binary<ops::Div>>({}, {{2, 3, 5}, Input{1, 3, 5}.between(0.5, 2)}, {f32, f16});
  agrees<xnn::Binary<ops::Div>>({}, {{5}, Input{2, 3, 5}.between(0.5, 2)}, {f32, f16});
  agrees<xnn::Binary<ops::PRelu>>({}, {{2, 3, 4, 5}, {5}}, {f32, f16});
}

TEST(XnnBinary, SharedAmongThreads) {
  agrees<xnn::Binary<ops::Add>>({.clamp = {-1, 1.5f}}, {{251, 199}, {251, 199}}, {f32});
  agrees<xnn::Binary<ops::Mul>>({}, {{251, 199}, {199}}, {f32, s8}, {.quantized = Quantized::always});
}

TEST(XnnBinary, Refusals) {
  const ValueInfo x{f32, {4}}, seven{f32, {1, 1, 1, 1, 1, 1, 2}};
  EXPECT_TRUE(supports<xnn::Binary<ops::Add>>({}, {x, x}, x));
  EXPECT_FALSE(supports<xnn::Binary<ops::Add>>({}, {seven, seven}, seven));
  const float one = 1, tiny = 1e-4f;
  const Quantization coarse{.scale = &one, .count = 1}, fine{.scale = &tiny, .count = 1};
  const ValueInfo a{s8, {4}, nullptr, &coarse}, b{s8, {4}, nullptr, &fine};
  EXPECT_TRUE(supports<xnn::Binary<ops::Add>>({}, {a, a}, a));
  EXPECT_TRUE(supports<xnn::Binary<ops::Add>>({.clamp = {0, 1}}, {a, a}, a));
  EXPECT_FALSE(supports<xnn::Binary<ops::Add>>({}, {a, b}, a)) << "a multiplier below 2^-10";
  EXPECT_FALSE(supports<xnn::Binary<ops::Mul>>({}, {a, a}, b)) << "a multiplier above 2^8";
  EXPECT_FALSE(supports<xnn::Binary<ops::Div>>({}, {a, a}, a));
}

TEST(XnnClip, Values) {
  agrees<xnn::Clip>({.clamp = {-0.7f, 1.1f}}, {{3, 50}}, {f32, f16});
  agrees<xnn::Clip>({.clamp = {-0.7f, 1.1f}}, {{3, 50}}, {s8, u8},
                    {.quantized = Quantized::always, .same_quantization = true});
  agrees<xnn::Clip>({.clamp = {.min = 0.2f}}, {{3, 50}}, {s8, u8},
                    {.quantized = Quantized::always, .same_quantization = true});
}

/// Rows of whole vectors: XNNPACK reads the output back, and the harness guards its very end.
TEST(XnnSoftmax, Values) {
  agrees<xnn::Softmax>({}, {{3, 16}}, {f32, f16});
  agrees<xnn::Softmax>({.axis = 0}, {{1000}}, {f32, f16});
  agrees<xnn::Softmax>({}, {Input{2, 48}.between(-80, 80)}, {f32});
  agrees<xnn::Softmax>({.axis = 1}, {{5, 48}}, {u8}, {.output_quantization = {{0x1p-8f, 0}}});
  EXPECT_FALSE(supports<xnn::Softmax>({.axis = 0}, {{f32, {2, 3}}}, {f32, {2, 3}}));
}

TEST(XnnMatMul, Values) {
  agrees<xnn::MatMul>({}, {{5, 9}, {9, 37}}, {f32, f16});
  agrees<xnn::MatMul>({}, {{2, 3, 4, 5}, {3, 5, 2}}, {f32, f16});
  agrees<xnn::MatMul>({}, {{1, 3, 2, 6}, {4, 1, 6, 3}}, {f32, f16});
  agrees<xnn::MatMul>({.transpose_b = true}, {{3, 1, 4, 11}, {2, 7, 11}}, {f32, f16});
  agrees<xnn::MatMul>({}, {{9}, {9}}, {f32, f16});
  agrees<xnn::MatMul>({}, {{9}, {2, 9, 4}}, {f32, f16});
  agrees<xnn::MatMul>({}, {{2, 3, 9}, {9}}, {f32, f16});
  agrees<xnn::MatMul>({}, {{1, 1, 2, 1, 2, 1, 3, 4}, {2, 1, 2, 1, 4, 5}}, {f32, f16});
  EXPECT_FALSE(supports<xnn::MatMul>({.transpose_a = true}, {{f32, {2, 3}}, {f32, {2, 4}}}, {f32, {3, 4}}));
}

TEST(XnnConstantMatMul, Values) {
  const auto constant = [](const Shape& shape) { return Input(shape).constant(); };
  agrees<xnn::ConstantMatMul>({}, {{5, 9}, constant({9, 37})}, {f32});
  agrees<xnn::ConstantMatMul>({}, {{2, 3, 4, 5}, constant({3, 5, 2})}, {f32});
  agrees<xnn::ConstantMatMul>({}, {{1, 3, 2, 6}, constant({4, 1, 6, 3})}, {f32});
  agrees<xnn::ConstantMatMul>({.transpose_b = true}, {{3, 1, 4, 11}, constant({2, 7, 11})}, {f32});
  agrees<xnn::ConstantMatMul>({}, {{9}, constant({9})}, {f32});
  agrees<xnn::ConstantMatMul>({}, {{9}, constant({2, 9, 4})}, {f32});
}

TEST(XnnConstantMatMul, Conditions) {
  const ValueInfo a{f32, {2, 3}}, b{f32, {3, 4}, "constant"}, c{f32, {2, 4}};
  EXPECT_TRUE(supports<xnn::ConstantMatMul>({}, {a, b}, c));
  EXPECT_FALSE(supports<xnn::ConstantMatMul>({}, {a, {f32, {3, 4}}}, c)) << "a matrix that is not constant";
  EXPECT_FALSE(supports<xnn::ConstantMatMul>({.transpose_a = true}, {{f32, {3, 2}}, b}, c));
  EXPECT_FALSE(supports<xnn::ConstantMatMul>({}, {{f16, {2, 3}}, {f16, {3, 4}, "constant"}}, {f16, {2, 4}}));
}

TEST(XnnMatMul, PackedSizesFitTheAddressSpace) {
  const bool wide = sizeof(std::size_t) == 8;
  EXPECT_TRUE(xnn::packable(1, 1024, 1024));
  EXPECT_EQ(xnn::packable(1, 1 << 26, 1), wide) << "one column is packed as several";
  EXPECT_EQ(xnn::packable(1 << 26, 1, 1), wide) << "one element is packed as a block";
  EXPECT_FALSE(xnn::packable(2147483647, 2147483647, 2147483647));
}

/// Halves fall on the same integer: both kernels multiply by 1/scale, where a division gives others.
TEST(XnnLinear, Halves) {
  constexpr float step = 0.0123f;
  std::vector<double> halves;
  for (int i = -255; i <= 255; i += 2) halves.push_back(static_cast<float>(i) / 2 * step);
  const auto nearest = [](const std::vector<ReferenceTensor>& in) {
    ReferenceTensor out = in[0];
    for (double& v : out.values)
      v = std::clamp(std::nearbyint(static_cast<float>(v) * (1 / step)) + 3.0, -128.0, 127.0);
    return out;
  };
  const Input x = Input::values({static_cast<index_t>(halves.size())}, halves),
              scale = Input::values({}, {step}).constant(), point = Input::values({}, {3}).constant();
  agrees_with<xnn::QuantizeLinear>(nearest, {}, {x, scale, point}, {f32},
                                   {.bit_exact = true,
                                    .quantized = Quantized::never,
                                    .rows = {{{f32, f32, s8}, {s8}}},
                                    .computed = false});
}

TEST(XnnLinear, Values) {
  const Input scale = Input::values({}, {0.25}).constant(), x = Input{3, 100}.between(-50, 50);
  for (DType stored : {s8, u8}) {
    const double zero = stored == s8 ? -7 : 130;
    const Input point = Input::values({}, {zero}).constant();
    const auto quantize = [&](const std::vector<ReferenceTensor>& in) {
      ReferenceTensor out = in[0];
      for (double& v : out.values)
        v = std::clamp(std::nearbyint(v / 0.25) + zero, lowest(stored), highest(stored));
      return out;
    };
    const auto dequantize = [&](const std::vector<ReferenceTensor>& in) {
      ReferenceTensor out = in[0];
      for (double& v : out.values) v = (v - zero) * 0.25;
      return out;
    };
    for (DType real : native({f32, f16})) {
      if (real == f16 && stored == u8) continue;
      agrees_with<xnn::QuantizeLinear>(
          quantize, {}, {x, scale, point}, {real},
          {.quantized = Quantized::never, .rows = {{{real, real, stored}, {stored}}}});
      agrees_with<xnn::DequantizeLinear>(
          dequantize, {}, {{3, 100}, scale, point}, {stored},
          {.quantized = Quantized::never, .rows = {{{stored, real, stored}, {real}}}});
    }
  }
}

TEST(XnnLinear, Refusals) {
  const float scales[] = {0.5f, 0}, *constant = scales;
  const auto takes = [](const ValueInfo& scale, DType stored) {
    return supports<xnn::QuantizeLinear>({}, {{f32, {4}}, scale}, {stored, {4}});
  };
  EXPECT_TRUE(takes({f32, {}, constant}, s8));
  EXPECT_FALSE(takes({f32, {}}, s8)) << "a scale that is not constant";
  EXPECT_FALSE(takes({f32, {2}, constant}, s8)) << "two scales";
  EXPECT_FALSE(takes({f32, {}, constant + 1}, s8)) << "a scale of 0";
  EXPECT_FALSE(takes({f32, {}, constant}, s16));
}

TEST(XnnCast, Values) {
  agrees<xnn::Cast>({}, {{3, 100}}, {f32}, {.rows = {{{f32}, {f16}}}});
  agrees<xnn::Cast>({}, {{3, 100}}, {f16}, {.rows = {{{f16}, {f32}}}});
  EXPECT_FALSE(supports<xnn::Cast>({}, {{f32, {4}}}, {s8, {4}}));
}

}  // namespace
}  // namespace lithe::test
