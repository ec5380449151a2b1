// SPDX-License-Identifier: Apache-2.0
#include "lithe/ops/grid_sample.hpp"

#include <cmath>
#include <functional>
#include <limits>

#include "tests/support/op_test.hpp"
#include "tests/support/reversed_threads.hpp"

namespace lithe::test {
namespace {

using ops::GridSample;
using ops::SampleMode;
using ops::SamplePadding;
using Attributes = GridSample::Attributes;

/// A place on an axis folded back at its ends, step by step.
double mirrored(double at, double low, double high) {
  if (high <= low) return low < 0 ? 0 : low;
  while (at < low || at > high) at = at < low ? 2 * low - at : 2 * high - at;
  return at;
}

double cubic(double x) {
  x = std::abs(x);
  const double a = -0.75;
  if (x <= 1) return ((a + 2) * x - (a + 3)) * x * x + 1;
  return x < 2 ? ((a * x - 5 * a) * x + 8 * a) * x - 4 * a : 0;
}
double weight(SampleMode mode, double distance) {
  if (mode == SampleMode::nearest) return distance == 0 ? 1 : 0;
  return mode == SampleMode::linear ? std::max(0.0, 1 - std::abs(distance)) : cubic(distance);
}

/// Every place around the point, weighted by its distance.
ReferenceTensor reference(const Attributes& a, const std::vector<ReferenceTensor>& in) {
  const Shape &shape = in[0].shape, &grid = in[1].shape;
  const int axes = shape.rank() - 2;
  Shape out = grid;
  out[out.rank() - 1] = shape.back();
  ReferenceTensor y(out);
  const index_t channels = shape.back(), points = grid.elements() / std::max<index_t>(axes, 1);
  for (index_t point = 0; point < points; ++point) {
    std::vector<double> at;
    for (int d = 0; d < axes; ++d) {
      const auto n = static_cast<double>(shape[d + 1]), low = a.align_corners ? 0 : -0.5, high = n - 1 - low;
      const double g = in[1][point * axes + axes - 1 - d];
      double x = a.align_corners ? (g + 1) / 2 * (n - 1) : ((g + 1) * n - 1) / 2;
      if (a.mode == SampleMode::nearest) x = std::nearbyint(x);
      if (x < low || x > high) {
        if (a.padding_mode == SamplePadding::border && a.mode != SampleMode::cubic)
          x = std::clamp(x, 0.0, n - 1);
        if (a.padding_mode == SamplePadding::reflection) x = mirrored(x, low, high);
      }
      at.push_back(x);
    }
    const std::function<void(int, index_t, double)> visit = [&](int d, index_t base, double w) {
      if (d == axes) {
        for (index_t c = 0; c < channels; ++c) y[point * channels + c] += w * in[0][base * channels + c];
        return;
      }
      const double x = at[static_cast<std::size_t>(d)], low = a.align_corners ? 0 : -0.5;
      const auto n = shape[d + 1], first = static_cast<index_t>(std::floor(x));
      for (index_t i = first - 1; i <= first + 2; ++i) {
        const double share = weight(a.mode, x - static_cast<double>(i));
        if (share == 0) continue;
        index_t k = i;
        if (k < 0 || k >= n) {
          if (a.padding_mode == SamplePadding::zeros) continue;
          if (a.padding_mode == SamplePadding::border) k = std::clamp<index_t>(k, 0, n - 1);
          if (a.padding_mode == SamplePadding::reflection)
            k = std::clamp<index_t>(
                static_cast<index_t>(mirrored(static_cast<double>(k), low, static_cast<double>(n) - 1 - low)),
                0, n - 1);
        }
        visit(d + 1, base * n + k, w * share);
      }
    };
    visit(0, point / std::max<index_t>(points / std::max<index_t>(grid[0], 1), 1), 1);
  }
  return y;
}

TEST(GridSample, AllModesAndPaddings) {
  for (const auto mode : {SampleMode::linear, SampleMode::nearest, SampleMode::cubic})
    for (const auto padding : {SamplePadding::zeros, SamplePadding::border, SamplePadding::reflection})
      for (const bool corners : {false, true}) {
        OpTest<GridSample> op{{.mode = mode, .padding_mode = padding, .align_corners = corners}};
        // Beyond the ends; away from places half-way between elements, where nearest depends on the last bit.
        op.matches(reference, {{2, 4, 5, 3}, Input{2, 3, 4, 2}.between(-1.7, 1.7)}, {.tolerance = 2e-2});
        op.matches(reference, {{1, 3, 4, 5, 2}, Input{1, 2, 2, 3, 3}.between(-1.2, 1.2)},
                   {.tolerance = 2e-2});
        op.matches(reference, {{2, 6, 2}, Input{2, 9, 1}.between(-3, 3)}, {.tolerance = 2e-2});
        op.matches(reference, {{1, 1, 1, 2}, Input{1, 2, 2, 2}.between(-0.9, 0.9)}, {.tolerance = 2e-2});
      }
}

TEST(GridSample, ManyChannelsAndThreads) {
  OpTest<GridSample>{}
      .on(reversed_threads)
      .matches(reference, {{3, 7, 9, 70}, Input{3, 20, 20, 2}.between(-1.1, 1.1)}, {.tolerance = 2e-2});
}

TEST(GridSample, CornersAreElements) {
  const auto corners = [] { return Input::values({1, 1, 4, 2}, {-1, -1, 1, -1, -1, 1, 1, 1}); };
  const ReferenceTensor wanted({1, 1, 4, 1}, {1, 3, 4, 6});
  for (const auto mode : {SampleMode::linear, SampleMode::nearest, SampleMode::cubic})
    OpTest<GridSample>{{.mode = mode, .align_corners = true}}.matches(
        [&](const std::vector<ReferenceTensor>&) { return wanted; },
        {Input::values({1, 2, 3, 1}, {1, 2, 3, 4, 5, 6}), corners()});
}

/// As torch.nn.functional.grid_sample computes it: the elements beyond the end are the last one, the point stays where it is.
TEST(GridSample, CubicHoldsElementsInsideNotThePoint) {
  OpTest<GridSample> op{
      {.mode = SampleMode::cubic, .padding_mode = SamplePadding::border, .align_corners = true}};
  const auto torch = [](const std::vector<ReferenceTensor>&) {
    return ReferenceTensor({1, 3, 1}, {0.90625, 4.2109375, 4});
  };
  op.matches(torch, {Input::values({1, 3, 1}, {1, 2, 4}), Input::values({1, 3, 1}, {-1.5, 1.25, 9})});
}

TEST(GridSample, WhatIsNoPlaceReadsNothingOutside) {
  const double inf = std::numeric_limits<double>::infinity(), nan = std::nan("");
  for (const auto mode : {SampleMode::linear, SampleMode::nearest, SampleMode::cubic})
    for (const auto padding : {SamplePadding::zeros, SamplePadding::border, SamplePadding::reflection})
      EXPECT_EQ(OpTest<GridSample>({.mode = mode, .padding_mode = padding})
                    .run_code({{1, 3, 3, 2},
                               Input::values({1, 1, 4, 2}, {inf, -inf, nan, nan, 1e30, -1e30, nan, 0})}),
                Code::ok);
}

TEST(GridSample, Refuses) {
  OpTest<GridSample> op;
  EXPECT_EQ(op.infer({{2, 4, 5, 3}, {2, 7, 8, 2}}), (Shape{2, 7, 8, 3}));
  op.refuses({{{{2, 4, 5, 3}, {2, 7, 8, 3}}, Code::shape},
              {{{2, 4, 5, 3}, {1, 7, 8, 2}}, Code::shape},
              {{{2, 4, 5, 3}, {2, 7, 2}}, Code::shape},
              {{{2, 4}, {2, 0}}, Code::shape},
              {{{2, 0, 5, 3}, {2, 7, 8, 2}}, Code::shape}});
  EXPECT_EQ(op.infer({{2, 0, 5, 3}, {2, 0, 8, 2}}), (Shape{2, 0, 8, 3}));
}

}  // namespace
}  // namespace lithe::test
