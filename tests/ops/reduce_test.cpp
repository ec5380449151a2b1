// SPDX-License-Identifier: Apache-2.0
#include "lithe/ops/reduce.hpp"

#include <gtest/gtest.h>

#include <cmath>
#include <cstdint>
#include <functional>
#include <vector>

#include "tests/support/op_test.hpp"

namespace lithe::test {
namespace {

using Attributes = ops::ReduceAttributes;
using Numbers = std::vector<double>;

/// A reduction whose lines, given as all their elements, become what `of_line` says.
auto reference(std::function<double(const Numbers&)> of_line) {
  return [of_line](const Attributes& a, const std::vector<ReferenceTensor>& in) {
    const Shape& x = in[0].shape;
    const bool given = in.size() > 1 && !in[1].values.empty();
    std::vector<bool> reduced(static_cast<std::size_t>(x.rank()), !given && !a.noop_with_empty_axes);
    if (given)
      for (double axis : in[1].values) {
        const auto number = static_cast<int>(axis);
        reduced.at(static_cast<std::size_t>(number < 0 ? number + x.rank() : number)) = true;
      }
    Shape kept, shape;
    for (int i = 0; i < x.rank(); ++i) {
      const bool gone = reduced[static_cast<std::size_t>(i)];
      kept.push_back(gone ? 1 : x[i]);
      if (!gone || a.keepdims) shape.push_back(gone ? 1 : x[i]);
    }
    ReferenceTensor out(kept);
    std::vector<Numbers> lines(out.values.size());
    for (index_t i = 0; i < x.elements(); ++i) {
      auto at = in[0].index_of(i);
      for (std::size_t k = 0; k < at.size(); ++k)
        if (reduced[k]) at[k] = 0;
      lines[static_cast<std::size_t>(out.offset(at))].push_back(in[0][i]);
    }
    for (std::size_t i = 0; i < lines.size(); ++i) out.values[i] = of_line(lines[i]);
    return ReferenceTensor(shape, out.values);
  };
}

double folded(const Numbers& line, double start, double (*f)(double, double)) {
  for (double x : line) start = f(start, x);
  return start;
}
double sum(const Numbers& line) {
  return folded(line, 0, [](double a, double b) { return a + b; });
}
double square_sum(const Numbers& line) {
  return folded(line, 0, [](double a, double b) { return a + b * b; });
}
double log_sum_exp(const Numbers& line) {
  const double max = folded(line, -INFINITY, [](double a, double b) { return b > a ? b : a; });
  const double shift = std::isfinite(max) ? max : 0;
  double total = 0;
  for (double x : line) total += std::exp(x - shift);
  return std::log(total) + shift;
}

Input axes(const std::vector<std::int64_t>& of) { return Input::ints(of); }

const MatchOptions floats{
    .rows = {{{DType::f32, DType::s64}, {DType::f32}}, {{DType::f64, DType::s64}, {DType::f64}}}};

template <class Op>
class ReduceShapes : public ::testing::Test {};
using Rows =
    ::testing::Types<ops::ReduceL1, ops::ReduceL2, ops::ReduceLogSumExp, ops::ReduceMax, ops::ReduceMean,
                     ops::ReduceMin, ops::ReduceProd, ops::ReduceSum, ops::ReduceSumSquare>;
TYPED_TEST_SUITE(ReduceShapes, Rows);

TYPED_TEST(ReduceShapes, AreInferred) {
  using Op = TypeParam;
  EXPECT_EQ(OpTest<Op>().infer({{2, 7, 5, 3}, axes({1, 2})}), (Shape{2, 1, 1, 3}));
  EXPECT_EQ(OpTest<Op>({.keepdims = false}).infer({{2, 7, 5, 3}, axes({-1, 0})}), (Shape{7, 5}));
  EXPECT_EQ(OpTest<Op>().infer({{2, 7}}), (Shape{1, 1}));
  EXPECT_EQ(OpTest<Op>().infer({{2, 7}, axes({})}), (Shape{1, 1}));
  EXPECT_EQ(OpTest<Op>({.keepdims = false}).infer({{2, 7}}), (Shape{}));
  EXPECT_EQ(OpTest<Op>({.keepdims = false, .noop_with_empty_axes = true}).infer({{2, 7}}), (Shape{2, 7}));
  EXPECT_EQ(OpTest<Op>({.noop_with_empty_axes = true}).infer({{2, 7}, axes({0})}), (Shape{1, 7}));
  EXPECT_EQ(OpTest<Op>().infer({{}}), (Shape{}));
  EXPECT_EQ(OpTest<Op>().infer({{0, 4}, axes({0})}), (Shape{1, 4}));
}

TYPED_TEST(ReduceShapes, AreRefused) {
  OpTest<TypeParam>().refuses({{{{2, 7}, axes({2})}, Code::invalid_model},
                               {{{2, 7}, axes({-3})}, Code::invalid_model},
                               {{{2, 7}, axes({1, -1})}, Code::invalid_model},
                               {{{2, 7}, axes({INT64_MIN})}, Code::invalid_model},
                               {{{}, axes({0})}, Code::invalid_model},
                               {{{2, 7}, Input::ints({0}).known(false)}, Code::needs_value}});
}

/// Every way that axes can lie, for every type row; numbers from [low, high], or any.
template <class Op, class Reference>
void matches_everywhere(Reference reference, double low = 0, double high = 0, MatchOptions options = {}) {
  const auto x = [&](const Shape& shape) {
    return low < high ? Input(shape).between(low, high) : Input(shape);
  };
  OpTest<Op>().matches(reference, {x({2, 7, 5, 37}), axes({1, 2})}, options);
  OpTest<Op>({.keepdims = false}).matches(reference, {x({1, 19, 20, 3}), axes({1, 2})}, options);
  OpTest<Op>().matches(reference, {x({3, 4, 70}), axes({-1})}, options);
  OpTest<Op>().matches(reference, {x({3, 4, 5, 6}), axes({0, 2})}, options);
  OpTest<Op>({.keepdims = false}).matches(reference, {x({3, 4, 5, 6}), axes({1, 3})}, options);
  OpTest<Op>().matches(reference, {x({2, 3, 4, 3, 2, 2}), axes({0, 2, 4})}, options);
  OpTest<Op>().matches(reference, {x({5, 3}), axes({0})}, options);
  OpTest<Op>().matches(reference, {x({2, 3, 4})}, options);
  OpTest<Op>({.noop_with_empty_axes = true}).matches(reference, {x({2, 33})}, options);
  OpTest<Op>().matches(reference, {x({4, 1, 3}), axes({1})}, options);
  OpTest<Op>().matches(reference, {x({0, 4, 3}), axes({1})}, options);
  OpTest<Op>().matches(reference, {x({})}, options);
}

/// A long line, where floats that are summed one by one lose digits.
template <class Op, class Reference>
void matches_long_lines(Reference reference, const MatchOptions& options = floats) {
  OpTest<Op>().matches(reference, {Input{2, 9000}.between(0, 2), axes({1})}, options);
  OpTest<Op>().matches(reference, {Input{9000, 2}.between(0, 2), axes({0})}, options);
}

TEST(ReduceSum, Values) {
  matches_everywhere<ops::ReduceSum>(reference(sum));
  matches_long_lines<ops::ReduceSum>(reference(sum));
  OpTest<ops::ReduceSum>().matches(reference(sum), {{2, 0, 3}, axes({1})});
}

TEST(ReduceSum, IntegersWrap) {
  OpTest<ops::ReduceSum>().matches(
      [](const std::vector<ReferenceTensor>&) { return ReferenceTensor({1}, {-2147483648.0}); },
      {Input::values({2}, {2147483647, 1}).as(DType::s32)});
}

TEST(ReduceMean, Values) {
  const auto mean = [](const Numbers& line) { return sum(line) / static_cast<double>(line.size()); };
  matches_everywhere<ops::ReduceMean>(reference(mean), 0, 0,
                                      {.rows = {{{DType::f32, DType::s64}, {DType::f32}},
                                                {{DType::f16, DType::s64}, {DType::f16}},
                                                {{DType::f64, DType::s64}, {DType::f64}},
                                                {{DType::bf16, DType::s64}, {DType::bf16}},
                                                {{DType::s8, DType::s64}, {DType::s8}},
                                                {{DType::u8, DType::s64}, {DType::u8}}}});
  matches_everywhere<ops::ReduceMean>(reference([&](const Numbers& line) { return std::trunc(mean(line)); }),
                                      0, 2000,
                                      {.rows = {{{DType::s32, DType::s64}, {DType::s32}},
                                                {{DType::s64, DType::s64}, {DType::s64}},
                                                {{DType::u32, DType::s64}, {DType::u32}},
                                                {{DType::u64, DType::s64}, {DType::u64}}}});
  matches_long_lines<ops::ReduceMean>(reference(mean));
  OpTest<ops::ReduceMean>().matches(reference(mean), {{2, 0, 3}, axes({1})}, floats);  // NaN
}

TEST(ReduceMean, IntegersRoundTowardsZero) {
  OpTest<ops::ReduceMean>().matches(
      [](const std::vector<ReferenceTensor>&) { return ReferenceTensor({2, 1}, {-2, 2}); },
      {Input::values({2, 2}, {-2, -3, 2, 3}).as(DType::s64), axes({1})});
}

TEST(ReduceMean, Refusals) {
  OpTest<ops::ReduceMean>().refuses({{{Input{2, 7}.as(DType::s8)}, Code::dtype},
                                     {{Input{0, 7}.as(DType::s8).quantized(1, 0)}, Code::shape},
                                     {{Input{0, 7}.as(DType::s32)}, Code::shape},
                                     {{Input{2, 7}.as(DType::u8).quantized(1, 300)}, Code::invalid_model}});
}

TEST(ReduceMax, Values) {
  const auto max = [](const Numbers& line) {
    return folded(line, -INFINITY, [](double a, double b) { return b > a ? b : a; });
  };
  matches_everywhere<ops::ReduceMax>(reference(max));
  OpTest<ops::ReduceMax>().matches(
      reference(max), {{3, 4, 70}, axes({-1})},
      {.quantized = Quantized::always,
       .rows = {{{DType::s8, DType::s64}, {DType::s8}}, {{DType::u8, DType::s64}, {DType::u8}}}});
  OpTest<ops::ReduceMax>().matches(reference(max), {{2, 0, 3}, axes({1})}, floats);
}

TEST(ReduceMin, Values) {
  const auto min = [](const Numbers& line) {
    return folded(line, INFINITY, [](double a, double b) { return b < a ? b : a; });
  };
  matches_everywhere<ops::ReduceMin>(reference(min));
  OpTest<ops::ReduceMin>().matches(reference(min), {{2, 0, 3}, axes({1})}, floats);
}

TEST(ReduceMax, OfNothingIsTheLowest) {
  const auto gives = [](auto op, DType dtype, double wanted) {
    OpTest<decltype(op)>().matches(
        [&](const std::vector<ReferenceTensor>&) { return ReferenceTensor({1, 2}, {wanted, wanted}); },
        {Input{0, 2}.as(dtype), axes({0})});
  };
  gives(ops::ReduceMax{}, DType::s8, -128);
  gives(ops::ReduceMax{}, DType::u8, 0);
  gives(ops::ReduceMax{}, DType::s32, -2147483648.0);
  gives(ops::ReduceMax{}, DType::boolean, 0);
  gives(ops::ReduceMax{}, DType::s64, -0x1p63);
  gives(ops::ReduceMin{}, DType::s8, 127);
  gives(ops::ReduceMin{}, DType::u8, 255);
  gives(ops::ReduceMin{}, DType::s16, 32767);
  gives(ops::ReduceMin{}, DType::u32, 4294967295.0);
  gives(ops::ReduceMin{}, DType::boolean, 1);
}

TEST(ReduceMax, NaNWins) {
  const auto nan = [](const std::vector<ReferenceTensor>&) { return ReferenceTensor({3, 1}, {NAN, NAN, 3}); };
  const Input x = Input::values({3, 3}, {1, NAN, 2, NAN, 1, 2, 3, 3, 3});
  OpTest<ops::ReduceMax>().matches(nan, {x, axes({1})}, floats);
  OpTest<ops::ReduceMin>().matches(nan, {x, axes({1})}, floats);
}

TEST(ReduceProd, Values) {
  const auto product = reference(
      [](const Numbers& line) { return folded(line, 1, [](double a, double b) { return a * b; }); });
  matches_everywhere<ops::ReduceProd>(product, 0.9, 1.1);
  const auto small = [](const Shape& shape) { return Input(shape).between(1, 3); };
  OpTest<ops::ReduceProd>().matches(product, {small({4, 7, 3}), axes({1})});
  OpTest<ops::ReduceProd>().matches(product, {{2, 0, 3}, axes({1})});
}

TEST(ReduceSumSquare, Values) {
  matches_everywhere<ops::ReduceSumSquare>(reference(square_sum));
  matches_long_lines<ops::ReduceSumSquare>(reference(square_sum));
}

TEST(ReduceL1, Values) {
  const auto l1 = reference([](const Numbers& line) {
    return folded(line, 0, [](double a, double b) { return a + std::abs(b); });
  });
  matches_everywhere<ops::ReduceL1>(l1);
  matches_long_lines<ops::ReduceL1>(l1);
}

TEST(ReduceL2, Values) {
  const auto l2 = [](const Numbers& line) { return std::sqrt(square_sum(line)); };
  matches_everywhere<ops::ReduceL2>(reference(l2), 0, 0,
                                    {.rows = {{{DType::f32, DType::s64}, {DType::f32}},
                                              {{DType::f16, DType::s64}, {DType::f16}},
                                              {{DType::f64, DType::s64}, {DType::f64}},
                                              {{DType::bf16, DType::s64}, {DType::bf16}}}});
  matches_everywhere<ops::ReduceL2>(reference([&](const Numbers& line) { return std::trunc(l2(line)); }), 0,
                                    90,
                                    {.rows = {{{DType::s32, DType::s64}, {DType::s32}},
                                              {{DType::s64, DType::s64}, {DType::s64}},
                                              {{DType::u32, DType::s64}, {DType::u32}},
                                              {{DType::u64, DType::s64}, {DType::u64}}}});
}

TEST(ReduceLogSumExp, Values) {
  matches_everywhere<ops::ReduceLogSumExp>(reference(log_sum_exp));
  matches_long_lines<ops::ReduceLogSumExp>(reference(log_sum_exp));
  OpTest<ops::ReduceLogSumExp>().matches(reference(log_sum_exp), {{2, 0, 3}, axes({1})});
}

TEST(ReduceLogSumExp, DoesNotOverflow) {
  OpTest<ops::ReduceLogSumExp>().matches(reference(log_sum_exp),
                                         {Input{3, 9}.between(-5000, 5000), axes({1})});
  OpTest<ops::ReduceLogSumExp>().matches(
      reference(log_sum_exp),
      {Input::values({4, 2}, {-INFINITY, -INFINITY, INFINITY, 1, -INFINITY, 1, NAN, 1}), axes({1})}, floats);
}

}  // namespace
}  // namespace lithe::test
