// SPDX-License-Identifier: Apache-2.0
#include <gtest/gtest.h>

#include "tests/tools/passes_testing.hpp"
#include "tools/passes/node.hpp"

namespace lithe::passes {
namespace {

using namespace test;

constexpr double exactly = 0;

/// x * sigmoid(x) between a DequantizeLinear and a QuantizeLinear.
ValueId swish(Builder& b, ValueId stored, DType dtype = DType::s8) {
  const ValueId x = b.dequantize(stored, 0.05F, dtype == DType::s8 ? -4 : 120);
  return b.quantize(b.node("Mul", {x, b.node("Sigmoid", {x})}), 0.03F, dtype == DType::s8 ? -100 : 20, dtype);
}

TEST(Tabulate, ValuesOfThemselves) {
  for (const DType dtype : {DType::s8, DType::u8}) {
    Builder b;
    b.output(swish(b, b.input({1, 9, 9, 5}, dtype), dtype));
    const Passed run(b, {tabulate, remove_dead}, exactly);
    ASSERT_EQ(run.graph.nodes.size(), 1U);
    EXPECT_EQ(run.graph.nodes[0].op, "LookupTable");
    EXPECT_EQ(run.graph.nodes[0].onnx_names.size(), 4U);
  }
}

TEST(Tabulate, ChainsAndConstants) {
  Builder b;
  const ValueId x = b.dequantize(b.input({2, 3, 70}, DType::s8), 0.1F, 3);
  const ValueId erf = b.node("Erf", {b.node("Mul", {x, b.scalar(0.7071F)})});
  const ValueId gelu = b.node("Mul", {b.node("Mul", {x, b.scalar(0.5F)}), b.node("Add", {erf, b.scalar(1)})});
  const ValueId other = b.node("HardSigmoid", {b.fake(gelu, 0.05F, -120)});
  b.output(b.quantize(other, 1.0F / 255, 0, DType::u8));
  const Passed run(b, {tabulate, remove_dead}, exactly);
  ASSERT_EQ(run.graph.nodes.size(), 1U);
  EXPECT_EQ(run.graph.value(run.graph.nodes[0].outputs[0]).dtype, DType::u8);
}

/// The operator on quantized tensors, as `quantize` leaves it.
TEST(Tabulate, QuantizedOperators) {
  Builder b;
  const ValueId x = b.fake(b.input({1, 8, 8, 7}), 0.05F, -4);
  b.output(b.fake(b.node("Mul", {x, b.fake(b.node("Sigmoid", {x}), 1.0F / 256, -128)}), 0.03F, -100));
  const Passed run(b, {quantize, tabulate, remove_dead}, 0.02);
  EXPECT_EQ(run.graph.nodes.size(), 3U);
  EXPECT_EQ(count(run.graph, "LookupTable"), 1);
  EXPECT_EQ(count(run.graph, "Mul"), 0);
}

TEST(Tabulate, StopsWhereTwoTensorsMeet) {
  Builder b;
  const ValueId x = b.input({1, 8, 8, 7}, DType::s8), y = b.input({1, 8, 8, 7}, DType::s8);
  const ValueId sum = b.node("Add", {b.dequantize(x, 0.1F, 0), b.dequantize(y, 0.1F, 0)});
  b.output(b.quantize(b.node("Sigmoid", {b.fake(sum, 0.1F, 0)}), 1.0F / 256, -128));
  const Passed run(b, {tabulate, remove_dead}, exactly);
  EXPECT_EQ(count(run.graph, "LookupTable"), 1);
  EXPECT_EQ(count(run.graph, "Add"), 1);
  EXPECT_EQ(count(run.graph, "Sigmoid"), 0);
}

TEST(Tabulate, ConstantsByChannelAndGrowingShapesAreNoTable) {
  Builder b;
  const ValueId x = b.dequantize(b.input({1, 8, 8, 7}, DType::s8), 0.1F, 0);
  b.output(b.quantize(b.node("Mul", {x, b.random({7})}), 0.1F, 0));
  const ValueId y = b.dequantize(b.input({4, 70}, DType::s8), 0.1F, 0);
  b.output(b.quantize(b.node("Add", {y, b.constant<float>({1, 1, 1}, {2})}), 0.1F, 0));
  const ValueId z = b.dequantize(b.input({300}, DType::s8), 0.1F, 0);
  b.output(b.quantize(b.node("Softmax", {z}), 0.1F, 0));
  const Passed run(b, {tabulate, remove_dead}, exactly);
  EXPECT_EQ(count(run.graph, "LookupTable"), 0);
}

TEST(Tabulate, AnOutputInTheMiddleStays) {
  Builder b;
  const ValueId middle = swish(b, b.input({1, 9, 9, 5}, DType::s8));
  b.output(middle);
  b.output(b.quantize(b.node("Tanh", {b.dequantize(middle, 0.03F, -100)}), 1.0F / 128, 0));
  const Passed run(b, {tabulate, remove_dead}, exactly);
  EXPECT_EQ(count(run.graph, "LookupTable"), 2);
  EXPECT_EQ(run.graph.nodes.size(), 2U);
}

TEST(Tabulate, OneNodeOnFewElementsStays) {
  for (const index_t length : {200, 256}) {
    Builder b;
    const ValueId x = b.input({1, length}, DType::s8);
    b.output(b.node("Neg", {x}));
    const Passed run(b, {tabulate, remove_dead}, exactly);
    EXPECT_EQ(count(run.graph, "LookupTable"), length == 200 ? 0 : 1);
  }
}

}  // namespace
}  // namespace lithe::passes
