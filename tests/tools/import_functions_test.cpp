// SPDX-License-Identifier: Apache-2.0
// Operators that ONNX's schemas say in others, and operators that importers compose.
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <string>
#include <vector>

#include "tests/tools/import_running.hpp"

namespace lithe::test {
namespace {

graph::ConstantPtr floats_of(const Shape& shape, const std::vector<double>& v) {
  return of_doubles(DType::f32, shape, v);
}

std::vector<double> counted(std::size_t n) {
  std::vector<double> v(n);
  for (std::size_t i = 0; i < n; ++i) v[i] = std::sin(static_cast<double>(i) * 1.7);
  return v;
}

TEST(ImportFunctions, ABodyIsImportedInTheNodesPlace) {
  RunningModel hann("g (int64 n) => (float[w] y) { y = HannWindow (n) }", 17);
  const auto window = hann.run({of_doubles(DType::s64, {}, {8})})[0];
  ASSERT_EQ(window.size(), 8U);
  for (std::size_t i = 0; i < 8; ++i)
    EXPECT_NEAR(window[i], std::pow(std::sin(3.14159265358979 * static_cast<double>(i) / 8), 2), 1e-6);
  const graph::Model m = imported("g (int64 n) => (float[w] y) { y = HannWindow (n) }", 17);
  for (const graph::Node& node : m.graphs[0].nodes) EXPECT_EQ(node.onnx_names, (Lines{"HannWindow -> y"}));
}

TEST(ImportFunctions, WhatABodyCannotSayNamesTheNode) {
  const std::string text = refusal(
      "g (float[2,2,8] q, float[2,2,8] k, float[2,2,8] v, float[2,2,2] d) => (float[2,2,8] y, float[2,2,4,4] "
      "s) "
      "{ y, s = LinearAttention <q_num_heads = 2, kv_num_heads = 2, update_rule = \"none such\"> (q, k, v) }",
      27);
  EXPECT_TRUE(mentions(text, "LinearAttention"));
}

TEST(ImportAttention, IsOneOperator) {
  EXPECT_EQ(nodes("g (float[1,4,3,8] q, float[1,2,5,8] k, float[1,2,5,8] v) => (float[1,4,3,8] y) { y = "
                  "Attention (q, k, "
                  "v) }",
                  23),
            Lines{"Attention heads_apart=1 (., ., .)"});
  EXPECT_EQ(nodes("g (float[1,3,16] q, float[1,5,8] k, float[1,5,8] v, bool[3,5] m) => (float[1,3,16] y) "
                  "{ y = Attention <q_num_heads = 4, kv_num_heads = 2, is_causal = 1, scale = 0.5, softcap = "
                  "2.0> (q, k, v, m) }",
                  23),
            Lines{"Attention causal=from_first heads=4 kv_heads=2 scale=0.5 softcap=2 (., ., ., .)"});
}

/// Where the scores are wanted.
TEST(ImportAttention, HeadsOfAGroupAreRowsOfOneProduct) {
  const std::vector<std::string> lines = nodes(
      "g (float[1,4,3,8] q, float[1,2,5,8] k, float[1,2,5,8] v) => (float[1,4,3,8] y, float[1,4,3,5] s) "
      "{ y, , , s = Attention (q, k, v) }",
      23);
  EXPECT_EQ(lines, (Lines{"Mul (., 0.353553)", "Reshape (., [0,2,6,8])", "MatMul transpose_b=1 (., .)",
                          "Reshape (., [0,4,3,5])", "Softmax (.)", "Reshape (., [0,2,6,5])", "MatMul (., .)",
                          "Reshape (., [0,4,3,8])"}));
}

TEST(ImportAttention, OpenSequencesAndPast) {
  RunningModel model(
      "g (float[1,2,S,4] q, float[1,2,S,4] k, float[1,2,S,4] v, float[1,2,P,4] pk, float[1,2,P,4] pv) => "
      "(float[1,2,S,4] y, float[1,2,T,4] nk, float[1,2,T,4] nv) "
      "{ y, nk, nv = Attention <is_causal = 1> (q, k, v, , pk, pv) }",
      23);
  for (const auto& [s, p] : {std::pair<index_t, index_t>{3, 2}, {1, 5}, {2, 1}}) {
    const auto n = static_cast<std::size_t>(8 * s), m = static_cast<std::size_t>(8 * p);
    const auto outputs =
        model.run({floats_of({1, 2, s, 4}, counted(n)), floats_of({1, 2, s, 4}, counted(n)),
                   floats_of({1, 2, s, 4}, std::vector<double>(n, 2)), floats_of({1, 2, p, 4}, counted(m)),
                   floats_of({1, 2, p, 4}, std::vector<double>(m, 2))});
    EXPECT_EQ(outputs[1].size(), n + m);
    for (double v : outputs[0]) EXPECT_NEAR(v, 2, 1e-5) << "weights add up to 1";
  }
}

TEST(ImportSignal, AnStftIsFramesAndTransforms) {
  RunningModel model(
      "g (float[1,n,1] x) => (float[1,f,5,2] y) <int64 step = {4}, float[8] w = {1, 1, 1, 1, 1, 1, 1, 1}> "
      "{ y = STFT (x, step, w) }",
      17);
  for (const std::size_t n : {8U, 21U}) {
    const auto x = counted(n);
    const auto y = model.run({floats_of({1, static_cast<index_t>(n), 1}, x)})[0];
    const std::size_t frames = (n - 8) / 4 + 1;
    ASSERT_EQ(y.size(), frames * 10);
    for (std::size_t f = 0; f < frames; ++f)
      for (std::size_t k = 0; k < 5; ++k) {
        double real = 0, imaginary = 0;
        for (std::size_t i = 0; i < 8; ++i) {
          const double angle = -2 * 3.14159265358979 * static_cast<double>(k * i) / 8;
          real += x[f * 4 + i] * std::cos(angle);
          imaginary += x[f * 4 + i] * std::sin(angle);
        }
        EXPECT_NEAR(y[(f * 5 + k) * 2], real, 1e-5);
        EXPECT_NEAR(y[(f * 5 + k) * 2 + 1], imaginary, 1e-5);
      }
  }
}

TEST(ImportRandom, BernoulliAndMultinomialFollowTheirInputs) {
  RunningModel coin("g (float[30000] p) => (float[30000] y) { y = Bernoulli <seed = 3.0> (p) }", 15);
  std::vector<double> p(30000);
  for (std::size_t i = 0; i < p.size(); ++i) p[i] = i % 3 == 0 ? 0.1 : i % 3 == 1 ? 0.5 : 1;
  const auto first = coin.run({floats_of({30000}, p)})[0], second = coin.run({floats_of({30000}, p)})[0];
  EXPECT_NE(first, second) << "each run draws anew";
  double hits[3] = {};
  for (std::size_t i = 0; i < p.size(); ++i) hits[i % 3] += first[i];
  EXPECT_NEAR(hits[0], 1000, 130);
  EXPECT_NEAR(hits[1], 5000, 220);
  EXPECT_EQ(hits[2], 10000);

  RunningModel die(
      "g (float[1,3] l) => (int32[1,20000] y) { y = Multinomial <sample_size = 20000, seed = 5.0> (l) }", 15);
  const auto drawn = die.run({floats_of({1, 3}, {std::log(1.0), std::log(2.0), std::log(5.0)})})[0];
  EXPECT_NEAR(static_cast<double>(std::count(drawn.begin(), drawn.end(), 0)), 2500, 200);
  EXPECT_NEAR(static_cast<double>(std::count(drawn.begin(), drawn.end(), 1)), 5000, 260);
  EXPECT_NEAR(static_cast<double>(std::count(drawn.begin(), drawn.end(), 2)), 12500, 300);
}

TEST(ImportRandom, NodesWithoutASeedDiffer) {
  RunningModel model(
      "g (float[4] x) => (float[4] a, float[4] b, double[4] c) { a = RandomUniform <shape = [4]> ()\n b = "
      "RandomUniform <shape = [4]> ()\n c = RandomNormalLike <dtype = 11> (x) }",
      15);
  const auto outputs = model.run({floats_of({4}, {0, 0, 0, 0})});
  EXPECT_NE(outputs[0], outputs[1]);
  EXPECT_TRUE(mentions(refusal("g () => (float[4] a) { a = RandomUniform <shape = [4], dtype = 6> () }", 15),
                       "type"));
}

TEST(ImportDeformConv, WithoutOffsetsIsAConvolution) {
  const std::string weights =
      "<float[18] o0 = {0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0}, int64[4] os = {1, 18, 1, 1}, "
      "int64[4] oe = {1, 18, 4, 5}> ";
  RunningModel deformed("g (float[1,2,4,5] x, float[3,2,3,3] w, float[3] b) => (float[1,3,4,5] y) " +
                            weights +
                            "{ r = Reshape (o0, os)\n o = Expand (r, oe)\n y = DeformConv <kernel_shape = "
                            "[3, 3], pads = [1, 1, 1, 1]> (x, w, o, b) }",
                        19);
  RunningModel plain(
      "g (float[1,2,4,5] x, float[3,2,3,3] w, float[3] b) => (float[1,3,4,5] y) { y = Conv <pads = [1, 1, 1, "
      "1]> (x, w, b) }",
      19);
  const Tensors inputs{floats_of({1, 2, 4, 5}, counted(40)), floats_of({3, 2, 3, 3}, counted(54)),
                       floats_of({3}, {1, 2, 3})};
  const auto a = deformed.run(inputs)[0], b = plain.run(inputs)[0];
  ASSERT_EQ(a.size(), b.size());
  for (std::size_t i = 0; i < a.size(); ++i) EXPECT_NEAR(a[i], b[i], 1e-4);
}

}  // namespace
}  // namespace lithe::test
