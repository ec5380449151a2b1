// SPDX-License-Identifier: Apache-2.0
#include <gtest/gtest.h>

#include <algorithm>
#include <cstddef>
#include <memory>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

#include "tests/tools/passes_testing.hpp"

namespace lithe::passes {
namespace {

using namespace test;

/// Rows and tensors round differently by a step of 255.
constexpr double one_step = 0.02;

/// x quantized by its own range, times the weights; `columns` scales.
struct Dynamic {
  explicit Dynamic(Builder& b, Dims dims) : builder(b) {
    const ValueId x = b.input(std::move(dims));
    Node node = make_node("DynamicQuantizeLinear", {x}, {}, {"quantize"});
    for (DType d : {DType::u8, DType::f32, DType::u8}) {
      Value v;
      v.name = "q" + std::to_string(b.graph().values.size());
      v.dtype = d;
      node.outputs.push_back(b.graph().add_value(std::move(v)));
    }
    if (!graph::infer_dims(b.graph(), node).ok()) throw std::invalid_argument("DynamicQuantizeLinear");
    b.graph().nodes.push_back(node);
    outputs = node.outputs;
  }
  ValueId product(ValueId weights, ValueId scale) const {
    const auto wide = [&](ValueId v) { return builder.node("Cast", {v}, {}, DType::s32); };
    const ValueId x = builder.node("Sub", {wide(outputs[0]), wide(outputs[2])});
    const ValueId sums = builder.node("MatMul", {x, weights});
    const ValueId real = builder.node("Cast", {sums}, {}, DType::f32);
    return builder.node("Mul", {real, builder.node("Mul", {outputs[1], scale})});
  }
  Builder& builder;
  std::vector<ValueId> outputs;
};

TEST(QuantizeDynamically, LayersShareTheirRows) {
  Builder b;
  const Dynamic x(b, {3, 4, 16});
  const ValueId w = b.random_integers<std::int32_t>({16, 5}, 3, -127, 127);
  b.output(b.node("Add", {b.random({5}, 9), x.product(w, b.random({5}, 4, 0.01F, 0.02F))}));
  b.output(b.node("Relu", {x.product(w, b.scalar(0.01F))}));
  Passed run(b, {quantize_dynamically, eliminate_common_subexpressions, fuse_activation}, one_step);
  EXPECT_EQ(count(run.graph, "DynamicQuantize"), 1);
  ASSERT_EQ(run.graph.nodes.size(), 3U);
  const Node &biased = run.graph.nodes[1], &clamped = run.graph.nodes[2];
  for (const Node& node : {biased, clamped}) {
    EXPECT_EQ(node.op, "DynamicFullyConnected");
    EXPECT_EQ(run.graph.value(node.inputs[1]).constant->shape, (Shape{5, 16}));
    EXPECT_EQ(run.graph.value(node.inputs[1]).dtype, DType::s8);
  }
  EXPECT_GE(biased.inputs[2], 0);
  EXPECT_EQ(run.graph.value(biased.inputs[1]).quantization->axis, 0);
  EXPECT_EQ(run.graph.value(clamped.inputs[1]).quantization->axis, -1);
  EXPECT_EQ(clamp_attribute(clamped).min, 0);
}

TEST(QuantizeDynamically, WhatDoesNotFitStaysAndSaysWhy) {
  const auto stays = [](const char* reason, auto make) {
    Builder b;
    const Dynamic x(b, {3, 4});
    b.output(make(b, x));
    Passed run(b, {quantize_dynamically});
    EXPECT_EQ(count(run.graph, "MatMul"), 1) << reason;
    EXPECT_TRUE(run.missed(reason)) << reason;
  };
  stays("no constant matrix",
        [](Builder& b, const Dynamic& x) { return x.product(b.input({4, 2}, DType::s32), b.scalar(1)); });
  stays("one for all columns", [](Builder& b, const Dynamic& x) {
    return x.product(b.random_integers<std::int32_t>({4, 2}, 3, -9, 9), b.random({3, 2}, 1, 1, 2));
  });
  stays("not positive", [](Builder& b, const Dynamic& x) {
    return x.product(b.random_integers<std::int32_t>({4, 2}, 3, -9, 9), b.scalar(-1));
  });
}

TEST(QuantizeDynamically, WeightsBeyondEightBitsAreReal) {
  Builder b;
  const Dynamic x(b, {3, 4});
  const ValueId y =
      x.product(b.constant<std::int32_t>({4, 2}, {128, 0, 0, 1, -9, 200, 3, -255}), b.random({2}, 4, 1, 2));
  b.output(b.node("Add", {y, b.random({2}, 9)}));
  Passed run(b, {quantize_dynamically}, one_step);
  ASSERT_EQ(run.graph.nodes.size(), 1U);
  EXPECT_EQ(run.graph.nodes[0].op, "FullyConnected");
  EXPECT_EQ(run.graph.nodes[0].inputs.size(), 3U);
}

TEST(QuantizeDynamically, AnAddOfOtherShapesIsNoBias) {
  Builder b;
  const Dynamic x(b, {5, 4});
  const ValueId y = x.product(b.random_integers<std::int32_t>({4, 5}, 3, -99, 99), b.scalar(0.01F));
  b.output(b.node("Add", {y, b.random({5, 1}, 3)}));
  Passed run(b, {quantize_dynamically}, one_step);
  EXPECT_EQ(count(run.graph, "Add"), 1);
  EXPECT_EQ(find(run.graph, "DynamicFullyConnected")->inputs[2], absent);
}

struct FourBits {
  index_t n = 6, k = 64;
  int block = 32;  ///< 0: a scale for each row, -1: one for all
  bool zeros = false, quantized = false;
};

void four_bits(Builder& b, const FourBits& w) {
  auto stored = std::make_shared<Constant>();
  stored->dtype = DType::s4;
  stored->shape = {w.n, w.k};
  for (index_t i = 0; i < w.n * w.k / 2; ++i) stored->bytes.push_back(static_cast<std::byte>(i * 37 + 11));
  const Shape scales = w.block > 0 ? Shape{w.n, w.k / w.block} : w.block == 0 ? Shape{w.n} : Shape{};
  std::vector<ValueId> inputs{b.graph().add_constant(stored, "w"), b.random(scales, 4, 0.01F, 0.02F)};
  if (w.zeros) {
    auto zeros = std::make_shared<Constant>();
    zeros->dtype = DType::s4;
    zeros->shape = scales;
    zeros->bytes.resize(static_cast<std::size_t>(scales.elements() + 1) / 2);
    inputs.push_back(b.graph().add_constant(zeros, "z"));
  }
  Attributes attributes{{"axis", ints({w.block > 0 ? 1 : 0})}};
  if (w.block > 0) attributes["block_size"] = ints({w.block});
  const ValueId filter = b.node("DequantizeLinear", inputs, attributes, DType::f32);
  const ValueId x = w.quantized ? b.fake(b.input({3, w.k}), 0.02F, 5) : b.input({3, w.k});
  b.output(b.node("FullyConnected", {x, filter, b.random({w.n}, 8)}, {{"clamp", floats({-9, 9})}}));
}

TEST(QuantizeDynamically, LayersWithWeightsOfFourBits) {
  for (const int block : {64, 32, 0, -1}) {
    Builder b;
    four_bits(b, {.block = block});
    Passed run(b, {quantize_dynamically}, one_step);
    ASSERT_EQ(run.graph.nodes.size(), 2U) << block;
    const Node& layer = run.graph.nodes[1];
    EXPECT_EQ(layer.op, "DynamicFullyConnected");
    EXPECT_EQ(clamp_attribute(layer).max, 9);
    const Value& filter = run.graph.value(layer.inputs[1]);
    EXPECT_EQ(filter.dtype, DType::s4);
    EXPECT_EQ(filter.quantization->block, std::max(block, 0));
    EXPECT_EQ(filter.quantization->scale->dtype, block > 0 ? DType::bf16 : DType::f32);
  }
}

TEST(QuantizeDynamically, OtherWeightsOfFourBitsStayReal) {
  const auto stays = [](const FourBits& w, const char* reason) {
    Builder b;
    four_bits(b, w);
    Passed run(b, {quantize_dynamically});
    EXPECT_EQ(count(run.graph, "FullyConnected"), 1) << reason;
    EXPECT_TRUE(run.missed(reason)) << reason;
  };
  stays({.block = 16}, "multiples of 32");
  stays({.k = 96, .block = 48}, "multiples of 32");
  stays({.zeros = true}, "zero points");
  stays({.quantized = true}, "its input is quantized");
}

int quantized_layers(Builder& b, int bits, PassLog& log, double tolerance) {
  const Graph before = b.graph();
  const WeightedLayers layers = quantize_weights(b.model, bits, log);
  expect_same(before, b.graph(), tolerance);
  return layers.all;
}

TEST(QuantizeWeights, LayersOfRealNumbers) {
  for (const int bits : {8, 4}) {
    Builder b;
    const ValueId x = b.input({3, 64});
    for (const bool biased : {false, true}) {
      std::vector<ValueId> inputs{x, b.random({40, 64}, 5)};
      if (biased) inputs.push_back(b.random({40}, 6));
      b.output(b.node("FullyConnected", inputs, {{"clamp", floats({-4, 9})}}));
    }
    PassLog log;
    EXPECT_EQ(quantized_layers(b, bits, log, bits == 8 ? 0.01 : 0.15), 2);
    const Node* layer = find(b.graph(), "DynamicFullyConnected");
    const Value& filter = b.graph().value(layer->inputs[1]);
    EXPECT_EQ(filter.dtype, bits == 8 ? DType::s8 : DType::s4);
    EXPECT_EQ(filter.quantization->scale->shape, (Shape{bits == 8 ? 40 : 80}));
    EXPECT_EQ(clamp_attribute(*layer).min, -4);
  }
}

TEST(QuantizeWeights, FourBitsNeedBlocksOf32) {
  Builder b;
  b.output(b.node("FullyConnected", {b.input({3, 33}), b.random({40, 33}, 5)}));
  b.output(b.node("FullyConnected", {b.input({3, 64}), b.random({40, 64}, 5)}));
  PassLog log;
  const WeightedLayers layers = quantize_weights(b.model, 4, log);
  EXPECT_EQ(layers.all, 2);
  EXPECT_EQ(layers.wider, std::vector<std::string>{"n0"});
  EXPECT_EQ(b.graph().value(find(b.graph(), "DynamicFullyConnected")->inputs[1]).dtype, DType::s8);
}

/// What a value's 8-bit weights [D, rows, length] stand for, with a scale for each row.
graph::ConstantPtr widened(const Value& stored) {
  const auto q = stored.constant->as<std::int8_t>();
  const auto scales = stored.quantization->scale->as<float>();
  const index_t rows = stored.constant->shape[1], length = stored.constant->shape[2];
  std::vector<float> w;
  for (std::size_t i = 0; i < q.size(); ++i)
    w.push_back(static_cast<float>(q[i]) *
                scales[static_cast<std::size_t>(static_cast<index_t>(i) / length % rows)]);
  return graph::make_constant<float>(stored.constant->shape, w);
}

TEST(QuantizeWeights, RecurrentLayersTakeEightBits) {
  for (const int bits : {8, 4})
    for (const auto& [op, gates] : {std::pair{"LSTM", 4}, {"GRU", 3}, {"RNN", 1}}) {
      SCOPED_TRACE(op);
      Builder b;
      b.output(b.node(
          op, {b.input({3, 1, 16}), b.random({2, gates * 32, 16}, 5), b.random({2, gates * 32, 32}, 6)},
          {{"direction", graph::Attribute{{}, {}, "bidirectional"}}}));
      PassLog log;
      Graph rounded = b.graph();
      const WeightedLayers layers = quantize_weights(b.model, bits, log);
      EXPECT_EQ(layers.all, 1);
      EXPECT_EQ(layers.wider.size(), bits == 4 ? 1u : 0u);
      for (const std::size_t i : {1, 2}) {
        const Value& stored = b.graph().value(b.graph().nodes[0].inputs[i]);
        ASSERT_EQ(stored.dtype, DType::s8);
        EXPECT_EQ(stored.quantization->axis, 1);
        ASSERT_EQ(stored.quantization->scale->shape, (Shape{gates * 32}));
        Value& weights = rounded.value(rounded.nodes[0].inputs[i]);
        const graph::ConstantPtr now = widened(stored);
        for (std::size_t w = 0; w < now->as<float>().size(); ++w)
          EXPECT_NEAR(now->as<float>()[w], weights.constant->as<float>()[w], 2.0 / 254);
        weights.constant = now;
      }
      expect_same(rounded, b.graph(), 1e-5);
    }
  Builder few;
  few.output(few.node("GRU", {few.input({3, 1, 2}), few.random({1, 12, 2}, 5), few.random({1, 12, 4}, 6)}));
  Builder computed;
  computed.output(computed.node(
      "GRU", {computed.input({3, 1, 64}), computed.input({1, 96, 64}), computed.random({1, 96, 32}, 6)}));
  PassLog log;
  for (Builder* b : {&few, &computed}) EXPECT_EQ(quantized_layers(*b, 8, log, 1e-5), 0);
}

TEST(QuantizeWeights, WhatIsSmallComputedOrZeroIsSafe) {
  Builder b;
  const ValueId x = b.input({3, 64});
  b.output(b.node("FullyConnected", {x, b.random({4, 64}, 5)}));
  b.output(b.node("FullyConnected", {x, b.input({40, 64})}));
  b.output(b.node("FullyConnected", {x, b.random({40, 64}, 5), b.input({40})}));
  PassLog log;
  EXPECT_EQ(quantized_layers(b, 8, log, 1e-5), 0);
  for (const int bits : {8, 4}) {
    Builder zeros;
    zeros.output(zeros.node(
        "FullyConnected", {zeros.input({3, 64}), zeros.constant<float>({40, 64}, std::vector<float>(2560))}));
    EXPECT_EQ(quantized_layers(zeros, bits, log, 1e-5), 1);
  }
}

}  // namespace
}  // namespace lithe::passes
