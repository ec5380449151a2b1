// SPDX-License-Identifier: Apache-2.0
#include "lithe/ops/unary.hpp"

#include <cmath>
#include <limits>
#include <numbers>
#include <string>

#include "tests/support/op_test.hpp"

namespace lithe::test {
namespace {

constexpr double nan = std::numeric_limits<double>::quiet_NaN(),
                 inf = std::numeric_limits<double>::infinity();

/// A reference that applies `f` to every element.
template <class F>
auto each(F f) {
  return [f](const std::vector<ReferenceTensor>& in) {
    ReferenceTensor out(in[0].shape);
    for (index_t i = 0; i < in[0].shape.elements(); ++i) out[i] = f(in[0][i]);
    return out;
  };
}

/// Every type row of an operator (8-bit: quantized), on a few chunks, nothing and a scalar.
template <class Op, class F>
void check(F f, double low = -4, double high = 4, const typename Op::Attributes& attributes = {}) {
  SCOPED_TRACE(Op::spec.name);
  OpTest<Op> op{attributes};
  const double least = std::min(low, 0.0),
               scale = (std::max(high, 0.0) - least) / 255;  // zero must be a stored value
  const auto zero = static_cast<std::int32_t>(std::nearbyint(-least / scale));
  for (const Shape& shape : {Shape{2, 5, 3, 7}, Shape{0, 4}, Shape{}, Shape{64}, Shape{300}}) {
    for (DType d : {DType::s8, DType::u8})
      op.matches(each(f),
                 {Input(shape).between(low, high).quantized(static_cast<float>(scale),
                                                            d == DType::s8 ? zero - 128 : zero)},
                 {.rows = {{{d}, {d}}}});
    std::vector<Types> rows;
    for (DType d : {DType::f32, DType::f16, DType::f64, DType::bf16}) rows.push_back({{d}, {d}});
    op.matches(each(f), {Input(shape).between(low, high)}, {.rows = rows});
  }
}

/// Plain integers of these dtypes.
template <class Op, class F>
void check_integers(F f, const std::vector<DType>& dtypes) {
  for (DType d : dtypes)
    OpTest<Op>().matches(each(f), {Input{2, 7, 13}}, {.quantized = Quantized::never, .rows = {{{d}, {d}}}});
}
const std::vector<DType> signed_integers{DType::s8, DType::s16, DType::s32, DType::s64};
const std::vector<DType> unsigned_integers{DType::u8, DType::u16, DType::u32, DType::u64};

/// f32 values of one input.
template <class Op>
std::vector<float> values(const std::vector<float>& in, const typename Op::Attributes& attributes = {}) {
  std::vector<float> out(in.size());
  const TensorView inputs[] = {{in.data(), DType::f32, {static_cast<index_t>(in.size())}}};
  Tensor outputs[] = {{out.data(), DType::f32, {static_cast<index_t>(in.size())}}};
  RunContext context(inputs, outputs, {}, nullptr);
  EXPECT_TRUE(portable::Kernel<Op>::run(attributes, context).ok());
  return out;
}

TEST(Unary, Rounding) {
  check<ops::Floor>([](double x) { return std::floor(x); });
  check<ops::Ceil>([](double x) { return std::ceil(x); });
  check<ops::Round>([](double x) { return std::nearbyint(x); });
  EXPECT_EQ(values<ops::Round>({0.5f, 1.5f, 2.5f, -0.5f, -1.5f, 2.6f}),
            (std::vector<float>{0, 2, 2, -0.0f, -2, 3}));
}

TEST(Unary, Signs) {
  check<ops::Relu>([](double x) { return std::max(x, 0.0); });
  check<ops::Neg>([](double x) { return -x; });
  check<ops::Abs>([](double x) { return std::abs(x); });
  check<ops::Sign>([](double x) { return x > 0 ? 1.0 : x < 0 ? -1.0 : x; });
  check<ops::Reciprocal>([](double x) { return 1 / x; }, 0.5, 4);
}

TEST(Unary, Integers) {
  check_integers<ops::Relu>([](double x) { return std::max(x, 0.0); }, signed_integers);
  check_integers<ops::Abs>([](double x) { return x == -128 ? -128 : std::abs(x); }, signed_integers);
  check_integers<ops::Abs>([](double x) { return x; }, unsigned_integers);
  check_integers<ops::Sign>([](double x) { return static_cast<double>((x > 0) - (x < 0)); }, signed_integers);
  check_integers<ops::Sign>([](double x) { return static_cast<double>(x > 0); }, unsigned_integers);
  check_integers<ops::Neg>([](double x) { return x == -128 ? -128 : -x; }, signed_integers);
  check_integers<ops::BitwiseNot>([](double x) { return -1 - x; }, signed_integers);
  check_integers<ops::BitwiseNot>([](double x) { return 255 - x; }, {DType::u8});
  OpTest<ops::Not>().matches(each([](double x) { return 1 - x; }), {{5, 40}});
}

TEST(Unary, ExtremeIntegers) {
  const std::int64_t in[] = {std::numeric_limits<std::int64_t>::min(), -1, 0,
                             std::numeric_limits<std::int64_t>::max()};
  std::int64_t out[4];
  const TensorView inputs[] = {{in, DType::s64, {4}}}, unsigned_inputs[] = {{in, DType::u64, {4}}};
  Tensor outputs[] = {{out, DType::s64, {4}}}, unsigned_outputs[] = {{out, DType::u64, {4}}};
  RunContext context(inputs, outputs, {}, nullptr),
      unsigned_context(unsigned_inputs, unsigned_outputs, {}, nullptr);
  EXPECT_TRUE(portable::Kernel<ops::Neg>::run({}, context).ok());
  EXPECT_EQ(std::vector(out, out + 4), (std::vector<std::int64_t>{in[0], 1, 0, -in[3]}));
  EXPECT_TRUE(
      portable::Kernel<ops::Sign>::run({}, unsigned_context).ok());  // as u64 the first two are large numbers
  EXPECT_EQ(std::vector(out, out + 4), (std::vector<std::int64_t>{1, 1, 0, 1}));
}

TEST(Unary, Elementary) {
  check<ops::Exp>([](double x) { return std::exp(x); }, -3, 2);
  check<ops::Log>([](double x) { return std::log(x); }, 0.1, 9);
  check<ops::Sqrt>([](double x) { return std::sqrt(x); }, 0.1, 9);
  check<ops::Erf>([](double x) { return std::erf(x); });
  check<ops::Sin>([](double x) { return std::sin(x); });
  check<ops::Cos>([](double x) { return std::cos(x); });
  check<ops::Tan>([](double x) { return std::tan(x); }, -1, 1);
  check<ops::Asin>([](double x) { return std::asin(x); }, -0.9, 0.9);
  check<ops::Acos>([](double x) { return std::acos(x); }, -0.9, 0.9);
  check<ops::Atan>([](double x) { return std::atan(x); });
  check<ops::Sinh>([](double x) { return std::sinh(x); }, -2, 2);
  check<ops::Cosh>([](double x) { return std::cosh(x); }, -2, 2);
  check<ops::Tanh>([](double x) { return std::tanh(x); });
  check<ops::Asinh>([](double x) { return std::asinh(x); });
  check<ops::Acosh>([](double x) { return std::acosh(x); }, 1.1, 5);
  check<ops::Atanh>([](double x) { return std::atanh(x); }, -0.9, 0.9);
}

TEST(Unary, Activations) {
  const auto softplus = [](double x) { return std::log(1 + std::exp(x)); };
  check<ops::Sigmoid>([](double x) { return 1 / (1 + std::exp(-x)); }, -8, 8);
  check<ops::Softplus>(softplus);
  check<ops::Softsign>([](double x) { return x / (1 + std::abs(x)); });
  check<ops::Mish>([&](double x) { return x * std::tanh(softplus(x)); });
  check<ops::HardSwish>([](double x) { return x * std::clamp(x / 6 + 0.5, 0.0, 1.0); });
  EXPECT_EQ(values<ops::Softplus>({1000, -1000}), (std::vector<float>{1000, 0}));
  EXPECT_EQ(values<ops::Sigmoid>({1000, -1000}), (std::vector<float>{1, 0}));
}

TEST(Unary, ActivationsWithAttributes) {
  for (float a : {0.01f, 0.3f, 1.5f}) {
    const double alpha = a;
    check<ops::LeakyRelu>([=](double x) { return x < 0 ? alpha * x : x; }, -4, 4, {.alpha = a});
    check<ops::Elu>([=](double x) { return x < 0 ? alpha * (std::exp(x) - 1) : x; }, -4, 4, {.alpha = a});
    check<ops::ThresholdedRelu>([=](double x) { return x > alpha ? x : 0; }, -4, 4.1, {.alpha = a});
    check<ops::Celu>(
        [=](double x) { return std::max(0.0, x) + std::min(0.0, alpha * (std::exp(x / alpha) - 1)); }, -4, 4,
        {.alpha = a});
    check<ops::HardSigmoid>([=](double x) { return std::clamp(alpha * x + 0.25, 0.0, 1.0); }, -4, 4,
                            {.alpha = a, .beta = 0.25f});
    check<ops::Selu>([=](double x) { return 2 * (x > 0 ? x : alpha * (std::exp(x) - 1)); }, -4, 4,
                     {.alpha = a, .gamma = 2});
  }
  check<ops::Gelu>([](double x) { return 0.5 * x * (1 + std::erf(x / std::numbers::sqrt2)); });
  check<ops::Gelu>(
      [](double x) {
        return 0.5 * x * (1 + std::tanh(std::sqrt(2 / std::numbers::pi) * (x + 0.044715 * x * x * x)));
      },
      -4, 4, {.approximate = ops::GeluApproximation::tanh});
}

TEST(Unary, NaNStays) {
  const float n = std::numeric_limits<float>::quiet_NaN();
  for (float v :
       {values<ops::Relu>({n})[0], values<ops::Abs>({n})[0], values<ops::Sign>({n})[0],
        values<ops::LeakyRelu>({n})[0], values<ops::HardSwish>({n})[0], values<ops::HardSigmoid>({n})[0],
        values<ops::Celu>({n})[0], values<ops::Selu>({n})[0], values<ops::ThresholdedRelu>({n})[0],
        values<ops::Softplus>({n})[0], values<ops::Sigmoid>({n})[0]})
    EXPECT_TRUE(std::isnan(v));
}

TEST(Unary, Predicates) {
  const Input numbers = Input::values({6}, {nan, inf, -inf, 0, 1, -2});
  const auto is = [](std::vector<double> wanted) {
    return [=](const std::vector<ReferenceTensor>& in) { return ReferenceTensor(in[0].shape, wanted); };
  };
  OpTest<ops::IsNaN>().matches(is({1, 0, 0, 0, 0, 0}), {numbers});
  OpTest<ops::IsInf>().matches(is({0, 1, 1, 0, 0, 0}), {numbers});
  OpTest<ops::IsInf>{{.detect_negative = false}}.matches(is({0, 1, 0, 0, 0, 0}), {numbers});
  OpTest<ops::IsInf>{{.detect_positive = false}}.matches(is({0, 0, 1, 0, 0, 0}), {numbers});
}

TEST(Unary, PlainBytesWithoutMeaningAreRefused) {
  for (DType d : {DType::s8, DType::u8})
    EXPECT_EQ(OpTest<ops::Exp>().infer({Input{4}.as(d)}).code(), Code::dtype);
  EXPECT_EQ(OpTest<ops::Relu>().infer({Input{4}.as(DType::u8)}).code(), Code::dtype);
  EXPECT_EQ(OpTest<ops::Relu>().infer({Input{4}.as(DType::s8)}), Shape{4});
  EXPECT_EQ(OpTest<ops::Relu>().infer({Input{4}.as(DType::s8).quantized(1, 0)}).code(),
            Code::invalid_model);  // the output is not
}

TEST(Unary, BadQuantizationIsRefused) {
  const std::vector<std::pair<TestQuantization, Code>> table{
      {{{0.0f}, {0}, -1}, Code::invalid_model},
      {{{static_cast<float>(nan)}, {0}, -1}, Code::invalid_model},
      {{{0.1f}, {128}, -1}, Code::invalid_model},
      {{{0.1f}, {std::numeric_limits<std::int32_t>::min()}, -1}, Code::invalid_model},
      {{{0.1f, 0.2f}, {0, 0}, 0}, Code::unsupported}};
  for (const auto& [bad, code] : table) {
    Case c;
    const ops::Tanh::Attributes attributes;
    c.op = &operator_entry<ops::Tanh>;
    c.attributes = &attributes;
    c.inputs = {StoredTensor(DType::s8, {2}, bad)};
    c.known = c.constant = {false};
    c.output_dtypes = {DType::s8};
    c.output_quantization = {{{0.1f}, {0}, -1}};
    EXPECT_EQ(infer_case(c).code(), code);
    std::swap(c.inputs[0].quantization, c.output_quantization[0]);
    EXPECT_EQ(infer_case(c).code(), code);
  }
}

TEST(Unary, NamesAreUniqueAndListed) {
  std::vector<std::string> names;
  for (const KernelEntry& entry : portable::UnaryKernels::entries) names.push_back(entry.op->spec->name);
  EXPECT_TRUE(std::ranges::is_sorted(names));
  EXPECT_EQ(std::ranges::adjacent_find(names), names.end());
}

}  // namespace
}  // namespace lithe::test
