// SPDX-License-Identifier: Apache-2.0
#include <gtest/gtest.h>

#include <string>

#include "tests/tools/import_testing.hpp"
#include "tests/tools/passes_testing.hpp"

namespace lithe::test {
namespace {

const std::string to_nhwc = "Transpose permutation=0,2,3,1 (.)";
const std::string to_nchw = "Transpose permutation=0,3,1,2 (.)";

std::string conv(const std::string& attributes, const std::string& x = "1,3,8,7",
                 const std::string& w = "4,3,3,3") {
  return "g (float[" + x + "] x, float[" + w + "] w) => (float[] y) { y = Conv <" + attributes + "> (x, w) }";
}

TEST(ImportConv, WrapsTwoDimensionsInTransposesInEveryOpset) {
  for (int opset = oldest_opset; opset <= newest_opset; ++opset)
    EXPECT_EQ(nodes(conv("kernel_shape = [3,3], strides = [2,1], pads = [1,2,3,4], dilations = [1,2], "
                         "auto_pad = \"NOTSET\""),
                    opset),
              (Lines{to_nhwc, to_nhwc, "Conv2D dilations=1,2 pads=1,2,3,4 strides=2,1 (., .)", to_nchw}))
        << opset;
}

TEST(ImportConv, TakesTheBiasAndTheGroup) {
  const std::string text =
      "g (float[1,4,8,8] x, float[6,2,3,3] w, float[6] b) => (float[] y) { y = Conv <group = 2> (x, w, b) }";
  EXPECT_EQ(nodes(text, 13), (Lines{to_nhwc, to_nhwc, "Conv2D group=2 (., ., .)", to_nchw}));
}

TEST(ImportConv, KnowsDepthwise) {
  EXPECT_EQ(nodes(conv("group = 3", "1,3,8,8", "3,1,3,3"), 13),
            (Lines{to_nhwc, "Transpose permutation=2,3,0,1 (.)", "DepthwiseConv2D (., .)", to_nchw}));
  EXPECT_EQ(nodes(conv("group = 3", "1,3,8,8", "6,1,3,3"), 13),
            (Lines{to_nhwc, "Reshape (., [3,-1,0,0])", "Transpose permutation=2,3,0,1 (.)",
                   "DepthwiseConv2D (., .)", to_nchw}));
  EXPECT_EQ(nodes(conv("group = 1", "1,1,8,8", "5,1,3,3"), 13),
            (Lines{to_nhwc, to_nhwc, "Conv2D (., .)", to_nchw}));
}

TEST(ImportConv, MakesOneDimensionAnImageOfHeightOne) {
  const Lines around{"Transpose permutation=0,2,1 (.)", "Unsqueeze (., [1])"};
  EXPECT_EQ(nodes(conv("strides = [2], pads = [1,2], dilations = [3]", "1,3,20", "4,3,5"), 13),
            (Lines{around[0], around[1], around[0], around[1],
                   "Conv2D dilations=1,3 pads=0,1,0,2 strides=1,2 (., .)", "Squeeze (., [1])",
                   "Transpose permutation=0,2,1 (.)"}));
  EXPECT_EQ(nodes(conv("group = 3", "1,3,20", "6,1,5"), 13),
            (Lines{around[0], around[1], "Reshape (., [3,-1,0])", "Transpose permutation=2,0,1 (.)",
                   "Unsqueeze (., [0])", "DepthwiseConv2D (., .)", "Squeeze (., [1])",
                   "Transpose permutation=0,2,1 (.)"}));
}

TEST(ImportConv, ComputesAutoPad) {
  // Rows: ceil(8 / 2) = 4 outputs read 3 * 2 + 3 = 9 rows, one more than there are; columns: stride 1, 3 - 1
  // = 2 more.
  EXPECT_EQ(nodes(conv("auto_pad = \"SAME_UPPER\", strides = [2,1]"), 13)[2],
            "Conv2D pads=0,1,1,1 strides=2,1 (., .)");
  EXPECT_EQ(nodes(conv("auto_pad = \"SAME_LOWER\", strides = [2,1]"), 13)[2],
            "Conv2D pads=1,1,0,1 strides=2,1 (., .)");
  EXPECT_EQ(nodes(conv("auto_pad = \"VALID\", strides = [2,1]"), 13)[2], "Conv2D strides=2,1 (., .)");
  EXPECT_EQ(nodes(conv("auto_pad = \"SAME_UPPER\"", "1,3,h,w"), 13)[2], "Conv2D pads=1,1,1,1 (., .)");
  EXPECT_EQ(nodes(conv("auto_pad = \"SAME_UPPER\", strides = [3]", "1,3,10", "4,3,5"), 13)[4],
            "Conv2D pads=0,2,0,2 strides=1,3 (., .)");
}

/// Sizes known at run time only: the padding is computed, and the same as for known ones.
TEST(ImportConv, AutoPadOfUnknownSizes) {
  const std::string same = "kernel_shape = [3,4], strides = [2,3], auto_pad = ";
  for (const std::string mode : {"\"SAME_UPPER\"", "\"SAME_LOWER\""})
    for (const std::string op : {"MaxPool <", "AveragePool <count_include_pad = 1, ", "LpPool <"})
      for (const std::string size : {"7,9", "8,10", "1,11", "2,12"}) {
        const auto text = [&](const std::string& dims) {
          return "g (float[1,2," + dims + "] x) => (float[n,c,p,q] y) { y = " + op + same + mode + "> (x) }";
        };
        const graph::Graph known = imported(text(size), 13).graphs[0],
                           open = imported(text("h,w"), 13).graphs[0];
        EXPECT_EQ(count(open, "Pad"), 1);
        const auto inputs = random_inputs(known, 3);
        const graph::Graph a = evaluated(known, inputs), b = evaluated(open, inputs);
        const graph::Constant &wanted = *a.constant(a.outputs[0]), &found = *b.constant(b.outputs[0]);
        ASSERT_EQ(wanted.shape, found.shape) << op << mode << size;
        EXPECT_EQ(wanted.bytes, found.bytes) << op << mode << size;
      }
}

TEST(ImportConv, RefusesByName) {
  EXPECT_TRUE(
      mentions(refusal(conv("strides = [1,1,1,1]", "1,3,4,4,4,4", "2,3,3,3,3,3"), 13), "4 spatial axes"));
  EXPECT_TRUE(mentions(refusal(conv("strides = [0,1]"), 13), "strides"));
  EXPECT_TRUE(mentions(refusal(conv("strides = [4294967297,1]"), 13), "strides"));
  EXPECT_TRUE(mentions(refusal(conv("dilations = [-1,1]"), 13), "dilations"));
  EXPECT_NE(refusal(conv("kernel_shape = [5,5]"), 13), "");
  EXPECT_NE(refusal(conv("group = 0"), 13), "");
}

TEST(ImportConv, ThreeDimensions) {
  EXPECT_EQ(nodes(conv("strides = [1,2,3], pads = [1,2,3,4,5,6], dilations = [1,2,1], group = 3", "1,3,9,9,9",
                       "6,1,3,3,3"),
                  13),
            (Lines{"Transpose permutation=0,2,3,4,1 (.)", "Transpose permutation=0,2,3,4,1 (.)",
                   "Conv3D dilations=1,2,1 group=3 pads=1,2,3,4,5,6 strides=1,2,3 (., .)",
                   "Transpose permutation=0,4,1,2,3 (.)"}));
}

std::string transposed(const std::string& attributes, const std::string& x = "1,3,5,6",
                       const std::string& w = "3,4,3,2", const std::string& y = "") {
  return "g (float[" + x + "] x, float[" + w + "] w) => (float[" + y + "] y) { y = ConvTranspose <" +
         attributes + "> (x, w) }";
}

TEST(ImportConvTranspose, WrapsTwoDimensionsInTransposesInEveryOpset) {
  for (int opset = oldest_opset; opset <= newest_opset; ++opset)
    EXPECT_EQ(
        nodes(transposed("strides = [2,3], pads = [1,0,2,1], dilations = [1,2], output_padding = [1,0]"),
              opset),
        (Lines{to_nhwc, "Transpose permutation=1,2,3,0 (.)",
               "ConvTranspose2D dilations=1,2 output_padding=1,0 pads=1,0,2,1 strides=2,3 (., .)", to_nchw}))
        << opset;
}

TEST(ImportConvTranspose, GroupsAndOtherRanks) {
  EXPECT_EQ(nodes(transposed("group = 2", "1,4,5,6", "4,3,3,2"), 13),
            (Lines{to_nhwc, "Reshape (., [2,2,3,3,2])", "Transpose permutation=0,2,3,4,1 (.)",
                   "Reshape (., [6,3,2,2])", "ConvTranspose2D group=2 (., .)", to_nchw}));
  EXPECT_EQ(nodes(transposed("strides = [2]", "1,3,5", "3,4,3"), 13),
            (Lines{"Transpose permutation=0,2,1 (.)", "Unsqueeze (., [1])", "Transpose permutation=1,2,0 (.)",
                   "Unsqueeze (., [1])", "ConvTranspose2D strides=1,2 (., .)", "Squeeze (., [1])",
                   "Transpose permutation=0,2,1 (.)"}));
  EXPECT_EQ(nodes(transposed("strides = [2,1,1]", "1,3,4,5,6", "3,4,3,3,3"), 13)[2],
            "ConvTranspose3D strides=2,1,1 (., .)");
}

TEST(ImportConvTranspose, AutoPadAndOutputShape) {
  // Rows: 4 * 2 + 3 = 11 without padding; columns: 5 * 3 + 2 = 17.
  const auto node = [](const std::string& attributes) {
    return nodes(transposed("strides = [2,3], " + attributes, "1,3,5,6", "3,4,3,2", "n,c,p,q"), 13)[2];
  };
  EXPECT_EQ(node("output_shape = [8,16]"), "ConvTranspose2D pads=2,1,1,0 strides=2,3 (., .)");
  EXPECT_EQ(node("output_shape = [1,4,8,16], auto_pad = \"SAME_UPPER\""),
            "ConvTranspose2D pads=1,0,2,1 strides=2,3 (., .)");
  EXPECT_EQ(node("output_shape = [12,17]"), "ConvTranspose2D output_padding=1,0 strides=2,3 (., .)");
  EXPECT_EQ(node("auto_pad = \"SAME_LOWER\""),
            "ConvTranspose2D output_padding=0,1 pads=1,0,0,0 strides=2,3 (., .)");
  EXPECT_EQ(node("auto_pad = \"VALID\""), "ConvTranspose2D strides=2,3 (., .)");
  EXPECT_EQ(nodes(transposed("auto_pad = \"SAME_UPPER\", strides = [2,2]", "1,3,h,w"), 13)[2],
            "ConvTranspose2D pads=0,0,1,0 strides=2,2 (., .)");
}

TEST(ImportConvTranspose, RefusesByName) {
  EXPECT_TRUE(mentions(refusal(transposed("output_shape = [8,8]", "1,3,h,w"), 13), "--shape"));
  EXPECT_TRUE(mentions(refusal(transposed("output_shape = [8]", "1,3,5,6", "3,4,3,2", "n,c,p,q"), 13),
                       "output_shape"));
  EXPECT_TRUE(mentions(refusal(transposed("output_padding = [-1,0]", "1,3,5,6", "3,4,3,2", "n,c,p,q"), 13),
                       "output_padding"));
  EXPECT_TRUE(mentions(refusal(transposed("group = 2"), 13), "group"));
  EXPECT_TRUE(mentions(refusal(transposed("strides = [0,1]"), 13), "strides"));
}

std::string pool(const std::string& op, const std::string& attributes, const std::string& x = "1,3,8,8") {
  return "g (float[" + x + "] x) => (float[] y) { y = " + op +
         (attributes.empty() ? "" : " <" + attributes + ">") + " (x) }";
}

TEST(ImportPool, MaxPoolInEveryOpset) {
  for (int opset = oldest_opset; opset <= newest_opset; ++opset) {
    const std::string since_8 = opset < 8 ? "" : ", storage_order = 0",
                      since_10 = opset < 10 ? "" : ", ceil_mode = 1, dilations = [1,2]";
    EXPECT_EQ(
        nodes(pool("MaxPool", "kernel_shape = [3,2], strides = [2,2], pads = [1,0,1,1]" + since_8 + since_10),
              opset),
        (Lines{to_nhwc,
               opset < 10 ? "MaxPool2D kernel=3,2 pads=1,0,1,1 strides=2,2 (.)"
                          : "MaxPool2D ceil_mode=1 dilations=1,2 kernel=3,2 pads=1,0,1,1 strides=2,2 (.)",
               to_nchw}))
        << opset;
  }
}

TEST(ImportPool, AveragePoolInEveryOpset) {
  for (int opset = oldest_opset; opset <= newest_opset; ++opset)
    EXPECT_EQ(
        nodes(pool("AveragePool", "kernel_shape = [3,3], count_include_pad = 1, pads = [1,1,1,1]"), opset),
        (Lines{to_nhwc, "AveragePool2D count_include_pad=1 kernel=3,3 pads=1,1,1,1 (.)", to_nchw}))
        << opset;
  EXPECT_EQ(nodes(pool("AveragePool", "kernel_shape = [3,3], dilations = [2,2], ceil_mode = 1"), 19)[1],
            "AveragePool2D ceil_mode=1 dilations=2,2 kernel=3,3 (.)");
}

TEST(ImportPool, OneDimensionAndSame) {
  EXPECT_EQ(
      nodes(pool("MaxPool", "kernel_shape = [4], strides = [2]", "1,3,9"), 13),
      (Lines{"Transpose permutation=0,2,1 (.)", "Unsqueeze (., [1])", "MaxPool2D kernel=1,4 strides=1,2 (.)",
             "Squeeze (., [1])", "Transpose permutation=0,2,1 (.)"}));
  // SAME already gives ceil(9 / 4) = 3 outputs; rounding up once more would give another.
  EXPECT_EQ(
      nodes(pool("MaxPool", "kernel_shape = [1,1], strides = [4,4], auto_pad = \"SAME_UPPER\", ceil_mode = 1",
                 "1,3,9,9"),
            13)[1],
      "MaxPool2D strides=4,4 (.)");
}

TEST(ImportPool, Global) {
  for (int opset : {7, 13, 22, 27}) {
    EXPECT_EQ(nodes(pool("GlobalAveragePool", "", "n,3,h,w"), opset), (Lines{"ReduceMean (., [2,3])"}));
    EXPECT_EQ(nodes(pool("GlobalAveragePool", "", "n,3,4,h,w"), opset), (Lines{"ReduceMean (., [2,3,4])"}));
    EXPECT_EQ(nodes(pool("GlobalMaxPool", "", "n,3,5,4"), opset),
              (Lines{to_nhwc, "MaxPool2D kernel=5,4 (.)", to_nchw}));
  }
}

TEST(ImportPool, SizesAreThoseOfLithesOwnRule) {
  const std::string text =
      "g (float[n,3,7,12] x) => (float[] y) { p = MaxPool <kernel_shape = [2,3], strides = [3,1], "
      "pads = [1,1,1,1], ceil_mode = 1> (x)  y = GlobalMaxPool (p) }";
  EXPECT_EQ(nodes(text, 13).at(4), "MaxPool2D kernel=3,12 (.)") << "no window begins in the padding behind";
}

TEST(ImportPool, ThreeDimensionsInTwoSteps) {
  EXPECT_EQ(
      nodes(pool("MaxPool", "kernel_shape = [2,3,4], strides = [1,2,3], pads = [1,0,1,0,2,2]", "n,3,5,7,8"),
            13),
      (Lines{"Transpose permutation=0,2,3,4,1 (.)", "Reshape (., [-1,7,8,3])",
             "MaxPool2D kernel=3,4 pads=0,1,2,2 strides=2,3 (.)", "Reshape (., [-1,5,12,3])",
             "MaxPool2D kernel=2,1 pads=1,0,0,0 (.)", "Reshape (., [-1,5,4,3,3])",
             "Transpose permutation=0,4,1,2,3 (.)"}));
}

TEST(ImportPool, Indices) {
  const std::string text =
      "g (float[1,3,8,8] x) => (float[] y, int64[] i) { y, i = MaxPool <kernel_shape = [2,2], storage_order "
      "= 1> (x) }";
  EXPECT_EQ(nodes(text, 13),
            (Lines{to_nhwc, "ArgmaxPool2D column_major=1 kernel=2,2 (.)", to_nchw, to_nchw}));
}

TEST(ImportPool, NormsAndUnpooling) {
  for (int opset : {7, 13, 22, 27}) {
    EXPECT_EQ(nodes(pool("LpPool", "kernel_shape = [3,2], p = 1"), opset),
              (Lines{to_nhwc, "LpPool2D kernel=3,2 p=1 (.)", to_nchw}));
    EXPECT_EQ(nodes(pool("GlobalLpPool", ""), opset), (Lines{to_nhwc, "LpPool2D kernel=8,8 (.)", to_nchw}));
  }
  EXPECT_EQ(nodes("g (float[1,3,8,8] x, int64[1,3,8,8] i) => (float[] y) "
                  "{ y = MaxUnpool <kernel_shape = [2,2], strides = [2,2]> (x, i) }",
                  13),
            (Lines{"MaxUnpool kernel_shape=2,2 strides=2,2 (., .)"}));
}

TEST(ImportPool, RefusesByName) {
  const std::string same = " <kernel_shape = [3,3], strides = [2,2], auto_pad = \"SAME_UPPER\"> (x) }";
  for (const std::string outputs : {"float[] y) { y = AveragePool", "float[] y, int64[] i) { y, i = MaxPool"})
    EXPECT_TRUE(mentions(refusal("g (float[1,3,h,w] x) => (" + outputs + same, 13), "--shape"));
  EXPECT_TRUE(mentions(
      refusal(
          "g (float[1,3,8,8,8] x) => (float[] y, int64[] i) { y, i = MaxPool <kernel_shape = [2,2,2]> (x) }",
          13),
      "Indices"));
}

TEST(ImportConv, AFilterTellsTheRank) {
  const std::string text =
      "g (bool c, float[1,2,3,5] x) => (float[e,2,f] y) <float[2,3,1] w = {1, 2, 3, 4, 5, 6}> { "
      "z = If (c) <then_branch = t () => (float[] u) { u = Squeeze <axes = [0]> (x) }, "
      "else_branch = e () => (float[] v) { v = Identity (x) }>  y = Conv (z, w) }";
  EXPECT_EQ(nodes(text, 11).at(1), "Transpose permutation=0,2,1 (.)");
}

}  // namespace
}  // namespace lithe::test
