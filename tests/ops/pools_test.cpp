// SPDX-License-Identifier: Apache-2.0
#include <gtest/gtest.h>

#include <cmath>
#include <cstdint>
#include <limits>
#include <vector>

#include "lithe/ops/argmax_pool2d.hpp"
#include "lithe/ops/lp_pool2d.hpp"
#include "lithe/ops/max_unpool.hpp"
#include "tests/support/op_test.hpp"

namespace lithe::test {
namespace {

using enum DType;
using ops::ArgmaxPool2D;
using ops::LpPool2D;
using ops::MaxUnpool;

/// Calls `visit(y, x)` for the elements under the window of output pixel `at`.
template <class A, class Visit>
void under(const A& a, const Shape& x, const std::vector<index_t>& at, Visit visit) {
  for (index_t h = 0; h < a.kernel[0]; ++h)
    for (index_t w = 0; w < a.kernel[1]; ++w) {
      const index_t y = at[1] * a.strides[0] - a.pads[0] + h * a.dilations[0];
      const index_t z = at[2] * a.strides[1] - a.pads[1] + w * a.dilations[1];
      if (y >= 0 && y < x[1] && z >= 0 && z < x[2]) visit(y, z);
    }
}

template <class A>
Shape pooled(const A& a, const Shape& x) {
  const auto size = [&](std::size_t i) {
    const auto room = static_cast<double>(x[static_cast<int>(i) + 1] + a.pads[i] + a.pads[i + 2] -
                                          (a.kernel[i] - 1) * a.dilations[i] - 1) /
                      a.strides[i];
    return static_cast<index_t>(a.ceil_mode ? std::ceil(room) : std::floor(room)) + 1;
  };
  return {x[0], size(0), size(1), x[3]};
}

std::vector<index_t> indices(const Shape& shape, index_t i) {
  std::vector<index_t> at(static_cast<std::size_t>(shape.rank()));
  for (int axis = shape.rank(); axis-- > 0; i /= shape[axis])
    at[static_cast<std::size_t>(axis)] = i % shape[axis];
  return at;
}

std::vector<ReferenceTensor> reference_argmax(const ArgmaxPool2D::Attributes& a,
                                              const std::vector<ReferenceTensor>& in) {
  const Shape& x = in[0].shape;
  ReferenceTensor best(pooled(a, x)), where(pooled(a, x));
  for (index_t i = 0; i < best.shape.elements(); ++i) {
    const auto at = indices(best.shape, i);
    best[i] = is_integer(in[0].dtype) ? lowest(in[0].dtype) : -INFINITY;
    where[i] = -1;
    under(a, x, at, [&](index_t y, index_t z) {
      const double v = in[0].at(at[0], y, z, at[3]);
      if (where[i] >= 0 && v <= best[i]) return;
      best[i] = std::max(best[i], v);
      where[i] = static_cast<double>((at[0] * x[3] + at[3]) * x[1] * x[2] +
                                     (a.column_major ? z * x[1] + y : y * x[2] + z));
    });
  }
  return {best, where};
}

TEST(ArgmaxPool2D, ShapesAndRefusals) {
  EXPECT_EQ(
      OpTest<ArgmaxPool2D>({.kernel = {2, 2}, .strides = {2, 2}, .ceil_mode = true}).infer({{2, 5, 6, 3}}),
      (Shape{2, 3, 3, 3}));
  OpTest<ArgmaxPool2D>().refuses({{{{8, 8, 4}}, Code::shape}, {{{1, 8, 8, 4, 1}}, Code::shape}});
  for (const ArgmaxPool2D::Attributes& bad : {ArgmaxPool2D::Attributes{.kernel = {0, 1}},
                                              {.strides = {0, 1}},
                                              {.dilations = {1, 0}},
                                              {.pads = {-1, 0, 0, 0}}})
    EXPECT_EQ(OpTest<ArgmaxPool2D>(bad).infer({{1, 8, 8, 4}}).code(), Code::invalid_model);
}

TEST(ArgmaxPool2D, Values) {
  for (const ArgmaxPool2D::Attributes& a :
       {ArgmaxPool2D::Attributes{.kernel = {2, 2}, .strides = {2, 2}},
        {.kernel = {3, 2}, .strides = {2, 1}, .dilations = {1, 2}, .pads = {1, 2, 1, 0}},
        {.kernel = {3, 2}, .strides = {2, 3}, .ceil_mode = true, .column_major = true},
        {.kernel = {1, 1}, .pads = {1, 0, 0, 0}}})
    OpTest<ArgmaxPool2D>(a).matches(reference_argmax, {{2, 7, 8, 3}});
  OpTest<ArgmaxPool2D>({.kernel = {2, 2}}).matches(reference_argmax, {{0, 4, 4, 2}});
}

ReferenceTensor reference_lp(const LpPool2D::Attributes& a, const std::vector<ReferenceTensor>& in) {
  ReferenceTensor out(pooled(a, in[0].shape));
  for (index_t i = 0; i < out.shape.elements(); ++i) {
    const auto at = indices(out.shape, i);
    double sum = 0;
    under(a, in[0].shape, at,
          [&](index_t y, index_t z) { sum += std::pow(std::abs(in[0].at(at[0], y, z, at[3])), a.p); });
    out[i] = std::pow(sum, 1.0 / a.p);
  }
  return out;
}

TEST(LpPool2D, ShapesAndRefusals) {
  EXPECT_EQ(
      OpTest<LpPool2D>({.kernel = {3, 3}, .strides = {2, 2}, .pads = {1, 1, 1, 1}}).infer({{1, 8, 9, 4}}),
      (Shape{1, 4, 5, 4}));
  OpTest<LpPool2D>().refuses({{{{8, 8, 4}}, Code::shape}});
  for (const LpPool2D::Attributes& bad : {LpPool2D::Attributes{.kernel = {0, 1}}, {.p = 0}, {.p = -2}})
    EXPECT_EQ(OpTest<LpPool2D>(bad).infer({{1, 8, 8, 4}}).code(), Code::invalid_model);
}

TEST(LpPool2D, Values) {
  for (const std::int32_t p : {1, 2, 3, 4}) {
    OpTest<LpPool2D>({.kernel = {3, 2}, .strides = {2, 1}, .dilations = {1, 2}, .pads = {1, 0, 1, 2}, .p = p})
        .matches(reference_lp, {{2, 7, 8, 37}});
    OpTest<LpPool2D>({.kernel = {2, 2}, .strides = {2, 3}, .ceil_mode = true, .p = p})
        .matches(reference_lp, {{1, 5, 8, 3}});
  }
  OpTest<LpPool2D>({.kernel = {1, 1}, .pads = {1, 0, 0, 0}}).matches(reference_lp, {{1, 2, 2, 3}});
}

Input places(const Shape& shape, std::vector<double> values) {
  return Input::values(shape, std::move(values)).as(s64);
}

TEST(MaxUnpool, ShapesAndRefusals) {
  const MaxUnpool::Attributes a{.kernel_shape = {2, 3}, .strides = {2, 3}};
  EXPECT_EQ(OpTest<MaxUnpool>(a).infer({{1, 2, 3, 4}, {1, 2, 3, 4}}), (Shape{1, 2, 6, 12}));
  OpTest<MaxUnpool>(a).refuses({{{{1, 2, 3, 4}, {1, 2, 4, 3}}, Code::shape},
                                {{{1, 2, 3}, {1, 2, 3}}, Code::invalid_model},
                                {{{1, 2}, {1, 2}}, Code::shape},
                                {{{1, 2, 0, 4}, {1, 2, 0, 4}}, Code::shape},
                                {{{1, 2, 3, 4}, {1, 2, 3, 4}, Input::ints({1, 2, 5, 12})}, Code::shape},
                                {{{1, 2, 3, 4}, {1, 2, 3, 4}, Input::ints({6, 12})}, Code::shape}});
  const std::int64_t huge = std::numeric_limits<std::int64_t>::max();
  for (const MaxUnpool::Attributes& bad : {MaxUnpool::Attributes{.kernel_shape = {2}},
                                           {.kernel_shape = {2, 0}},
                                           {.kernel_shape = {2, huge}},
                                           {.kernel_shape = {2, 2}, .strides = {1, -huge}},
                                           {.kernel_shape = {2, 2}, .pads = {0, 0, -1, 0}}})
    EXPECT_EQ(OpTest<MaxUnpool>(bad).infer({{1, 2, 3, 4}, {1, 2, 3, 4}}).code(), Code::invalid_model);
  EXPECT_EQ(OpTest<MaxUnpool>({.kernel_shape = {2, 2}, .pads = {9, 0, 0, 0}})
                .infer({{1, 2, 3, 4}, {1, 2, 3, 4}})
                .code(),
            Code::shape);
}

ReferenceTensor scattered(const Shape& shape, const std::vector<ReferenceTensor>& in,
                          const std::vector<index_t>& to) {
  ReferenceTensor out(shape);
  for (std::size_t i = 0; i < to.size(); ++i) out[to[i]] = in[0][static_cast<index_t>(i)];
  return out;
}

TEST(MaxUnpool, Values) {
  const MaxUnpool::Attributes a{.kernel_shape = {2, 2}, .strides = {2, 2}};
  OpTest<MaxUnpool>(a).matches(
      [](const auto&, const std::vector<ReferenceTensor>& in) {
        return scattered({1, 1, 4, 4}, in, {5, 7, 13, 15});
      },
      {{1, 1, 2, 2}, places({1, 1, 2, 2}, {5, 7, 13, 15})});
  OpTest<MaxUnpool>(a).matches(
      [](const auto&, const std::vector<ReferenceTensor>& in) {
        return scattered({1, 1, 5, 5}, in, {6, 8, 16, 18});
      },
      {{1, 1, 2, 2}, places({1, 1, 2, 2}, {5, 7, 13, 15}), Input::ints({1, 1, 5, 5})});
}

TEST(MaxUnpool, ChecksIndices) {
  OpTest<MaxUnpool> op{{.kernel_shape = {2}, .strides = {2}}};
  EXPECT_EQ(op.run_code({{1, 1, 2}, places({1, 1, 2}, {0, 3})}), Code::ok);
  EXPECT_EQ(op.run_code({{1, 1, 2}, places({1, 1, 2}, {0, 4})}), Code::out_of_range);
  EXPECT_EQ(op.run_code({{1, 1, 2}, places({1, 1, 2}, {-1, 3})}), Code::out_of_range);
}

}  // namespace
}  // namespace lithe::test
