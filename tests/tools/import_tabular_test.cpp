// SPDX-License-Identifier: Apache-2.0
// Operators of ai.onnx.ml but forests, on small inputs.
#include <gtest/gtest.h>

#include <cmath>
#include <limits>
#include <string>
#include <vector>

#include "tests/tools/import_running.hpp"

namespace lithe::test {
namespace {

constexpr int opset = 18;
constexpr double nan = std::numeric_limits<double>::quiet_NaN(),
                 infinity = std::numeric_limits<double>::infinity();

using Numbers = std::vector<double>;

void expect_near(const Numbers& got, const Numbers& wanted, double tolerance = 1e-5) {
  ASSERT_EQ(got.size(), wanted.size());
  for (std::size_t i = 0; i < got.size(); ++i) {
    if (std::isnan(wanted[i]))
      EXPECT_TRUE(std::isnan(got[i])) << "element " << i;
    else
      EXPECT_NEAR(got[i], wanted[i], tolerance * std::max(1.0, std::abs(wanted[i]))) << "element " << i;
  }
}

/// The outputs of `op` (its name and attributes) on `x`.
std::vector<Numbers> outputs(const std::string& op, const std::string& input, const Shape& shape,
                             const Numbers& x, const std::string& results, int ml_opset = 3) {
  std::string names;
  for (std::size_t at = 0; (at = results.find("] ", at)) != std::string::npos;) {
    at += 2;
    names += (names.empty() ? "" : ", ") + results.substr(at, results.find(',', at) - at);
  }
  RunningModel model(
      serialized("g (" + input + " x) => (" + results + ") { " + names + " = ai.onnx.ml." + op + "(x) }",
                 opset, ml_opset));
  return model.run({of_doubles(model.inputs()[0].dtype, shape, x)});
}
Numbers output(const std::string& op, const std::string& input, const Shape& shape, const Numbers& x,
               std::string result = "", int ml_opset = 3) {
  if (result.empty()) result = shape.rank() == 1 ? "float[n] y" : "float[n,m] y";
  return outputs(op, input, shape, x, result, ml_opset)[0];
}

TEST(ImportTabular, Scaler) {
  expect_near(
      output("Scaler <offset = [1.0, 2.0], scale = [2.0, 0.5]>", "float[2,2]", {2, 2}, {1, 4, 3, nan}),
      {0, 1, 4, nan});
  expect_near(output("Scaler <offset = [1.0], scale = [2.0]>", "int64[3]", {3}, {1, 4, -3}), {0, 6, -8});
  expect_near(
      output("Scaler <offset = [16777216.0], scale = [1.0]>", "double[2]", {2}, {16777217, 16777216.25}),
      {1, 0.25});
}

TEST(ImportTabular, Normalizer) {
  const Numbers x{3, -4, 0, 0, -1, -2};
  expect_near(output("Normalizer <norm = \"L2\">", "float[3,2]", {3, 2}, x),
              {0.6, -0.8, 0, 0, -1 / std::sqrt(5.0), -2 / std::sqrt(5.0)});
  expect_near(output("Normalizer <norm = \"L1\">", "float[3,2]", {3, 2}, x),
              {3 / 7.0, -4 / 7.0, 0, 0, -1 / 3.0, -2 / 3.0});
  expect_near(output("Normalizer <norm = \"MAX\">", "float[3,2]", {3, 2}, x), {1, -4 / 3.0, 0, 0, 1, 2});
  expect_near(output("Normalizer", "int32[2]", {2}, {2, 8}), {0.25, 1});
  EXPECT_TRUE(mentions(
      refusal("g (float[3,2] x) => (float[n] y) { y = ai.onnx.ml.Normalizer <norm = \"L3\"> (x) }", opset),
      "L3"));
  EXPECT_TRUE(mentions(refusal("g (float[3,2,1] x) => (float[n] y) { y = ai.onnx.ml.Normalizer (x) }", opset),
                       "3 dimensions"));
}

TEST(ImportTabular, Imputer) {
  expect_near(output("Imputer <imputed_value_floats = [7.0, 8.0], replaced_value_float = 5.0>", "float[2,2]",
                     {2, 2}, {5, 5, nan, 1}),
              {7, 8, nan, 1});
  expect_near(output("Imputer <imputed_value_int64s = [7], replaced_value_int64 = -1>", "int64[3]", {3},
                     {-1, 2, 0}, "int64[n] y"),
              {7, 2, 0});
}

TEST(ImportTabular, ImputerOfNaN) {
  onnx::ModelProto model;
  model.ParseFromString(
      serialized("g (float[3] x) => (float[n] y) { y = ai.onnx.ml.Imputer <imputed_value_floats = [7.0], "
                 "replaced_value_float = 0.0> (x) }",
                 opset));
  for (auto& a : *model.mutable_graph()->mutable_node(0)->mutable_attribute())
    if (a.name() == "replaced_value_float") a.set_f(std::numeric_limits<float>::quiet_NaN());
  RunningModel running(model.SerializeAsString());
  expect_near(running.run({of_doubles(DType::f32, {3}, {nan, 0, 2})})[0], {7, 0, 2});
}

TEST(ImportTabular, Binarizer) {
  expect_near(output("Binarizer <threshold = 0.5>", "float[5]", {5}, {0.5, 0.6, -1, nan, infinity}),
              {0, 1, 0, 0, 1});
  expect_near(output("Binarizer <threshold = 2.5>", "int64[3]", {3}, {2, 3, -7}, "int64[n] y"), {0, 1, 0});
}

TEST(ImportTabular, FeatureVectorizer) {
  RunningModel model(
      "g (float[2,1] a, int64[2,2] b) => (float[2,3] y) { y = ai.onnx.ml.FeatureVectorizer <inputdimensions "
      "= [1, 2]> (a, b) }",
      opset);
  expect_near(model.run({of_doubles(DType::f32, {2, 1}, {0.5, 1.5}),
                         of_doubles(DType::s64, {2, 2}, {1, 2, 3, 4})})[0],
              {0.5, 1, 2, 1.5, 3, 4});
  EXPECT_TRUE(mentions(refusal("g (float[2,1] a) => (float[2,1] y) { y = ai.onnx.ml.FeatureVectorizer "
                               "<inputdimensions = [3]> (a) }",
                               opset),
                       "inputdimensions"));
}

TEST(ImportTabular, ArrayFeatureExtractor) {
  const auto take = [](const std::string& type, const Shape& shape) {
    RunningModel model(
        "g (" + type +
            " x) => (float[a,b] y) <int64[1,2] i = {2, 0}> { y = ai.onnx.ml.ArrayFeatureExtractor (x, i) }",
        opset);
    return model.run(
        {of_doubles(DType::f32, shape, shape.rank() == 1 ? Numbers{1, 2, 3} : Numbers{1, 2, 3, 4, 5, 6})})[0];
  };
  expect_near(take("float[2,3]", {2, 3}), {3, 1, 6, 4});
  expect_near(take("float[3]", {3}), {3, 1});
}

TEST(ImportTabular, OneHotEncoder) {
  const Numbers wanted{0, 1, 0, 0, 0, 0, 1, 0, 0};
  expect_near(output("OneHotEncoder <cats_int64s = [5, -2, 7]>", "int64[3]", {3}, {-2, 9, 5}), wanted);
  expect_near(output("OneHotEncoder <cats_int64s = [5, -2, 7]>", "float[3]", {3}, {-2, 9, 5}), wanted);
  RunningModel strict(
      "g (int64[1] x) => (float[n] y) { y = ai.onnx.ml.OneHotEncoder <cats_int64s = [5], zeros = 0> (x) }",
      opset);
  ASSERT_EQ(strict.notes().size(), 1U);
  EXPECT_TRUE(mentions(strict.notes()[0], "unknown category"));
  EXPECT_TRUE(mentions(
      refusal("g (string[1] x) => (float[n] y) { y = ai.onnx.ml.OneHotEncoder <cats_strings = [\"a\"]> (x) }",
              opset),
      "STRING"));
}

TEST(ImportTabular, LabelEncoder) {
  expect_near(
      output("LabelEncoder <keys_int64s = [5, 5, 7], values_floats = [0.5, 1.5, 2.5], default_float = -3.0>",
             "int64[4]", {4}, {7, 5, 6, -7}),
      {2.5, 0.5, -3, -3});
  expect_near(output("LabelEncoder <keys_floats = [0.5, 1.5], values_int64s = [3, 4]>", "float[3]", {3},
                     {1.5, nan, 0.5}, "int64[n] y"),
              {4, -1, 3});
  expect_near(
      output(
          "LabelEncoder <keys_tensor = int32[2] {4, 9}, values_tensor = int32[2] {40, 90}, default_tensor = "
          "int32[1] {-4}>",
          "int32[3]", {3}, {9, 8, 4}, "int32[n] y", 4),
      {90, -4, 40});
  EXPECT_TRUE(mentions(refusal("g (int64[1] x) => (int64[n] y) { y = ai.onnx.ml.LabelEncoder <keys_int64s = "
                               "[1, 2], values_int64s = [3]> (x) }",
                               opset),
                       "another number of keys"));
  EXPECT_TRUE(mentions(refusal("g (string[1] x) => (int64[n] y) { y = ai.onnx.ml.LabelEncoder <keys_strings "
                               "= [\"a\"], values_int64s = [1]> (x) }",
                               opset),
                       "STRING"));
}

TEST(ImportTabular, LabelEncoderFindsNaN) {
  onnx::ModelProto model;
  model.ParseFromString(
      serialized("g (float[3] x) => (int64[n] y) { y = ai.onnx.ml.LabelEncoder <keys_floats = [1.0, 2.0], "
                 "values_int64s = [10, 20]> (x) }",
                 opset));
  for (auto& a : *model.mutable_graph()->mutable_node(0)->mutable_attribute())
    if (a.name() == "keys_floats") a.set_floats(1, std::numeric_limits<float>::quiet_NaN());
  RunningModel running(model.SerializeAsString());
  expect_near(running.run({of_doubles(DType::f32, {3}, {nan, 1, 2})})[0], {20, 10, -1});
}

/// Texts that come out are places in a list, which the metadata keep.
TEST(ImportTabular, TextsAreNumbersAndMetadata) {
  RunningModel model(
      "g (int64[3] x) => (string[3] y) { n = ai.onnx.ml.LabelEncoder <keys_int64s = [4, 5], values_strings = "
      "[\"a\", \"b c\"], "
      "default_string = \"none\"> (x) shape = Constant <value = int64[1] {3}> () y = Reshape (n, shape) }",
      opset);
  expect_near(model.run({of_doubles(DType::s64, {3}, {5, 6, 4})})[0], {1, 2, 0});
  EXPECT_EQ(model.metadata().at("labels"), "a\nb c\nnone");
  ASSERT_EQ(model.notes().size(), 1U);
  EXPECT_TRUE(mentions(model.notes()[0], "'labels'"));

  RunningModel names(
      serialized("g (int64[2] x) => (string[2] y) { y = ai.onnx.ml.LabelEncoder <classes_strings = [\"a\", "
                 "\"b\"]> (x) }",
                 opset, 1));
  expect_near(names.run({of_doubles(DType::s64, {2}, {1, 7})})[0], {1, 2});
}

TEST(ImportTabular, TheUsersLabelsStay) {
  import::Options options;
  options.metadata["labels"] = "mine";
  RunningModel model(
      "g (int64[1] x) => (string[1] y) { y = ai.onnx.ml.LabelEncoder <keys_int64s = [4], values_strings = "
      "[\"a\"]> (x) }",
      opset, options);
  EXPECT_EQ(model.metadata().at("labels"), "mine");
}

TEST(ImportTabular, TwoListsOfLabels) {
  RunningModel model(
      "g (int64[1] x) => (string[1] y, string[1] z, string[1] w) { "
      "y = ai.onnx.ml.LabelEncoder <keys_int64s = [4], values_strings = [\"a\"]> (x) "
      "z = ai.onnx.ml.LabelEncoder <keys_int64s = [4], values_strings = [\"b\"]> (x) w = Identity (y) }",
      opset);
  EXPECT_EQ(model.metadata().at("labels"), "a\n_Unused");
  EXPECT_EQ(model.metadata().at("labels.z"), "b\n_Unused");
  EXPECT_EQ(model.metadata().size(), 2U);
}

/// Texts in an initializer, of which a classifier selects.
TEST(ImportTabular, SelectedTexts) {
  RunningModel model(
      "g (int64[1,2] i) => (string[a,b] y) <string[3] names = {\"x\", \"y\", \"z\"}> { y = "
      "ai.onnx.ml.ArrayFeatureExtractor (names, i) }",
      opset);
  expect_near(model.run({of_doubles(DType::s64, {1, 2}, {2, 0})})[0], {2, 0});
  EXPECT_EQ(model.metadata().at("labels"), "x\ny\nz");
  EXPECT_TRUE(mentions(refusal("g (int64[2] i) => (bool[a] y) <string[2] names = {\"x\", \"y\"}> { s = "
                               "Gather (names, i) y = Equal (s, names) }",
                               opset),
                       "texts"));
}

TEST(ImportTabular, TextsStayOutOfSubgraphs) {
  const std::string head = "g (bool c, int64[2] i) => (string[a] y) <string[2] names = {\"x\", \"y\"}> { ";
  EXPECT_TRUE(mentions(
      refusal(head + "y = If (c) <then_branch = t () => (string[n] r) { r = Gather (names, i) }, else_branch "
                     "= e () => (string[n] q) { q = Gather (names, i) }> }",
              opset),
      "texts"));
}

TEST(ImportTabular, ZipMap) {
  const std::string scores = "g (float[2,2] x) => (seq(map(int64, float)) y) ";
  RunningModel model(scores + "{ y = ai.onnx.ml.ZipMap <classlabels_int64s = [3, 8]> (x) }", opset);
  expect_near(model.run({of_doubles(DType::f32, {2, 2}, {1, 2, 3, 4})})[0], {1, 2, 3, 4});
  ASSERT_EQ(model.notes().size(), 1U);
  EXPECT_TRUE(mentions(model.notes()[0], "classes 3, 8"));
}

TEST(ImportTabular, LinearRegressor) {
  expect_near(
      output("LinearRegressor <coefficients = [1.0, 2.0, 3.0, 4.0], intercepts = [0.5, -0.5], targets = 2>",
             "float[2,2]", {2, 2}, {1, 1, 2, -1}),
      {3.5, 6.5, 0.5, 1.5});
  expect_near(output("LinearRegressor <coefficients = [1.0, 2.0]>", "int64[2]", {2}, {3, 4}, "float[n,m] y"),
              {11});
  EXPECT_TRUE(mentions(refusal("g (float[1,2] x) => (float[n] y) { y = ai.onnx.ml.LinearRegressor "
                               "<coefficients = [1.0, 2.0], targets = 3> (x) }",
                               opset),
                       "3 targets"));
}

/// The formulas of ONNX's reference.
TEST(ImportTabular, PostTransforms) {
  const std::string model =
      "LinearRegressor <coefficients = [1.0, 1.0, 1.0], targets = 3, intercepts = [0.0, 0.5, -0.25], "
      "post_transform = ";
  const auto given = [&](const std::string& transform, double x) {
    return output(model + "\"" + transform + "\">", "float[1,1]", {1, 1}, {x});
  };
  const auto logistic = [](double v) { return 1 / (1 + std::exp(-v)); };
  expect_near(given("LOGISTIC", 0), {0.5, logistic(0.5), logistic(-0.25)});
  const double sum = 1 + std::exp(0.5) + std::exp(-0.25), some = std::exp(0.5) + std::exp(-0.25);
  expect_near(given("SOFTMAX", 0), {1 / sum, std::exp(0.5) / sum, std::exp(-0.25) / sum});
  expect_near(given("SOFTMAX_ZERO", 0), {0, std::exp(0.5) / some, std::exp(-0.25) / some});
  expect_near(given("PROBIT", 0.3), {-0.524, 0.842, -1.644}, 2e-3);
  EXPECT_TRUE(mentions(refusal("g (float[1,1] x) => (float[n] y) { y = ai.onnx.ml.LinearRegressor "
                               "<coefficients = [1.0], post_transform = \"CUBE\"> (x) }",
                               opset),
                       "CUBE"));
}

TEST(ImportTabular, LinearClassifier) {
  const std::string both = "int64[n] l, float[n,m] s",
                    weights = "coefficients = [1.0, 0.0, 0.0, 1.0, 1.0, 1.0], intercepts = [0.0, 0.0, -2.0]";
  const auto three = outputs("LinearClassifier <classlabels_ints = [7, 3, 5], " + weights + ">", "float[3,2]",
                             {3, 2}, {1, 0, 0, 1, 5, 5}, both);
  expect_near(three[0], {7, 3, 5});
  expect_near(three[1], {1, 0, -1, 0, 1, -1, 5, 5, 8});
  const auto two = outputs(
      "LinearClassifier <classlabels_ints = [0, 1], coefficients = [1.0], intercepts = [0.5], post_transform "
      "= \"LOGISTIC\">",
      "float[3,1]", {3, 1}, {1, -0.5, -1}, both);
  const auto logistic = [](double v) { return 1 / (1 + std::exp(-v)); };
  expect_near(two[0], {1, 0, 0});
  expect_near(two[1], {logistic(-1.5), logistic(1.5), 0.5, 0.5, logistic(0.5), logistic(-0.5)});
  RunningModel texts(
      "g (float[1,1] x) => (string[n] l, float[n,m] s) { l, s = ai.onnx.ml.LinearClassifier "
      "<classlabels_strings = [\"no\", \"yes\"], coefficients = [1.0], intercepts = [0.0]> (x) }",
      opset);
  expect_near(texts.run({of_doubles(DType::f32, {1, 1}, {2})})[0], {1});
  EXPECT_EQ(texts.metadata().at("labels"), "no\nyes");
}

TEST(ImportTabular, SVMRegressor) {
  const std::string machine =
      "n_supports = 2, support_vectors = [1.0, 0.0, 0.0, 2.0], coefficients = [0.5, -1.0], rho = [0.25], "
      "kernel_params = [0.5, 1.0, 3.0]";
  const auto given = [&](const std::string& kernel, const std::string& more = "") {
    return output("SVMRegressor <kernel_type = \"" + kernel + "\", " + machine + more + ">", "float[1,2]",
                  {1, 2}, {2, 3});
  };
  expect_near(given("LINEAR"), {0.5 * 2 - 6 + 0.25});
  expect_near(given("POLY"), {0.5 * std::pow(2, 3) - std::pow(4, 3) + 0.25});
  expect_near(given("RBF"), {0.5 * std::exp(-0.5 * 10) - std::exp(-0.5 * 5) + 0.25});
  expect_near(given("SIGMOID"), {0.5 * std::tanh(2) - std::tanh(4) + 0.25});
  expect_near(given("RBF", ", one_class = 1"), {1});
  expect_near(output("SVMRegressor <coefficients = [2.0, -1.0], rho = [0.5]>", "float[1,2]", {1, 2}, {2, 3}),
              {1.5});
}

/// Vectors far from zero, close to each other: their distance is not lost in rounding.
TEST(ImportTabular, DistancesFarFromZero) {
  expect_near(
      output("SVMRegressor <kernel_type = \"RBF\", n_supports = 2, support_vectors = [101325.0, 101327.0], "
             "coefficients = [1.0, 2.0], rho = [0.0], kernel_params = [0.25, 0.0, 0.0]>",
             "float[1,1]", {1, 1}, {101326}),
      {3 * std::exp(-0.25)});
}

TEST(ImportTabular, SVMClassifier) {
  const std::string both = "int64[n] l, float[n,m] s";
  // A vector for each class, at -2, 0 and 2: kernels are -2 x, 0 and 2 x.
  const std::string machine =
      "support_vectors = [-2.0, 0.0, 2.0], vectors_per_class = [1, 1, 1], coefficients = [1.0, 1.0, -1.0, "
      "0.5, -1.0, -1.0], rho = [0.5, 0.0, -0.5]";
  const auto three = outputs("SVMClassifier <classlabels_ints = [4, 5, 6], " + machine + ">", "float[2,1]",
                             {2, 1}, {-1, 3}, both);
  // Pairs: 0, 1: 1 * k0 + 1 * k1 + 0.5; 0, 2: 0.5 * k0 - k2; 1, 2: -1 * k1 - k2 - 0.5.
  expect_near(three[1], {2.5, 3, 1.5, -5.5, -9, -6.5});
  expect_near(three[0], {4, 6});
  const auto two = outputs(
      "SVMClassifier <classlabels_ints = [0, 1], support_vectors = [1.0, 2.0], vectors_per_class = [1, 1], "
      "coefficients = [1.0, -1.0], rho = [0.5]>",
      "float[1,1]", {1, 1}, {3}, both);
  expect_near(two[0], {1});  // 3 - 6 + 0.5 < 0
  expect_near(two[1], {2.5, -2.5});
  const auto probabilities = outputs("SVMClassifier <classlabels_ints = [4, 5, 6], " + machine +
                                         ", prob_a = [-1.0, -1.0, -1.0], prob_b = [0.0, 0.0, 0.0]>",
                                     "float[1,1]", {1, 1}, {-1}, both);
  expect_near(probabilities[0], {4});
  ASSERT_EQ(probabilities[1].size(), 3U);
  EXPECT_NEAR(probabilities[1][0] + probabilities[1][1] + probabilities[1][2], 1, 1e-6);
  EXPECT_GT(probabilities[1][0], 0.8);
  const auto linear =
      outputs("SVMClassifier <classlabels_ints = [0, 1], coefficients = [1.0, -1.0], rho = [0.5]>",
              "float[2,1]", {2, 1}, {3, -3}, both);
  expect_near(linear[0], {0, 1});
  expect_near(linear[1], {3.5, -2.5, -2.5, 3.5});
}

}  // namespace
}  // namespace lithe::test
