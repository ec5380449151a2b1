// SPDX-License-Identifier: Apache-2.0
#include <gtest/gtest.h>

#include <string>

#include "tests/tools/import_testing.hpp"

namespace lithe::test {
namespace {

struct Row {
  const char* op;
  int oldest;              ///< ONNX's first version of the operator, or 7
  const char* input;       ///< element type
  const char* attributes;  ///< as ONNX's text
  const char* line;        ///< what it becomes
};

/// Checks a row in every opset that has it.
void check(const Row& row, const std::string& inputs, const std::string& arguments,
           const std::string& output) {
  const std::string attributes = *row.attributes == 0 ? "" : std::string("<") + row.attributes + "> ";
  for (int opset = row.oldest; opset <= newest_opset; ++opset)
    EXPECT_EQ(nodes("g (" + inputs + ") => (" + output + " y) { y = " + row.op + " " + attributes +
                        arguments + " }",
                    opset),
              Lines{row.line})
        << row.op << '-' << opset;
}

TEST(ImportRows, Unary) {
  constexpr Row rows[] = {
      {"Abs", 7, "float", "", "Abs (.)"},
      {"Acos", 7, "float", "", "Acos (.)"},
      {"Acosh", 9, "float", "", "Acosh (.)"},
      {"Asin", 7, "float", "", "Asin (.)"},
      {"Asinh", 9, "float", "", "Asinh (.)"},
      {"Atan", 7, "float", "", "Atan (.)"},
      {"Atanh", 9, "float", "", "Atanh (.)"},
      {"BitwiseNot", 18, "int32", "", "BitwiseNot (.)"},
      {"Ceil", 7, "float", "", "Ceil (.)"},
      {"Celu", 12, "float", "alpha = 2.0", "Celu alpha=2 (.)"},
      {"Cos", 7, "float", "", "Cos (.)"},
      {"Cosh", 9, "float", "", "Cosh (.)"},
      {"Elu", 7, "float", "alpha = 2.0", "Elu alpha=2 (.)"},
      {"Erf", 9, "float", "", "Erf (.)"},
      {"Exp", 7, "float", "", "Exp (.)"},
      {"Floor", 7, "float", "", "Floor (.)"},
      {"Gelu", 20, "float", "approximate = \"tanh\"", "Gelu approximate=tanh (.)"},
      {"HardSigmoid", 7, "float", "alpha = 0.25, beta = 0.75", "HardSigmoid alpha=0.25 beta=0.75 (.)"},
      {"HardSwish", 14, "float", "", "HardSwish (.)"},
      {"IsNaN", 9, "float", "", "IsNaN (.)"},
      {"IsInf", 10, "float", "detect_negative = 0", "IsInf detect_negative=0 (.)"},
      {"LeakyRelu", 7, "float", "alpha = 0.25", "LeakyRelu alpha=0.25 (.)"},
      {"Log", 7, "float", "", "Log (.)"},
      {"Mish", 18, "float", "", "Mish (.)"},
      {"Neg", 7, "float", "", "Neg (.)"},
      {"Not", 7, "bool", "", "Not (.)"},
      {"Reciprocal", 7, "float", "", "Reciprocal (.)"},
      {"Relu", 7, "float", "", "Relu (.)"},
      {"Round", 11, "float", "", "Round (.)"},
      {"Selu", 7, "float", "gamma = 2.0", "Selu gamma=2 (.)"},
      {"Sigmoid", 7, "float", "", "Sigmoid (.)"},
      {"Sign", 9, "float", "", "Sign (.)"},
      {"Sin", 7, "float", "", "Sin (.)"},
      {"Sinh", 9, "float", "", "Sinh (.)"},
      {"Softplus", 7, "float", "", "Softplus (.)"},
      {"Softsign", 7, "float", "", "Softsign (.)"},
      {"Sqrt", 7, "float", "", "Sqrt (.)"},
      {"Tan", 7, "float", "", "Tan (.)"},
      {"Tanh", 7, "float", "", "Tanh (.)"},
      {"ThresholdedRelu", 10, "float", "alpha = 2.0", "ThresholdedRelu alpha=2 (.)"},
  };
  for (const Row& row : rows) {
    const std::string type = row.input, op = row.op;
    check(row, type + "[2,3] x", "(x)", op == "IsNaN" || op == "IsInf" ? "bool[2,3]" : type + "[2,3]");
  }
}

/// Attributes that are left out keep ONNX's defaults, which are lithe's: nothing is written.
TEST(ImportRows, DefaultsAreOnnx) {
  for (const char* op : {"Celu", "Elu", "Gelu", "HardSigmoid", "LeakyRelu", "Selu", "ThresholdedRelu"})
    EXPECT_EQ(nodes(std::string("g (float[2] x) => (float[2] y) { y = ") + op + " (x) }", 22),
              Lines{std::string(op) + " (.)"});
  constexpr const char* spelled_out[][2] = {
      {"Celu", "alpha = 1.0"},
      {"Elu", "alpha = 1.0"},
      {"Gelu", "approximate = \"none\""},
      {"HardSigmoid", "alpha = 0.2, beta = 0.5"},
      {"LeakyRelu", "alpha = 0.01"},
      {"Selu", "alpha = 1.67326319217681884765625, gamma = 1.05070102214813232421875"},
      {"ThresholdedRelu", "alpha = 1.0"}};
  for (const auto& [op, attributes] : spelled_out)
    EXPECT_EQ(
        nodes(std::string("g (float[2] x) => (float[2] y) { y = ") + op + " <" + attributes + "> (x) }", 22),
        Lines{std::string(op) + " (.)"});
}

TEST(ImportRows, Binary) {
  constexpr Row rows[] = {
      {"Add", 7, "float", "", "Add (., .)"},
      {"And", 7, "bool", "", "And (., .)"},
      {"BitwiseAnd", 18, "int32", "", "BitwiseAnd (., .)"},
      {"BitwiseOr", 18, "int32", "", "BitwiseOr (., .)"},
      {"BitwiseXor", 18, "int32", "", "BitwiseXor (., .)"},
      {"Div", 7, "float", "", "Div (., .)"},
      {"Equal", 7, "int32", "", "Equal (., .)"},
      {"Greater", 7, "float", "", "Greater (., .)"},
      {"GreaterOrEqual", 12, "float", "", "GreaterOrEqual (., .)"},
      {"Less", 7, "float", "", "Less (., .)"},
      {"LessOrEqual", 12, "float", "", "LessOrEqual (., .)"},
      {"Max", 8, "float", "", "Max (., .)"},
      {"Min", 8, "float", "", "Min (., .)"},
      {"Mod", 10, "float", "fmod = 1", "Mod fmod=1 (., .)"},
      {"Mul", 7, "float", "", "Mul (., .)"},
      {"Or", 7, "bool", "", "Or (., .)"},
      {"PRelu", 7, "float", "", "PRelu (., .)"},
      {"Pow", 7, "float", "", "Pow (., .)"},
      {"Sub", 7, "float", "", "Sub (., .)"},
      {"Sum", 8, "float", "", "Add (., .)"},
      {"Xor", 7, "bool", "", "Xor (., .)"},
  };
  for (const Row& row : rows) {
    const std::string type = row.input, op = row.op;
    const bool compares = op == "Equal" || op.starts_with("Less") || op.starts_with("Greater");
    check(row, type + "[2,3] a, " + type + "[3] b", "(a, b)", compares ? "bool[2,3]" : type + "[2,3]");
  }
}

TEST(ImportRows, Variadic) {
  const std::string four = "g (float[2] a, float[2] b, float[2] c, float[2] d) => (float[2] y) { y = ";
  for (int opset = oldest_opset; opset <= newest_opset; ++opset) {
    EXPECT_EQ(nodes(four + "Sum(a, b, c, d) }", opset), (Lines{"Add (., .)", "Add (., .)", "Add (., .)"}));
    EXPECT_EQ(nodes(four + "Max(a, b, c) }", opset), (Lines{"Max (., .)", "Max (., .)"}));
    EXPECT_EQ(nodes(four + "Mean(a, b, c) }", opset), (Lines{"Add (., .)", "Add (., .)", "Div (., 3)"}));
    EXPECT_EQ(nodes("g (float[2] a) => (float[2] y) { z = Min(a)  y = Relu (z) }", opset), Lines{"Relu (.)"});
  }
}

TEST(ImportRows, Others) {
  constexpr Row rows[] = {
      {"Concat", 7, "", "axis = 1", "Concat axis=1 (., .)"},
      {"Gather", 7, "", "axis = 1", "Gather axis=1 (., .)"},
  };
  check(rows[0], "float[2,3] x, float[2,1] i", "(x, i)", "float[2,4]");
  check(rows[1], "float[2,3] x, int64[4] i", "(x, i)", "float[2,4]");
  check({"Expand", 8, "", "", "Expand (., .)"}, "float[3] x, int64[2] s", "(x, s)", "float[]");
  check({"Flatten", 7, "", "axis = 2", "Flatten axis=2 (.)"}, "float[2,3,4] x", "(x)", "float[6,4]");
  check({"Where", 9, "", "", "Where (., ., .)"}, "bool[3] c, float[3] a, float[3] b", "(c, a, b)",
        "float[3]");
  check({"NonZero", 9, "", "", "NonZero (.)"}, "float[3] x", "(x)", "int64[1,n]");
}

TEST(ImportRows, Compositions) {
  EXPECT_EQ(nodes("g (float[2] x) => (float[2] y) { y = Swish (x) }", 24),
            (Lines{"Sigmoid (.)", "Mul (., .)"}));
  EXPECT_EQ(nodes("g (float[2] x) => (float[2] y) { y = Swish <alpha = 2.0> (x) }", 24),
            (Lines{"Mul (., 2)", "Sigmoid (.)", "Mul (., .)"}));
}

TEST(ImportClip, AttributesBefore11) {
  for (int opset = oldest_opset; opset < 11; ++opset) {
    EXPECT_EQ(nodes("g (float[2] x) => (float[2] y) { y = Clip <min = 0.0, max = 6.0> (x) }", opset),
              Lines{"Clip clamp=0,6 (.)"});
    EXPECT_EQ(nodes("g (float[2] x) => (float[2] y) { y = Clip <min = 0.0> (x) }", opset),
              Lines{"Clip clamp=0,inf (.)"});
    EXPECT_EQ(nodes("g (float[2] x) => (float[2] y) { y = Clip <min = 3.0, max = 1.0> (x) }", opset),
              (Lines{"Max (., 3)", "Min (., 1)"}));
  }
}

TEST(ImportClip, InputsSince11) {
  const std::string constants =
      "g (float[2] x) => (float[2] y) <float low = {0}, float high = {6}> { y = Clip ";
  const std::string computed = "g (float[2] x, float low, float high) => (float[2] y) { y = Clip ";
  for (int opset = 11; opset <= newest_opset; ++opset) {
    EXPECT_EQ(nodes(constants + "(x, low, high) }", opset), Lines{"Clip clamp=0,6 (.)"});
    EXPECT_EQ(nodes(constants + "(x, , high) }", opset), Lines{"Clip clamp=-inf,6 (.)"});
    EXPECT_EQ(nodes(constants + "(x, high, low) }", opset), (Lines{"Max (., 6)", "Min (., 0)"}));
    EXPECT_EQ(nodes(computed + "(x, low, high) }", opset), (Lines{"Max (., .)", "Min (., .)"}));
    EXPECT_EQ(nodes(computed + "(x, low) }", opset), Lines{"Max (., .)"});
  }
  EXPECT_EQ(
      nodes("g (int32[2] x) => (int32[2] y) <int32 low = {0}, int32 high = {6}> { y = Clip (x, low, high) }",
            13),
      (Lines{"Max (., #)", "Min (., #)"}));
  // 0.1 as a double is no float: clamping at the nearest float would let other values through.
  EXPECT_EQ(nodes("g (double[2] x) => (double[2] y) <double low = {0.1}> { y = Clip (x, low) }", 13),
            Lines{"Max (., #)"});
  EXPECT_EQ(nodes("g (double[2] x) => (double[2] y) <double low = {0.5}> { y = Clip (x, low) }", 13),
            Lines{"Clip clamp=0.5,inf (.)"});
}

TEST(ImportRows, RefusesAnAttributeValueItDoesNotKnow) {
  EXPECT_TRUE(mentions(
      refusal("g (float[2] x) => (float[2] y) { y = Gelu <approximate = \"cubic\"> (x) }", 20), "cubic"));
}

TEST(ImportPow, TakesEveryPairOfTypes) {
  for (const char* base : {"float", "double", "float16", "bfloat16", "int32", "int64"})
    for (const char* exponent : {"float", "double", "float16", "bfloat16", "int8", "int16", "int32", "int64",
                                 "uint8", "uint16", "uint32", "uint64"})
      for (const int opset : {13, newest_opset}) {
        const Lines lines = nodes(std::string("g (") + base + "[2] x, " + exponent + "[2] e) => (" + base +
                                      "[2] y) { y = Pow (x, e) }",
                                  opset);
        EXPECT_EQ(lines.back(), "Pow (., .)") << base << ' ' << exponent;
      }
  EXPECT_EQ(nodes("g (float[2] x, uint8[2] e) => (float[2] y) { y = Pow (x, e) }", 12),
            (Lines{"Cast (.)", "Pow (., .)"}));
}

}  // namespace
}  // namespace lithe::test
