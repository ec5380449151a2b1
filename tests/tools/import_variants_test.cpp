// SPDX-License-Identifier: Apache-2.0
// Kinds of faults that random variants found (tests/zoo/differential.py), each by its smallest model.
#include <gtest/gtest.h>

#include <cmath>
#include <cstdint>
#include <limits>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "tests/tools/import_running.hpp"

namespace lithe::test {
namespace {

using Numbers = std::vector<double>;

graph::ConstantPtr floats(const Shape& shape, const Numbers& numbers) {
  return of_doubles(DType::f32, shape, numbers);
}
graph::ConstantPtr integers(const Numbers& numbers, DType dtype = DType::s64) {
  return of_doubles(dtype, {static_cast<index_t>(numbers.size())}, numbers);
}

void near(const Numbers& got, const Numbers& wanted) {
  ASSERT_EQ(got.size(), wanted.size());
  for (std::size_t i = 0; i < wanted.size(); ++i) EXPECT_NEAR(got[i], wanted[i], 1e-5) << i;
}

/// What a model computes on a processor that has no arithmetic for half precision.
Numbers without_half_precision(const std::string& text, const std::vector<float>& x) {
  import::Options options;
  options.check = false;
  const std::string onnx = serialized(text, 17);
  const auto model =
      Model::open(aligned_copy(import::convert(std::as_bytes(std::span(onnx)), "test.onnx", options).bytes));
  EXPECT_TRUE(model.ok()) << model.status().text();
  SessionOptions session_options = machine_options();
  session_options.kernels = all_kernels();
  session_options.cpu.f16_arithmetic = false;
  auto session = Session::create(*model, session_options);
  EXPECT_TRUE(session.ok()) << session.status().text();
  const auto in = session->input<float>("x");
  for (std::size_t i = 0; i < x.size(); ++i) in[i] = x[i];
  EXPECT_TRUE(session->run().ok());
  return as_doubles(session->output(0));
}

TEST(ImportVariants, ACastToHalfPrecisionRoundsOnEveryProcessor) {
  const std::vector<float> x{2049, 257, -1.00390625F, 70000};
  const auto cast = [&](const std::string& to) {
    return without_half_precision("g (float[4] x) => (float[4] y) { h = Cast <to = " + to +
                                      "> (x)  r = Neg(h)  y = Cast <to = 1> (r) }",
                                  x);
  };
  constexpr double inf = std::numeric_limits<double>::infinity();
  EXPECT_EQ(cast("10"), (Numbers{-2048, -257, 1.00390625, -inf}));
  EXPECT_EQ(cast("16"), (Numbers{-2048, -256, 1, -70144}));
}

TEST(ImportVariants, IntegersBecomeHalfPrecisionRounded) {
  RunningModel model("g (int64[3] x) => (float[3] y) { h = Cast <to = 16> (x)  y = Cast <to = 1> (h) }", 17);
  EXPECT_EQ(model.run({integers({257, 259, -1025})})[0], (Numbers{256, 260, -1024}));
}

TEST(ImportVariants, AnInputThatIsAnOutputKeepsItsName) {
  RunningModel model("g (float[2] x) => (float[2] x, float[2] y) { y = Neg(x) }", 17);
  EXPECT_EQ(model.session().input_name(0), "x");
  EXPECT_EQ(model.session().output_name(0), "x");
  const std::vector<Numbers> outputs = model.run({floats({2}, {1, 2})});
  EXPECT_EQ(outputs[0], (Numbers{1, 2}));
  EXPECT_EQ(outputs[1], (Numbers{-1, -2}));
  const std::string onnx = serialized("g (float[2] x) => (float[2] x, float[2] y) { y = Neg(x) }", 17);
  EXPECT_EQ(import::convert(std::as_bytes(std::span(onnx)), "test.onnx", {}).check.verdict,
            check::Verdict::agrees);
}

/// The check guesses a size that may be computed.
TEST(ImportVariants, CenterCropPadTakesEitherIntegerAsSize) {
  for (const auto& [type, dtype] : {std::pair{"int32", DType::s32}, {"int64", DType::s64}}) {
    const std::string text = "g (float[N] x, " + std::string(type) +
                             "[1] n) => (float[M] y) { y = CenterCropPad <axes = [0]> (x, n) }";
    RunningModel model(text, 18);
    EXPECT_EQ(model.run({floats({4}, {1, 2, 3, 4}), integers({2}, dtype)})[0], (Numbers{2, 3}));
    EXPECT_EQ(model.run({floats({2}, {1, 2}), integers({5}, dtype)})[0], (Numbers{0, 1, 2, 0, 0}));
    const std::string onnx = serialized(text, 18);
    EXPECT_EQ(import::convert(std::as_bytes(std::span(onnx)), "test.onnx", {}).check.verdict,
              check::Verdict::agrees);
  }
}

/// A square root gets no negative numbers, which NaN would be, and that in 8 bits any number.
TEST(ImportVariants, TheCheckSeesDomainsThroughQuantization) {
  const std::string onnx = serialized(
      "g (float[32] x) => (float[32] y) <float s = {0.02}, int8 z = {10}, float t = {0.05}, int8 u = {11}> { "
      "a = QuantizeLinear (x, s, z)  b = DequantizeLinear (a, s, z)  c = Sqrt (b)  d = QuantizeLinear (c, t, "
      "u)  "
      "y = DequantizeLinear (d, t, u) }",
      17);
  EXPECT_EQ(import::convert(std::as_bytes(std::span(onnx)), "test.onnx", {}).check.verdict,
            check::Verdict::agrees);
}

TEST(ImportVariants, GlobalPoolsOfOpenSizes) {
  const auto pooled = [](const std::string& op, const Shape& shape, const Numbers& x) {
    std::string dims = "1,2";
    for (int a = 2; a < shape.rank(); ++a) dims += ",d" + std::to_string(a);
    RunningModel model("g (float[" + dims + "] x) => (float[" + dims + "] y) { y = " + op + "(x) }", 22);
    return model.run({floats(shape, x)})[0];
  };
  const Numbers x{1, -3, 2, 2, -1, -2, -3, -4};
  for (const Shape& shape : {Shape{1, 2, 4}, Shape{1, 2, 2, 2}, Shape{1, 2, 1, 2, 2}}) {
    near(pooled("GlobalMaxPool ", shape, x), {2, -1});
    near(pooled("GlobalLpPool <p = 1>", shape, x), {8, 10});
    near(pooled("GlobalLpPool ", shape, x), {std::sqrt(18.0), std::sqrt(30.0)});
    near(pooled("GlobalLpPool <p = 3>", shape, x), {std::cbrt(44.0), std::cbrt(100.0)});
  }
}

TEST(ImportVariants, PoolsOverThreeOpenAxes) {
  RunningModel model(
      "g (float[n,1,d,h,w] x) => (float[n,1,e,f,g] y) { y = MaxPool <kernel_shape = [2, 1, 2], strides = [1, "
      "1, 2]> (x) }",
      17);
  const Numbers x{1, 5, 2, 3, 7, 1, 0, 9, 4, 4, 4, 8};
  EXPECT_EQ(model.run({floats({1, 1, 3, 2, 2}, x)})[0], (Numbers{7, 9, 7, 9}));
  EXPECT_EQ(model.run({floats({1, 1, 2, 1, 6}, x)})[0], (Numbers{9, 4, 8}));
  EXPECT_EQ(model.run({floats({1, 1, 2, 3, 2}, x)})[0], (Numbers{9, 4, 8}));
}

TEST(ImportVariants, AffineGridOfOnePicture) {
  for (const std::string& size : {std::string("> (t, s) }"), std::string("> (t, c) }")})
    for (const bool align : {false, true}) {
      RunningModel model(
          "g (float[N,2,3] t, int64[4] s) => (float[N,H,W,2] y) <int64[4] c = {1, 1, 2, 3}> { y = AffineGrid "
          "<align_corners = " +
              std::to_string(align ? 1 : 0) + size,
          20);
      const double x = align ? 1 : 2 / 3.0, y = align ? 1 : 0.5;
      near(model.run({floats({1, 2, 3}, {1, 0, 0, 0, 1, 0.5}), integers({1, 1, 2, 3})})[0],
           {-x, 0.5 - y, 0, 0.5 - y, x, 0.5 - y, -x, 0.5 + y, 0, 0.5 + y, x, 0.5 + y});
    }
  RunningModel solid(
      "g (float[N,3,4] t, int64[5] s) => (float[N,D,H,W,3] y) { y = AffineGrid <align_corners = 1> (t, s) }",
      20);
  near(solid.run({floats({1, 3, 4}, {1, 0, 0, 0, 0, 2, 0, 0, 0, 0, 3, 0}), integers({1, 1, 2, 1, 2})})[0],
       {-1, -2, -3, 1, -2, -3, -1, -2, 3, 1, -2, 3});
}

TEST(ImportVariants, GemmOfIntegersWithWholeFactors) {
  RunningModel model(
      "g (int32[2,2] a, int32[2,1] b, int32[1] c) => (int32[2,1] y) { y = Gemm <alpha = 2.0, beta = -3.0> "
      "(a, b, c) }",
      13);
  EXPECT_EQ(model.run({of_doubles(DType::s32, {2, 2}, {1, 2, 3, 4}), of_doubles(DType::s32, {2, 1}, {5, 6}),
                       of_doubles(DType::s32, {1}, {7})})[0],
            (Numbers{13, 57}));
}

TEST(ImportVariants, DiagonalsOfOpenSquares) {
  RunningModel plain("g (float[n,n] x) => (float[m] y) { y = Einsum <equation = \"ii->i\"> (x) }", 13);
  constexpr double nan = std::numeric_limits<double>::quiet_NaN();
  EXPECT_EQ(plain.run({floats({2, 2}, {1, nan, nan, 4})})[0], (Numbers{1, 4}));
  EXPECT_EQ(plain.run({floats({1, 1}, {3})})[0], (Numbers{3}));
  RunningModel outer("g (float[n,n,k] x) => (float[a,b] y) { y = Einsum <equation = \"iij->ij\"> (x) }", 13);
  EXPECT_EQ(outer.run({floats({2, 2, 2}, {1, 2, 3, 4, 5, 6, 7, 8})})[0], (Numbers{1, 2, 7, 8}));
}

TEST(ImportVariants, ALayerNormalizationWhoseScaleBroadcastsOverAnOpenAxis) {
  RunningModel model(
      "g (float[n,k] x, float[1] s) => (float[n,k] y) { y = LayerNormalization <axis = 1, epsilon = 0.0> (x, "
      "s) }",
      17);
  near(model.run({floats({1, 2}, {1, 3}), floats({1}, {2})})[0], {-2, 2});
  near(model.run({floats({1, 1}, {1}), floats({1}, {2})})[0].size() == 1 ? Numbers{0} : Numbers{}, {0});
}

}  // namespace
}  // namespace lithe::test
