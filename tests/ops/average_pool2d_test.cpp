// SPDX-License-Identifier: Apache-2.0
#include "lithe/ops/average_pool2d.hpp"

#include <gtest/gtest.h>

#include <cmath>
#include <limits>
#include <vector>

#include "tests/ops/pool_reference.hpp"
#include "tests/support/op_test.hpp"

namespace lithe::test {
namespace {

using ops::AveragePool2D;
using Attributes = AveragePool2D::Attributes;

ReferenceTensor reference_average_pool(const Attributes& a, const std::vector<ReferenceTensor>& in) {
  const Shape& x = in[0].shape;
  ReferenceTensor out(Shape{x[0], pooled(a, x[1], 0), pooled(a, x[2], 1), x[3]});
  for (index_t i = 0; i < out.shape.elements(); ++i) {
    const auto at = out.index_of(i);
    double sum = 0, count = 0;
    for (index_t h = 0; h < a.kernel[0]; ++h)
      for (index_t w = 0; w < a.kernel[1]; ++w) {
        const index_t y = at[1] * a.strides[0] - a.pads[0] + h * a.dilations[0];
        const index_t z = at[2] * a.strides[1] - a.pads[1] + w * a.dilations[1];
        const bool inside = y >= 0 && y < x[1] && z >= 0 && z < x[2];
        const bool padded = y < x[1] + a.pads[2] && z < x[2] + a.pads[3];
        if (inside) sum += in[0].at(at[0], y, z, at[3]);
        if (inside || (a.count_include_pad && padded)) ++count;
      }
    out[i] = std::clamp<double>(count == 0 ? 0 : sum / count, a.clamp.min, a.clamp.max);
  }
  return out;
}

TEST(AveragePool2D, Shapes) {
  EXPECT_EQ(OpTest<AveragePool2D>({.kernel = {7, 7}}).infer({{1, 7, 7, 64}}), (Shape{1, 1, 1, 64}));
  EXPECT_EQ(
      OpTest<AveragePool2D>({.kernel = {3, 2}, .strides = {2, 2}, .ceil_mode = true}).infer({{2, 6, 7, 3}}),
      (Shape{2, 3, 4, 3}));
}

TEST(AveragePool2D, Refusals) {
  OpTest<AveragePool2D>({.kernel = {3, 3}})
      .refuses({{{{8, 8, 4}}, Code::shape},
                {{{1, 1, 8, 4}}, Code::shape},
                {{Input{1, 8, 8, 4}.as(DType::s8)}, Code::invalid_model},
                {{Input{1, 8, 8, 4}.as(DType::u8).quantized(NAN, 0)}, Code::invalid_model}});
  const std::int32_t huge = std::numeric_limits<std::int32_t>::max();
  for (const Attributes& bad : {Attributes{.kernel = {0, 1}},
                                {.kernel = {1, huge}},
                                {.strides = {-1, 1}},
                                {.dilations = {0, 1}},
                                {.pads = {-1, 0, 0, 0}},
                                {.pads = {0, huge, huge, 0}},
                                {.clamp = {1, 0}}})
    EXPECT_EQ(OpTest<AveragePool2D>(bad).infer({{1, 8, 8, 4}}).code(), Code::invalid_model);
  EXPECT_EQ(OpTest<AveragePool2D>({.kernel = {4096, 4096}, .pads = {4096, 4096, 0, 0}})
                .infer({Input{1, 1, 1, 1}.as(DType::s8)})
                .code(),
            Code::unsupported);
}

TEST(AveragePool2D, Values) {
  OpTest<AveragePool2D>({.kernel = {3, 3}, .strides = {2, 2}})
      .matches(reference_average_pool, {{2, 9, 7, 37}});
  OpTest<AveragePool2D>({.kernel = {5, 4}, .clamp = {-0.25f, 0.25f}})
      .matches(reference_average_pool, {{1, 8, 9, 3}});
  OpTest<AveragePool2D>({.kernel = {20, 20}}).matches(reference_average_pool, {{1, 21, 20, 2}});
}

/// Every way to count, whole and in strips.
TEST(AveragePool2D, Padding) {
  for (const bool ceil : {false, true})
    for (const bool include : {false, true}) {
      OpTest<AveragePool2D>({.kernel = {3, 2},
                             .strides = {2, 3},
                             .pads = {1, 1, 2, 0},
                             .ceil_mode = ceil,
                             .count_include_pad = include})
          .matches(reference_average_pool, {{1, 8, 9, 3}});
      OpTest<AveragePool2D>({.kernel = {3, 3},
                             .dilations = {2, 2},
                             .pads = {2, 1, 3, 2},
                             .ceil_mode = ceil,
                             .count_include_pad = include})
          .matches(reference_average_pool, {{1, 7, 6, 2}});
      OpTest<AveragePool2D>({.kernel = {4, 4},
                             .strides = {3, 3},
                             .pads = {0, 0, 1, 1},
                             .ceil_mode = ceil,
                             .count_include_pad = include})
          .matches(reference_average_pool, {{1, 11, 11, 2}});
    }
}

TEST(AveragePool2D, Edges) {
  OpTest<AveragePool2D>({.kernel = {2, 2}, .pads = {3, 3, 3, 3}})
      .matches(reference_average_pool, {{1, 2, 3, 2}});
  OpTest<AveragePool2D>({.kernel = {2, 2}}).matches(reference_average_pool, {{0, 4, 4, 2}});
  OpTest<AveragePool2D>({.kernel = {2, 2}}).matches(reference_average_pool, {{1, 4, 4, 0}});
}

}  // namespace
}  // namespace lithe::test
