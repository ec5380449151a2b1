// SPDX-License-Identifier: Apache-2.0
#include <gtest/gtest.h>

#include "tests/tools/passes_testing.hpp"

namespace lithe::passes {
namespace {

using testing::Builder;
using testing::count;
using testing::find;
using testing::floats;
using testing::Passed;

constexpr float infinity = std::numeric_limits<float>::infinity();

struct Layer {
  const char* op;
  Dims input;
  Shape filter;
  index_t channels;
};
const Layer layers[] = {{"Conv2D", {1, 5, 4, 3}, {6, 3, 3, 3}, 6},
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

TEST(FuseBatchNormalization, AloneIsMulAndAdd) {
  Builder b;
  b.output(normalized(b, b.input({2, 3, 4}), 4));
  Passed run(b, {fuse_batch_normalization});
  EXPECT_EQ(count(run.graph, "BatchNormalization"), 0);
  EXPECT_EQ(count(run.graph, "Mul"), 1);
  EXPECT_EQ(count(run.graph, "Add"), 1);
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

TEST(FuseActivation, IntervalsIntersect) {
  const struct {
    Clamp first, second, both;
  } table[] = {
      {{}, {0, 6}, {0, 6}}, {{-1, 3}, {0, 6}, {0, 3}}, {{0, 1}, {2, 3}, {2, 2}}, {{2, 3}, {-1, 1}, {1, 1}}};
  for (const auto& row : table) {
    Builder b;
    testing::Attributes inner, outer;
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
