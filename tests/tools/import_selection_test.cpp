// SPDX-License-Identifier: Apache-2.0
#include <gtest/gtest.h>

#include <string>

#include "tests/tools/import_testing.hpp"

namespace lithe::test {
namespace {

TEST(ImportArgMax, InEveryOpset) {
  for (const std::string op : {"ArgMax", "ArgMin"}) {
    for (int opset = oldest_opset; opset <= newest_opset; ++opset)
      EXPECT_EQ(
          nodes("g (float[2,3] x) => (int64[2] y) { y = " + op + " <axis = 1, keepdims = 0> (x) }", opset),
          Lines{op + " axis=1 keepdims=0 (.)"});
    for (int opset = 12; opset <= newest_opset; ++opset)
      EXPECT_EQ(
          nodes("g (float[2,3] x) => (int64[1,3] y) { y = " + op + " <select_last_index = 1> (x) }", opset),
          Lines{op + " select_last_index=1 (.)"});
  }
}

TEST(ImportTopK, KIsAnAttributeThenAnInput) {
  for (int opset = oldest_opset; opset < 10; ++opset)
    EXPECT_EQ(nodes("g (float[2,5] x) => (float[2,3] y, int64[2,3] i) { y, i = TopK <k = 3> (x) }", opset),
              Lines{"TopK (., [3])"});
  for (int opset = 10; opset <= newest_opset; ++opset)
    EXPECT_EQ(
        nodes(
            "g (float[2,5] x, int64[1] k) => (float[n,5] y, int64[n,5] i) { y, i = TopK <axis = 0> (x, k) }",
            opset),
        Lines{"TopK axis=0 (., .)"});
  for (int opset = 11; opset <= newest_opset; ++opset)
    EXPECT_EQ(
        nodes("g (float[2,5] x, int64[1] k) => (float[2,n] y, int64[2,n] i) { y, i = TopK <largest = 0, "
              "sorted = 0> (x, k) }",
              opset),
        Lines{"TopK largest=0 (., .)"});
}

TEST(ImportCumSum, InEveryOpset) {
  const std::string body = " <exclusive = 1, reverse = 1> (x, a) }";
  for (int opset = 11; opset <= newest_opset; ++opset)
    EXPECT_EQ(nodes("g (float[2,5] x, int64 a) => (float[2,5] y) { y = CumSum" + body, opset),
              Lines{"CumSum exclusive=1 reverse=1 (., .)"});
  for (int opset = 26; opset <= newest_opset; ++opset)
    EXPECT_EQ(nodes("g (float[2,5] x, int64 a) => (float[2,5] y) { y = CumProd" + body, opset),
              Lines{"CumProd exclusive=1 reverse=1 (., .)"});
}

TEST(ImportSoftmax, OlderOnesSeeAMatrix) {
  for (const std::string op : {"Hardmax", "LogSoftmax", "Softmax"}) {
    const auto line = [&](const std::string& attributes, int opset) {
      return nodes("g (float[2,3,4] x) => (float[2,3,4] y) { y = " + op + attributes + " (x) }", opset);
    };
    for (int opset = oldest_opset; opset < 13; ++opset) {
      EXPECT_EQ(line("", opset), (Lines{"Flatten (.)", op + " (.)", "Reshape allow_zero=1 (., [2,3,4])"}));
      EXPECT_EQ(line(" <axis = 2>", opset), Lines{op + " axis=2 (.)"});
    }
    for (int opset = 13; opset <= newest_opset; ++opset) {
      EXPECT_EQ(line("", opset), Lines{op + " (.)"});
      EXPECT_EQ(line(" <axis = 1>", opset), Lines{op + " axis=1 (.)"});
    }
  }
}

TEST(ImportLpNormalization, OfLinesOfZeros) {
  for (int opset = oldest_opset; opset <= newest_opset; ++opset) {
    EXPECT_EQ(nodes("g (float[2,3] x) => (float[2,3] y) { y = LpNormalization (x) }", opset),
              (Lines{"ReduceL2 (., [-1])", "Equal (., 0)", "Where (., 1, .)", "Div (., .)"}));
    EXPECT_EQ(
        nodes("g (float[2,3] x) => (float[2,3] y) { y = LpNormalization <axis = 0, p = 1> (x) }", opset),
        (Lines{"ReduceL1 (., [0])", "Equal (., 0)", "Where (., 1, .)", "Div (., .)"}));
  }
  EXPECT_TRUE(mentions(refusal("g (float[2,3] x) => (float[2,3] y) { y = LpNormalization <p = 3> (x) }", 13),
                       "norm"));
}

TEST(ImportUnique, InEveryOpset) {
  for (int opset = 11; opset <= newest_opset; ++opset) {
    EXPECT_EQ(nodes("g (float[2,3] x) => (float[n] y) { y = Unique (x) }", opset), Lines{"Unique (.)"});
    EXPECT_EQ(
        nodes("g (float[2,3] x) => (float[2,n] y, int64[n] i, int64[3] j, int64[n] c) { y, i, j, c = Unique "
              "<axis = 1, sorted = 0> (x) }",
              opset),
        Lines{"Unique axis=1 sorted=0 (.)"});
  }
}

TEST(ImportNonMaxSuppression, InEveryOpset) {
  for (int opset = 10; opset <= newest_opset; ++opset) {
    EXPECT_EQ(
        nodes("g (float[1,6,4] b, float[1,2,6] s, int64[1] m) => (int64[n,3] y) { y = NonMaxSuppression "
              "<center_point_box = 1> (b, s, m) }",
              opset),
        Lines{"NonMaxSuppression center_point_box=1 (., ., .)"});
    EXPECT_EQ(nodes("g (float[1,6,4] b, float[1,2,6] s, int64[1] m, float[1] t) => (int64[n,3] y) { y = "
                    "NonMaxSuppression (b, s, m, , t) }",
                    opset),
              Lines{"NonMaxSuppression (., ., ., -, .)"});
  }
}

TEST(ImportLosses, AreSelections) {
  for (int opset = 12; opset <= newest_opset; ++opset) {
    EXPECT_EQ(
        nodes("g (float[2,3] x, int64[2] t) => (float[2] y) { y = NegativeLogLikelihoodLoss <reduction = "
              "\"none\"> (x, t) }",
              opset),
        (Lines{"Unsqueeze (., [1])", "Equal (., [0,1,2])", "Neg (.)", "Where (., ., 0)",
               "ReduceSum keepdims=0 (., [1])"}));
    const std::string loss =
        "g (float[n,3,4] x, int32[n,4] t, float[3] w) => (float y, float[n,3,4] z) { y, z = "
        "SoftmaxCrossEntropyLoss <ignore_index = 1> (x, t, w) }";
    ASSERT_EQ(refusal(loss, opset), "");
    const Lines lines = nodes(loss, opset);
    EXPECT_EQ(lines.front(), "LogSoftmax axis=1 (.)");
    EXPECT_EQ(lines.back(), "Div (., .)");
  }
  EXPECT_TRUE(mentions(
      refusal("g (float[n,c] x, int64[n] t) => (float y) { y = NegativeLogLikelihoodLoss (x, t) }", 13),
      "known C"));
}

}  // namespace
}  // namespace lithe::test
