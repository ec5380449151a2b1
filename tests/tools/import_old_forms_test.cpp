// SPDX-License-Identifier: Apache-2.0
// Forms of opsets 1 to 6.
#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "tests/tools/import_running.hpp"

namespace lithe::test {
namespace {

graph::ConstantPtr floats_of(const Shape& shape, const std::vector<double>& v) {
  return of_doubles(DType::f32, shape, v);
}

TEST(ImportOldForms, SecondOperandsLieAlongAnAxis) {
  for (const std::string op : {"Add", "Sub", "Mul", "Div", "Pow"})
    for (const int opset : {1, 6}) {
      EXPECT_EQ(nodes("g (float[2,3,4] a, float[3] b) => (float[2,3,4] y) { y = " + op +
                          " <broadcast = 1, axis = 1> (a, b) }",
                      opset),
                (Lines{"Unsqueeze (., [1])", op + " (., .)"}));
      EXPECT_EQ(nodes("g (float[2,3,4] a, float[3,4] b) => (float[2,3,4] y) { y = " + op +
                          " <broadcast = 1> (a, b) }",
                      opset),
                Lines{op + " (., .)"});
      EXPECT_EQ(
          nodes("g (float[2,3,4] a, float[2,3,4] b) => (float[2,3,4] y) { y = " + op + " (a, b) }", opset),
          Lines{op + " (., .)"});
    }
  EXPECT_EQ(
      nodes("g (bool[2,3] a, bool[2] b) => (bool[2,3] y) { y = And <broadcast = 1, axis = 0> (a, b) }", 1),
      (Lines{"Unsqueeze (., [1])", "And (., .)"}));
  EXPECT_EQ(
      nodes("g (float[2,3] a, float[2] b) => (bool[2,3] y) { y = Less <broadcast = 1, axis = -2> (a, b) }",
            1),
      (Lines{"Unsqueeze (., [1])", "Less (., .)"}));
}

TEST(ImportOldForms, Values) {
  RunningModel sum(
      "g (float[2,3,2] a, float[3] b) => (float[2,3,2] y) { y = Add <broadcast = 1, axis = 1> (a, b) }", 6);
  EXPECT_EQ(sum.run({floats_of({2, 3, 2}, std::vector<double>(12, 1)), floats_of({3}, {10, 20, 30})})[0],
            (std::vector<double>{11, 11, 21, 21, 31, 31, 11, 11, 21, 21, 31, 31}));
  RunningModel slope("g (float[1,2,2] x, float[2] s) => (float[1,2,2] y) { y = PRelu (x, s) }", 6);
  EXPECT_EQ(slope.run({floats_of({1, 2, 2}, {-1, 1, -1, 1}), floats_of({2}, {2, 3})})[0],
            (std::vector<double>{-2, 1, -3, 1}));
  RunningModel tile(
      "g (float[2,2] x) => (float[2,6] y) <float t = {3}, float a = {1}> { y = Tile (x, t, a) }", 1);
  EXPECT_EQ(tile.run({floats_of({2, 2}, {1, 2, 3, 4})})[0],
            (std::vector<double>{1, 2, 1, 2, 1, 2, 3, 4, 3, 4, 3, 4}));
  RunningModel grow(
      "g (float[1,1,1,2] x) => (float[1,1,2,4] y) { y = Upsample <height_scale = 2.0, width_scale = 2.0> (x) "
      "}",
      1);
  EXPECT_EQ(grow.run({floats_of({1, 1, 1, 2}, {1, 2})})[0], (std::vector<double>{1, 1, 2, 2, 1, 1, 2, 2}));
}

TEST(ImportOldForms, AttributesOfThen) {
  EXPECT_EQ(nodes("g (float[2,3] x) => (float[2,3] y) { y = Relu <consumed_inputs = [0]> (x) }", 1),
            Lines{"Relu (.)"});
  EXPECT_EQ(nodes("g (float[2,3] x) => (float[3,2] y) { y = Reshape <shape = [3, 2]> (x) }", 1),
            Lines{"Reshape (., [3,2])"});
  EXPECT_EQ(nodes("g (float[2,3] x) => (int32[2,3] y) { y = Cast <to = \"INT32\"> (x) }", 1),
            Lines{"Cast (.)"});
  EXPECT_EQ(nodes("g (float[2,3] x) => (float[2,6] y) { y = Concat (x, x) }", 1),
            Lines{"Concat axis=1 (., .)"});
  EXPECT_EQ(nodes("g (float[2,3] x) => (float[4,5] y) { y = Pad <paddings = [1, 0, 1, 2]> (x) }", 1),
            Lines{"Pad (., [1,0,1,2], 0)"});
  EXPECT_EQ(nodes("g (float[2,3] x) => (float[2,3] y) { y = Selu (x) }", 1),
            Lines{"Selu alpha=1.6732 gamma=1.0507 (.)"});
  EXPECT_EQ(nodes("g (float[2,3] x) => (float[2,3] y) { y = Selu (x) }", 6), Lines{"Selu (.)"});
  EXPECT_EQ(nodes("g (float[2,3] x) => (float[2,3] y) { y = Clip <min = 0.0> (x) }", 1).size(), 1U);
  EXPECT_EQ(nodes("g (float[2,3] x) => (float[2,3] y) { y = Max (x, x) }", 1), Lines{"Max (., .)"});
  EXPECT_EQ(nodes("g (float[2,3] x, float[3,4] w, float[4] c) => (float[2,4] y) { y = Gemm <broadcast = 1> "
                  "(x, w, c) }",
                  6),
            (Lines{"MatMul (., .)", "Add (., .)"}));
  EXPECT_TRUE(mentions(refusal("g (float[2,3] x) => (string[2,3] y) { y = Cast <to = \"STRING\"> (x) }", 1),
                       "STRING"));
}

TEST(ImportOldForms, NothingIsDroppedWithoutIsTest) {
  EXPECT_EQ(nodes("g (float[2] x) => (float[2] y) { t = Dropout <is_test = 1> (x)\n y = Relu (t) }", 6),
            Lines{"Relu (.)"});
  RunningModel model("g (float[2] x) => (float[2] y) { t = Dropout (x)\n y = Relu (t) }", 6);
  ASSERT_EQ(model.notes().size(), 1U);
  EXPECT_TRUE(mentions(model.notes()[0], "its is_test does not say that it is inference"));
  EXPECT_TRUE(mentions(
      refusal("g (float[2] x, bool t, float r) => (float[2] y) { y = Dropout (x, r, t) }", 13),
      "training_mode is computed at run time is not supported; make training_mode a constant, false"));
}

TEST(ImportOldForms, BatchNormalizationWithIsTestIsInferenceWhateverItsOutputs) {
  RunningModel model(
      "g (float[2,2,1] x, float[2] s, float[2] b, float[2] m, float[2] v) => (float[2,2,1] y, float[2] rm, "
      "float[2] rv) { y, rm, rv, sm, sv = BatchNormalization <epsilon = 0.0, is_test = 1> (x, s, b, m, v) }",
      6);
  EXPECT_EQ(model.notes().size(), 0U);
  const auto outputs = model.run({floats_of({2, 2, 1}, {1, 10, 3, 30}), floats_of({2}, {2, 1}),
                                  floats_of({2}, {0, 5}), floats_of({2}, {1, 4}), floats_of({2}, {4, 1})});
  EXPECT_EQ(outputs[0], (std::vector<double>{0, 11, 2, 31}));
  EXPECT_EQ(outputs[1], (std::vector<double>{1, 4}));
  EXPECT_EQ(outputs[2], (std::vector<double>{4, 1}));
}

TEST(ImportTrainingForms, DropoutThatDropsNothingIsKeptWithANote) {
  RunningModel model(
      "g (float[2] x, bool t) => (float[2] y) <float r = {0}> { d = Dropout (x, r, t)\n y = Relu (d) }", 13);
  ASSERT_EQ(model.notes().size(), 1U);
  EXPECT_TRUE(mentions(model.notes()[0], "ratio is 0"));
}

TEST(ImportTrainingForms, BatchNormalizationUsesTheInputsStatistics) {
  const std::string types =
      "g (float[2,2,1] x, float[2] s, float[2] b, float[2] m, float[2] v) => (float[2,2,1] y, float[2] rm, "
      "float[2] rv) ";
  RunningModel model(types +
                         "{ y, rm, rv = BatchNormalization <epsilon = 0.0, momentum = 0.75, training_mode = "
                         "1> (x, s, b, m, v) }",
                     15);
  ASSERT_EQ(model.notes().size(), 1U);
  EXPECT_TRUE(mentions(model.notes()[0], "training mode"));
  const auto outputs = model.run({floats_of({2, 2, 1}, {1, 10, 3, 30}), floats_of({2}, {2, 1}),
                                  floats_of({2}, {0, 5}), floats_of({2}, {4, 4}), floats_of({2}, {8, 8})});
  EXPECT_EQ(outputs[0], (std::vector<double>{-2, 4, 2, 6}));
  EXPECT_EQ(outputs[1], (std::vector<double>{3.5, 8}));
  EXPECT_EQ(outputs[2], (std::vector<double>{6.25, 31}));
}

TEST(ImportTrainingForms, BatchNormalizationOfElements) {
  RunningModel model(
      "g (float[2,2] x, float[2] s, float[2] b, float[2] m, float[2] v) => (float[2,2] y) { y = "
      "BatchNormalization <epsilon = 0.0, spatial = 0> (x, s, b, m, v) }",
      7);
  EXPECT_EQ(model.run({floats_of({2, 2}, {1, 2, 3, 4}), floats_of({2}, {1, 2}), floats_of({2}, {0, 1}),
                       floats_of({2}, {1, 2}), floats_of({2}, {4, 1})})[0],
            (std::vector<double>{0, 1, 1, 5}));
}

}  // namespace
}  // namespace lithe::test
