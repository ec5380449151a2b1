// SPDX-License-Identifier: Apache-2.0
#include <gtest/gtest.h>

#include <cmath>
#include <cstdint>
#include <limits>
#include <random>
#include <sstream>
#include <string>
#include <vector>

#include "lithe/ops/all.hpp"
#include "tests/xnn/default_kernel.hpp"

/// Numbers that are not finite, or very large, go through the kernels that a session takes unless told otherwise: each element of the
/// output is of the class that the portable kernel gives, NaN, infinite or finite, and of its value.
namespace lithe::test {
namespace {

constexpr float inf = std::numeric_limits<float>::infinity(), most = std::numeric_limits<float>::max();
const float numbers[] = {std::nanf(""), -std::nanf(""), inf, -inf, most, -most, 1e38f, -1e38f};

class NotFinite : public ::testing::Test {
 protected:
  /// Every number at several places of input 0; the other inputs are constant, or computed.
  template <Operator Op>
  static void stay(const typename Op::Attributes& a, const std::vector<Shape>& shapes, bool constant = true) {
    std::ostringstream text;
    text << Op::spec.name << (constant ? "" : ", computed");
    for (const Shape& shape : shapes) {
      text << ' ';
      lithe::PrintTo(shape, &text);
    }
    SCOPED_TRACE(text.str());
    Case c;
    c.op = &operator_entry<Op>;
    c.attributes = &a;
    std::mt19937 random(7);
    std::uniform_real_distribution<double> uniform(-1, 1);
    for (const Shape& shape : shapes) {
      ReferenceTensor values(shape);
      for (double& v : values.values) v = uniform(random);
      c.inputs.emplace_back(DType::f32, values);
      c.constant.push_back(constant && c.inputs.size() > 1);
      c.known.push_back(false);
    }
    c.output_dtypes = {DType::f32};
    const InferResult inferred = infer_case(c);
    ASSERT_TRUE(inferred.status.ok()) << inferred.status.text();
    const KernelEntry* kernel = default_kernel(c, inferred);
    if (kernel == nullptr) return;  // the portable kernel runs it
    SCOPED_TRACE(kernel->name);
    const StoredTensor clean = c.inputs[0];
    const index_t n = clean.shape.elements();
    for (const float number : numbers)
      for (const index_t at : {index_t{0}, n / 3, n / 2, n - 1}) {
        c.inputs[0] = clean;
        store_value(DType::f32, c.inputs[0].bytes.data(), static_cast<std::size_t>(at), number);
        SCOPED_TRACE(std::to_string(number) + " at " + std::to_string(at));
        compare(run_on(*kernel, c, inferred), run_portable(c, inferred));
        if (::testing::Test::HasFailure()) return;
      }
  }

 private:
  static void compare(const StoredTensor& result, const StoredTensor& right) {
    for (index_t i = 0; i < right.shape.elements(); ++i) {
      const double x = result.raw(i), y = right.raw(i);
      const bool same = std::isnan(y)   ? std::isnan(x)
                        : std::isinf(y) ? x == y
                                        : std::abs(x - y) <= 1e-5 + 1e-4 * std::abs(y);
      ASSERT_TRUE(same) << "element " << i << " is " << x << " instead of " << y;
    }
  }
};

/// XNNPACK's kernels for SSE clamp in the order that loses NaN, and processors without AVX have no others.
class NotFiniteClamped : public NotFinite {
 protected:
  void SetUp() override {
    if (!cpu().avx && !cpu().neon) GTEST_SKIP() << "XNNPACK's products for SSE lose NaN";
  }
};

TEST_F(NotFiniteClamped, FullyConnected) {
  for (const bool constant : {true, false})
    for (const index_t rows : {1, 3, 7})
      for (const index_t length : {1, 8, 33})
        for (const index_t outputs : {1, 2, 5, 8, 9, 15, 16, 17, 31, 32, 50}) {
          stay<ops::FullyConnected>({}, {{rows, length}, {outputs, length}, {outputs}}, constant);
          stay<ops::FullyConnected>({.clamp = {0, 6}}, {{rows, length}, {outputs, length}}, constant);
        }
}
TEST_F(NotFiniteClamped, MatMul) {
  for (const bool constant : {true, false})
    for (const index_t outputs : {1, 2, 9, 16, 17, 33}) {
      stay<ops::MatMul>({}, {{3, 8}, {8, outputs}}, constant);
      stay<ops::MatMul>({}, {{2, 5, 19}, {2, 19, outputs}}, constant);
      stay<ops::MatMul>({.transpose_b = true}, {{1, 9}, {outputs, 9}}, constant);
    }
}
TEST_F(NotFiniteClamped, Conv2D) {
  for (const index_t outputs : {1, 4, 17, 33}) {
    stay<ops::Conv2D>({.pads = {1, 1, 1, 1}}, {{1, 5, 6, 3}, {outputs, 3, 3, 3}, {outputs}});
    stay<ops::Conv2D>({.clamp = {.min = 0}}, {{1, 5, 6, 8}, {outputs, 1, 1, 8}});
  }
}
TEST_F(NotFiniteClamped, DepthwiseConv2D) {
  for (const index_t channels : {1, 8, 17, 64})
    for (const index_t size : {1, 3, 5, 7})
      stay<ops::DepthwiseConv2D>({.pads = {1, 1, 1, 1}, .clamp = {-1, 6}},
                                 {{1, 6, 7, channels}, {size, size, channels, 1}, {channels}});
}
TEST_F(NotFiniteClamped, ConvTranspose2D) {
  for (const index_t outputs : {1, 2, 3, 8, 16, 17, 33})
    for (const index_t size : {1, 2, 3, 4})
      for (const std::int32_t stride : {1, 2})
        stay<ops::ConvTranspose2D>({.strides = {stride, stride}, .clamp = {-1, 6}},
                                   {{1, 5, 4, 8}, {outputs, size, size, 8}, {outputs}});
  stay<ops::ConvTranspose2D>({.strides = {2, 2}, .group = 4}, {{1, 5, 4, 8}, {8, 3, 3, 2}, {8}});
}
TEST_F(NotFinite, Pools) {
  for (const index_t channels : {1, 2, 3, 4, 8, 17, 24, 70})
    for (const std::int32_t size : {2, 3, 5})
      for (const std::int32_t stride : {1, 2}) {
        const index_t wide = size == 5 ? (channels + 3) / 4 * 4 : channels;
        stay<ops::MaxPool2D>({.kernel = {size, size}, .strides = {stride, stride}, .pads = {1, 1, 1, 1}},
                             {{1, 9, 8, wide}});
        stay<ops::AveragePool2D>({.kernel = {size, size}, .strides = {stride, stride}, .clamp = {-3, 3}},
                                 {{1, 9, 8, channels}});
      }
}
TEST_F(NotFinite, Unary) {
  const Shape shape{3, 37};
  stay<ops::Abs>({}, {shape});
  stay<ops::Ceil>({}, {shape});
  stay<ops::Elu>({}, {shape});
  stay<ops::Exp>({}, {shape});
  stay<ops::Floor>({}, {shape});
  stay<ops::Gelu>({}, {shape});
  stay<ops::HardSwish>({}, {shape});
  stay<ops::LeakyRelu>({}, {shape});
  if (!cpu().neon) stay<ops::Log>({}, {shape});  // on ARM it is XNNPACK's: see xnn/README.md
  stay<ops::Neg>({}, {shape});
  stay<ops::Round>({}, {shape});
  stay<ops::Sigmoid>({}, {shape});
  stay<ops::Sqrt>({}, {shape});
  stay<ops::Tanh>({}, {shape});
}
TEST_F(NotFiniteClamped, Clamps) {
  const Shape shape{3, 37};
  stay<ops::Relu>({}, {shape});
  stay<ops::Clip>({.clamp = {-1, 6}}, {shape});
  stay<ops::Add>({.clamp = {0, 6}}, {shape, shape});
}
TEST_F(NotFinite, Binary) {
  for (const Shape& other : {Shape{3, 37}, Shape{37}, Shape{}}) {
    stay<ops::Add>({}, {{3, 37}, other});
    stay<ops::Div>({}, {{3, 37}, other});
    stay<ops::Div>({}, {other, {3, 37}});
    stay<ops::Mul>({}, {{3, 37}, other});
    stay<ops::Sub>({}, {{3, 37}, other});
    stay<ops::Sub>({}, {other, {3, 37}});
  }
  stay<ops::PRelu>({}, {{3, 37}, {37}});
}
TEST_F(NotFinite, Reductions) {
  stay<ops::ReduceMean>({}, {{3, 37}});
  stay<ops::ReduceSum>({}, {{5, 37}});
  stay<ops::Softmax>({}, {{3, 48}});
}

}  // namespace
}  // namespace lithe::test
