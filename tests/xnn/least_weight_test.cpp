// SPDX-License-Identifier: Apache-2.0
#include <gtest/gtest.h>

#include <cstdint>
#include <cstring>
#include <string>
#include <vector>

#include "lithe/ops/all.hpp"
#include "lithe/xnn/depthwise_conv2d.hpp"
#include "lithe/xnn/fully_connected.hpp"
#include "tests/xnn/default_kernel.hpp"

/// Products of -128 with -128 are the largest that 8 bits make: two of them exceed 16 bits. Every layer that is all -128 gives the bytes
/// of the portable kernel, on the kernel that a session takes on this processor.
namespace lithe::test {
namespace {

StoredTensor least(const Shape& shape, float scale) {
  StoredTensor t(DType::s8, shape, {{scale}, {0}});
  std::memset(t.bytes.data(), 0x80, t.bytes.size());
  return t;
}

/// `sums`: products that an output adds up.
template <Operator Op>
Case layer(const typename Op::Attributes& a, const Shape& input, const Shape& filter, index_t sums) {
  Case c;
  c.op = &operator_entry<Op>;
  c.attributes = &a;
  c.inputs = {least(input, 1), least(filter, 1)};
  c.known = {false, false};
  c.constant = {false, true};
  c.output_dtypes = {DType::s8};
  c.output_quantization = {{{static_cast<float>(sums) * 128 * 128 / 100}, {0}}};
  return c;
}

void same_bytes(const Case& c) {
  const InferResult inferred = infer_case(c);
  ASSERT_TRUE(inferred.status.ok()) << inferred.status.text();
  const KernelEntry* kernel = default_kernel(c, inferred);
  if (kernel == nullptr) return;  // the portable kernel runs it
  SCOPED_TRACE(std::string(kernel->name) + " on a filter of " + ::testing::PrintToString(c.inputs[1].shape));
  EXPECT_EQ(run_on(*kernel, c, inferred).bytes, run_portable(c, inferred).bytes);
}

TEST(LeastWeight, Conv2D) {
  for (const index_t channels : {1, 3, 8, 20})
    for (const index_t size : {1, 3}) {
      const ops::Conv2D::Attributes a;
      same_bytes(
          layer<ops::Conv2D>(a, {1, 5, 6, channels}, {17, size, size, channels}, channels * size * size));
    }
}
TEST(LeastWeight, DepthwiseConv2D) {
  for (const index_t channels : {1, 8, 17, 64})
    for (const index_t size : {1, 2, 3, 5, 7}) {
      const ops::DepthwiseConv2D::Attributes a;
      same_bytes(layer<ops::DepthwiseConv2D>(a, {1, 8, 9, channels}, {size, size, channels, 1}, size * size));
    }
}
TEST(LeastWeight, ConvTranspose2D) {
  for (const std::int32_t stride : {1, 2}) {
    const ops::ConvTranspose2D::Attributes a{.strides = {stride, stride}};
    same_bytes(layer<ops::ConvTranspose2D>(a, {1, 5, 4, 8}, {9, 3, 3, 8}, 72));
  }
}
TEST(LeastWeight, FullyConnected) {
  for (const index_t rows : {1, 2, 5})
    for (const index_t length : {2, 8, 33}) {
      const ops::FullyConnected::Attributes a;
      same_bytes(layer<ops::FullyConnected>(a, {rows, length}, {19, length}, length));
    }
}
TEST(LeastWeight, DynamicFullyConnected) {
  for (const index_t rows : {1, 2, 5}) {
    const ops::DynamicFullyConnected::Attributes a;
    Case c = layer<ops::DynamicFullyConnected>(a, {rows, 33}, {19, 33}, 33);
    c.inputs[0].quantization = {};
    ReferenceTensor steps({rows, 2});
    for (index_t i = 0; i < rows; ++i) steps[2 * i] = 1;
    c.inputs.resize(4);
    c.inputs[3] = StoredTensor(DType::f32, steps);
    c.known.resize(4);
    c.constant.resize(4);
    c.output_dtypes = {DType::f32};
    c.output_quantization = {};
    same_bytes(c);
  }
}

/// A processor whose sums are short takes other filters as before.
TEST(LeastWeight, KernelsRefuseNothingElse) {
  Cpu a53;
  a53.neon = true;
  Cpu a76 = a53;
  a76.neon_dot = true;
  Cpu sandy_bridge;
  sandy_bridge.ssse3 = sandy_bridge.sse41 = sandy_bridge.avx = true;
  const auto takes = []<class Kernel>(const Kernel*, const Case& c, const Cpu& on) {
    static constexpr KernelEntry entry = lithe::detail::make_kernel<Kernel>();
    return NodeRun(c, entry, on, infer_case(c), {}).supported();
  };
  const ops::FullyConnected::Attributes a;
  const ops::DepthwiseConv2D::Attributes d;
  Case product = layer<ops::FullyConnected>(a, {1, 8}, {4, 8}, 8);
  Case taps = layer<ops::DepthwiseConv2D>(d, {1, 5, 5, 8}, {3, 3, 8, 1}, 9);
  constexpr const xnn::FullyConnected* products = nullptr;
  constexpr const xnn::DepthwiseConv2D* depthwise = nullptr;
  for (const bool least_weight : {true, false}) {
    if (!least_weight)
      for (Case* c : {&product, &taps})
        std::memset(c->inputs[1].bytes.data(), 0x81, c->inputs[1].bytes.size());
    EXPECT_EQ(takes(products, product, a53), !least_weight);
    EXPECT_TRUE(takes(products, product, a76));
    EXPECT_TRUE(takes(products, product, sandy_bridge));
    for (const Cpu* on : {&a53, &a76, &sandy_bridge}) EXPECT_EQ(takes(depthwise, taps, *on), !least_weight);
    EXPECT_TRUE(takes(depthwise, taps, Cpu{}));
  }
}

}  // namespace
}  // namespace lithe::test
