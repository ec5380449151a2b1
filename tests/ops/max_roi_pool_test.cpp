// SPDX-License-Identifier: Apache-2.0
#include "lithe/ops/max_roi_pool.hpp"

#include <cmath>

#include "tests/support/op_test.hpp"
#include "tests/support/reversed_threads.hpp"

namespace lithe::test {
namespace {

using ops::MaxRoiPool;
using Attributes = MaxRoiPool::Attributes;

ReferenceTensor reference(const Attributes& a, const std::vector<ReferenceTensor>& in) {
  const Shape& shape = in[0].shape;
  ReferenceTensor y({in[1].shape[0], a.output_height, a.output_width, shape[3]});
  for (index_t r = 0; r < in[1].shape[0]; ++r) {
    const auto edge = [&](index_t i) { return std::round(in[1].at(r, i) * double{a.spatial_scale}); };
    const double width = std::max(edge(3) - edge(1) + 1, 1.0), height = std::max(edge(4) - edge(2) + 1, 1.0);
    for (index_t h = 0; h < a.output_height; ++h)
      for (index_t w = 0; w < a.output_width; ++w)
        for (index_t c = 0; c < shape[3]; ++c) {
          double largest = -INFINITY;
          for (index_t i = 0; i < shape[1]; ++i)
            for (index_t j = 0; j < shape[2]; ++j) {
              const double y0 = edge(2) + std::floor(static_cast<double>(h) * height / a.output_height),
                           y1 = edge(2) + std::ceil(static_cast<double>(h + 1) * height / a.output_height),
                           x0 = edge(1) + std::floor(static_cast<double>(w) * width / a.output_width),
                           x1 = edge(1) + std::ceil(static_cast<double>(w + 1) * width / a.output_width);
              const auto row = static_cast<double>(i), column = static_cast<double>(j);
              if (row >= y0 && row < y1 && column >= x0 && column < x1)
                largest = std::max(largest, in[0].at(static_cast<index_t>(in[1].at(r, 0)), i, j, c));
            }
          y.at(r, h, w, c) = std::isfinite(largest) ? largest : 0;
        }
  }
  return y;
}

TEST(MaxRoiPool, Values) {
  const auto regions = [] {
    return Input::values({4, 5}, {1, 0, 1, 6, 5, 0, -3, -2, 3, 3, 1, 2, 2, 12, 9, 0, 20, 20, 30, 30});
  };
  for (const float scale : {1.0f, 0.5f})
    OpTest<MaxRoiPool>({.output_height = 3, .output_width = 2, .spatial_scale = scale})
        .matches(reference, {{2, 7, 9, 3}, regions()});
  OpTest<MaxRoiPool>({.output_height = 2, .output_width = 2})
      .on(reversed_threads)
      .matches(reference, {{2, 7, 9, 40}, regions()});
}

TEST(MaxRoiPool, Refuses) {
  OpTest<MaxRoiPool> op;
  op.refuses({{{{2, 7, 9}, {1, 5}}, Code::shape}, {{{2, 7, 9, 3}, {1, 4}}, Code::shape}});
  for (const Attributes& bad : {Attributes{.output_height = 0}, {.output_width = -1}, {.spatial_scale = NAN}})
    EXPECT_EQ(OpTest<MaxRoiPool>(bad).infer({{2, 7, 9, 3}, {1, 5}}).code(), Code::invalid_model);
  EXPECT_EQ(op.run_code({{2, 7, 9, 3}, Input::values({1, 5}, {1, 0, 0, 1e30, 3})}), Code::ok);
  EXPECT_EQ(op.run_code({{2, 7, 9, 3}, Input::values({1, 5}, {2, 0, 0, 3, 3})}), Code::out_of_range);
  EXPECT_EQ(op.run_code({{2, 7, 9, 3}, Input::values({1, 5}, {0, 0, std::nan(""), 3, 3})}),
            Code::out_of_range);
}

}  // namespace
}  // namespace lithe::test
