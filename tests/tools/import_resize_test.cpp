// SPDX-License-Identifier: Apache-2.0
#include <gtest/gtest.h>

#include <string>

#include "tests/tools/import_testing.hpp"

namespace lithe::test {
namespace {

TEST(ImportUpsample, ScalesAreAnAttributeThenAnInput) {
  const std::string head = "g (float[1,2,3,4] x) => (float[1,2,6,8] y) ";
  const std::string expected =
      "Resize axes=2,3 coordinate_transformation_mode=asymmetric mode=linear nearest_mode=floor (., -, #)";
  for (int opset = oldest_opset; opset < 9; ++opset)
    EXPECT_EQ(nodes(head + "{ y = Upsample <mode = \"linear\", scales = [1.0, 1.0, 2.0, 2.0]> (x) }", opset),
              Lines{expected});
  EXPECT_EQ(nodes(head + "<float[4] s = {1, 1, 2, 2}> { y = Upsample <mode = \"linear\"> (x, s) }", 9),
            Lines{expected});
}

TEST(ImportResize, InEveryOpset) {
  const std::string head =
      "g (float[1,2,3,4] x) => (float[1,2,6,8] y) <float[4] s = {1, 1, 2, 2}, "
      "float[0] none = {}, int64[4] t = {1, 2, 6, 8}> ";
  EXPECT_EQ(nodes(head + "{ y = Resize (x, s) }", 10),
            Lines{"Resize axes=2,3 coordinate_transformation_mode=asymmetric nearest_mode=floor (., -, #)"});
  for (int opset = 11; opset <= newest_opset; ++opset) {
    EXPECT_EQ(nodes(head + "{ y = Resize (x, none, s) }", opset), Lines{"Resize axes=2,3 (., -, #)"});
    EXPECT_EQ(nodes(head + "{ y = Resize (x, none, none, t) }", opset),
              Lines{"Resize axes=2,3 (., -, -, [6,8])"});
    EXPECT_EQ(nodes(head + "{ y = Resize <mode = \"cubic\", cubic_coeff_a = -0.5, exclude_outside = 1, "
                           "coordinate_transformation_mode = \"align_corners\"> (x, none, s) }",
                    opset),
              Lines{"Resize axes=2,3 coordinate_transformation_mode=align_corners cubic_coeff_a=-0.5 "
                    "exclude_outside=1 mode=cubic (., -, #)"});
  }
  const std::string named = "g (float[1,2,3,4] x) => (float[1,2,6,8] y) <int64[2] t = {8, 6}> ";
  for (int opset = 18; opset <= newest_opset; ++opset) {
    EXPECT_EQ(
        nodes(named + "{ y = Resize <axes = [3, 2], antialias = 1, mode = \"linear\"> (x, , , t) }", opset),
        Lines{"Resize antialias=1 axes=3,2 mode=linear (., -, -, [8,6])"});
    EXPECT_EQ(
        nodes(named + "{ y = Resize <axes = [3, 2], keep_aspect_ratio_policy = \"not_larger\"> (x, , , t) }",
              opset),
        Lines{"Resize axes=3,2 keep_aspect_ratio_policy=not_larger (., -, -, [8,6])"});
  }
}

TEST(ImportResize, BeforeOpset11TheNearestIsTheOneBehindWhereAnAxisShrinks) {
  const std::string up = "coordinate_transformation_mode=asymmetric nearest_mode=floor (., -, ",
                    down = "coordinate_transformation_mode=asymmetric nearest_mode=ceil (., -, ";
  EXPECT_EQ(nodes("g (float[1,1,2,4] x) => (float[1,1,3,2] y) <float[4] s = {1, 1, 1.5, 0.6}> "
                  "{ y = Resize (x, s) }",
                  10),
            (Lines{"Resize axes=2 " + up + "#)", "Resize axes=3 " + down + "#)"}));
  EXPECT_EQ(nodes("g (float[1,4] x, float[2] s) => (float[a,b] y) { y = Resize (x, s) }", 10),
            (Lines{"Max (., #)", "Resize " + up + ".)", "Min (., #)", "Resize " + down + ".)"}));
}

TEST(ImportResize, RegionOfInterest) {
  const std::string head =
      "g (float[4,6] x) => (float[2,3] y) <double[4] r = {0, 0, 1, 0.5}, int64[2] t = {2, 3}> ";
  EXPECT_EQ(nodes(head + "{ y = Resize <coordinate_transformation_mode = \"tf_crop_and_resize\", "
                         "extrapolation_value = 4.0> (x, r, , t) }",
                  13),
            (Lines{"Cast (#)",
                   "Resize coordinate_transformation_mode=tf_crop_and_resize "
                   "extrapolation_value=4 (., ., -, [2,3])"}));
}

TEST(ImportResize, SizesAtRunTime) {
  EXPECT_EQ(nodes("g (float[1,2,h,w] x, int64[4] t) => (float[a,b,c,d] y) { y = Resize (x, , , t) }", 13),
            Lines{"Resize (., -, -, .)"});
}

TEST(ImportResize, OneThatKeepsAllAxesIsNothing) {
  EXPECT_EQ(
      nodes("g (float[2,3] x) => (float[2,3] y) <float[2] s = {1, 1}> { z = Resize (x, , s)  y = Relu (z) }",
            13),
      Lines{"Relu (.)"});
}

TEST(ImportResize, Refusals) {
  const std::string head = "g (float[2,3] x) => (float[a,b] y) <float[2] s = {1, 2}, int64[2] t = {2, 6}> ";
  EXPECT_TRUE(mentions(refusal(head + "{ y = Resize (x) }", 13), "neither"));
  EXPECT_TRUE(mentions(refusal(head + "{ y = Resize <mode = \"area\"> (x, , s) }", 13), "area"));
}

TEST(ImportDepthToSpace, MovesChannelsLast) {
  const std::string head = "g (float[1,8,2,3] x) => (float[1,2,4,6] y) ";
  for (int opset = oldest_opset; opset <= newest_opset; ++opset) {
    const Lines lines = nodes(head + "{ y = DepthToSpace <blocksize = 2> (x) }", opset);
    EXPECT_EQ(lines.at(1), "Reshape (., [0,0,0,2,2,-1])");
    EXPECT_EQ(lines.at(2), "Transpose permutation=0,1,3,2,4,5 (.)");
    EXPECT_EQ(lines.back(), "Transpose permutation=0,3,1,2 (.)");
    const Lines back =
        nodes("g (float[1,2,4,6] x) => (float[1,8,2,3] y) { y = SpaceToDepth <blocksize = 2> (x) }", opset);
    EXPECT_EQ(back.front(), "Transpose permutation=0,2,3,1 (.)");
    EXPECT_EQ(back.back(), "Transpose permutation=0,3,1,2 (.)");
  }
  for (int opset = 11; opset <= newest_opset; ++opset)
    EXPECT_EQ(nodes(head + "{ y = DepthToSpace <blocksize = 2, mode = \"CRD\"> (x) }", opset).at(1),
              "Reshape (., [0,0,0,-1,2,2])");
}

}  // namespace
}  // namespace lithe::test
