// SPDX-License-Identifier: Apache-2.0
#include <gtest/gtest.h>

#include <string>

#include "tests/tools/import_testing.hpp"

namespace lithe::test {
namespace {

const std::string last = "Transpose permutation=0,2,3,1 (.)", first = "Transpose permutation=0,3,1,2 (.)";

TEST(ImportInstanceNormalization, IsAGroupForEachChannel) {
  for (int opset = oldest_opset; opset <= newest_opset; ++opset) {
    const std::string node = "{ y = InstanceNormalization <epsilon = 0.01> (x, s, b) }";
    EXPECT_EQ(nodes("g (float[n,3,h,w] x, float[3] s, float[3] b) => (float[n,3,h,w] y) " + node, opset),
              (Lines{last, "GroupNormalization epsilon=0.01 (., ., .)", first}));
    EXPECT_EQ(nodes("g (float[2,3,4] x, float[3] s, float[3] b) => (float[2,3,4] y) " + node, opset),
              (Lines{"Transpose permutation=0,2,1 (.)", "GroupNormalization epsilon=0.01 (., ., .)",
                     "Transpose permutation=0,2,1 (.)"}));
  }
}

TEST(ImportGroupNormalization, TakesParametersPerChannel) {
  const auto graph = [](const std::string& parameters, const std::string& attributes) {
    return "g (float[2,6,4,4] x, float[" + parameters + "] s, float[" + parameters +
           "] b) => (float[2,6,4,4] y) { y = GroupNormalization <" + attributes + "> (x, s, b) }";
  };
  for (int opset = 21; opset <= newest_opset; ++opset)
    EXPECT_EQ(nodes(graph("6", "num_groups = 3, stash_type = 1, epsilon = 0.5"), opset),
              (Lines{last, "GroupNormalization epsilon=0.5 groups=3 (., ., .)", first}));
  EXPECT_TRUE(mentions(refusal(graph("6", "num_groups = 0"), 21), "num_groups"));
  EXPECT_TRUE(mentions(refusal(graph("3", "num_groups = 3"), 18),
                       "ONNX has this operator from opset 21 on, but the model says opset 18"))
      << "that of 18 is deprecated";
}

TEST(ImportLayerNormalization, IsItself) {
  for (int opset = 17; opset <= newest_opset; ++opset) {
    EXPECT_EQ(nodes("g (float[2,3,4] x, float[3,4] s, float[3,4] b) => (float[2,3,4] y) { y = "
                    "LayerNormalization <axis = 1, epsilon = 0.5, stash_type = 1> (x, s, b) }",
                    opset),
              Lines{"LayerNormalization axis=1 epsilon=0.5 (., ., .)"});
    EXPECT_EQ(
        nodes("g (float[n,m] x, float[k] s) => (float[n,m] y) { y = LayerNormalization (x, s) }", opset),
        Lines{"LayerNormalization (., .)"});
  }
}

TEST(ImportLayerNormalization, AppliesOtherShapesApart) {
  EXPECT_EQ(
      nodes("g (float[2,3,4] x, float[2,1,4] s, float[4] b) => (float[2,3,4] y) { y = LayerNormalization "
            "(x, s, b) }",
            17),
      (Lines{"LayerNormalization (.)", "Mul (., .)", "Add (., .)"}));
  EXPECT_EQ(nodes("g (float[2,3,4] x, float s) => (float[2,3,4] y) { y = RMSNormalization (x, s) }", 23),
            (Lines{"RMSNormalization (.)", "Mul (., .)"}));
}

TEST(ImportLayerNormalization, ConvertsStatistics) {
  EXPECT_EQ(
      nodes("g (float16[2,4] x, float16[4] s) => (float16[2,4] y, float[2,1] m, float[2,1] v) { y, m, v = "
            "LayerNormalization (x, s) }",
            17),
      Lines{"LayerNormalization (., .)"});
  EXPECT_EQ(
      nodes("g (float[2,4] x, float[4] s) => (float[2,4] y, bfloat16[2,1] m) { y, m = LayerNormalization "
            "<stash_type = 16> (x, s) }",
            17),
      (Lines{"LayerNormalization (., .)", "Cast (.)"}));
}

TEST(ImportRmsNormalization, ConvertsToTheDtypeOfItsScale) {
  for (int opset = 23; opset <= newest_opset; ++opset) {
    EXPECT_EQ(
        nodes("g (float[2,4] x, float[4] s) => (float[2,4] y) { y = RMSNormalization <axis = 1, epsilon = "
              "0.5> (x, s) }",
              opset),
        Lines{"RMSNormalization axis=1 epsilon=0.5 (., .)"});
    EXPECT_EQ(
        nodes("g (float16[2,4] x, float[4] s) => (float[2,4] y) { y = RMSNormalization (x, s) }", opset),
        (Lines{"RMSNormalization (.)", "Cast (.)", "Mul (., .)"}));
  }
}

TEST(ImportLrn, PutsChannelsLast) {
  for (int opset = oldest_opset; opset <= newest_opset; ++opset)
    EXPECT_EQ(
        nodes("g (float[2,3,4,5] x) => (float[2,3,4,5] y) { y = LRN <size = 3, alpha = 0.5, beta = 0.25, "
              "bias = 2.0> (x) }",
              opset),
        (Lines{last, "LRN alpha=0.5 beta=0.25 bias=2 size=3 (.)", first}));
  EXPECT_TRUE(
      mentions(refusal("g (float[2,3,4,5] x) => (float[2,3,4,5] y) { y = LRN <size = 0> (x) }", 13), "size"));
}

TEST(ImportMeanVarianceNormalization, IsComposed) {
  const Lines all{
      "ReduceMean (., [0,2,3])", "Sub (., .)", "Mul (., .)", "ReduceMean (., [0,2,3])", "Sqrt (.)",
      "Add (., 1e-09)",          "Div (., .)"};
  for (int opset = 9; opset <= newest_opset; ++opset)
    EXPECT_EQ(
        nodes("g (float[2,3,4,5] x) => (float[2,3,4,5] y) { y = MeanVarianceNormalization (x) }", opset),
        all);
  const Lines halves =
      nodes("g (float16[2,3] x) => (float16[2,3] y) { y = MeanVarianceNormalization <axes = [1]> (x) }", 13);
  ASSERT_EQ(halves.size(), 9U);
  EXPECT_EQ(halves.front(), "Cast (.)");
  EXPECT_EQ(halves.back(), "Cast (.)");
}

}  // namespace
}  // namespace lithe::test
