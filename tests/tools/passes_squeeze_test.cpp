// SPDX-License-Identifier: Apache-2.0
#include <gtest/gtest.h>

#include "tests/tools/passes_testing.hpp"

namespace lithe::passes {
namespace {

using namespace test;

constexpr index_t channels = 6;

/// What an importer makes of a convolution or pooling of [N, C, W].
ValueId one_axis(Builder& b, ValueId x, const std::string& op, std::vector<ValueId> weights,
                 const Attributes& attributes = {}) {
  weights.insert(weights.begin(), b.node("Unsqueeze", {b.transpose(x, {0, 2, 1}), b.vector({1})}));
  const ValueId y = b.node(op, weights, attributes);
  return b.transpose(b.node("Squeeze", {y, b.vector({1})}), {0, 2, 1});
}
ValueId convolution(Builder& b, ValueId x, unsigned seed = 1) {
  return one_axis(b, x, "Conv2D",
                  {b.random({channels, 1, 3, channels}, seed), b.random({channels}, seed + 9)},
                  {{"pads", ints({0, 1, 0, 1})}});
}

/// Squeezes, unsqueezes and transposes of convolution, `middle`, convolution: one of each at both edges when
/// all between is moved.
template <class Middle>
int shape_changes(Middle middle, bool all_passes = false) {
  Builder b;
  b.output(convolution(b, middle(b, convolution(b, b.input({2, channels, 8}))), 2));
  const auto changes = [](const Graph& graph) {
    int n = 0;
    for (const Node& node : graph.nodes)
      n += is_any(node, {"Squeeze", "Unsqueeze", "Reshape", "Transpose"}) ? 1 : 0;
    return n;
  };
  if (!all_passes)
    return changes(Passed(b, {simplify, channels_last, fold_constants, sink_squeezes, simplify}).graph);
  const Graph before = b.graph();
  PassLog log;
  run_pipeline(b.model, log);
  expect_same(before, b.graph(), 1e-5);
  return changes(b.graph());
}

TEST(SinkSqueezes, ThroughElementwiseOperators) {
  EXPECT_EQ(shape_changes([](Builder&, ValueId x) { return x; }), 4);
  EXPECT_EQ(shape_changes([](Builder& b, ValueId x) { return b.node("Relu", {b.node("Sigmoid", {x})}); }), 4);
  EXPECT_EQ(shape_changes([](Builder& b, ValueId x) { return b.node("Mul", {x, b.node("Tanh", {x})}); }), 4);
  for (const Shape& shape : {Shape{}, Shape{1}, Shape{8}, Shape{channels, 1}, Shape{1, channels, 1},
                             Shape{2, channels, 8}, Shape{2, 1, 1}})
    EXPECT_EQ(shape_changes([&](Builder& b, ValueId x) { return b.node("Add", {b.random(shape, 5), x}); }),
              4);
}

TEST(SinkSqueezes, ThroughOperatorsWithAxes) {
  EXPECT_EQ(
      shape_changes([](Builder& b, ValueId x) { return b.node("Softmax", {x}, {{"axis", ints({1})}}); }), 4);
  EXPECT_EQ(shape_changes([](Builder& b, ValueId x) {
              const auto halves =
                  b.nodes("Split", {x, b.vector({2, 4})}, {{"axis", ints({1})}}, 2, DType::f32);
              return b.node("Concat", {halves[1], halves[0]}, {{"axis", ints({1})}});
            }),
            4);
  EXPECT_EQ(shape_changes([](Builder& b, ValueId x) {
              return b.node("Pad", {b.node("Pad", {x, b.vector({0, 0, 2, 0, 0, 1})}), b.vector({1, 2}),
                                    b.scalar(1), b.vector({2})});
            }),
            4);
  EXPECT_EQ(shape_changes([](Builder& b, ValueId x) {
              const ValueId y = b.node("Slice", {x, b.vector({1}), b.vector({7}), b.vector({2})});
              return b.node("Slice", {y, b.vector({0, 0, 1}), b.vector({1, 6, 9})});
            }),
            4);
  EXPECT_EQ(shape_changes([](Builder& b, ValueId x) {
              const ValueId y =
                  b.node("BatchNormalization",
                         {b.transpose(x, {0, 2, 1}), b.random({channels}, 2), b.random({channels}, 3),
                          b.random({channels}, 4), b.random({channels}, 5, 0.5F, 2)});
              return b.transpose(y, {0, 2, 1});
            }),
            4);
}

/// Residual blocks, pooling, depthwise convolutions and activations in a row, as in keyword spotting.
TEST(SinkSqueezes, ANetworkOverOneAxisHasThemAtItsEdges) {
  const auto block = [](Builder& b, ValueId x) {
    ValueId y = b.node("Relu", {convolution(b, x, 3)});
    y = one_axis(b, y, "DepthwiseConv2D", {b.random({1, 3, channels, 1}, 4)}, {{"pads", ints({0, 1, 0, 1})}});
    y = b.node("LeakyRelu", {b.node("Add", {y, b.random({channels, 1}, 7)})});
    y = b.node("Add", {x, y});
    return one_axis(b, y, "MaxPool2D", {}, {{"kernel", ints({1, 2})}, {"strides", ints({1, 2})}});
  };
  EXPECT_EQ(shape_changes(block), 4);
  EXPECT_EQ(shape_changes(block, true), 4);
}

TEST(SinkSqueezes, ActivationsFuseAcross) {
  Builder b;
  b.output(b.node("Relu", {convolution(b, b.input({2, channels, 8}))}));
  PassLog log;
  run_pipeline(b.model, log);
  EXPECT_EQ(count(b.graph(), "Relu"), 0);
}

TEST(SinkSqueezes, ReshapesThatOnlyMoveOnesToo) {
  Builder b;
  const ValueId x = b.node("Conv2D", {b.input({2, 1, 8, 3}), b.random({4, 1, 1, 3})});
  const ValueId y = b.node("Relu", {b.node("Reshape", {x, b.vector({2, 8, 4})})});
  b.output(b.node("Conv2D", {b.node("Reshape", {y, b.vector({2, 1, 8, 4})}), b.random({4, 1, 1, 4})}));
  Passed run(b, {sink_squeezes, simplify});
  EXPECT_EQ(run.graph.nodes.size(), 3U);
}

TEST(SinkSqueezes, AWayBackInBothDirectionsEnds) {
  Builder b;
  const ValueId axes = b.vector({1}), x = b.input({2, 3}), wide = b.node("Unsqueeze", {x, axes}),
                narrow = b.node("Squeeze", {b.node("Exp", {b.input({2, 1, 3})}), axes});
  b.output(narrow);
  b.output(wide);
  b.output(b.node("Add", {narrow, x}));
  Passed run(b, {sink_squeezes});
  EXPECT_EQ(count(run.graph, "Add"), 1);
}

TEST(SinkSqueezes, WhatStays) {
  const auto kept = [](auto build) {
    Builder b;
    b.output(build(b, b.node("Unsqueeze", {b.input({4, 3}), b.vector({1})})));
    Passed run(b, {sink_squeezes});
    return run.graph.nodes[0].op == "Unsqueeze";
  };
  EXPECT_TRUE(kept([](Builder& b, ValueId x) { return b.node("Add", {x, b.random({5, 3})}); }))
      << "broadcast along the new axis";
  EXPECT_TRUE(kept([](Builder& b, ValueId x) { return b.node("Add", {x, b.input({4, 1, 3})}); }))
      << "another input";
  EXPECT_TRUE(kept([](Builder& b, ValueId x) { return b.node("Concat", {x, x}, {{"axis", ints({1})}}); }))
      << "along the new axis";
  EXPECT_TRUE(kept([](Builder& b, ValueId x) { return b.node("Pad", {x, b.vector({0, 1, 0, 0, 0, 0})}); }))
      << "the new axis is padded";
  EXPECT_TRUE(kept([](Builder& b, ValueId x) {
    return b.node("Slice", {x, b.vector({0}), b.vector({1}), b.vector({1})});
  })) << "the new axis is cut";
  EXPECT_FALSE(kept([](Builder& b, ValueId x) { return b.node("Add", {x, b.random({4, 1, 1})}); }));
}

}  // namespace
}  // namespace lithe::passes
