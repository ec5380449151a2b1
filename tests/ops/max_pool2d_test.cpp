// SPDX-License-Identifier: Apache-2.0
#include "lithe/ops/max_pool2d.hpp"

#include <gtest/gtest.h>

#include <cmath>
#include <limits>
#include <vector>

#include "tests/ops/pool_reference.hpp"
#include "tests/support/op_test.hpp"

namespace lithe::test {
namespace {

using ops::MaxPool2D;
using Attributes = MaxPool2D::Attributes;

ReferenceTensor reference_max_pool(const Attributes& a, const std::vector<ReferenceTensor>& in) {
  const Shape& x = in[0].shape;
  ReferenceTensor out(Shape{x[0], pooled(a, x[1], 0), pooled(a, x[2], 1), x[3]});
  for (index_t i = 0; i < out.shape.elements(); ++i) {
    const auto at = out.index_of(i);
    double best = -INFINITY;
    for (index_t h = 0; h < a.kernel[0]; ++h)
      for (index_t w = 0; w < a.kernel[1]; ++w) {
        const index_t y = at[1] * a.strides[0] - a.pads[0] + h * a.dilations[0];
        const index_t z = at[2] * a.strides[1] - a.pads[1] + w * a.dilations[1];
        if (y >= 0 && y < x[1] && z >= 0 && z < x[2]) best = std::max(best, in[0].at(at[0], y, z, at[3]));
      }
    if (best == -INFINITY && is_integer(in[0].dtype)) best = lowest(in[0].dtype);
    out[i] = std::clamp<double>(best, a.clamp.min, a.clamp.max);
  }
  return out;
}

TEST(MaxPool2D, NotANumberStays) {
  constexpr float nan = std::numeric_limits<float>::quiet_NaN(), inf = std::numeric_limits<float>::infinity();
  const float input[] = {nan, 1, 2, nan, inf, nan, -inf, 3};
  float output[7];
  const TensorView inputs[] = {{input, DType::f32, {1, 1, 8, 1}}};
  Tensor outputs[] = {{output, DType::f32, {1, 1, 7, 1}}};
  RunContext context(inputs, outputs, {}, nullptr);
  ASSERT_TRUE(portable::Kernel<MaxPool2D>::run({.kernel = {1, 2}, .clamp = {0, 6}}, context).ok());
  for (const int i : {0, 2, 3, 4, 5}) EXPECT_TRUE(std::isnan(output[i])) << i;
  EXPECT_EQ(output[1], 2);
  EXPECT_EQ(output[6], 3);
}

TEST(MaxPool2D, Shapes) {
  EXPECT_EQ(OpTest<MaxPool2D>({.kernel = {3, 3}, .strides = {2, 2}, .pads = {1, 1, 1, 1}})
                .infer({{1, 112, 112, 64}}),
            (Shape{1, 56, 56, 64}));
  EXPECT_EQ(OpTest<MaxPool2D>({.kernel = {2, 2}, .strides = {2, 2}}).infer({{2, 5, 6, 3}}),
            (Shape{2, 2, 3, 3}));
  EXPECT_EQ(OpTest<MaxPool2D>({.kernel = {2, 2}, .strides = {2, 2}, .ceil_mode = true}).infer({{2, 5, 6, 3}}),
            (Shape{2, 3, 3, 3}));
  // The last window may not start in the padding after the input.
  EXPECT_EQ(OpTest<MaxPool2D>({.kernel = {1, 1}, .strides = {2, 2}, .ceil_mode = true}).infer({{1, 2, 3, 1}}),
            (Shape{1, 1, 2, 1}));
  EXPECT_EQ(OpTest<MaxPool2D>({.kernel = {2, 2}, .strides = {2, 2}, .pads = {0, 0, 1, 1}, .ceil_mode = true})
                .infer({{1, 2, 3, 1}}),
            (Shape{1, 1, 2, 1}));
  EXPECT_EQ(OpTest<MaxPool2D>({.kernel = {3, 1}, .strides = {2, 1}}).infer({{1, 1, 3, 1}}),
            (Shape{1, 0, 3, 1}));
}

/// Infers with an input of scale 0.5 and zero point 1, and this output.
Code infer_quantized(float scale, std::int8_t zero_point) {
  const float input_scale = 0.5f;
  const std::int8_t input_zero = 1;
  Quantization in, out;
  in.scale = &input_scale;
  in.zero_point = &input_zero;
  out.scale = &scale;
  out.zero_point = &zero_point;
  in.count = out.count = 1;
  in.zero_point_dtype = out.zero_point_dtype = DType::s8;
  const InferContext::Input input{TensorView(nullptr, DType::s8, {1, 2, 2, 1}, &in), false};
  InferContext::Output output;
  output.dtype = DType::s8;
  output.quantization = &out;
  InferContext context({&input, 1}, {&output, 1}, default_max_bytes);
  return MaxPool2D::infer({}, context).code();
}

TEST(MaxPool2D, Refusals) {
  OpTest<MaxPool2D>({.kernel = {3, 3}})
      .refuses({{{{8, 8, 4}}, Code::shape}, {{{1, 1, 8, 4}}, Code::shape}, {{{1, 8, 8, 4, 1}}, Code::shape}});
  const std::int32_t huge = std::numeric_limits<std::int32_t>::max();
  for (const Attributes& bad : {Attributes{.kernel = {0, 1}},
                                {.kernel = {1, -1}},
                                {.kernel = {huge, 1}},
                                {.strides = {0, 1}},
                                {.strides = {huge, 1}},
                                {.dilations = {1, 0}},
                                {.dilations = {huge, huge}},
                                {.pads = {-1, 0, 0, 0}},
                                {.pads = {0, 0, huge, 0}},
                                {.clamp = {1, 0}}})
    EXPECT_EQ(OpTest<MaxPool2D>(bad).infer({{1, 8, 8, 4}}).code(), Code::invalid_model);
  EXPECT_EQ(OpTest<MaxPool2D>().infer({Input{1, 2, 2, 1}.as(DType::s8).quantized(0.5f, 1)}).code(),
            Code::invalid_model);
  EXPECT_EQ(OpTest<MaxPool2D>().infer({Input{1, 2, 2, 1}.as(DType::s8)}), (Shape{1, 2, 2, 1}));
  EXPECT_EQ(infer_quantized(0.5f, 1), Code::ok);
  EXPECT_EQ(infer_quantized(0.5f, 2), Code::invalid_model);
  EXPECT_EQ(infer_quantized(0.25f, 1), Code::invalid_model);
}

TEST(MaxPool2D, Values) {
  OpTest<MaxPool2D>({.kernel = {3, 3}, .strides = {2, 2}, .pads = {1, 1, 1, 1}})
      .matches(reference_max_pool, {{2, 9, 7, 5}});
  OpTest<MaxPool2D>({.kernel = {2, 3}, .strides = {3, 2}, .dilations = {2, 3}, .pads = {1, 0, 2, 3}})
      .matches(reference_max_pool, {{1, 11, 12, 70}});
  OpTest<MaxPool2D>({.kernel = {3, 2}, .strides = {2, 3}, .pads = {1, 1, 0, 0}, .ceil_mode = true})
      .matches(reference_max_pool, {{1, 8, 9, 3}});
  OpTest<MaxPool2D>({.kernel = {2, 2}, .clamp = {-0.5f, 1.0f}}).matches(reference_max_pool, {{1, 6, 5, 3}});
}

TEST(MaxPool2D, Edges) {
  OpTest<MaxPool2D>({.kernel = {2, 2}, .pads = {3, 3, 3, 3}}).matches(reference_max_pool, {{1, 2, 3, 2}});
  OpTest<MaxPool2D>({.kernel = {2, 2}}).matches(reference_max_pool, {{0, 4, 4, 2}});
  OpTest<MaxPool2D>({.kernel = {2, 2}}).matches(reference_max_pool, {{1, 4, 4, 0}});
}

TEST(MaxPool2D, Quantized) {
  const MatchOptions options{.steps = 0,
                             .quantized = Quantized::always,
                             .same_quantization = true,
                             .rows = {{{DType::s8}, {DType::s8}}, {{DType::u8}, {DType::u8}}}};
  OpTest<MaxPool2D>({.kernel = {2, 3}, .pads = {1, 0, 0, 1}})
      .matches(reference_max_pool, {{1, 6, 5, 3}}, options);
  OpTest<MaxPool2D>({.kernel = {2, 2}, .clamp = {-0.2f, 0.3f}})
      .matches(reference_max_pool, {{1, 6, 5, 3}}, options);
}

}  // namespace
}  // namespace lithe::test
