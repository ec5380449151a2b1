// SPDX-License-Identifier: Apache-2.0
#include "lithe/ops/layer_normalization.hpp"

#include <gtest/gtest.h>

#include <cmath>
#include <vector>

#include "tests/ops/layer_normalization_reference.hpp"
#include "tests/support/op_test.hpp"
#include "tests/support/reversed_threads.hpp"

namespace lithe::test {
namespace {

using enum DType;
using ops::LayerNormalization;
using ops::RMSNormalization;

ReferenceTensor reference_output(const ops::TrailingAxesAttributes& a,
                                 const std::vector<ReferenceTensor>& in) {
  return reference_layer_normalization(a, in)[0];
}

TEST(LayerNormalization, Shapes) {
  const auto result = OpTest<LayerNormalization>({.axis = 1}).infer({Input{2, 3, 4}.as(f32), {3, 4}});
  ASSERT_TRUE(result.status.ok());
  EXPECT_EQ(result.shape(0), (Shape{2, 3, 4}));
  EXPECT_EQ(result.shape(1), (Shape{2, 1, 1}));
  EXPECT_EQ(result.shape(2), (Shape{2, 1, 1}));
  EXPECT_EQ(OpTest<RMSNormalization>({.axis = -3}).infer({{2, 3, 4}, {2, 3, 4}}), (Shape{2, 3, 4}));
}

TEST(LayerNormalization, Refusals) {
  OpTest<LayerNormalization>({.axis = -2})
      .refuses({{{{4}}, Code::invalid_model},
                {{{}}, Code::invalid_model},
                {{{2, 3, 4}, {4}}, Code::shape},
                {{{2, 3, 4}, {4, 3}}, Code::shape},
                {{{2, 3, 4}, {2, 3, 4}}, Code::shape},
                {{{2, 3, 4}, {1, 1, 3, 4}}, Code::shape},
                {{{2, 3, 4}, {3, 4}, {3}}, Code::shape}});
  OpTest<RMSNormalization>().refuses({{{{}}, Code::invalid_model}, {{{2, 3, 4}, {3, 4}}, Code::shape}});
  for (const float epsilon : {-1.0f, INFINITY, std::nanf("")}) {
    EXPECT_EQ(OpTest<LayerNormalization>({.epsilon = epsilon}).infer({{2, 3}}).code(), Code::invalid_model);
    EXPECT_EQ(OpTest<RMSNormalization>({.epsilon = epsilon}).infer({{2, 3}}).code(), Code::invalid_model);
  }
}

TEST(LayerNormalization, Values) {
  const MatchOptions output_only{.outputs = 1};
  OpTest<LayerNormalization>().matches(reference_layer_normalization, {{3, 5, 70}, {70}, {70}});
  OpTest<LayerNormalization>({.axis = 1, .epsilon = 0.1f})
      .matches(reference_layer_normalization, {{4, 3, 11}, {3, 11}});
  OpTest<LayerNormalization>({.axis = 0}).matches(reference_output, {{4, 32}, {4, 32}, {4, 32}}, output_only);
  OpTest<LayerNormalization>().matches(reference_output, {{2, 64}}, output_only);
  OpTest<LayerNormalization>().matches(reference_output, {{2, 9}, Input::absent(), {1, 9}}, output_only);
}

TEST(LayerNormalization, RootMeanSquare) {
  OpTest<RMSNormalization>().matches(reference_rms_normalization, {{3, 5, 70}, {70}});
  OpTest<RMSNormalization>({.axis = 1, .epsilon = 0.1f})
      .matches(reference_rms_normalization, {{4, 3, 11}, {1, 3, 11}});
  OpTest<RMSNormalization>({.axis = -2}).matches(reference_rms_normalization, {{4, 32}});
}

TEST(LayerNormalization, ManyRowsOnThreads) {
  OpTest<LayerNormalization>()
      .on(reversed_threads)
      .matches(reference_layer_normalization, {{300, 129}, {129}, {129}});
  OpTest<RMSNormalization>().on(reversed_threads).matches(reference_rms_normalization, {{300, 129}, {129}});
}

/// Squares of the numbers themselves would lose all digits.
TEST(LayerNormalization, KeepsItsDigitsFarFromZero) {
  OpTest<LayerNormalization>().matches(reference_output, {Input{3, 1000}.between(9999, 10001)},
                                       {.outputs = 1, .tolerance = 1e-3, .rows = {{{f32}, {f32}}}});
}

TEST(LayerNormalization, Edges) {
  OpTest<LayerNormalization>().matches(reference_layer_normalization, {{0, 4}, {4}, {4}});
  OpTest<LayerNormalization>().matches(reference_layer_normalization, {{2, 0}, {0}, {0}});
  OpTest<LayerNormalization>().matches(reference_layer_normalization, {{3, 1}, {1}, {1}});
  OpTest<RMSNormalization>().matches(reference_rms_normalization, {{0, 4}, {4}});
  OpTest<RMSNormalization>().matches(reference_rms_normalization, {{1}, {}});
}

}  // namespace
}  // namespace lithe::test
