// SPDX-License-Identifier: Apache-2.0
#include "lithe/ops/conv3d.hpp"

#include <gtest/gtest.h>

#include <cstdint>
#include <limits>
#include <vector>

#include "tests/support/op_test.hpp"

namespace lithe::test {
namespace {

using ops::Conv3D;
using Attributes = Conv3D::Attributes;

ReferenceTensor reference_conv3d(const Attributes& a, const std::vector<ReferenceTensor>& in) {
  const Shape &x = in[0].shape, &f = in[1].shape;
  Shape shape{x[0]};
  for (std::size_t i = 0; i < 3; ++i) {
    const int axis = static_cast<int>(i) + 1;
    shape.push_back(
        (x[axis] + a.pads[i] + a.pads[i + 3] - (f[axis] - 1) * a.dilations[i] - 1) / a.strides[i] + 1);
  }
  shape.push_back(f[0]);
  ReferenceTensor out(shape);
  for (index_t i = 0; i < shape.elements(); ++i) {
    const auto to = out.index_of(i);
    double sum = in.size() > 2 && !in[2].empty() ? in[2].at(to[4]) : 0;
    for (index_t j = 0; j < f.product(1, 5); ++j) {
      const auto tap = in[1].index_of(to[4] * f.product(1, 5) + j);
      index_t from = to[0];
      bool inside = true;
      for (std::size_t k = 0; k < 3; ++k) {
        const index_t at = to[k + 1] * a.strides[k] + tap[k + 1] * a.dilations[k] - a.pads[k];
        inside = inside && at >= 0 && at < x[static_cast<int>(k) + 1];
        from = from * x[static_cast<int>(k) + 1] + at;
      }
      if (inside)
        sum += in[0][from * x[4] + to[4] / (f[0] / a.group) * f[4] + tap[4]] *
               in[1][to[4] * f.product(1, 5) + j];
    }
    out[i] = std::clamp<double>(sum, a.clamp.min, a.clamp.max);
  }
  return out;
}

TEST(Conv3D, Shapes) {
  EXPECT_EQ(OpTest<Conv3D>({.strides = {1, 2, 2}, .pads = {1, 1, 1, 1, 1, 1}})
                .infer({{1, 8, 112, 112, 3}, {32, 3, 3, 3, 3}}),
            (Shape{1, 8, 56, 56, 32}));
  EXPECT_EQ(OpTest<Conv3D>({.dilations = {3, 1, 2}}).infer({{2, 9, 9, 9, 4}, {6, 3, 2, 3, 4}, {6}}),
            (Shape{2, 3, 8, 5, 6}));
}

TEST(Conv3D, Refusals) {
  OpTest<Conv3D>().refuses({{{{1, 8, 8, 8, 4}, {32, 3, 3, 3, 3}}, Code::shape},
                            {{{8, 8, 8, 4}, {32, 3, 3, 3, 4}}, Code::shape},
                            {{{1, 8, 8, 8, 4}, {32, 3, 3, 4}}, Code::shape},
                            {{{1, 8, 8, 8, 4}, {32, 3, 3, 3, 4}, {31}}, Code::shape},
                            {{{1, 8, 8, 8, 4}, {32, 0, 3, 3, 4}}, Code::invalid_model},
                            {{{1, 1, 8, 8, 4}, {32, 3, 3, 3, 4}}, Code::shape}});
  const std::int32_t huge = std::numeric_limits<std::int32_t>::max();
  for (const Attributes& bad : {Attributes{.strides = {0, 1, 1}},
                                {.strides = {1, 1, huge}},
                                {.dilations = {1, 0, 1}},
                                {.pads = {0, 0, 0, -1, 0, 0}},
                                {.pads = {0, 0, huge, 0, 0, 0}},
                                {.group = 0},
                                {.clamp = {1, 0}}})
    EXPECT_EQ(OpTest<Conv3D>(bad).infer({{1, 8, 8, 8, 4}, {6, 3, 3, 3, 4}}).code(), Code::invalid_model);
  OpTest<Conv3D>{{.strides = {1 << 20, 1, 1}, .pads = {1 << 20, 0, 0, 0, 0, 0}}}.refuses(
      {{{{1, 1, 4096, 1, 1}, {1, 1, 1, 1, 1}}, Code::shape}});
}

TEST(Conv3D, Values) {
  OpTest<Conv3D>({.strides = {2, 1, 2}, .pads = {1, 0, 1, 1, 1, 2}})
      .matches(reference_conv3d, {{1, 5, 6, 4, 3}, {5, 3, 3, 3, 3}, {5}});
  OpTest<Conv3D>({.dilations = {2, 3, 1}, .pads = {2, 0, 0, 0, 3, 1}, .group = 2, .clamp = {-1, 1.5f}})
      .matches(reference_conv3d, {{2, 4, 6, 3, 4}, {6, 2, 2, 3, 2}, {6}});
  OpTest<Conv3D>({.pads = {4, 4, 4, 4, 4, 4}}).matches(reference_conv3d, {{1, 2, 1, 2, 2}, {3, 2, 2, 3, 2}});
  OpTest<Conv3D>().matches(reference_conv3d, {{0, 2, 2, 2, 2}, {3, 2, 2, 2, 2}});
}

}  // namespace
}  // namespace lithe::test
