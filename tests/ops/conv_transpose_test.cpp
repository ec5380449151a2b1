// SPDX-License-Identifier: Apache-2.0
#include <gtest/gtest.h>

#include <array>
#include <cstdint>
#include <limits>
#include <vector>

#include "lithe/ops/conv_transpose2d.hpp"
#include "lithe/ops/conv_transpose3d.hpp"
#include "tests/support/op_test.hpp"

namespace lithe::test {
namespace {

using ops::ConvTranspose2D;
using ops::ConvTranspose3D;
using Attributes = ConvTranspose2D::Attributes;

/// Every input element is scattered through the filter, as ONNX defines it; a missing depth is 1.
template <class A>
ReferenceTensor reference(const A& a, const std::vector<ReferenceTensor>& in) {
  constexpr std::size_t axes = std::tuple_size_v<decltype(a.strides)>;
  const Shape &x = in[0].shape, &f = in[1].shape;
  Shape shape{x[0]};
  for (std::size_t i = 0; i < axes; ++i) {
    const int axis = static_cast<int>(i) + 1;
    shape.push_back((x[axis] - 1) * a.strides[i] + (f[axis] - 1) * a.dilations[i] + 1 + a.output_padding[i] -
                    a.pads[i] - a.pads[i + axes]);
  }
  shape.push_back(f[0]);
  ReferenceTensor out(shape);
  const bool biased = in.size() > 2 && !in[2].empty();
  for (index_t i = 0; i < shape.elements(); ++i) out[i] = biased ? in[2].at(i % f[0]) : 0;
  const index_t per_group = f[0] / a.group;
  for (index_t i = 0; i < x.elements(); ++i)
    for (index_t j = 0; j < f.elements(); ++j) {
      const auto from = in[0].index_of(i), tap = in[1].index_of(j);
      if (from[axes + 1] / f.back() != tap[0] / per_group || from[axes + 1] % f.back() != tap[axes + 1])
        continue;
      index_t to = from[0];
      bool inside = true;
      for (std::size_t k = 0; k < axes; ++k) {
        const index_t at = from[k + 1] * a.strides[k] + tap[k + 1] * a.dilations[k] - a.pads[k];
        inside = inside && at >= 0 && at < shape[static_cast<int>(k) + 1];
        to = to * shape[static_cast<int>(k) + 1] + at;
      }
      if (inside) out[to * f[0] + tap[0]] += in[0][i] * in[1][j];
    }
  for (double& v : out.values) v = std::clamp<double>(v, a.clamp.min, a.clamp.max);
  return out;
}

TEST(ConvTranspose2D, Shapes) {
  EXPECT_EQ(
      OpTest<ConvTranspose2D>({.strides = {2, 2}, .pads = {1, 1, 1, 1}}).infer({{1, 7, 9, 3}, {5, 4, 4, 3}}),
      (Shape{1, 14, 18, 5}));
  EXPECT_EQ(OpTest<ConvTranspose2D>({.strides = {3, 2}, .dilations = {2, 1}, .output_padding = {1, 0}})
                .infer({{2, 3, 3, 4}, {6, 3, 3, 2}})
                .code(),
            Code::shape);
  EXPECT_EQ(
      OpTest<ConvTranspose2D>({.strides = {3, 2}, .dilations = {2, 1}, .output_padding = {1, 0}, .group = 2})
          .infer({{2, 3, 3, 4}, {6, 3, 3, 2}, {6}}),
      (Shape{2, 12, 7, 6}));
  EXPECT_EQ(OpTest<ConvTranspose2D>().infer({{0, 3, 3, 4}, {6, 3, 3, 4}}), (Shape{0, 5, 5, 6}));
  EXPECT_EQ(OpTest<ConvTranspose3D>({.strides = {1, 2, 3}}).infer({{1, 2, 3, 4, 5}, {6, 2, 2, 2, 5}}),
            (Shape{1, 3, 6, 11, 6}));
}

TEST(ConvTranspose2D, Refusals) {
  OpTest<ConvTranspose2D>().refuses({{{{1, 8, 8, 4}, {32, 3, 3, 3}}, Code::shape},
                                     {{{8, 8, 4}, {32, 3, 3, 4}}, Code::shape},
                                     {{{1, 8, 8, 4}, {32, 3, 4}}, Code::shape},
                                     {{{1, 8, 8, 4}, {32, 3, 3, 4}, {31}}, Code::shape},
                                     {{{1, 0, 8, 4}, {32, 3, 3, 4}}, Code::shape},
                                     {{{1, 8, 8, 4}, {32, 0, 3, 4}}, Code::invalid_model}});
  const std::int32_t huge = std::numeric_limits<std::int32_t>::max();
  const std::vector<Input> fitting{{1, 8, 8, 4}, {6, 3, 3, 4}};
  for (const Attributes& bad : {Attributes{.strides = {0, 1}},
                                {.strides = {1, huge}},
                                {.dilations = {1, 0}},
                                {.dilations = {huge, 1}},
                                {.output_padding = {-1, 0}},
                                {.output_padding = {0, huge}},
                                {.pads = {-1, 0, 0, 0}},
                                {.pads = {0, 0, 0, huge}},
                                {.group = 0},
                                {.clamp = {1, 0}}})
    EXPECT_EQ(OpTest<ConvTranspose2D>(bad).infer(fitting).code(), Code::invalid_model);
  EXPECT_EQ(OpTest<ConvTranspose2D>({.pads = {9, 0, 9, 0}}).infer(fitting).code(), Code::shape);
  EXPECT_EQ(
      OpTest<ConvTranspose2D>({.strides = {1 << 20, 1}}).infer({{1, 1 << 20, 1, 1}, {1, 1, 1, 1}}).code(),
      Code::shape);
  EXPECT_EQ(OpTest<ConvTranspose3D>().infer({{1, 8, 8, 4}, {6, 3, 3, 4}}).code(), Code::shape);
}

TEST(ConvTranspose2D, Values) {
  const auto run = [](const Attributes& a, const std::vector<Input>& inputs) {
    OpTest<ConvTranspose2D>(a).matches(reference<Attributes>, inputs);
  };
  run({.strides = {2, 2}, .pads = {1, 1, 1, 1}}, {{1, 5, 4, 3}, {5, 4, 4, 3}, {5}});
  run({.strides = {2, 2}}, {{2, 3, 4, 6}, {4, 2, 2, 6}, {4}});
  run({}, {{1, 4, 5, 3}, {2, 3, 3, 3}});
  run({.strides = {3, 2}, .dilations = {2, 3}, .output_padding = {2, 1}, .pads = {1, 0, 3, 2}},
      {{1, 4, 5, 3}, {2, 3, 4, 3}, {2}});
  run({.strides = {4, 6}, .dilations = {6, 4}, .pads = {5, 7, 0, 1}}, {{1, 4, 5, 2}, {2, 3, 4, 2}, {2}});
  run({.strides = {2, 2}, .output_padding = {1, 1}, .pads = {1, 1, 1, 1}, .group = 3, .clamp = {-0.5f, 1}},
      {{1, 4, 4, 6}, {9, 3, 3, 2}, {9}});
  run({.strides = {5, 5}}, {{1, 2, 2, 2}, {3, 2, 2, 2}, {3}});  // outputs that nothing reaches
  run({.strides = {2, 2}}, {{1, 3, 4, 6}, Input{4, 2, 2, 6}.per_tensor(), {4}});
  run({}, {{0, 3, 3, 2}, {4, 2, 2, 2}});
}

TEST(ConvTranspose3D, Values) {
  using Attributes3 = ConvTranspose3D::Attributes;
  OpTest<ConvTranspose3D>(
      {.strides = {2, 1, 2}, .dilations = {1, 2, 1}, .output_padding = {1, 0, 0}, .pads = {1, 0, 1, 0, 1, 1}})
      .matches(reference<Attributes3>, {{1, 3, 4, 3, 4}, {3, 2, 3, 3, 4}, {3}});
  OpTest<ConvTranspose3D>({.strides = {2, 2, 3}, .group = 2})
      .matches(reference<Attributes3>, {{2, 2, 2, 3, 4}, {6, 3, 1, 2, 2}});
}

}  // namespace
}  // namespace lithe::test
