// SPDX-License-Identifier: Apache-2.0
#include "lithe/ops/softmax.hpp"

#include <gtest/gtest.h>

#include <cmath>
#include <vector>

#include "tests/ops/softmax_reference.hpp"
#include "tests/support/op_test.hpp"

namespace lithe::test {
namespace {

using ops::Hardmax;
using ops::LogSoftmax;
using ops::Softmax;
using Attributes = ops::SoftmaxAttributes;

TEST(Softmax, Shapes) {
  EXPECT_EQ(OpTest<Softmax>().infer({{2, 7}}), (Shape{2, 7}));
  EXPECT_EQ(OpTest<Softmax>({.axis = 0}).infer({{0, 7, 3}}), (Shape{0, 7, 3}));
}

TEST(Softmax, Refusals) {
  OpTest<Softmax>().refuses(
      {{{{}}, Code::invalid_model}, {{Input{2, 3}.as(DType::s8)}, Code::invalid_model}});
  OpTest<Softmax>({.axis = 2}).refuses({{{{2, 3}}, Code::invalid_model}});
  OpTest<Softmax>({.axis = -3}).refuses({{{{2, 3}}, Code::invalid_model}});
}

TEST(Softmax, Values) {
  OpTest<Softmax>().matches(reference_softmax, {{3, 10}});
  OpTest<Softmax>().matches(reference_softmax, {{1000}});
  OpTest<Softmax>({.axis = 1}).matches(reference_softmax, {{2, 5, 3, 4}});
  OpTest<Softmax>({.axis = 0}).matches(reference_softmax, {{6, 4}});
  const Input wide = Input{2, 9}.between(-80, 90);
  OpTest<Softmax>().matches(reference_softmax, {wide});
}

/// What s8 and u8 compute with: no math library, so that all machines give the same bits.
TEST(Softmax, ExpOfSteps) {
  for (const float scale : {1e-30f, 0.003f, 0.1f, 0.37f, 1.0f, 21.5f, 44.0f, 1e30f}) {
    const ops::detail::ExpOfSteps exp(scale);
    for (std::uint32_t steps = 0; steps < 256; ++steps)
      EXPECT_NEAR(exp(steps) * 0x1p-31, std::exp(-static_cast<double>(steps) * scale), 1e-5)
          << scale << ", " << steps;
  }
}

TEST(Softmax, Edges) {
  OpTest<Softmax>().matches(reference_softmax, {{0, 4}});
  OpTest<Softmax>().matches(reference_softmax, {{2, 0}});
  OpTest<Softmax>().matches(reference_softmax, {{5, 1}});
  const MatchOptions f32{.rows = {{{DType::f32}, {DType::f32}}}};
  OpTest<Softmax>().matches(
      reference_softmax,
      {Input::values({4, 2}, {-INFINITY, -INFINITY, INFINITY, 1, -INFINITY, 1, 3e38, -3e38})}, f32);
  const auto all_nan = [](const std::vector<ReferenceTensor>& in) {
    return ReferenceTensor(in[0].shape, std::vector<double>(in[0].values.size(), NAN));
  };
  OpTest<Softmax>().matches(all_nan, {Input::values({2, 2}, {NAN, 1, 1, NAN})}, f32);
}

ReferenceTensor reference_log_softmax(const Attributes& a, const std::vector<ReferenceTensor>& in) {
  const Shape& x = in[0].shape;
  const int axis = a.axis < 0 ? a.axis + x.rank() : a.axis;
  ReferenceTensor out(x);
  for (index_t i = 0; i < x.elements(); ++i) {
    double sum = 0;  // the sum of exp(x[k] - x[i])
    auto at = in[0].index_of(i);
    for (index_t k = 0; k < x[axis]; ++k) {
      at[static_cast<std::size_t>(axis)] = k;
      sum += std::exp(in[0][in[0].offset(at)] - in[0][i]);
    }
    out[i] = -std::log(sum);
  }
  return out;
}

TEST(LogSoftmax, Values) {
  OpTest<LogSoftmax>().matches(reference_log_softmax, {{3, 10}});
  OpTest<LogSoftmax>().matches(reference_log_softmax, {{1000}});
  OpTest<LogSoftmax>({.axis = 1}).matches(reference_log_softmax, {{2, 5, 3, 4}});
  OpTest<LogSoftmax>({.axis = 0}).matches(reference_log_softmax, {{6, 4}});
  OpTest<LogSoftmax>().matches(reference_log_softmax, {{0, 4}});
  OpTest<LogSoftmax>().matches(reference_log_softmax, {{2, 0}});
  OpTest<LogSoftmax>().matches(reference_log_softmax, {{5, 1}});
}

TEST(LogSoftmax, KeepsItsDigitsFarFromZero) {
  const MatchOptions wide{.rows = {{{DType::f32}, {DType::f32}}, {{DType::f64}, {DType::f64}}}};
  OpTest<LogSoftmax>().matches(reference_log_softmax, {Input::values({1, 4}, {10000, 10001, 10002, 10003})},
                               wide);
  OpTest<LogSoftmax>().matches(reference_log_softmax, {Input::values({1, 3}, {-300, 0, 300})}, wide);
}

ReferenceTensor reference_hardmax(const Attributes& a, const std::vector<ReferenceTensor>& in) {
  const Shape& x = in[0].shape;
  const int axis = a.axis < 0 ? a.axis + x.rank() : a.axis;
  ReferenceTensor out(x);
  for (index_t i = 0; i < x.elements(); ++i) {
    auto at = in[0].index_of(i);
    const index_t self = at[static_cast<std::size_t>(axis)];
    out[i] = 1;
    for (index_t k = 0; k < x[axis]; ++k) {
      at[static_cast<std::size_t>(axis)] = k;
      const double other = in[0][in[0].offset(at)];
      if (other > in[0][i] || (other == in[0][i] && k < self)) out[i] = 0;
    }
  }
  return out;
}

TEST(Hardmax, Values) {
  OpTest<Hardmax>().matches(reference_hardmax, {{3, 10}});
  OpTest<Hardmax>({.axis = 1}).matches(reference_hardmax, {{2, 5, 3, 4}});
  OpTest<Hardmax>({.axis = 0}).matches(reference_hardmax, {Input::values({3, 2}, {1, 0, 2, 0, 2, 0})});
  OpTest<Hardmax>().matches(reference_hardmax, {{2, 0}});
  OpTest<Hardmax>().matches(reference_hardmax, {Input::values({2, 2}, {-INFINITY, -INFINITY, 0, INFINITY})});
  OpTest<Hardmax>().matches(
      [](const std::vector<ReferenceTensor>&) { return ReferenceTensor({2, 3}, {0, 1, 0, 1, 0, 0}); },
      {Input::values({2, 3}, {5, NAN, NAN, NAN, 7, 8})});
}

TEST(Hardmax, Refusals) {
  OpTest<Hardmax>().refuses({{{{}}, Code::invalid_model}});
  OpTest<LogSoftmax>({.axis = 2}).refuses({{{{2, 3}}, Code::invalid_model}});
}

}  // namespace
}  // namespace lithe::test
