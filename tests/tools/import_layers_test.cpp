// SPDX-License-Identifier: Apache-2.0
#include <gtest/gtest.h>

#include <algorithm>
#include <string>

#include "tests/tools/import_testing.hpp"

namespace lithe::test {
namespace {

const std::string swap = "Transpose permutation=1,0 (#)";

TEST(ImportMatMul, IsFullyConnectedWhereTheRightSideIsAConstantMatrix) {
  const std::string constant = " <float[3,2] w = {1, 2, 3, 4, 5, 6}> { y = MatMul (x, w) }";
  for (int opset = oldest_opset; opset <= newest_opset; ++opset) {
    EXPECT_EQ(nodes("g (float[4,3] x) => (float[4,2] y)" + constant, opset),
              (Lines{swap, "FullyConnected (., .)"}));
    EXPECT_EQ(nodes("g (float[n,5,3] x) => (float[n,5,2] y)" + constant, opset),
              (Lines{swap, "FullyConnected (., .)"}));
    EXPECT_EQ(nodes("g (float[3] x) => (float[2] y)" + constant, opset), (Lines{"MatMul (., #)"}));
    EXPECT_EQ(nodes("g (float[4,3] x, float[3,2] w) => (float[4,2] y) { y = MatMul (x, w) }", opset),
              (Lines{"MatMul (., .)"}));
  }
  EXPECT_EQ(
      nodes("g (int32[4,3] x) => (int32[4,2] y) <int32[3,2] w = {1, 2, 3, 4, 5, 6}> { y = MatMul (x, w) }",
            13),
      (Lines{"MatMul (., #)"}));
  EXPECT_EQ(nodes("g (float[2,4,3] x) => (float[2,4,1] y) <float[2,3,1] w = {1, 2, 3, 4, 5, 6}> { y = MatMul "
                  "(x, w) }",
                  13),
            (Lines{"MatMul (., #)"}));
}

TEST(ImportMatMul, FollowsWeightsThroughReshapeAndDequantize) {
  EXPECT_EQ(nodes("g (float[4,3] x) => (float[4,2] y) <float[6] w = {1, 2, 3, 4, 5, 6}, int64[2] s = {3, 2}> "
                  "{ m = Reshape (w, s)  y = MatMul (x, m) }",
                  13),
            (Lines{"Reshape (#, [3,2])", "Transpose permutation=1,0 (.)", "FullyConnected (., .)"}));
  EXPECT_EQ(nodes("g (float[4,3] x) => (float[4,2] y) <int8[3,2] w = {1, 2, 3, 4, 5, 6}, float s = {0.5}> "
                  "{ m = DequantizeLinear (w, s)  y = MatMul (x, m) }",
                  13),
            (Lines{"DequantizeLinear (#, 0.5)", "Transpose permutation=1,0 (.)", "FullyConnected (., .)"}));
  EXPECT_EQ(nodes("g (float[4,3] x, int64[2] s) => (float[a,b] y) <float[6] w = {1, 2, 3, 4, 5, 6}> "
                  "{ m = Reshape (w, s)  y = MatMul (x, m) }",
                  13),
            (Lines{"Reshape (#, .)", "MatMul (., .)"}));
}

TEST(ImportGemm, ConstantWeightsBecomeFullyConnected) {
  const std::string weights = "float[3,2] w = {1, 2, 3, 4, 5, 6}, float[2] b = {7, 8}";
  const std::string head = "g (float[4,3] x) => (float[4,2] y) <" + weights + "> { y = Gemm ";
  for (int opset = oldest_opset; opset <= newest_opset; ++opset) {
    EXPECT_EQ(nodes(head + "(x, w, b) }", opset), (Lines{swap, "FullyConnected (., ., #)"}));
    EXPECT_EQ(nodes(head + "<alpha = 2.0, beta = 3.0> (x, w, b) }", opset),
              (Lines{swap, "Mul (., 2)", "Mul (#, 3)", "FullyConnected (., ., .)"}));
  }
  EXPECT_EQ(nodes(head + "(x, w) }", 11), (Lines{swap, "FullyConnected (., .)"}));
  EXPECT_EQ(
      nodes("g (float[3,4] x) => (float[4,2] y) <" + weights + "> { y = Gemm <transA = 1> (x, w, b) }", 13),
      (Lines{"Transpose permutation=1,0 (.)", swap, "FullyConnected (., ., #)"}));
  EXPECT_EQ(
      nodes(
          "g (float[4,2] x) => (float[4,3] y) <float[3,2] w = {1, 2, 3, 4, 5, 6}, float[1,3] b = {7, 8, 9}> "
          "{ y = Gemm <transB = 1> (x, w, b) }",
          13),
      (Lines{"Reshape (#, [3])", "FullyConnected (., #, .)"}));
  EXPECT_EQ(nodes("g (float[4,3] x, float[4,1] c) => (float[4,2] y) <" + weights +
                      "> { y = Gemm <beta = 0.5> (x, w, c) }",
                  13),
            (Lines{swap, "FullyConnected (., .)", "Mul (., 0.5)", "Add (., .)"}));
}

TEST(ImportGemm, ComputedWeightsStayAMatrixProduct) {
  EXPECT_EQ(nodes("g (float[3,4] a, float[2,3] b, float[2] c) => (float[4,2] y) { y = Gemm <transA = 1, "
                  "transB = 1, alpha = 0.5> (a, b, c) }",
                  13),
            (Lines{"MatMul transpose_a=1 transpose_b=1 (., .)", "Mul (., 0.5)", "Add (., .)"}));
  EXPECT_EQ(nodes("g (float[4,3] a, float[3,2] b) => (float[4,2] y) { y = Gemm (a, b) }", 11),
            Lines{"MatMul (., .)"});
  EXPECT_TRUE(mentions(
      refusal("g (int32[4,3] a, int32[3,2] b) => (int32[4,2] y) { y = Gemm <alpha = 2.5> (a, b) }", 13),
      "alpha"));
}

TEST(ImportSoftmax, SeesAMatrixBefore13) {
  for (int opset = oldest_opset; opset < 13; ++opset) {
    EXPECT_EQ(nodes("g (float[2,3] x) => (float[2,3] y) { y = Softmax (x) }", opset),
              Lines{"Softmax axis=1 (.)"});
    EXPECT_EQ(nodes("g (float[2,3,4] x) => (float[2,3,4] y) { y = Softmax (x) }", opset),
              (Lines{"Flatten (.)", "Softmax (.)", "Reshape allow_zero=1 (., [2,3,4])"}));
    EXPECT_EQ(nodes("g (float[n,3,4] x) => (float[n,3,4] y) { y = Softmax (x) }", opset),
              (Lines{"Flatten (.)", "Softmax (.)", "Shape (.)", "Reshape allow_zero=1 (., .)"}));
    EXPECT_EQ(nodes("g (float[2,3,4] x) => (float[2,3,4] y) { y = Softmax <axis = 2> (x) }", opset),
              Lines{"Softmax axis=2 (.)"});
  }
  for (int opset = 13; opset <= newest_opset; ++opset) {
    EXPECT_EQ(nodes("g (float[2,3,4] x) => (float[2,3,4] y) { y = Softmax (x) }", opset),
              Lines{"Softmax (.)"});
    EXPECT_EQ(nodes("g (float[2,3,4] x) => (float[2,3,4] y) { y = Softmax <axis = 1> (x) }", opset),
              Lines{"Softmax axis=1 (.)"});
  }
}

std::string normalization(const std::string& x, const std::string& attributes,
                          const std::string& outputs = "y") {
  return "g (float[" + x + "] x, float[3] s, float[3] b, float[3] m, float[3] v) => (float[" + x + "] y) { " +
         outputs + " = BatchNormalization <epsilon = 0.001" + attributes + "> (x, s, b, m, v) }";
}

TEST(ImportBatchNormalization, PutsChannelsLastInEveryOpset) {
  const std::string op = "BatchNormalization epsilon=0.001 (., ., ., ., .)";
  for (int opset = oldest_opset; opset <= newest_opset; ++opset) {
    EXPECT_EQ(nodes(normalization("2,3", ", momentum = 0.9"), opset), Lines{op});
    EXPECT_EQ(nodes(normalization("2,3,4", ""), opset),
              (Lines{"Transpose permutation=0,2,1 (.)", op, "Transpose permutation=0,2,1 (.)"}));
    EXPECT_EQ(nodes(normalization("n,3,h,w", ""), opset),
              (Lines{"Transpose permutation=0,2,3,1 (.)", op, "Transpose permutation=0,3,1,2 (.)"}));
  }
}

TEST(ImportBatchNormalization, ComputesInTheParametersType) {
  EXPECT_EQ(nodes("g (float16[2,3] x, float[3] s, float[3] b, float[3] m, float[3] v) => (float16[2,3] y) { "
                  "y = BatchNormalization (x, s, b, m, v) }",
                  15),
            (Lines{"Cast (.)", "BatchNormalization (., ., ., ., .)", "Cast (.)"}));
}

TEST(ImportBatchNormalization, InTrainingModeWithParametersOfElementsIsRefused) {
  EXPECT_TRUE(mentions(refusal(normalization("2,3", ", spatial = 0", "y, rm, rv, sm, sv"), 7), "spatial"));
}

std::string lstm(const std::string& attributes, const std::string& x, const std::string& h,
                 int directions = 1) {
  const std::string d = std::to_string(directions);
  return "g (float[" + x + "] x, float[" + d + ",16,3] w, float[" + d + ",16,4] r, float[" + h +
         "] h, float[" + h +
         "] c) => (float[] y, float[] yh, float[] yc) "
         "{ y, yh, yc = LSTM <hidden_size = 4" +
         attributes + "> (x, w, r, , , h, c) }";
}

TEST(ImportLstm, InEveryOpset) {
  for (int opset = oldest_opset; opset <= newest_opset; ++opset)
    EXPECT_EQ(nodes(lstm(", activations = [\"Sigmoid\", \"Tanh\", \"Relu\"], clip = 2.0, direction = "
                         "\"reverse\", input_forget = 1",
                         "5,2,3", "1,2,4"),
                    opset),
              (Lines{"LSTM clip=2 direction=reverse hidden_activation=relu hidden_size=4 input_forget=1 (., "
                     "., ., -, -, ., .)"}));
}

TEST(ImportLstm, PutsTimeFirst) {
  for (int opset = 14; opset <= newest_opset; ++opset)
    EXPECT_EQ(nodes(lstm(", layout = 1", "2,5,3", "2,1,4"), opset),
              (Lines{"Transpose permutation=1,0,2 (.)", "Transpose permutation=1,0,2 (.)",
                     "Transpose permutation=1,0,2 (.)", "LSTM hidden_size=4 (., ., ., -, -, ., .)",
                     "Transpose permutation=2,0,1,3 (.)", "Transpose permutation=1,0,2 (.)",
                     "Transpose permutation=1,0,2 (.)"}));
}

TEST(ImportLstm, ActivationsOfKeras) {
  EXPECT_EQ(
      nodes(lstm(", activations = [\"HardSigmoid\", \"Softsign\", \"Tanh\"], activation_alpha = [0.2], "
                 "activation_beta = [0.5]",
                 "5,2,3", "1,2,4"),
            13),
      (Lines{
          "LSTM cell_activation=softsign gate_activation=hard_sigmoid hidden_size=4 (., ., ., -, -, ., .)"}));
}

TEST(ImportLstm, RefusesOtherActivations) {
  EXPECT_TRUE(
      mentions(refusal(lstm(", activations = [\"HardSigmoid\", \"Tanh\", \"Tanh\"], activation_alpha = [0.3]",
                            "5,2,3", "1,2,4"),
                       13),
               "a HardSigmoid other than that of alpha = 0.2"));
  EXPECT_TRUE(mentions(
      refusal(lstm(", direction = \"bidirectional\", activations = [\"Sigmoid\", \"Tanh\", \"Tanh\", "
                   "\"Sigmoid\", \"Tanh\", \"Relu\"]",
                   "5,2,3", "2,2,4", 2),
              13),
      "two directions"));
}

TEST(ImportDropout, IsNothingInInference) {
  for (int opset = oldest_opset; opset <= newest_opset; ++opset) {
    EXPECT_EQ(nodes("g (float[2] x) => (float[2] y) { z = Dropout (x)  y = Relu (z) }", opset),
              Lines{"Relu (.)"});
    const std::string ratio = opset < 12 ? "{ z = Dropout <ratio = 0.25> (x)"
                                         : "<float r = {0.25}, bool t = {0}> { z = Dropout (x, r, t)";
    EXPECT_EQ(nodes("g (float[2] x) => (float[2] y) " + ratio + "  y = Relu (z) }", opset),
              Lines{"Relu (.)"});
  }
  EXPECT_EQ(nodes("g (float[n] x) => (bool[n] m) { y, m = Dropout (x) }", 12),
            (Lines{"Shape (.)", "ConstantOfShape (., #)"}));
}

TEST(ImportDropout, RefusesTraining) {
  EXPECT_TRUE(mentions(
      refusal("g (float[2] x) => (float[2] y) <float r = {0.25}, bool t = {1}> { y = Dropout (x, r, t) }",
              13),
      "model.eval()"));
  EXPECT_TRUE(mentions(
      refusal("g (float[2] x, bool t) => (float[2] y) <float r = {0.25}> { y = Dropout (x, r, t) }", 13),
      "training_mode"));
}

TEST(ImportQuantize, InEveryOpset) {
  const std::string body =
      "g (float[2,3] x, float s, int8 z) => (float[2,3] y) { q = QuantizeLinear (x, s, z)  y = "
      "DequantizeLinear (q, s, z) }";
  for (int opset = 10; opset <= newest_opset; ++opset)
    EXPECT_EQ(nodes(body, opset), (Lines{"QuantizeLinear (., ., .)", "DequantizeLinear (., ., .)"}));
  for (int opset = 13; opset <= newest_opset; ++opset)
    EXPECT_EQ(nodes("g (float[2,3] x, float[2] s, int8[2] z) => (int8[2,3] y) { y = QuantizeLinear <axis = "
                    "0> (x, s, z) }",
                    opset),
              Lines{"QuantizeLinear axis=0 (., ., .)"});
  for (int opset = 21; opset <= newest_opset; ++opset)
    EXPECT_EQ(nodes("g (float[2,4] x, float[2,2] s) => (int8[2,4] y) { y = QuantizeLinear <block_size = 2, "
                    "output_dtype = 3, saturate = 0> (x, s) }",
                    opset),
              Lines{"QuantizeLinear block_size=2 saturate=0 (., .)"});
  EXPECT_TRUE(mentions(refusal("g (float[2] x, float s) => (int8[2] y) { y = QuantizeLinear <precision = 10, "
                               "output_dtype = 3> (x, s) }",
                               23),
                       "precision"));
}

}  // namespace
}  // namespace lithe::test
