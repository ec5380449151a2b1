// SPDX-License-Identifier: Apache-2.0
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <string>
#include <vector>

#include "tests/tools/quantize_testing.hpp"
#include "tools/check/check.hpp"
#include "tools/graph/writer.hpp"
#include "tools/quantize/equalize.hpp"
#include "tools/quantize/quantize.hpp"
#include "tools/quantize/select.hpp"

namespace lithe::quantize {
namespace {

using graph::ValueId;
using namespace test;

const float infinity = std::numeric_limits<float>::infinity();

/// Layers with weights of unit gain.
struct Network : Builder {
  ValueId convolution(ValueId v, int inputs, int outputs, unsigned seed, int size = 3,
                      float upper = infinity) {
    const float scale = std::sqrt(2.0f / static_cast<float>(inputs * size * size));
    const ValueId filter = weights({outputs, size, size, inputs}, seed, scale);
    const auto pad = static_cast<std::int64_t>(size / 2);
    return node("Conv2D", {v, filter, weights({outputs}, seed + 1, 0.1f)},
                {{"pads", ints({pad, pad, pad, pad})}, {"clamp", floats({0, upper})}});
  }
  ValueId depthwise(ValueId v, int channels, unsigned seed) {
    return node("DepthwiseConv2D",
                {v, weights({3, 3, channels, 1}, seed, 0.5f), weights({channels}, seed + 1, 0.1f)},
                {{"pads", ints({1, 1, 1, 1})}, {"clamp", floats({0, infinity})}});
  }
  ValueId dense(ValueId v, int inputs, int outputs, unsigned seed) {
    return node("FullyConnected",
                {v, weights({outputs, inputs}, seed, 1 / std::sqrt(static_cast<float>(inputs))),
                 weights({outputs}, seed + 1, 0.1f)});
  }
  ValueId weights(const Shape& shape, unsigned seed, float scale) {
    return constant<float>(shape, normal_numbers(static_cast<std::size_t>(shape.elements()), seed, scale));
  }
};

class QuantizeTest : public WithFolder {
 protected:
  void samples(const Shape& shape, float scale = 1) const {
    save("v0.npy", shape, normal_numbers(static_cast<std::size_t>(shape.elements()), 99, scale));
  }
  Quantized quantized(const Builder& network, Options options = {}) const {
    options.samples = folder_;
    passes::PassLog log;
    return quantize_model(model_of(network), options, log);
  }
  static bool has_note(const Report& report, const std::string& text) {
    return std::any_of(report.notes.begin(), report.notes.end(),
                       [&](const std::string& n) { return n.find(text) != std::string::npos; });
  }
};

Network small_classifier() {
  Network n;
  const ValueId x = n.input({1, 8, 8, 3});
  const ValueId a = n.convolution(x, 3, 16, 1), b = n.depthwise(a, 16, 3), c = n.convolution(b, 16, 16, 5, 1);
  const ValueId pooled =
      n.node("ReduceMean", {n.node("Add", {n.convolution(c, 16, 16, 7), c}), n.vector({1, 2})},
             {{"keepdims", ints({0})}});
  n.output(n.node("Softmax", {n.dense(pooled, 16, 10, 9)}));
  return n;
}

TEST_F(QuantizeTest, EveryLayerRunsOnInt8) {
  samples({40, 8, 8, 3});
  const Quantized q = quantized(small_classifier());
  const graph::Graph& g = q.model.graphs[0];
  EXPECT_EQ(q.report.layers, 5u);
  EXPECT_EQ(q.report.int8_layers, 5u);
  EXPECT_EQ(count(g, "QuantizeLinear"), 1) << "the input";
  EXPECT_EQ(count(g, "DequantizeLinear"), 1) << "the output";
  for (const graph::Node& node : g.nodes)
    for (ValueId v : node.outputs)
      if (node.op != "DequantizeLinear") {
        EXPECT_EQ(g.value(v).dtype, DType::s8) << node.op;
      }
  EXPECT_EQ(g.value(g.inputs[0]).dtype, DType::f32);
  EXPECT_EQ(g.value(g.outputs[0]).dtype, DType::f32);
  EXPECT_GT(q.report.accuracy.outputs.at(0).snr_db(), 25);
  EXPECT_EQ(q.report.accuracy.outputs[0].rows, 40u);
  EXPECT_GE(q.report.accuracy.outputs[0].agreeing, 38u);
  const auto step = passes::step_of(g.value(find(g, "Softmax")->outputs[0]));
  EXPECT_EQ(step, (passes::Step{DType::s8, 0x1p-8f, -128}));
}

TEST_F(QuantizeTest, WeightsAreSymmetricWithAScaleForEachChannel) {
  samples({10, 8, 8, 3});
  const Quantized q = quantized(small_classifier());
  const graph::Graph& g = q.model.graphs[0];
  for (const graph::Node& node : g.nodes) {
    if (node.op != "Conv2D" && node.op != "DepthwiseConv2D" && node.op != "FullyConnected") continue;
    const graph::Value& filter = g.value(node.inputs[1]);
    ASSERT_TRUE(filter.quantization) << node.op;
    EXPECT_EQ(filter.quantization->scale->shape.elements(),
              g.value(node.inputs[2]).constant->shape.elements());
    const auto stored = filter.constant->as<std::int8_t>();
    EXPECT_EQ(*std::max_element(stored.begin(), stored.end(),
                                [](int a, int b) { return std::abs(a) < std::abs(b); }) %
                  127,
              0);
    EXPECT_EQ(std::count(stored.begin(), stored.end(), -128), 0);
  }
}

TEST_F(QuantizeTest, ReferenceAndModelComputeTheSame) {
  samples({10, 8, 8, 3});
  const Quantized q = quantized(small_classifier());
  const auto inputs = random_inputs(q.reference.graphs[0], 3);
  const graph::Graph a = evaluated(q.reference.graphs[0], inputs), b = evaluated(q.model.graphs[0], inputs);
  const auto x = a.value(a.outputs[0]).constant->as<float>(), y = b.value(b.outputs[0]).constant->as<float>();
  for (std::size_t i = 0; i < x.size(); ++i) EXPECT_NEAR(x[i], y[i], 2.0 / 256);
}

/// The converter's check allows for rounding and for nothing else.
TEST_F(QuantizeTest, CheckSeesWhatIsNotRounding) {
  Network n;
  const ValueId x = n.input({1, 8, 8, 3});
  n.output(n.convolution(n.convolution(n.convolution(x, 3, 16, 1), 16, 16, 3), 16, 8, 5));
  samples({20, 8, 8, 3});
  Quantized q = quantized(n);
  const auto passes_check = [&] {
    std::vector<graph::SelfTest> unused;
    const auto report = check::check(q.reference, q.model, graph::write(q.model), {}, unused);
    return report.verdict == check::Verdict::agrees;
  };
  EXPECT_TRUE(passes_check());
  graph::Graph& g = q.model.graphs[0];
  graph::Value& filter = g.value(g.nodes[2].inputs[1]);
  auto broken = std::make_shared<graph::Constant>(*filter.constant);
  std::reverse(broken->bytes.begin(), broken->bytes.begin() + 144);  // one output channel's weights
  filter.constant = broken;
  EXPECT_FALSE(passes_check());
}

TEST_F(QuantizeTest, MoversShareOneStep) {
  Network n;
  const ValueId x = n.input({1, 8, 8, 3});
  const ValueId a = n.convolution(x, 3, 8, 1), b = n.convolution(x, 3, 8, 5, 1);
  const ValueId both =
      n.node("Concat",
             {n.node("MaxPool2D", {a}, {{"kernel", ints({2, 2})}, {"strides", ints({2, 2})}}),
              n.node("MaxPool2D", {b}, {{"kernel", ints({2, 2})}, {"strides", ints({2, 2})}})},
             {{"axis", ints({3})}});
  n.output(n.convolution(both, 16, 4, 7));
  samples({10, 8, 8, 3});
  const Quantized q = quantized(n);
  const graph::Graph& g = q.model.graphs[0];
  EXPECT_EQ(count(g, "QuantizeLinear") + count(g, "DequantizeLinear"), 2);
  const graph::Node& concat = *find(g, "Concat");
  EXPECT_EQ(passes::step_of(g.value(concat.inputs[0])), passes::step_of(g.value(concat.outputs[0])));
  EXPECT_EQ(passes::step_of(g.value(concat.inputs[1])), passes::step_of(g.value(concat.outputs[0])));
}

TEST_F(QuantizeTest, ArithmeticBehindTheLastLayerStaysInFloat) {
  Network n;
  const ValueId x = n.input({1, 8, 8, 3});
  const ValueId y = n.convolution(x, 3, 4, 1);
  n.output(n.node("Mul", {n.node("Exp", {y}), n.scalar(3)}));
  samples({4, 8, 8, 3}, 0.1f);
  const Quantized q = quantized(n);
  EXPECT_EQ(q.model.graphs[0].value(find(q.model.graphs[0], "Exp")->outputs[0]).dtype, DType::f32);
  EXPECT_EQ(q.model.graphs[0].value(find(q.model.graphs[0], "Mul")->outputs[0]).dtype, DType::f32);
}

/// Rounding of weights moves the mean of an output channel; the bias takes that back.
TEST_F(QuantizeTest, BiasTakesBackTheMeanError) {
  Network n;
  const ValueId x = n.input({100, 64});
  n.output(n.dense(x, 64, 32, 1));
  std::vector<float> inputs = normal_numbers(100 * 64, 3);
  for (float& v : inputs) v = 3 + 0.2f * v;  // a mean far from zero
  save("v0.npy", {100, 64}, inputs);
  const Quantized q = quantized(n);
  const graph::Graph& before = n.graph();
  const graph::Graph& after = q.reference.graphs[0];
  const auto outputs = [&](const graph::Graph& g, const std::vector<float>& x) {
    const graph::Graph done = evaluated(g, {graph::make_constant<float>({100, 64}, x)});
    const auto y = done.value(done.outputs[0]).constant->as<float>();
    return std::vector<float>(y.begin(), y.end());
  };
  const auto wanted = outputs(before, inputs), got = outputs(after, inputs);
  for (std::size_t o = 0; o < 32; ++o) {
    double mean = 0;
    for (std::size_t i = 0; i < 100; ++i) mean += (got[i * 32 + o] - wanted[i * 32 + o]) / 100;
    EXPECT_NEAR(mean, 0, 0.01) << o;  // the weights' rounding alone moves some means by 0.03
  }
}

TEST(Equalization, KeepsTheNetworkAndEvensTheChannels) {
  Network n;
  const ValueId x = n.input({1, 8, 8, 3});
  const ValueId a = n.convolution(x, 3, 8, 1), b = n.depthwise(a, 8, 3), c = n.convolution(b, 8, 8, 5, 1, 6);
  n.output(n.convolution(c, 8, 4, 7));
  const graph::Graph before = n.graph();
  Observations seen;
  std::vector<float> range{1, 100, 0, 3, 1e-9f, 20, 5, 2};
  for (ValueId v : {b, c}) seen.inputs[before.value(v).name].largest = range;
  const Equalization factors = equalization(before, seen);
  ASSERT_EQ(factors.size(), 2u) << "not behind the Relu6";
  const std::vector<float>& f = factors.at(before.value(a).name);
  EXPECT_FLOAT_EQ(f[0], 0.01f);
  EXPECT_FLOAT_EQ(f[1], 1);
  EXPECT_FLOAT_EQ(f[2], 1) << "a dead channel stays";
  EXPECT_FLOAT_EQ(f[4], 0x1p-10f) << "bounded";
  graph::Graph after = before;
  equalize(after, factors);
  expect_same(before, after, 1e-5, false);
  EXPECT_NE(after.constant(after.nodes[0].inputs[1])->bytes,
            before.constant(before.nodes[0].inputs[1])->bytes);
}

/// Channels of one tensor whose sizes lie far apart: without equalization the small ones are lost.
TEST_F(QuantizeTest, EqualizationSavesUnevenChannels) {
  const auto network = [](float upper) {
    Network n;
    const ValueId x = n.input({1, 8, 8, 3});
    ValueId y = n.convolution(x, 3, 16, 1, 3, upper);
    std::vector<float> filter = normal_numbers(3 * 3 * 16, 5, 0.5f);
    graph::Node& first = n.graph().nodes[0];
    std::vector<float> large(n.graph().constant(first.inputs[1])->as<float>().begin(),
                             n.graph().constant(first.inputs[1])->as<float>().end());
    for (std::size_t i = 0; i < large.size() / 2; ++i) large[i] *= 300;
    for (std::size_t i = 0; i < filter.size(); ++i) filter[i] *= i % 16 < 8 ? 1.0f / 300 : 1;
    first.inputs[1] = n.constant<float>({16, 3, 3, 3}, large);
    y = n.node("DepthwiseConv2D", {y, n.constant<float>({3, 3, 16, 1}, filter)},
               {{"pads", ints({1, 1, 1, 1})}});
    n.output(y);
    return n;
  };
  samples({20, 8, 8, 3});
  const double with = quantized(network(infinity)).report.accuracy.outputs[0].snr_db();
  const double without = quantized(network(1e6f)).report.accuracy.outputs[0].snr_db();  // a clamp: not a pair
  EXPECT_GT(with, without + 10);
}

/// One value in 800,000 is many times larger than the others: what matters is how the others fare.
TEST_F(QuantizeTest, EveryMethodBeatsMinmaxOnOutliers) {
  Network n;
  const ValueId x = n.input({1, 32, 32, 4});
  n.output(n.convolution(n.convolution(n.convolution(x, 4, 8, 1), 8, 8, 3), 8, 4, 5));
  std::vector<float> inputs = normal_numbers(200 * 32 * 32 * 4, 99);
  inputs[12345] = 40;
  save("v0.npy", {200, 32, 32, 4}, inputs);
  const auto plain = graph::make_constant<float>({1, 32, 32, 4}, std::span(inputs).last(32 * 32 * 4));
  const auto noise = [&](Method method) {
    Options options;
    options.method = method;
    const Quantized q = quantized(n, options);
    EXPECT_EQ(has_note(q.report, "tensors have outliers; try --calibration"), method == Method::minmax);
    EXPECT_TRUE(has_note(q.report, "outliers: 'v0' reaches 40"));
    const auto outputs = [&](const graph::Graph& g) {
      const graph::Graph done = evaluated(g, {plain});
      return *passes::doubles_of(done.value(done.outputs[0]).constant.get());
    };
    const auto wanted = outputs(n.graph()), got = outputs(q.model.graphs[0]);
    double sum = 0;
    for (std::size_t i = 0; i < wanted.size(); ++i) sum += (wanted[i] - got[i]) * (wanted[i] - got[i]);
    return sum;
  };
  const double minmax = noise(Method::minmax);
  for (Method m : {Method::percentile, Method::entropy, Method::mse})
    EXPECT_LT(noise(m), 0.5 * minmax) << name(m);
}

/// A channel that nearly nobody reads takes the range of a tensor; its two layers go back to float, and they
/// alone.
TEST_F(QuantizeTest, MaxDropKeepsWhatMatters) {
  Network n;
  const ValueId x = n.input({1, 8, 8, 3});
  ValueId y = n.convolution(x, 3, 8, 1);
  y = n.convolution(y, 8, 8, 3, 3, 1e6f);  // with a clamp, so that it cannot be equalized
  y = n.convolution(y, 8, 8, 5);
  n.output(n.convolution(y, 8, 4, 7));
  const auto scale_channel = [&](std::size_t layer, auto is_first, float factor) {
    graph::Node& node = n.graph().nodes[layer];
    const graph::ConstantPtr old = n.graph().value(node.inputs[1]).constant;
    std::vector<float> filter(old->as<float>().begin(), old->as<float>().end());
    for (std::size_t i = 0; i < filter.size(); ++i) filter[i] *= is_first(i) ? factor : 1;
    node.inputs[1] = n.constant<float>(old->shape, filter);
  };
  scale_channel(1, [](std::size_t i) { return i < 72; }, 100);
  scale_channel(2, [](std::size_t i) { return i % 8 == 0; }, 1e-3f);
  samples({20, 8, 8, 3});
  const Report plain = quantized(n).report;
  EXPECT_EQ(plain.kept.size(), 0u);
  const double drop = plain.accuracy.error();
  Options options;
  options.max_drop = 0.3 * drop;
  const Quantized mixed = quantized(n, options);
  EXPECT_LE(mixed.report.accuracy.error(), options.max_drop);
  EXPECT_EQ(mixed.report.kept, (std::vector<std::string>{"n1 (Conv2D)", "n2 (Conv2D)"}));
  EXPECT_EQ(mixed.report.int8_layers, 2u);
  options.max_drop = 0;
  EXPECT_EQ(quantized(n, options).report.int8_layers, 0u) << "only float is without any error";
  options.max_drop = 2 * drop;
  EXPECT_EQ(quantized(n, options).report.kept.size(), 0u);
}

TEST_F(QuantizeTest, CacheGivesTheSameModelAndFollowsChanges) {
  samples({10, 8, 8, 3});
  Options options;
  options.cache = folder_.string() + ".json";
  const auto bytes = [](const Quantized& q) {
    return q.model.graphs[0].constant(q.model.graphs[0].nodes[1].inputs[1])->bytes;
  };
  const Network n = small_classifier();
  const Quantized first = quantized(n, options), again = quantized(n, options);
  EXPECT_TRUE(has_note(again.report, "calibration taken from"));
  EXPECT_FALSE(has_note(first.report, "calibration taken from"));
  EXPECT_EQ(bytes(first), bytes(again));
  EXPECT_EQ(first.report.accuracy.outputs[0].noise, again.report.accuracy.outputs[0].noise);
  samples({10, 8, 8, 3}, 2);
  EXPECT_TRUE(has_note(quantized(n, options).report, "the samples have changed; calibrated again"));
  options.method = Method::mse;
  EXPECT_TRUE(has_note(quantized(n, options).report, "it is of method minmax; calibrated again"));
  std::filesystem::remove(options.cache);
}

TEST_F(QuantizeTest, DeadChannelsAreNamed) {
  Network n;
  const ValueId x = n.input({1, 8, 8, 3});
  const ValueId a = n.convolution(x, 3, 8, 1);
  std::vector<float> bias(8, 0);
  bias[3] = -1000;
  n.graph().nodes[0].inputs[2] = n.constant<float>({8}, bias);
  n.output(n.convolution(a, 8, 4, 5));
  samples({10, 8, 8, 3});
  EXPECT_TRUE(has_note(quantized(n).report, "dead channels, 0 on all samples: 1 of the 8"));
}

TEST_F(QuantizeTest, WhatCannotBeQuantizedIsRefusedByName) {
  samples({10, 8, 8, 3});
  Network n;
  n.output(n.node("Relu", {n.input({1, 8, 8, 3})}));
  EXPECT_TRUE(
      mentions(refusal([&] { quantized(n); }, 2),
               "no layer of test.onnx can run in int8 (it has no convolution and no fully connected layer"));
  Network r;
  r.output(r.node("Relu", {r.input({1, 8, 8, 3})}));
  r.graph().nodes[0].op = "GRU";
  const std::vector<std::string> left = select(r.graph()).left;
  ASSERT_EQ(left.size(), 1u);
  EXPECT_TRUE(mentions(left[0], ": no kernel for int8"));
  Network q;
  q.output(q.fake(q.input({1, 8, 8, 3}), 0.1f, 0));
  EXPECT_TRUE(mentions(refusal([&] { quantized(q); }, 2), "test.onnx is quantized already"));
}

TEST_F(QuantizeTest, ValuesThatAreNotFiniteStayInFloat) {
  Network n;
  const ValueId x = n.input({1, 8, 8, 3});
  const ValueId a = n.convolution(x, 3, 8, 1),
                b = n.node("Conv2D", {a, n.constant<float>({4, 1, 1, 8}, std::vector<float>(32, 1e38f))}, {});
  n.output(b);
  n.output(n.convolution(a, 8, 4, 5));
  samples({10, 8, 8, 3}, 100);
  const Quantized q = quantized(n);
  EXPECT_TRUE(has_note(q.report, "is not finite on some samples"));
  EXPECT_EQ(q.report.int8_layers, 2u);
}

}  // namespace
}  // namespace lithe::quantize
