// SPDX-License-Identifier: Apache-2.0
#include <gtest/gtest.h>

#include <string>

#include "tests/tools/import_testing.hpp"

namespace lithe::test {
namespace {

const std::string swap = "Transpose permutation=1,0,2 (.)";

/// LSTM's own tests are beside those of the other layers.
std::string graph(const std::string& op, int gates, const std::string& attributes, const std::string& x,
                  const std::string& h, int directions = 1) {
  const std::string d = std::to_string(directions), rows = std::to_string(4 * gates);
  return "g (float[" + x + "] x, float[" + d + "," + rows + ",3] w, float[" + d + "," + rows +
         ",4] r, float[" + h + "] h) => (float[] y, float[] yh) { y, yh = " + op + " <hidden_size = 4" +
         attributes + "> (x, w, r, , , h) }";
}

TEST(ImportGru, InEveryOpset) {
  for (int opset = oldest_opset; opset <= newest_opset; ++opset) {
    EXPECT_EQ(nodes(graph("GRU", 3, "", "5,2,3", "1,2,4"), opset),
              Lines{"GRU hidden_size=4 (., ., ., -, -, .)"});
    EXPECT_EQ(
        nodes(graph("GRU", 3,
                    ", activations = [\"Tanh\", \"Relu\", \"Tanh\", \"Relu\"], clip = 2.0, direction = "
                    "\"bidirectional\", linear_before_reset = 1",
                    "5,2,3", "2,2,4", 2),
              opset),
        Lines{"GRU clip=2 direction=bidirectional gate_activation=tanh hidden_activation=relu hidden_size=4 "
              "linear_before_reset=1 (., ., ., -, -, .)"});
  }
}

TEST(ImportRnn, InEveryOpset) {
  for (int opset = oldest_opset; opset <= newest_opset; ++opset) {
    EXPECT_EQ(nodes(graph("RNN", 1, "", "5,2,3", "1,2,4"), opset),
              Lines{"RNN hidden_size=4 (., ., ., -, -, .)"});
    EXPECT_EQ(nodes(graph("RNN", 1, ", activations = [\"Relu\"], clip = 2.0, direction = \"reverse\"",
                          "5,2,3", "1,2,4"),
                    opset),
              Lines{"RNN activation=relu clip=2 direction=reverse hidden_size=4 (., ., ., -, -, .)"});
  }
}

TEST(ImportRecurrent, PutsTimeFirst) {
  for (int opset = 14; opset <= newest_opset; ++opset) {
    EXPECT_EQ(nodes(graph("GRU", 3, ", layout = 1", "2,5,3", "2,1,4"), opset),
              (Lines{swap, swap, "GRU hidden_size=4 (., ., ., -, -, .)", "Transpose permutation=2,0,1,3 (.)",
                     swap}));
    EXPECT_EQ(nodes(graph("RNN", 1, ", layout = 1", "2,5,3", "2,1,4"), opset),
              (Lines{swap, swap, "RNN hidden_size=4 (., ., ., -, -, .)", "Transpose permutation=2,0,1,3 (.)",
                     swap}));
  }
}

TEST(ImportRecurrent, Refusals) {
  EXPECT_TRUE(mentions(
      refusal(graph("GRU", 3, ", activations = [\"Sigmoid\", \"Affine\"]", "5,2,3", "1,2,4"), 13), "affine"));
  EXPECT_TRUE(mentions(refusal(graph("GRU", 3, ", activations = [\"Sigmoid\"]", "5,2,3", "1,2,4"), 13),
                       "2 functions a direction"));
  EXPECT_TRUE(mentions(refusal(graph("RNN", 1,
                                     ", direction = \"bidirectional\", activations = [\"Tanh\", "
                                     "\"Relu\"]",
                                     "5,2,3", "2,2,4", 2),
                               13),
                       "two directions"));
}

}  // namespace
}  // namespace lithe::test
