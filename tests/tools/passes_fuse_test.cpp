// SPDX-License-Identifier: Apache-2.0
#include <gtest/gtest.h>

#include "tests/tools/passes_testing.hpp"

namespace lithe::passes {
namespace {

using namespace test;

constexpr float infinity = std::numeric_limits<float>::infinity();

struct Layer {
  const char* op;
  Dims input;
  Shape filter;
  index_t channels;
};
const Layer layers[] = {{"Conv2D", {1, 5, 4, 3}, {6, 3, 3, 3}, 6},
                        {"Conv3D", {1, 4, 5, 4, 3}, {6, 2, 3, 3, 3}, 6},
                        {"ConvTranspose2D", {1, 5, 4, 3}, {6, 3, 3, 3}, 6},
                        {"ConvTranspose3D", {1, 2, 3, 4, 3}, {6, 2, 3, 3, 3}, 6},
                        {"DepthwiseConv2D", {1, 5, 4, 3}, {3, 3, 3, 2}, 6},
                        {"FullyConnected", {2, 4}, {6, 4}, 6}};

ValueId normalized(Builder& b, ValueId x, index_t channels) {
  return b.node("BatchNormalization", {x, b.random({channels}, 2), b.random({channels}, 3),
                                       b.random({channels}, 4), b.random({channels}, 5, 0.5F, 2)});
}

TEST(FuseBatchNormalization, FoldsIntoEveryLayer) {
  for (const Layer& layer : layers) {
    for (bool bias : {false, true}) {
      Builder b;
      std::vector<ValueId> inputs{b.input(layer.input), b.random(layer.filter)};
      if (bias) inputs.push_back(b.random({layer.channels}, 9));
      b.output(normalized(b, b.node(layer.op, inputs), layer.channels));
      Passed run(b, {fuse_batch_normalization});
      ASSERT_EQ(run.graph.nodes.size(), 1U) << layer.op;
      EXPECT_EQ(run.graph.nodes[0].onnx_names, (std::vector<std::string>{"n0", "n1"}));
      EXPECT_EQ(run.graph.value(run.graph.nodes[0].outputs[0]).onnx_name,
                run.graph.value(run.graph.outputs[0]).onnx_name);
    }
  }
}

TEST(FuseBatchNormalization, HardSigmoidIsScaledWeightsAndAClamp) {
  for (const Layer& layer : layers) {
    for (bool bias : {false, true}) {
      Builder b;
      std::vector<ValueId> inputs{b.input(layer.input), b.random(layer.filter)};
      if (bias) inputs.push_back(b.random({layer.channels}, 9));
      Attributes attributes;
      if (bias) attributes = {{"alpha", floats({0.4F})}, {"beta", floats({0.25F})}};
      b.output(b.node("HardSigmoid", {b.node(layer.op, inputs)}, attributes));
      Passed run(b, {fuse_batch_normalization});
      ASSERT_EQ(run.graph.nodes.size(), 1U) << layer.op;
      EXPECT_EQ(clamp_attribute(run.graph.nodes[0]), (Clamp{0, 1}));
    }
  }
}

TEST(FuseBatchNormalization, HardSigmoidBehindAClampStays) {
  Builder b;
  const ValueId x =
      b.node("FullyConnected", {b.input({2, 4}), b.random({6, 4})}, {{"clamp", floats({0, 6})}});
  b.output(b.node("HardSigmoid", {x}));
  Passed run(b, {fuse_batch_normalization});
  EXPECT_EQ(count(run.graph, "HardSigmoid"), 1);
  EXPECT_TRUE(run.missed("clamped before"));
}

TEST(FuseBatchNormalization, AloneIsMulAndAdd) {
  Builder b;
  b.output(normalized(b, b.input({2, 3, 4}), 4));
  Passed run(b, {fuse_batch_normalization});
  EXPECT_EQ(count(run.graph, "BatchNormalization"), 0);
  EXPECT_EQ(count(run.graph, "Mul"), 1);
  EXPECT_EQ(count(run.graph, "Add"), 1);
}

TEST(FuseBatchNormalization, AloneItSubtractsALargeMeanFirst) {
  Builder b;
  const ValueId x = b.input({2, 3});
  const ValueId y = b.node("BatchNormalization",
                           {x, b.random({3}, 2, 0.5F, 1), b.random({3}, 3),
                            b.constant<float>({3}, {101325, 0, 20}), b.constant<float>({3}, {100, 1, 1})});
  b.output(b.node("FullyConnected", {y, b.random({6, 3})}));
  Passed run(b, {fuse_batch_normalization, merge_scales, fuse_scale});
  ASSERT_EQ(run.graph.nodes.size(), 4U);
  EXPECT_EQ(run.graph.nodes[0].op, "Sub");
}

TEST(FuseBatchNormalization, ComputedParametersStay) {
  Builder b;
  const ValueId x = b.node("Conv2D", {b.input({1, 5, 4, 3}), b.random({6, 3, 3, 3})});
  const ValueId scale = b.input({6});
  b.output(b.node("BatchNormalization",
                  {x, scale, b.random({6}, 3), b.random({6}, 4), b.random({6}, 5, 0.5F, 2)}));
  Passed run(b, {fuse_batch_normalization});
  EXPECT_EQ(count(run.graph, "BatchNormalization"), 1);
  EXPECT_TRUE(run.missed("parameters are not constant"));
}

TEST(FuseBatchNormalization, SecondReaderKeepsTheConvolution) {
  Builder b;
  const ValueId x = b.node("Conv2D", {b.input({1, 5, 4, 3}), b.random({6, 3, 3, 3})});
  b.output(normalized(b, x, 6));
  b.output(b.node("Relu", {x}));
  Passed run(b, {fuse_batch_normalization});
  EXPECT_EQ(count(run.graph, "Mul"), 1);
  EXPECT_TRUE(run.missed("another reader"));
}

TEST(FuseBatchNormalization, ScaleAndShiftPerChannel) {
  for (const Layer& layer : layers) {
    Builder b;
    const ValueId x =
        b.node(layer.op, {b.input(layer.input), b.random(layer.filter), b.random({layer.channels}, 9)});
    const ValueId scaled = b.node("Mul", {x, b.random({1, layer.channels}, 3)});
    b.output(b.node("Add", {b.node("Div", {scaled, b.random({layer.channels}, 5, 1, 2)}),
                            b.random({layer.channels}, 4)}));
    Passed run(b, {fuse_batch_normalization, fuse_bias});
    EXPECT_EQ(run.graph.nodes.size(), 1U) << layer.op;
  }
}

TEST(FuseBatchNormalization, ScaleAlongAnotherAxisStays) {
  Builder b;
  const ValueId x = b.node("Conv2D", {b.input({1, 6, 6, 3}), b.random({4, 3, 3, 3})});
  b.output(b.node("Mul", {x, b.random({4, 1}, 3)}));
  Passed run(b, {fuse_batch_normalization});
  EXPECT_EQ(count(run.graph, "Mul"), 1);
}

TEST(FuseBatchNormalization, ConstantOverXIsNotAScale) {
  Builder b;
  const ValueId x = b.node("Conv2D", {b.input({1, 6, 6, 3}), b.random({4, 3, 3, 3})});
  b.output(b.node("Div", {b.scalar(2), x}));
  Passed run(b, {fuse_batch_normalization});
  EXPECT_EQ(count(run.graph, "Div"), 1);
}

/// Infinity times a weight of 0 is NaN, whatever the layer gives; a product below all normal numbers loses digits.
TEST(FuseBatchNormalization, WhatWouldNotBeFiniteOrPreciseStays) {
  const auto nodes = [](float factor, float weight) {
    Builder b;
    const ValueId x = b.node("Conv2D", {b.input({1, 5, 4, 1}), b.constant<float>({1, 1, 2, 1}, {0, weight})});
    b.output(b.node("Mul", {x, b.constant<float>({1}, {factor})}));
    passes::PassLog log;
    graph::Model model = std::move(b.model);
    fuse_batch_normalization(model, log);
    return model.graphs[0].nodes.size();
  };
  EXPECT_EQ(nodes(1e30F, 1), 1U);
  EXPECT_EQ(nodes(infinity, 1), 2U);
  EXPECT_EQ(nodes(1e30F, 1e20F), 2U);
  EXPECT_EQ(nodes(1e-30F, 1e-20F), 2U);
  EXPECT_EQ(nodes(0, 1), 1U);
}

TEST(FuseBias, AddBecomesTheBias) {
  for (const Layer& layer : layers) {
    for (const char* op : {"Add", "Sub"}) {
      Builder b;
      const ValueId x = b.node(layer.op, {b.input(layer.input), b.random(layer.filter)});
      b.output(b.node(op, {x, b.random({1, layer.channels}, 3)}, {{"clamp", floats({0, 1})}}));
      Passed run(b, {fuse_bias});
      ASSERT_EQ(run.graph.nodes.size(), 1U) << layer.op;
      EXPECT_EQ(run.graph.nodes[0].inputs.size(), 3U);
      EXPECT_EQ(clamp_attribute(run.graph.nodes[0]), (Clamp{0, 1}));
    }
  }
}

TEST(FuseBias, ScalarOnTheLeftIsRepeated) {
  Builder b;
  const ValueId x = b.node("Conv2D", {b.input({1, 5, 4, 3}), b.random({6, 3, 3, 3}), b.random({6}, 4)});
  b.output(b.node("Add", {b.scalar(0.5F), x}));
  EXPECT_EQ(Passed(b, {fuse_bias}).graph.nodes.size(), 1U);
}

TEST(FuseBias, Refusals) {
  Builder spatial;
  const ValueId x = spatial.node("Conv2D", {spatial.input({1, 6, 6, 3}), spatial.random({4, 3, 3, 3})});
  spatial.output(spatial.node("Add", {x, spatial.random({4, 4, 4}, 3)}));
  Passed first(spatial, {fuse_bias});
  EXPECT_EQ(count(first.graph, "Add"), 1);
  EXPECT_TRUE(first.missed("one number per output channel"));

  Builder computed;
  const ValueId y = computed.node("Conv2D", {computed.input({1, 6, 6, 3}), computed.random({4, 3, 3, 3})});
  computed.output(computed.node("Add", {y, computed.input({4})}));
  EXPECT_EQ(count(Passed(computed, {fuse_bias}).graph, "Add"), 1);

  Builder clamped;
  const ValueId z = clamped.node("Conv2D", {clamped.input({1, 6, 6, 3}), clamped.random({4, 3, 3, 3})},
                                 {{"clamp", floats({0, infinity})}});
  clamped.output(clamped.node("Add", {z, clamped.random({4}, 3)}));
  Passed third(clamped, {fuse_bias});
  EXPECT_EQ(count(third.graph, "Add"), 1);
  EXPECT_TRUE(third.missed("clamped before"));

  Builder reversed;
  const ValueId w = reversed.node("Conv2D", {reversed.input({1, 6, 6, 3}), reversed.random({4, 3, 3, 3})});
  reversed.output(reversed.node("Sub", {reversed.random({4}, 3), w}));
  EXPECT_EQ(count(Passed(reversed, {fuse_bias}).graph, "Sub"), 1);
}

TEST(FusePad, ConvolutionsTakeZeros) {
  const Attributes uneven{{"pads", ints({0, 1, 0, 0})}};
  for (const char* op : {"Conv2D", "DepthwiseConv2D"}) {
    Builder b;
    const ValueId padded = b.node("Pad", {b.input({1, 5, 4, 3}), b.vector({0, 1, 0, 0, 0, 2, 1, 0})});
    b.output(b.node(op, {padded, b.random({3, 3, 3, 3})}, uneven));
    Passed run(b, {fuse_pad});
    ASSERT_EQ(run.graph.nodes.size(), 1U) << op;
    EXPECT_EQ(ints_attribute(run.graph.nodes[0], "pads"), (std::vector<std::int64_t>{1, 1, 2, 1}));
    EXPECT_EQ(run.graph.nodes[0].onnx_names, (std::vector<std::string>{"n0", "n1"}));
  }
  Builder axes;
  const ValueId padded = axes.node(
      "Pad", {axes.input({1, 3, 5, 4, 3}), axes.vector({2, 1, 0, 1}), axes.scalar(0), axes.vector({-2, 1})});
  axes.output(axes.node("Conv3D", {padded, axes.random({2, 3, 3, 3, 3})}));
  Passed run(axes, {fuse_pad});
  ASSERT_EQ(run.graph.nodes.size(), 1U);
  EXPECT_EQ(ints_attribute(run.graph.nodes[0], "pads"), (std::vector<std::int64_t>{1, 0, 2, 1, 0, 0}));
}

TEST(FusePad, EveryReaderForItself) {
  Builder b;
  const ValueId padded = b.node("Pad", {b.input({1, 5, 4, 3}), b.vector({0, 1, 1, 0, 0, 1, 1, 0})});
  b.output(b.node("Conv2D", {padded, b.random({3, 3, 3, 3})}));
  b.output(b.node("Conv2D", {padded, b.random({3, 1, 1, 3})}));
  Passed run(b, {fuse_pad});
  EXPECT_EQ(count(run.graph, "Pad"), 1);
  EXPECT_TRUE(run.missed("padding alone"));
}

TEST(FusePad, MaxPoolTakesWhatNeverWins) {
  const auto left = [](float value, bool active, Attributes pool) {
    Builder b;
    ValueId x = b.input({1, 5, 4, 3});
    if (active) x = b.node("Relu", {x});
    x = b.node("Pad", {x, b.vector({0, 1, 1, 0, 0, 1, 0, 0}), b.scalar(value)});
    pool["kernel"] = ints({3, 3});
    b.output(b.node("MaxPool2D", {x}, pool));
    return count(Passed(b, {fuse_pad}).graph, "Pad");
  };
  EXPECT_EQ(left(-infinity, false, {}), 0);
  EXPECT_EQ(left(0, true, {{"strides", ints({2, 2})}}), 0);
  EXPECT_EQ(left(0, false, {}), 1);
  EXPECT_EQ(left(0.5F, true, {}), 1);
  EXPECT_EQ(left(0, true, {{"ceil_mode", ints({1})}}), 1);
  EXPECT_EQ(left(0, true, {{"pads", ints({2, 0, 0, 0})}}), 1);
}

TEST(FusePad, Refusals) {
  const auto refused = [](std::vector<std::int64_t> pads, float value, const std::string& mode,
                          const std::string& reason) {
    Builder b;
    Attributes attributes;
    if (!mode.empty()) attributes["mode"].text = mode;
    std::vector<ValueId> inputs{b.input({1, 5, 4, 3}), b.vector(std::move(pads))};
    if (mode.empty()) inputs.push_back(b.scalar(value));
    b.output(b.node("Conv2D", {b.node("Pad", inputs, attributes), b.random({3, 3, 3, 3})}));
    Passed run(b, {fuse_pad});
    return count(run.graph, "Pad") == 1 && run.missed(reason);
  };
  EXPECT_TRUE(refused({0, 1, 0, 0, 0, 0, 0, 0}, 1, "", "zeros"));
  EXPECT_TRUE(refused({0, 1, 0, 0, 0, 0, 0, 0}, 0, "reflect", "not constant"));
  EXPECT_TRUE(refused({1, 0, 0, 0, 0, 0, 0, 0}, 0, "", "batches or channels"));
  EXPECT_TRUE(refused({0, 1, -1, 0, 0, 0, 0, 0}, 0, "", "crops"));
  EXPECT_TRUE(refused({0, 3, 0, 0, 0, 0, 0, 0}, 0, "", "padding alone"));
}

TEST(MergeScales, ChainsBecomeOneScaleAndShift) {
  Builder b;
  ValueId x = b.node("Mul", {b.input({2, 3, 4}), b.random({4}, 1)});
  x = b.node("Add", {b.scalar(0.5F), x});
  x = b.node("Div", {x, b.random({1, 4}, 2, 1, 2)});
  b.output(b.node("Sub", {b.random({4}, 3), x}, {{"clamp", floats({0, 1})}}));
  Passed run(b, {merge_scales});
  ASSERT_EQ(run.graph.nodes.size(), 2U);
  EXPECT_EQ(run.graph.nodes[0].op, "Mul");
  EXPECT_EQ(run.graph.nodes[1].op, "Add");
  EXPECT_EQ(clamp_attribute(run.graph.nodes[1]), (Clamp{0, 1}));
}

TEST(MergeScales, OneOfAKind) {
  const auto merged = [](const char* first, const char* second) {
    Builder b;
    const ValueId x = b.node(first, {b.input({2, 3, 4}), b.random({3, 1}, 1, 1, 2)});
    b.output(b.node(second, {x, b.scalar(3)}));
    Passed run(b, {merge_scales});
    return run.graph.nodes.size() == 1 ? run.graph.nodes[0].op : std::string("two");
  };
  for (const char* first : {"Mul", "Div"})
    for (const char* second : {"Mul", "Div"}) EXPECT_EQ(merged(first, second), "Mul") << first << second;
  for (const char* first : {"Add", "Sub"})
    for (const char* second : {"Add", "Sub"}) EXPECT_EQ(merged(first, second), "Add") << first << second;
}

TEST(MergeScales, WhatStays) {
  const auto left = [](auto build) {
    Builder b;
    build(b, b.input({2, 3, 4}));
    return Passed(b, {merge_scales}).graph.nodes.size();
  };
  EXPECT_EQ(left([](Builder& b, ValueId x) {  // nothing is saved
              b.output(b.node("Mul", {b.node("Add", {x, b.scalar(1)}), b.scalar(2)}));
            }),
            2U);
  EXPECT_EQ(left([](Builder& b, ValueId x) {  // the product is no number of full precision
              b.output(b.node("Mul", {b.node("Mul", {x, b.scalar(1e-30F)}), b.scalar(1e-30F)}));
            }),
            2U);
  EXPECT_EQ(left([](Builder& b, ValueId x) {  // read twice
              const ValueId y = b.node("Mul", {x, b.scalar(2)});
              b.output(b.node("Mul", {y, b.scalar(2)}));
              b.output(y);
            }),
            2U);
  EXPECT_EQ(left([](Builder& b, ValueId x) {  // clamped between
              const ValueId y = b.node("Mul", {x, b.scalar(2)}, {{"clamp", floats({0, 1})}});
              b.output(b.node("Mul", {y, b.scalar(2)}));
            }),
            2U);
  EXPECT_EQ(left([](Builder& b, ValueId x) {  // other shapes
              b.output(b.node("Mul", {b.node("Mul", {x, b.random({3, 1})}), b.random({4}, 2)}));
            }),
            2U);
  EXPECT_EQ(left([](Builder& b, ValueId x) {  // whole numbers
              const ValueId y = b.node("Div", {b.node("Mul", {x, b.scalar(3)}), b.scalar(7)});
              b.output(b.node("Floor", {y}));
            }),
            3U);
  EXPECT_EQ(left([](Builder& b, ValueId x) {  // a product that is no number of full precision
              b.output(b.node("Mul", {b.node("Mul", {x, b.scalar(1e-30F)}), b.scalar(1e-30F)}));
            }),
            2U);
  EXPECT_EQ(left([](Builder& b, ValueId x) {  // one more axis
              b.output(b.node("Mul", {b.node("Mul", {x, b.random({1, 1, 1, 4})}), b.scalar(2)}));
            }),
            2U);
}

/// Where the first constant takes most of the input away, what is left must be scaled afterwards.
TEST(MergeScales, ALargeShiftThatComesFirstStaysFirst) {
  const auto left = [](std::vector<std::pair<const char*, float>> steps) {
    Builder b;
    ValueId x = b.input({2, 4});
    for (const auto& [op, constant] : steps) x = b.node(op, {x, b.scalar(constant)});
    b.output(x);
    return Passed(b, {merge_scales}).graph.nodes.size();
  };
  EXPECT_EQ(left({{"Sub", 101325}, {"Div", 10}, {"Mul", 0.3F}}), 3U);
  EXPECT_EQ(left({{"Sub", 1}, {"Div", 10}, {"Mul", 0.3F}}), 2U);
  EXPECT_EQ(left({{"Mul", 0.3F}, {"Sub", 101325}, {"Div", 10}}), 2U) << "rounds first anyway";
  EXPECT_EQ(left({{"Sub", 101325}, {"Sub", 0.3F}}), 2U);
  EXPECT_EQ(left({{"Sub", 101325}, {"Sub", 0.5F}}), 1U) << "exact";
}

TEST(FuseScale, FoldsIntoEveryLayer) {
  for (const Layer& layer : layers) {
    for (bool bias : {false, true}) {
      const bool transposed = std::string(layer.op).starts_with("ConvT");
      Builder b;
      const index_t channels = layer.input.back();
      ValueId x = b.node("Div", {b.input(layer.input), b.random({channels}, 5, 1, 2)});
      x = b.node("Sub", {x, b.random({1, channels}, 3)});
      x = b.node("Mul", {x, b.scalar(0.25F)});
      std::vector<ValueId> inputs{x, b.random(layer.filter)};
      if (bias) inputs.push_back(b.random({layer.channels}, 9));
      b.output(b.node(layer.op, inputs));
      Passed run(b, {fuse_scale});
      EXPECT_EQ(run.graph.nodes.size(), transposed ? 3U : 1U) << layer.op;
    }
  }
}

/// One factor for all elements goes with them through nodes that only give them another shape.
TEST(FuseScale, PassesNewShapes) {
  const auto nodes = [](auto scale) {
    Builder b;
    ValueId x = scale(b, b.input({1, 1, 5, 4}));
    x = b.node("Transpose", {x}, {{"permutation", ints({0, 2, 3, 1})}});
    b.output(b.node("Conv2D", {x, b.random({2, 3, 3, 1})}, {{"pads", ints({1, 1, 1, 1})}}));
    return Passed(b, {fuse_scale}).graph.nodes.size();
  };
  EXPECT_EQ(nodes([](Builder& b, ValueId x) { return b.node("Div", {x, b.scalar(16)}); }), 2U);
  EXPECT_EQ(nodes([](Builder& b, ValueId x) { return b.node("Add", {x, b.scalar(16)}); }), 3U);
  EXPECT_EQ(nodes([](Builder& b, ValueId x) { return b.node("Mul", {x, b.random({4}, 2)}); }), 3U);
  EXPECT_EQ(nodes([](Builder& b, ValueId x) {
              const ValueId y = b.node("Mul", {x, b.scalar(2)});
              b.output(y);
              return y;
            }),
            3U);
  Builder flat;
  const ValueId x = flat.node("Mul", {flat.input({2, 3, 4}), flat.scalar(2)});
  flat.output(flat.node("FullyConnected", {flat.node("Flatten", {x}), flat.random({5, 12})}));
  EXPECT_EQ(Passed(flat, {fuse_scale}).graph.nodes.size(), 2U);
}

TEST(FuseScale, GroupsAndPadding) {
  Builder grouped;
  grouped.output(grouped.node("Conv2D",
                              {grouped.node("Mul", {grouped.input({1, 5, 4, 6}), grouped.random({6}, 2)}),
                               grouped.random({4, 3, 3, 3})},
                              {{"group", ints({2})}, {"pads", ints({1, 1, 1, 1})}}));
  EXPECT_EQ(Passed(grouped, {fuse_scale}).graph.nodes.size(), 1U);

  Builder padded;
  const ValueId x = padded.node("Add", {padded.input({1, 5, 4, 3}), padded.random({3}, 2)});
  padded.output(padded.node("Conv2D", {x, padded.random({4, 3, 3, 3})}, {{"pads", ints({1, 1, 1, 1})}}));
  Passed run(padded, {fuse_scale});
  EXPECT_EQ(run.graph.nodes.size(), 2U);
  EXPECT_TRUE(run.missed("padding would be shifted"));
}

TEST(FuseScale, ALargeShiftStaysApart) {
  const auto nodes = [](float mean, float deviation) {
    Builder b;
    const ValueId x = b.node("Div", {b.node("Sub", {b.input({2, 4}), b.scalar(mean)}), b.scalar(deviation)});
    b.output(b.node("FullyConnected", {x, b.random({6, 4})}));
    Passed run(b, {fuse_scale, fuse_scale});
    EXPECT_EQ(run.missed("the shift is large"), run.graph.nodes.size() > 1);
    return run.graph.nodes.size();
  };
  EXPECT_EQ(nodes(127.5F, 127.5F), 1U);
  EXPECT_EQ(nodes(300, 5), 3U);
  EXPECT_EQ(nodes(0.5F, 0.001F), 3U);
}

TEST(FuseScale, WhereAScaleComesFirstDigitsAreLostAnyway) {
  const auto nodes = [](float shift) {
    Builder b;
    const ValueId x = b.node("Add", {b.node("Mul", {b.input({2, 4}), b.scalar(0.3F)}), b.scalar(shift)});
    b.output(b.node("FullyConnected", {x, b.random({6, 4})}));
    return Passed(b, {fuse_scale}).graph.nodes.size();
  };
  EXPECT_EQ(nodes(2), 1U);
  EXPECT_EQ(nodes(60), 3U);
}

TEST(FuseScale, WeightsStayFinite) {
  Builder b;
  const ValueId x = b.node("Mul", {b.input({2, 4}), b.scalar(1e30F)});
  b.output(b.node("FullyConnected", {x, b.random({6, 4}, 3, 1e10F, 2e10F)}));
  passes::PassLog log;
  graph::Model model = std::move(b.model);
  fuse_scale(model, log);
  EXPECT_EQ(model.graphs[0].nodes.size(), 2U);
}

TEST(FuseScale, Refusals) {
  const auto refused = [](auto build, const std::string& reason) {
    Builder b;
    const ValueId scaled = build(b, b.input({1, 5, 3, 3}));
    b.output(b.node("Conv2D", {scaled, b.random({4, 3, 3, 3})}));
    Passed run(b, {fuse_scale});
    return count(run.graph, "Mul") == 1 && run.missed(reason);
  };
  EXPECT_TRUE(refused([](Builder& b, ValueId x) { return b.node("Mul", {x, b.random({3, 1}, 2)}); },
                      "one number per input channel"));
  EXPECT_TRUE(refused(
      [](Builder& b, ValueId x) { return b.node("Mul", {x, b.scalar(2)}, {{"clamp", floats({0, 1})}}); },
      "clamped between"));
  EXPECT_TRUE(refused(
      [](Builder& b, ValueId x) {
        const ValueId y = b.node("Mul", {x, b.scalar(2)});
        b.output(y);
        return y;
      },
      "another reader"));
}

TEST(FuseActivation, IntervalsIntersect) {
  const struct {
    Clamp first, second, both;
  } table[] = {
      {{}, {0, 6}, {0, 6}}, {{-1, 3}, {0, 6}, {0, 3}}, {{0, 1}, {2, 3}, {2, 2}}, {{2, 3}, {-1, 1}, {1, 1}}};
  for (const auto& row : table) {
    Builder b;
    Attributes inner, outer;
    if (row.first.active()) inner["clamp"] = floats({row.first.min, row.first.max});
    outer["clamp"] = floats({row.second.min, row.second.max});
    const ValueId x = b.node("Conv2D", {b.input({1, 5, 4, 3}), b.random({6, 3, 3, 3})}, inner);
    b.output(b.node("Clip", {x}, outer));
    Passed run(b, {fuse_activation});
    ASSERT_EQ(run.graph.nodes.size(), 1U);
    EXPECT_EQ(clamp_attribute(run.graph.nodes[0]), row.both);
  }
}

TEST(FuseActivation, ReluBehindAdd) {
  Builder b;
  const ValueId x = b.input({2, 3});
  b.output(b.node("Relu", {b.node("Add", {x, b.input({2, 3})})}));
  Passed run(b, {fuse_activation});
  ASSERT_EQ(run.graph.nodes.size(), 1U);
  EXPECT_EQ(clamp_attribute(run.graph.nodes[0]), (Clamp{.min = 0}));
}

TEST(FuseActivation, Refusals) {
  Builder shared;
  const ValueId x = shared.node("Add", {shared.input({2, 3}), shared.input({2, 3})});
  shared.output(shared.node("Relu", {x}));
  shared.output(shared.node("Exp", {x}));
  Passed first(shared, {fuse_activation});
  EXPECT_EQ(count(first.graph, "Relu"), 1);
  EXPECT_TRUE(first.missed("another reader"));

  Builder result;  // the convolution's own output is an output of the graph
  const ValueId y = result.node("Add", {result.input({2, 3}), result.input({2, 3})});
  result.output(y);
  result.output(result.node("Relu", {y}));
  EXPECT_EQ(count(Passed(result, {fuse_activation}).graph, "Relu"), 1);

  Builder apart;
  const ValueId sum = apart.node("Add", {apart.input({2, 3}), apart.input({2, 3})});
  const ValueId turned = apart.node("Transpose", {sum}, {{"permutation", ints({1, 0})}});
  apart.output(apart.node("Relu", {turned}));
  Passed second(apart, {fuse_activation});
  EXPECT_EQ(count(second.graph, "Relu"), 1);
  EXPECT_TRUE(second.missed("a Transpose stands between"));

  Builder integers;
  const ValueId z =
      integers.node("Add", {integers.input({2, 3}, DType::s32), integers.input({2, 3}, DType::s32)});
  integers.output(integers.node("Relu", {z}));
  Passed third(integers, {fuse_activation});
  EXPECT_EQ(count(third.graph, "Relu"), 1);
  EXPECT_TRUE(third.missed("plain integers"));

  Builder other;
  other.output(other.node("Relu", {other.node("Exp", {other.input({2, 3})})}));
  EXPECT_EQ(count(Passed(other, {fuse_activation}).graph, "Relu"), 1);
}

}  // namespace
}  // namespace lithe::passes
