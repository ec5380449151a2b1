// SPDX-License-Identifier: Apache-2.0
#include "lithe/ops/scatter_elements.hpp"

#include <cmath>

#include "lithe/ops/scatter_nd.hpp"
#include "tests/support/op_test.hpp"
#include "tests/support/rearranged.hpp"

namespace lithe::test {
namespace {

using ops::Reduction;
using ops::ScatterElements;
using ops::ScatterND;

double combined(Reduction reduction, double old, double update, DType dtype) {
  double result = reduction == Reduction::none  ? update
                  : reduction == Reduction::add ? old + update
                  : reduction == Reduction::mul ? old * update
                  : reduction == Reduction::max ? std::fmax(old, update)
                                                : std::fmin(old, update);
  if (dtype == DType::boolean) return result != 0 ? 1 : 0;
  if (!is_integer(dtype) || bits(dtype) > 32) return result;
  const double wheel = std::ldexp(1.0, bits(dtype));  // integers wrap
  result = std::fmod(result - lowest(dtype), wheel);
  return (result < 0 ? result + wheel : result) + lowest(dtype);
}

ReferenceTensor elements(const ScatterElements::Attributes& a, const std::vector<ReferenceTensor>& in) {
  ReferenceTensor out = in[0];
  const int rank = out.shape.rank();
  const auto axis = static_cast<std::size_t>(a.axis < 0 ? a.axis + rank : a.axis);
  for (index_t i = 0; i < in[1].shape.elements(); ++i) {
    Index at = in[1].index_of(i);
    at[axis] = static_cast<index_t>(in[1][i]);
    if (at[axis] < 0) at[axis] += out.shape[static_cast<int>(axis)];
    double& element = out[out.offset(at)];
    element = combined(a.reduction, element, in[2][i], in[0].dtype);
  }
  return out;
}

ReferenceTensor slices(const ScatterND::Attributes& a, const std::vector<ReferenceTensor>& in) {
  ReferenceTensor out = in[0];
  for (index_t i = 0; i < in[2].shape.elements(); ++i) {
    const Index update = in[2].index_of(i);
    const auto batch = static_cast<std::size_t>(in[1].shape.rank() - 1);
    Index at, tuple(update.begin(), update.begin() + static_cast<std::ptrdiff_t>(batch));
    tuple.push_back(0);
    for (; tuple.back() < in[1].shape.back(); ++tuple.back()) {
      const auto chosen = static_cast<index_t>(in[1][in[1].offset(tuple)]);
      at.push_back(chosen < 0 ? chosen + out.shape[static_cast<int>(at.size())] : chosen);
    }
    at.insert(at.end(), update.begin() + static_cast<std::ptrdiff_t>(batch), update.end());
    double& element = out[out.offset(at)];
    element = combined(a.reduction, element, in[2][i], in[0].dtype);
  }
  return out;
}

constexpr Reduction reductions[] = {Reduction::none, Reduction::add, Reduction::mul, Reduction::max,
                                    Reduction::min};
MatchOptions every_number() {
  MatchOptions options;
  for (DType d : {DType::f32, DType::f16, DType::bf16, DType::f64, DType::s8, DType::s16, DType::s32,
                  DType::s64, DType::u8, DType::u16, DType::u32, DType::u64, DType::boolean})
    options.rows.push_back({{d, DType::s64, d}, {d}});
  options.quantized = Quantized::never;
  return options;
}

/// Small whole numbers: exact in every type, whatever is done with them.
Input small(const Shape& shape, int seed) {
  std::vector<double> values;
  for (index_t i = 0; i < shape.elements(); ++i) values.push_back(static_cast<double>((i * 7 + seed) % 4));
  return Input::values(shape, values);
}

TEST(ScatterElements, Values) {
  for (Reduction reduction : reductions) {
    SCOPED_TRACE(enum_names(reduction)[static_cast<std::size_t>(reduction)]);
    const auto indices = [] { return Input::values({2, 3}, {0, 3, -1, -4, 1, 3}); };
    const MatchOptions options = every_number();
    OpTest<ScatterElements>{{.reduction = reduction}}.matches(
        elements, {small({4, 5}, 1), indices(), small({2, 3}, 2)}, options);
    OpTest<ScatterElements>{{.axis = -1, .reduction = reduction}}.matches(
        elements, {small({3, 4}, 1), indices(), small({2, 3}, 2)}, options);
    OpTest<ScatterElements>{{.axis = 1, .reduction = reduction}}.matches(
        elements, {small({3, 2, 4}, 1), Input{2, 5, 3}.between(-2, 1), small({2, 5, 3}, 2)}, options);
    OpTest<ScatterElements>{{.reduction = reduction}}.matches(
        elements, {small({4}, 0), Input::values({0}, {}), Input::values({0}, {})}, options);
  }
  OpTest<ScatterElements>{}.matches(elements, {{4, 5}, Input::values({2, 2}, {1, 0, 2, 3}), {2, 2}},
                                    {.quantized = Quantized::never});
}

TEST(ScatterElements, NaNStays) {
  for (Reduction reduction : {Reduction::max, Reduction::min})
    OpTest<ScatterElements>{{.reduction = reduction}}.matches(
        [](const std::vector<ReferenceTensor>& in) { return ReferenceTensor(in[0].shape, {NAN, NAN}); },
        {Input::values({2}, {NAN, 1}), Input::values({2}, {0, 1}), Input::values({2}, {1, NAN})},
        {.rows = {{{DType::f32, DType::s64, DType::f32}, {DType::f32}},
                  {{DType::f64, DType::s32, DType::f64}, {DType::f64}}}});
}

TEST(ScatterElements, IndicesOutsideAreRefusedAtRun) {
  OpTest<ScatterElements> op;
  EXPECT_EQ(op.run_code({{4}, Input::ints({0, 3, -4}), {3}}), Code::ok);
  EXPECT_EQ(op.run_code({{4}, Input::ints({4}), {1}}), Code::out_of_range);
  EXPECT_EQ(op.run_code({{4}, Input::ints({-5}), {1}}), Code::out_of_range);
  EXPECT_EQ(op.run_code({{4}, Input::ints({INT64_MAX}), {1}}), Code::out_of_range);
}

TEST(ScatterElements, Refuses) {
  OpTest<ScatterElements>{}.refuses({{{{4, 2}, {3}, {3}}, Code::shape},
                                     {{{4, 2}, {3, 3}, {3, 3}}, Code::shape},
                                     {{{4, 2}, {3, 2}, {3, 1}}, Code::shape},
                                     {{{}, {}, {}}, Code::shape},
                                     {{Input{4}.as(DType::s4), {3}, {3}}, Code::unsupported}});
  OpTest<ScatterElements>{{.axis = 2}}.refuses({{{{4, 2}, {3, 2}, {3, 2}}, Code::shape}});
  OpTest<ScatterElements>{{.reduction = Reduction::add}}.refuses(
      {{{Input{4}.as(DType::s8).quantized(0.5f, 0), {3}, Input{3}}, Code::unsupported}});
}

TEST(ScatterND, Values) {
  for (Reduction reduction : reductions) {
    SCOPED_TRACE(enum_names(reduction)[static_cast<std::size_t>(reduction)]);
    OpTest<ScatterND> op{{.reduction = reduction}};
    const MatchOptions options = every_number();
    op.matches(slices, {small({8}, 1), Input::values({4, 1}, {4, -5, 1, 4}), small({4}, 3)}, options);
    op.matches(slices, {small({4, 3, 2}, 1), Input::values({2, 1}, {0, -2}), small({2, 3, 2}, 3)}, options);
    op.matches(slices,
               {small({4, 3, 70}, 1), Input::values({1, 3, 2}, {0, 1, -1, -1, 0, 1}), small({1, 3, 70}, 3)},
               options);
    op.matches(slices, {small({2, 2}, 1), Input::values({1, 2}, {1, 0}), small({1}, 3)}, options);
    op.matches(slices, {small({2, 2}, 1), Input::values({0, 2}, {}), Input::values({0}, {})}, options);
    op.matches(slices, {small({2, 0}, 1), Input::values({1, 1}, {1}), Input::values({1, 0}, {})}, options);
    op.matches(slices, {small({2, 2}, 1), Input::values({1, 0}, {}), small({1, 2, 2}, 0)}, options);
  }
}

TEST(ScatterND, IndicesOutsideAreRefusedAtRun) {
  OpTest<ScatterND> op;
  EXPECT_EQ(op.run_code({{4, 2}, Input::values({1, 2}, {3, 1}), {1}}), Code::ok);
  EXPECT_EQ(op.run_code({{4, 2}, Input::values({1, 2}, {4, 1}), {1}}), Code::out_of_range);
  EXPECT_EQ(op.run_code({{4, 2}, Input::values({1, 2}, {0, -3}), {1}}), Code::out_of_range);
  EXPECT_EQ(op.run_code({{4, 0}, Input::values({1, 1}, {9}), {1, 0}}), Code::out_of_range);
}

TEST(ScatterND, Refuses) {
  OpTest<ScatterND>{}.refuses({{{{4, 2}, {}, {1}}, Code::shape},
                               {{{4, 2}, {1, 3}, {1}}, Code::shape},
                               {{{4, 2}, {1, 2}, {2}}, Code::shape},
                               {{{4, 2}, {1, 1}, {1}}, Code::shape},
                               {{Input{4}.as(DType::s4), {1, 1}, {1}}, Code::unsupported}});
}

}  // namespace
}  // namespace lithe::test
