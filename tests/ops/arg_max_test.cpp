// SPDX-License-Identifier: Apache-2.0
#include "lithe/ops/arg_max.hpp"

#include <gtest/gtest.h>

#include <cmath>
#include <vector>

#include "tests/support/op_test.hpp"

namespace lithe::test {
namespace {

using Attributes = ops::ArgAttributes;

template <bool largest>
ReferenceTensor reference(const Attributes& a, const std::vector<ReferenceTensor>& in) {
  const Shape& x = in[0].shape;
  const int axis = static_cast<int>(a.axis < 0 ? a.axis + x.rank() : a.axis);
  Shape kept = x, shape;
  kept[axis] = 1;
  for (int i = 0; i < x.rank(); ++i)
    if (i != axis || a.keepdims) shape.push_back(kept[i]);
  ReferenceTensor out(kept);
  for (index_t i = 0; i < kept.elements(); ++i) {
    auto at = out.index_of(i);
    double best = 0;
    for (index_t k = 0; k < x[axis]; ++k) {
      at[static_cast<std::size_t>(axis)] = k;
      const double v = largest ? in[0][in[0].offset(at)] : -in[0][in[0].offset(at)];
      if (k == 0 || v > best || (a.select_last_index && v == best)) {
        best = v;
        out[i] = static_cast<double>(k);
      }
    }
  }
  return ReferenceTensor(shape, out.values);
}

template <class Op>
void matches_everywhere(ReferenceTensor (*reference)(const Attributes&,
                                                     const std::vector<ReferenceTensor>&)) {
  for (bool last : {false, true}) {
    OpTest<Op>({.select_last_index = last}).matches(reference, {{5, 3}});
    OpTest<Op>({.axis = 1, .select_last_index = last}).matches(reference, {{2, 5, 3, 40}});
    OpTest<Op>({.axis = -1, .keepdims = false, .select_last_index = last}).matches(reference, {{3, 200}});
    const Input equal = Input::values({2, 6}, {1, 3, 0, 3, 0, 2, 1, 1, 1, 1, 1, 1});
    OpTest<Op>({.axis = 1, .select_last_index = last}).matches(reference, {equal});
    OpTest<Op>({.axis = 0, .select_last_index = last}).matches(reference, {equal});
  }
  OpTest<Op>({.axis = 0, .keepdims = false}).matches(reference, {{7}});
  OpTest<Op>({.axis = 1}).matches(reference, {{0, 4}});
}

TEST(ArgMax, Values) { matches_everywhere<ops::ArgMax>(reference<true>); }
TEST(ArgMin, Values) { matches_everywhere<ops::ArgMin>(reference<false>); }

TEST(ArgMax, QuantizedNumbersAreComparedAsStored) {
  OpTest<ops::ArgMax>({.axis = 1})
      .matches(reference<true>, {{4, 50}},
               {.quantized = Quantized::always,
                .rows = {{{DType::s8}, {DType::s64}}, {{DType::u8}, {DType::s64}}}});
}

TEST(ArgMax, LargeIntegersKeepTheirDigits) {
  const std::vector<std::int64_t> numbers{INT64_MAX - 1, INT64_MAX, INT64_MIN};
  OpTest<ops::ArgMax>().matches([](const std::vector<ReferenceTensor>&) { return ReferenceTensor({1}, {1}); },
                                {Input::ints(numbers).as(DType::s64)});
}

TEST(ArgMax, NaNCountsAsBoth) {
  const MatchOptions f32{.rows = {{{DType::f32}, {DType::s64}}}};
  const auto gives = [](std::vector<double> wanted) {
    return [wanted](const std::vector<ReferenceTensor>&) { return ReferenceTensor({2, 1}, wanted); };
  };
  const Input x = Input::values({2, 4}, {1, NAN, 5, NAN, NAN, 1, -1, 2});
  OpTest<ops::ArgMax>({.axis = 1}).matches(gives({1, 0}), {x}, f32);
  OpTest<ops::ArgMin>({.axis = 1}).matches(gives({1, 0}), {x}, f32);
  OpTest<ops::ArgMax>({.axis = 1, .select_last_index = true}).matches(gives({3, 0}), {x}, f32);
}

TEST(ArgMax, Refusals) {
  OpTest<ops::ArgMax>().refuses({{{{}}, Code::invalid_model}, {{{0, 3}}, Code::shape}});
  OpTest<ops::ArgMax>({.axis = 2}).refuses({{{{2, 3}}, Code::invalid_model}});
  OpTest<ops::ArgMin>({.axis = INT64_MIN}).refuses({{{{2, 3}}, Code::invalid_model}});
  EXPECT_EQ(OpTest<ops::ArgMax>({.axis = -2}).infer({{2, 3, 4}}), (Shape{2, 1, 4}));
  EXPECT_EQ(OpTest<ops::ArgMin>({.axis = 2, .keepdims = false}).infer({{2, 3, 4}}), (Shape{2, 3}));
}

}  // namespace
}  // namespace lithe::test
