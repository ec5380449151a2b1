// SPDX-License-Identifier: Apache-2.0
#include <gtest/gtest.h>

#include <string>

#include "tests/tools/import_testing.hpp"

namespace lithe::test {
namespace {

TEST(ImportReduce, AxesAreAnAttributeThenAnInput) {
  for (const std::string op : {"ReduceL1", "ReduceL2", "ReduceLogSumExp", "ReduceMax", "ReduceMean",
                               "ReduceMin", "ReduceProd", "ReduceSum", "ReduceSumSquare"}) {
    const int axes_input = op == "ReduceSum" ? 13 : 18;
    for (int opset = oldest_opset; opset < axes_input; ++opset) {
      EXPECT_EQ(
          nodes("g (float[2,3] x) => (float[2] y) { y = " + op + " <axes = [1], keepdims = 0> (x) }", opset),
          Lines{op + " keepdims=0 (., [1])"});
      EXPECT_EQ(nodes("g (float[2,3] x) => (float[1,1] y) { y = " + op + " (x) }", opset),
                Lines{op + " (.)"});
    }
    for (int opset = axes_input; opset <= newest_opset; ++opset) {
      EXPECT_EQ(
          nodes("g (float[2,3] x) => (float[2,1] y) <int64[1] a = {-1}> { y = " + op + " (x, a) }", opset),
          Lines{op + " (., [-1])"});
      EXPECT_EQ(nodes("g (float[2,3] x) => (float[1,1] y) { y = " + op + " (x) }", opset),
                Lines{op + " (.)"});
      EXPECT_EQ(nodes("g (float[2,3] x, int64[1] a) => (float[n,m] y) { y = " + op + " (x, a) }", opset),
                Lines{op + " (., .)"});
    }
  }
}

TEST(ImportReduce, OverNoAxes) {
  const auto line = [](const std::string& op) {
    return nodes(
        "g (float[2,3] x) => (float[2,3] y) { z = " + op + " <noop_with_empty_axes = 1> (x)  y = Relu (z) }",
        18);
  };
  EXPECT_EQ(line("ReduceMean"), Lines{"Relu (.)"});
  EXPECT_EQ(line("ReduceLogSumExp"), Lines{"Relu (.)"});
  EXPECT_EQ(line("ReduceLogSum"), (Lines{"ReduceSum noop_with_empty_axes=1 (.)", "Log (.)", "Relu (.)"}));
  EXPECT_EQ(line("ReduceL2"), (Lines{"ReduceL2 noop_with_empty_axes=1 (.)", "Relu (.)"}));
}

TEST(ImportReduce, LogarithmsOfIntegersAreTakenInDouble) {
  EXPECT_EQ(nodes("g (int32[2,3] x) => (int32[1,1] y) { y = ReduceLogSum (x) }", 13),
            (Lines{"Cast (.)", "ReduceSum (.)", "Log (.)", "Cast (.)"}));
  EXPECT_EQ(nodes("g (int64[2,3] x) => (int64[1,1] y) { y = ReduceLogSumExp (x) }", 18),
            (Lines{"Cast (.)", "ReduceLogSumExp (.)", "Cast (.)"}));
}

}  // namespace
}  // namespace lithe::test
