// SPDX-License-Identifier: Apache-2.0
#include <gtest/gtest.h>

#include <string>

#include "tests/tools/import_testing.hpp"

namespace lithe::test {
namespace {

TEST(ImportIndexing, Rows) {
  for (int opset = oldest_opset; opset <= newest_opset; ++opset) {
    EXPECT_EQ(nodes("g (float[2,3] x) => (float[4,9] y) <int64[2] r = {2, 3}> { y = Tile (x, r) }", opset),
              Lines{"Tile (., [2,3])"});
    EXPECT_EQ(nodes("g (float[2,n] x) => (int64 y) { y = Size (x) }", opset), Lines{"Size (.)"});
  }
  for (int opset = 10; opset <= newest_opset; ++opset)
    EXPECT_EQ(nodes("g (float[2,3] x, int64[2] l) => (float[2,3] y) { y = ReverseSequence <batch_axis = 0, "
                    "time_axis = 1> (x, l) }",
                    opset),
              Lines{"ReverseSequence batch_axis=0 time_axis=1 (., .)"});
  for (int opset = 11; opset <= newest_opset; ++opset) {
    EXPECT_EQ(
        nodes("g (float[2,3] x, int64[1,3] i) => (float[1,3] y) { y = GatherElements <axis = 1> (x, i) }",
              opset),
        Lines{"GatherElements axis=1 (., .)"});
    EXPECT_EQ(nodes("g (float[2,3] x, int64[1,2] i) => (float[1] y) { y = GatherND (x, i) }", opset),
              Lines{"GatherND (., .)"});
    EXPECT_EQ(nodes("g (float[2,3] x, int64[1,3] i, float[1,3] u) => (float[2,3] y) { y = ScatterElements "
                    "(x, i, u) }",
                    opset),
              Lines{"ScatterElements (., ., .)"});
    EXPECT_EQ(
        nodes("g (float[2,3] x, int64[1,2] i, float[1] u) => (float[2,3] y) { y = ScatterND (x, i, u) }",
              opset),
        Lines{"ScatterND (., ., .)"});
    EXPECT_EQ(nodes("g (int64 a, int64 b, int64 c) => (int64[n] y) { y = Range (a, b, c) }", opset),
              Lines{"Range (., ., .)"});
    EXPECT_EQ(
        nodes("g (uint8[2] a, uint8[2] b) => (uint8[2] y) { y = BitShift <direction = \"RIGHT\"> (a, b) }",
              opset),
        Lines{"BitShift direction=RIGHT (., .)"});
  }
  for (int opset = 18; opset <= newest_opset; ++opset)
    EXPECT_EQ(nodes("g (float[2,3] x, int64[1,3] i, float[1,3] u) => (float[2,3] y) { y = ScatterElements "
                    "<reduction = \"max\"> (x, i, u) }",
                    opset),
              Lines{"ScatterElements reduction=max (., ., .)"});
  EXPECT_EQ(
      nodes("g (float[2,3] x, int64[1,3] i, float[1,3] u) => (float[2,3] y) { y = Scatter <axis = 1> (x, i, "
            "u) }",
            9),
      Lines{"ScatterElements axis=1 (., ., .)"});
  EXPECT_EQ(nodes("g (float[2] x) => (int32[2] y) { y = BitCast <to = 6> (x) }", 26), Lines{"BitCast (.)"});
}

TEST(ImportIndexing, Composed) {
  EXPECT_EQ(nodes("g (float[2,3] x, bool[2] c) => (float[n,3] y) { y = Compress <axis = 0> (x, c) }", 11),
            (Lines{"NonZero (.)", "Reshape (., [-1])", "Gather (., .)"}));
  EXPECT_EQ(nodes("g (float[2,3] x, bool[2] c) => (float[n] y) { y = Compress (x, c) }", 11),
            (Lines{"Reshape (., [-1])", "NonZero (.)", "Reshape (., [-1])", "Gather (., .)"}));
  for (const char* shape :
       {"g (float[6] x, int64[1] s) => (float[n] y) ", "g (float[6] x) => (float[3] y) <int64[1] s = {3}> "})
    EXPECT_TRUE(nodes(std::string(shape) + "{ y = CenterCropPad (x, s) }", 18)
                    .back()
                    .starts_with("Pad (., ., -, [0])"));
  EXPECT_EQ(nodes("g (float[2] x) => (float[2] y) { y = Shrink <lambd = 1.0> (x) }", 9),
            (Lines{"Less (., -1)", "Greater (., 1)", "Add (., 0)", "Sub (., 0)", "Where (., ., 0)",
                   "Where (., ., .)"}));
  for (int opset = 9; opset <= newest_opset; ++opset)
    EXPECT_EQ(
        nodes("g (int32[2,3] x) => (float[2,3] y) { y = EyeLike <dtype = 1, k = 1> (x) }", opset).back(),
        "Cast (.)");
  for (const char* element : {"float", "int32"})  // nothing but the input says the type
    EXPECT_EQ(nodes("g (" + std::string(element) + "[2,3] x) => (" + element +
                        "[2,3] y) { m = EyeLike (x)\n y = Mul (m, x) }",
                    newest_opset)
                  .back(),
              "Mul (., .)");
  for (int opset = 14; opset <= newest_opset; ++opset)
    EXPECT_EQ(nodes("g (float[2,3] x) => (float[2,3] y) { y = Trilu <upper = 0> (x) }", opset).back(),
              "Where (., ., 0)");
  for (int opset = 9; opset <= newest_opset; ++opset)
    EXPECT_EQ(
        nodes("g (int64[2] x, float[2] v) => (float[2,5] y) <int64 d = {5}> { y = OneHot (x, d, v) }", opset)
            .back(),
        "Where (., ., .)");
}

TEST(ImportDropout, AMaskWhoseTypeOnnxDoesNotInfer) {
  const std::string unnamed = "g (float[2] x) => (float[2] y) { y, mask = Dropout (x) }";
  for (int opset = oldest_opset; opset < 12; ++opset) EXPECT_EQ(refusal(unnamed, opset), "");
}

}  // namespace
}  // namespace lithe::test
