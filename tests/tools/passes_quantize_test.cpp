// SPDX-License-Identifier: Apache-2.0
#include <gtest/gtest.h>

#include "tests/tools/passes_testing.hpp"
#include "tools/passes/constants.hpp"
#include "tools/passes/node.hpp"
#include "tools/passes/pass_log.hpp"
#include "tools/passes/quantized.hpp"

namespace lithe::passes {
namespace {

using namespace test;

// Two right roundings may differ by a step of the output: a few hundredths of its range.
constexpr double one_step = 0.02;

struct Weights {
  DType dtype = DType::s8;
  int zero_point = 0;
  index_t scales = 1;  ///< 1: per tensor
};

ValueId weights(Builder& b, const Shape& shape, const Weights& w, int axis) {
  const ValueId stored = w.dtype == DType::s8 ? b.random_integers<std::int8_t>(shape, 3, -127, 127)
                                              : b.random_integers<std::uint8_t>(shape, 3, 1, 255);
  const auto count = static_cast<std::size_t>(w.scales);
  const Shape pairs = w.scales == 1 ? Shape{} : Shape{w.scales};
  std::vector<double> zero(count, w.zero_point);
  const ValueId zero_points = b.graph().add_constant(make_numbers(w.dtype, pairs, zero), "zero_points");
  return b.node("DequantizeLinear", {stored, b.random(pairs, 4, 0.01F, 0.02F), zero_points},
                {{"axis", ints({axis})}}, DType::f32);
}

ValueId bias(Builder& b, index_t n, float scale) {
  return b.node("DequantizeLinear", {b.random_integers<std::int32_t>({n}, 6, -900, 900), b.scalar(scale)},
                {{"axis", ints({0})}}, DType::f32);
}

/// fake -> convolution -> Q -> DQ, as exporters write it.
void convolution(Builder& b, const Weights& w, DType activations, bool biased = true) {
  const ValueId x = b.fake(b.input({1, 5, 6, 4}), 0.02F, activations == DType::u8 ? 120 : -8, activations);
  std::vector<ValueId> inputs{x, weights(b, {8, 3, 3, 4}, w, 0)};
  if (biased) inputs.push_back(w.scales == 1 ? bias(b, 8, 0.02F * 0.01F) : b.random({8}, 8));
  const ValueId y = b.node("Conv2D", inputs, {{"clamp", floats({0, 6})}, {"pads", ints({1, 1, 1, 1})}});
  b.output(b.fake(y, 0.03F, activations == DType::u8 ? 0 : -128, activations));
}

TEST(Quantize, ConvolutionsOfEveryKind) {
  const struct {
    Weights weights;
    DType activations, result;
  } table[] = {{{DType::s8, 0, 1}, DType::s8, DType::s8},   {{DType::s8, 0, 8}, DType::s8, DType::s8},
               {{DType::s8, 0, 8}, DType::u8, DType::s8},   {{DType::u8, 128, 1}, DType::u8, DType::s8},
               {{DType::u8, 128, 8}, DType::s8, DType::s8}, {{DType::u8, 113, 1}, DType::u8, DType::u8},
               {{DType::s8, 5, 1}, DType::s8, DType::u8},   {{DType::u8, 113, 1}, DType::s8, DType::u8}};
  for (const auto& row : table) {
    for (bool biased : {false, true}) {
      Builder b;
      convolution(b, row.weights, row.activations, biased);
      Passed run(b, {quantize, unify_quantized_types}, one_step);
      const Node* node = find(run.graph, "Conv2D");
      for (ValueId v : {node->inputs[0], node->inputs[1], node->outputs[0]}) {
        EXPECT_EQ(run.graph.value(v).dtype, row.result);
        EXPECT_TRUE(run.graph.value(v).quantization);
      }
      EXPECT_EQ(run.graph.value(node->inputs[1]).quantization->axis, row.weights.scales == 1 ? -1 : 0);
      EXPECT_EQ(node->inputs.size(), biased ? 3U : 2U);
      EXPECT_TRUE(!biased || run.graph.value(node->inputs[2]).dtype == DType::s32);
      EXPECT_EQ(run.graph.nodes.size(), 3U);
      EXPECT_EQ(clamp_attribute(*node), (Clamp{0, 6}));
    }
  }
}

TEST(Quantize, ABiasLeavesTheSumRoom) {
  for (const std::int32_t largest : {1'000'000'000, 2'147'000'000}) {
    Builder b;
    const ValueId x = b.fake(b.input({1, 64}), 0.02F, -8, DType::s8);
    const ValueId stored =
        b.graph().add_constant(make_numbers(DType::s32, {2}, std::vector<double>{5, 1.0 * largest}), "bias");
    const ValueId biased =
        b.node("DequantizeLinear", {stored, b.scalar(0.02F * 0.02F)}, {{"axis", ints({0})}}, DType::f32);
    const ValueId y = b.node("FullyConnected", {x, weights(b, {2, 64}, {}, 0), biased});
    b.output(b.fake(y, 5000, 3, DType::s8));
    Passed run(b, {quantize}, one_step);
    EXPECT_EQ(run.graph.value(find(run.graph, "FullyConnected")->inputs[0]).dtype,
              largest < 2'000'000'000 ? DType::s8 : DType::f32);
  }
}

TEST(Quantize, DepthwiseAndFullyConnected) {
  Builder b;
  const ValueId x = b.fake(b.input({1, 5, 6, 4}), 0.02F, -8);
  b.output(b.fake(b.node("DepthwiseConv2D", {x, weights(b, {3, 3, 4, 1}, {DType::s8, 0, 4}, 2)}), 0.03F, 4));
  Passed first(b, {quantize}, one_step);
  EXPECT_EQ(first.graph.value(find(first.graph, "DepthwiseConv2D")->outputs[0]).dtype, DType::s8);

  Builder c;
  const ValueId y = c.fake(c.input({3, 9}), 0.02F, -8);
  c.output(c.fake(c.node("FullyConnected", {y, weights(c, {4, 9}, {DType::s8, 0, 4}, 0), c.random({4}, 9)}),
                  0.03F, 4));
  Passed second(c, {quantize}, one_step);
  EXPECT_EQ(second.graph.value(find(second.graph, "FullyConnected")->outputs[0]).dtype, DType::s8);
}

TEST(Quantize, OperatorsWithoutWeights) {
  const struct {
    const char* op;
    int inputs;
    Attributes attributes;
  } table[] = {{"Add", 2, {{"clamp", floats({0, 1})}}},
               {"Sub", 2, {}},
               {"Mul", 2, {}},
               {"Max", 2, {}},
               {"Softmax", 1, {}},
               {"ReduceMax", 1, {}},
               {"ReduceMean", 1, {}},
               {"AveragePool2D", 1, {{"kernel", ints({2, 2})}}},
               {"Relu", 1, {}},
               {"Clip", 1, {{"clamp", floats({0, 1})}}},
               {"Sigmoid", 1, {}},
               {"Tanh", 1, {}}};
  for (const auto& row : table) {
    Builder b;
    std::vector<ValueId> inputs;
    for (int i = 0; i < row.inputs; ++i)
      inputs.push_back(b.fake(b.input({1, 4, 4, 6}), 0.012F + 0.003F * static_cast<float>(i), 5 * i));
    b.output(b.fake(b.node(row.op, inputs, row.attributes), 0.04F, -20));
    Passed run(b, {quantize}, 0.03);
    EXPECT_EQ(run.graph.value(find(run.graph, row.op)->outputs[0]).dtype, DType::s8) << row.op;
    EXPECT_EQ(count(run.graph, "DequantizeLinear"), 1) << row.op;
  }
}

TEST(Quantize, MoversMoveStoredNumbers) {
  Builder b;
  const ValueId x = b.fake(b.input({1, 4, 4, 6}), 0.02F, 5), y = b.fake(b.input({1, 4, 4, 6}), 0.02F, 5);
  const ValueId joined = b.fake(b.node("Concat", {x, y}, {{"axis", ints({3})}}), 0.02F, 5);
  const ValueId pooled = b.fake(b.node("MaxPool2D", {joined}, {{"kernel", ints({2, 2})}}), 0.02F, 5);
  const ValueId moved = b.fake(b.transpose(pooled, {0, 3, 1, 2}), 0.02F, 5);
  b.output(b.node("Reshape", {moved, b.vector({12, 9})}));
  Passed run(b, {quantize});
  EXPECT_EQ(count(run.graph, "QuantizeLinear"), 2);
  EXPECT_EQ(count(run.graph, "DequantizeLinear"), 1);
  for (const char* op : {"Concat", "MaxPool2D", "Transpose", "Reshape"})
    EXPECT_EQ(run.graph.value(find(run.graph, op)->outputs[0]).dtype, DType::s8);
}

TEST(Quantize, MoversOfStoredNumbersKeepTheirStep) {
  Builder b;
  const ValueId x = b.fake(b.input({2, 3}), 0.02F, 5);
  const ValueId stored = b.quantize(b.node("Relu", {x}), 0.03F, -9);
  const ValueId moved = b.node("Transpose", {b.node("Reshape", {stored, b.vector({3, 2})})}, {});
  b.output(b.dequantize(moved, 0.03F, -9));
  Passed run(b, {quantize});
  for (const char* op : {"Relu", "Reshape", "Transpose"})
    EXPECT_TRUE(step_of(run.graph.value(find(run.graph, op)->outputs[0]))) << op;
}

TEST(Quantize, PadsAndResizes) {
  const auto float_nodes = [](Builder& b) {
    Passed run(b, {quantize}, one_step);
    return count(run.graph, "QuantizeLinear") + count(run.graph, "DequantizeLinear") - 2;  // at the borders
  };
  const auto between = [](Builder& b, const char* op, std::vector<ValueId> more, Attributes a,
                          float scale = 0.02F) {
    std::vector<ValueId> inputs{b.fake(b.input({1, 4, 4, 6}), 0.02F, 5)};
    inputs.insert(inputs.end(), more.begin(), more.end());
    b.output(b.fake(b.node(op, inputs, a), scale, 5));
  };
  const auto text = [](std::string t) { return Attribute{{}, {}, std::move(t)}; };
  const auto pads = [](Builder& b) { return b.vector({0, 1, 1, 0, 0, 2, 0, 0}); };
  const auto twice = [](Builder& b) { return b.constant<float>({4}, {1, 2, 2, 1}); };
  {
    Builder b;
    between(b, "Pad", {pads(b), b.scalar(0)}, {});
    EXPECT_EQ(float_nodes(b), 0);
  }
  {
    Builder b;
    between(b, "Pad", {pads(b)}, {{"mode", text("reflect")}});
    EXPECT_EQ(float_nodes(b), 0);
  }
  {
    Builder b;
    between(b, "Pad", {pads(b), b.scalar(1)}, {});
    EXPECT_EQ(float_nodes(b), 2) << "another value than zero";
  }
  {
    Builder b;
    between(b, "Resize", {absent, twice(b)}, {});
    EXPECT_EQ(float_nodes(b), 0);
  }
  {
    Builder b;
    between(b, "Resize", {absent, twice(b)}, {{"mode", text("linear")}});
    EXPECT_EQ(float_nodes(b), 0);
  }
  {
    Builder b;
    between(b, "Resize", {absent, twice(b)}, {{"mode", text("linear")}}, 0.03F);
    EXPECT_EQ(float_nodes(b), 2) << "an output of another scale";
  }
}

TEST(Quantize, PadsOfStoredNumbersByTheirZeroPoint) {
  for (const int value : {-9, 3}) {
    Builder b;
    const ValueId x = b.fake(b.input({2, 3}, DType::f32), 0.02F, 5);
    const ValueId stored = b.quantize(b.node("Relu", {x}), 0.03F, -9);
    const ValueId fill = b.constant<std::int8_t>({}, {static_cast<std::int8_t>(value)});
    const ValueId padded = b.node("Pad", {stored, b.vector({1, 0, 0, 2}), fill});
    b.output(b.dequantize(padded, 0.03F, -9));
    Passed run(b, {quantize, unify_quantized_types});
    const Node* pad = find(run.graph, "Pad");
    EXPECT_EQ(input(*pad, 2) < 0, value == -9);
    EXPECT_TRUE(step_of(run.graph.value(pad->outputs[0])));
    EXPECT_EQ(run.graph.value(find(run.graph, "Relu")->outputs[0]).dtype, DType::s8);
  }
}

TEST(Quantize, SquareRootsOfWhatMayBeNegativeStayReal) {
  for (const int zero_point : {-128, 0}) {
    Builder b;
    const ValueId x = b.node("Abs", {b.input({2, 3})});
    b.output(b.fake(b.node("Sqrt", {b.fake(x, 0.02F, zero_point)}), 0.02F, -128));
    Passed run(b, {quantize}, 0.05);
    EXPECT_EQ(run.missed("no result"), zero_point == 0);
  }
}

TEST(Quantize, ConcatOfOtherScalesConvertsThoseInputs) {
  Builder b;
  const ValueId x = b.fake(b.input({2, 3}), 0.02F, 5), y = b.fake(b.input({2, 4}), 0.03F, -5);
  b.output(b.fake(b.node("Concat", {x, y}, {{"axis", ints({1})}}), 0.02F, 5));
  Passed run(b, {quantize});
  EXPECT_EQ(run.graph.value(find(run.graph, "Concat")->outputs[0]).dtype, DType::s8);
  EXPECT_EQ(count(run.graph, "QuantizeLinear"), 3);
}

TEST(Quantize, SharedConstantsKeepTheirOwnScale) {
  Builder b;
  const ValueId c = b.constant<std::int8_t>({}, {127});
  const ValueId x = b.fake(b.input({2, 3}), 0.02F, 5);
  const ValueId y = b.fake(b.node("Mul", {x, b.dequantize(c, 0.01F, -128)}), 0.05F, 0);
  b.output(b.fake(b.node("Mul", {y, b.dequantize(c, 0.002F, -128)}), 0.03F, 0));
  Passed run(b, {quantize}, one_step);
  EXPECT_EQ(count(run.graph, "DequantizeLinear"), 1);
}

TEST(Quantize, QuantizedConstantsFollowTransposes) {
  Builder b;
  const ValueId stored = b.random_integers({6, 1, 1}, 3, -100, 100);
  const ValueId x = b.to_first(b.fake(b.node("Relu", {b.input({1, 4, 4, 6})}), 0.02F, 5));
  b.output(b.to_last(b.fake(b.node("Mul", {x, b.dequantize(stored, 0.01F, 3)}), 0.02F, 5)));
  Passed run(b, {quantize, channels_last, fold_quantized_constants}, one_step);
  EXPECT_EQ(count(run.graph, "Transpose"), 0);
  const Node* node = find(run.graph, "Mul");
  EXPECT_EQ(run.graph.value(node->inputs[1]).constant->shape, Shape{6});
  EXPECT_TRUE(run.graph.value(node->inputs[1]).quantization);
}

TEST(Quantize, FloatIslandsStay) {
  const auto stays = [](Builder& b, const char* op, const char* reason) {
    Passed run(b, {quantize}, one_step);
    EXPECT_EQ(run.graph.value(find(run.graph, op)->outputs[0]).dtype, DType::f32) << op;
    EXPECT_TRUE(run.missed(reason)) << reason;
  };
  Builder shared;
  const ValueId x = shared.node(
      "Add", {shared.fake(shared.input({2, 3}), 0.02F, 5), shared.fake(shared.input({2, 3}), 0.02F, 5)});
  shared.output(shared.fake(x, 0.03F, 0));
  shared.output(x);
  stays(shared, "Add", "another reader");

  Builder real;
  real.output(
      real.fake(real.node("Add", {real.fake(real.input({2, 3}), 0.02F, 5), real.input({2, 3})}), 0.03F, 0));
  stays(real, "Add", "not dequantized");

  Builder foreign;
  foreign.output(
      foreign.fake(foreign.node("Sin", {foreign.fake(foreign.input({2, 3}), 0.02F, 5)}), 0.03F, 0));
  stays(foreign, "Sin", "no quantized form");

  Builder plain;  // what is stored is read as it is
  const ValueId z = plain.quantize(plain.node("Add", {plain.fake(plain.input({2, 3}), 0.02F, 5),
                                                      plain.fake(plain.input({2, 3}), 0.02F, 5)}),
                                   0.03F, 0);
  plain.output(z);
  plain.output(plain.node("Cast", {z}, {}, DType::s32));
  stays(plain, "Add", "read as such");

  Builder computed;  // the weights are computed
  const ValueId w = computed.fake(computed.input({4, 3}), 0.02F, 0);
  computed.output(computed.fake(
      computed.node("FullyConnected", {computed.fake(computed.input({2, 3}), 0.02F, 5), w}), 0.03F, 0));
  stays(computed, "FullyConnected", "weights are not dequantized constants");

  Builder along;  // scales along the input channels
  const ValueId v = weights(along, {4, 3}, {DType::s8, 0, 3}, 1);
  along.output(
      along.fake(along.node("FullyConnected", {along.fake(along.input({2, 3}), 0.02F, 5), v}), 0.03F, 0));
  stays(along, "FullyConnected", "not quantized along the output channels");
}

TEST(Quantize, ComputedScalesStay) {
  Builder b;
  const ValueId scale = b.input({});
  const ValueId q =
      b.node("QuantizeLinear",
             {b.node("Relu", {b.fake(b.input({2, 3}), 0.02F, 5)}), scale, b.constant<std::int8_t>({}, {0})},
             {}, DType::s8);
  b.output(b.dequantize(q, 0.05F, 0));
  Builder copy = b;
  PassLog log;
  quantize(copy.model, log);
  EXPECT_EQ(copy.graph().value(find(copy.graph(), "Relu")->outputs[0]).dtype, DType::f32);
}

TEST(Quantize, AnotherStepIsNotCancelled) {
  Builder b;
  b.output(b.fake(b.fake(b.input({2, 3}), 0.02F, 5), 0.03F, 5));
  EXPECT_EQ(count(Passed(b, {quantize}).graph, "QuantizeLinear"), 2);
  Builder same;
  same.output(same.fake(same.fake(same.input({2, 3}), 0.02F, 5), 0.02F, 5));
  EXPECT_EQ(count(Passed(same, {quantize}).graph, "QuantizeLinear"), 1);
}

TEST(UnifyQuantizedTypes, InputsAndOutputsKeepTheirType) {
  Builder b;
  const ValueId x = b.dequantize(b.input({2, 9}, DType::u8), 0.02F, 120);
  const ValueId y = b.quantize(b.node("FullyConnected", {x, weights(b, {4, 9}, {DType::s8, 0, 4}, 0)}), 0.03F,
                               100, DType::u8);
  b.output(y);
  b.output(b.node("Shape", {y}, {}, DType::s64));
  Passed run(b, {quantize, unify_quantized_types}, one_step);
  const Node* node = find(run.graph, "FullyConnected");
  EXPECT_EQ(run.graph.value(node->inputs[0]).dtype, DType::s8);
  EXPECT_EQ(run.graph.value(node->outputs[0]).dtype, DType::s8);
  EXPECT_EQ(run.graph.nodes.size(), 6U);  // a pair at each edge
}

TEST(UnifyQuantizedTypes, WhatMovesPlainNumbersIsFollowedByTheShift) {
  Builder b;
  const ValueId stored =
      b.node("Reshape", {b.input({1, 30, 4}, DType::s8), b.vector({1, 5, 6, 4})}, {}, DType::s8);
  const ValueId x = b.node("DequantizeLinear", {stored, b.scalar(0.02F)}, {}, DType::f32);
  const ValueId y = b.node("Conv2D", {x, weights(b, {8, 3, 3, 4}, {DType::s8, 5, 1}, 0)});
  b.output(b.fake(y, 0.5F, 3, DType::s8));
  Passed run(b, {quantize, unify_quantized_types}, one_step);
  EXPECT_EQ(run.graph.value(find(run.graph, "Reshape")->outputs[0]).dtype, DType::s8);
  EXPECT_EQ(run.graph.value(find(run.graph, "Conv2D")->inputs[0]).dtype, DType::u8);
}

TEST(UnifyQuantizedTypes, ShiftsAreExact) {
  Builder b;
  convolution(b, {DType::s8, 0, 1}, DType::u8);
  const Graph unshifted = b.graph();
  Passed run(b, {quantize, unify_quantized_types}, one_step);
  for (const Node& node : run.graph.nodes) {
    if (node.op != "QuantizeLinear") continue;
    const auto step = step_of(run.graph, node);
    ASSERT_TRUE(step);
    EXPECT_TRUE(step->zero_point == 120 - 128 || step->zero_point == -128);
  }
}

TEST(UnifyQuantizedTypes, TablesOfBytesStayAsTheyWereMade) {
  for (const bool from_outside : {false, true}) {
    Builder b;
    const ValueId x = from_outside ? b.dequantize(b.input({2, 9}, DType::u8), 0.02F, 120)
                                   : b.fake(b.input({2, 9}), 0.02F, 120, DType::u8);
    const ValueId y = b.fake(b.node("Sin", {x}), 0.01F, 110, DType::u8);
    b.output(b.fake(b.node("FullyConnected", {y, weights(b, {4, 9}, {DType::s8, 0, 4}, 0)}), 0.03F, 100));
    const Passed once(b, {quantize, unify_quantized_types, tabulate, remove_dead}, one_step);
    EXPECT_EQ(count(once.graph, "LookupTable"), 1);
    const Passed twice(
        b,
        {quantize, unify_quantized_types, tabulate, quantize, unify_quantized_types, tabulate, remove_dead},
        one_step);
    EXPECT_EQ(count(twice.graph, "LookupTable"), 1);
  }
}

TEST(UnifyQuantizedTypes, GraphsWithoutWeightsStay) {
  Builder b;
  b.output(b.fake(b.node("Softmax", {b.fake(b.input({2, 9}), 0.02F, 120, DType::u8)}), 0.004F, 0, DType::u8));
  Passed run(b, {quantize, unify_quantized_types}, one_step);
  EXPECT_EQ(run.graph.value(find(run.graph, "Softmax")->outputs[0]).dtype, DType::u8);
}

}  // namespace
}  // namespace lithe::passes
