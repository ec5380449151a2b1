// SPDX-License-Identifier: Apache-2.0
#include "lithe/core/facts.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <cstdint>
#include <cstring>
#include <limits>
#include <string>
#include <vector>

#include "lithe/ops/all.hpp"
#include "tools/graph/attributes.hpp"
#include "tools/graph/evaluate.hpp"
#include "tools/graph/graph.hpp"
#include "tools/graph/operators.hpp"
#include "tools/kernels/kernels.hpp"

namespace lithe::test {
namespace {

using enum DType;

constexpr float infinity = std::numeric_limits<float>::infinity();
const std::vector<float> numbers{-infinity, -1e30F, -7.5F, -1, -0.25F, -1e-30F, 0,
                                 1e-30F,    0.25F,  1,     3,  88,     1e30F,   infinity};

graph::Node node_of(const OperatorFacts& facts) {
  graph::Node node;
  node.op = facts.spec->name;
  node.version = facts.spec->version;
  return node;
}

bool takes(const OperatorFacts& facts, std::vector<DType> inputs, std::vector<DType> outputs) {
  const auto rows = graph::find_kernel(facts.spec->name, facts.spec->version)->op->types;
  return std::any_of(rows.begin(), rows.end(),
                     [&](const TypeRow& row) { return matches(row, inputs, outputs); });
}

/// The result of an operator without attributes on constants; empty where it takes none of them.
std::vector<std::byte> result_of(const OperatorFacts& facts, const std::vector<graph::ConstantPtr>& inputs,
                                 DType output) {
  graph::Graph graph;
  graph::Node node = node_of(facts);
  for (const auto& input : inputs) node.inputs.push_back(graph.add_constant(input, "input"));
  graph::Value value;
  value.name = "output";
  value.dtype = output;
  node.outputs = {graph.add_value(value)};
  graph.nodes = {node};
  const auto results = graph::evaluate(graph, graph.nodes[0]);
  return results ? (*results)[0]->bytes : std::vector<std::byte>{};
}
std::vector<float> result_of(const OperatorFacts& facts, const std::vector<graph::ConstantPtr>& inputs) {
  const auto bytes = result_of(facts, inputs, f32);
  std::vector<float> floats(bytes.size() / sizeof(float));
  if (!bytes.empty()) std::memcpy(floats.data(), bytes.data(), bytes.size());
  return floats;
}

graph::ConstantPtr floats(const std::vector<float>& elements) {
  return graph::make_constant<float>(Shape{static_cast<index_t>(elements.size())}, elements);
}

TEST(Facts, EveryOperatorHasItsEntry) {
  const auto kernels = portable_kernels();
  const auto facts = operator_facts();
  ASSERT_EQ(facts.size(), kernels.size());
  for (std::size_t i = 0; i < facts.size(); ++i) EXPECT_EQ(facts[i].spec, kernels[i].op->spec);
  EXPECT_EQ(graph::facts_of("Nothing").spec, nullptr);
}

TEST(Facts, WeightsKnowTheirChannels) {
  // A filter [O, KH, KW, C / group] of two groups, then [KH, KW, C, M].
  const Shape filter{4, 1, 2, 3}, depthwise{2, 1, 3, 2};
  constexpr Weights grouped{}, deep{.depthwise = true};
  EXPECT_EQ(grouped.outputs(filter), 4);
  EXPECT_EQ(grouped.inputs(filter, 2), 6);
  EXPECT_EQ(grouped.channel_axis(filter), 0);
  EXPECT_EQ(deep.outputs(depthwise), 6);
  EXPECT_EQ(deep.inputs(depthwise, 1), 3);
  EXPECT_EQ(deep.channel_axis(depthwise), 2);
  for (index_t o = 0; o < 4; ++o)
    for (index_t k = 0; k < 2; ++k)
      for (index_t c = 0; c < 3; ++c) {
        const index_t i = (o * 2 + k) * 3 + c;
        EXPECT_EQ(grouped.output_channel(filter, i), o);
        EXPECT_EQ(grouped.input_channel(filter, 2, i), o / 2 * 3 + c);
      }
  for (index_t k = 0; k < 2; ++k)
    for (index_t c = 0; c < 3; ++c)
      for (index_t m = 0; m < 2; ++m) {
        const index_t i = (k * 3 + c) * 2 + m;
        EXPECT_EQ(deep.output_channel(depthwise, i), c * 2 + m);
        EXPECT_EQ(deep.input_channel(depthwise, 1, i), c);
      }
  EXPECT_EQ(grouped.output_channel(Shape{0, 1, 1, 3}, 0), 0);
}

TEST(Facts, LayersWithWeightsHaveAFilterABiasAndAClamp) {
  int layers = 0;
  for (const OperatorFacts& facts : operator_facts()) {
    if (facts.weights == nullptr) continue;
    SCOPED_TRACE(facts.spec->name);
    ++layers;
    EXPECT_EQ(facts.spec->inputs.size(), 3);
    EXPECT_EQ(facts.spec->inputs.required(), 2);
    EXPECT_TRUE(facts.clamps);
    EXPECT_NE(facts.multiply_adds, nullptr);
    EXPECT_EQ(facts.quantizable.inputs, 0);
  }
  EXPECT_EQ(layers, 6);
}

TEST(Facts, StoredWeightsTakeEightBits) {
  int layers = 0;
  for (const OperatorFacts& facts : operator_facts()) {
    const StoredWeights form = facts.stored_weights;
    if (form.count == 0) continue;
    SCOPED_TRACE(facts.spec->name);
    ++layers;
    std::vector<DType> inputs(static_cast<std::size_t>(facts.spec->inputs.required()), f32);
    EXPECT_TRUE(takes(facts, inputs, {f32}));
    for (int i = form.first; i < form.first + form.count; ++i) inputs.at(static_cast<std::size_t>(i)) = s8;
    EXPECT_TRUE(takes(facts, inputs, {f32}));
  }
  EXPECT_EQ(layers, 3);
}

TEST(Facts, QuantizableOperatorsTakeEightBits) {
  for (const OperatorFacts& facts : operator_facts()) {
    const auto inputs = static_cast<std::size_t>(facts.quantizable.inputs);
    if (inputs == 0) continue;
    SCOPED_TRACE(facts.spec->name);
    EXPECT_TRUE(takes(facts, std::vector(inputs, s8), {s8}));
    EXPECT_TRUE(takes(facts, std::vector(inputs, u8), {u8}));
  }
}

TEST(Facts, OperatorsThatCommute) {
  int seen = 0;
  for (const OperatorFacts& facts : operator_facts()) {
    if (!facts.commutes) continue;
    SCOPED_TRACE(facts.spec->name);
    for (const DType output : {f32, boolean}) {
      if (!takes(facts, {f32, f32}, {output})) continue;
      const auto a = floats({-1, 0.5F, 3, 1e30F, 2}), b = floats({2, 0.25F, 3, 1e30F, -infinity});
      const auto one = result_of(facts, {a, b}, output), other = result_of(facts, {b, a}, output);
      EXPECT_EQ(one, other);
      seen += one.empty() ? 0 : 1;
    }
    for (const DType dtype : {u8, boolean}) {
      if (!takes(facts, {dtype, dtype}, {dtype})) continue;
      const auto constant = [&](std::vector<std::uint8_t> elements) {
        auto c = std::make_shared<graph::Constant>(
            *graph::make_constant<std::uint8_t>(Shape{static_cast<index_t>(elements.size())}, elements));
        c->dtype = dtype;
        return c;
      };
      const auto a = constant({0, 1, 1, 0}), b = constant({1, 1, 0, 0});
      const auto one = result_of(facts, {a, b}, dtype), other = result_of(facts, {b, a}, dtype);
      EXPECT_EQ(one, other);
      seen += one.empty() ? 0 : 1;
    }
  }
  EXPECT_GE(seen, 11);
}

TEST(Facts, NeutralOperandsChangeNothing) {
  int seen = 0;
  for (const OperatorFacts& facts : operator_facts()) {
    if (facts.neutral == nullptr) continue;
    SCOPED_TRACE(facts.spec->name);
    const auto neutral = floats({static_cast<float>(*facts.neutral)});
    EXPECT_EQ(result_of(facts, {floats(numbers), neutral}), numbers);
    ++seen;
  }
  EXPECT_EQ(seen, 5);
}

TEST(Facts, OutputsLieInTheirRange) {
  int seen = 0;
  for (const OperatorFacts& facts : operator_facts()) {
    if (facts.output_range == nullptr) continue;
    SCOPED_TRACE(facts.spec->name);
    const auto results = result_of(facts, {floats(numbers)});
    ASSERT_EQ(results.size(), numbers.size());
    const auto [min, max] = *facts.output_range;
    for (const float y : results) EXPECT_TRUE(std::isnan(y) || (y >= min && y <= max)) << y;
    ++seen;
  }
  EXPECT_EQ(seen, 8);
}

TEST(Facts, OutsideOfTheDomainThereIsNoResult) {
  for (const OperatorFacts& facts : operator_facts()) {
    if (facts.domain == nullptr) continue;
    SCOPED_TRACE(facts.spec->name);
    const auto results = result_of(facts, {floats(numbers)});
    ASSERT_EQ(results.size(), numbers.size());
    for (std::size_t i = 0; i < numbers.size(); ++i) {
      const bool inside = numbers[i] >= facts.domain->min && numbers[i] <= facts.domain->max;
      EXPECT_EQ(std::isnan(results[i]), !inside) << numbers[i];
    }
  }
}

TEST(Facts, LimitsAreAllThatTheOperatorDoes) {
  int seen = 0;
  for (const OperatorFacts& facts : operator_facts()) {
    const auto limits = graph::limits_of(node_of(facts));
    EXPECT_EQ(limits.has_value(), facts.limits != nullptr);
    if (!limits) continue;
    SCOPED_TRACE(facts.spec->name);
    EXPECT_FALSE(facts.clamps);
    std::vector<float> wanted;
    for (const float x : numbers) wanted.push_back((*limits)(x));
    EXPECT_EQ(result_of(facts, {floats(numbers)}), wanted);
    ++seen;
  }
  EXPECT_EQ(seen, 2);
  graph::Node clip;
  graph::set_attributes<ops::Clip>(clip, {.clamp = {.min = -1, .max = 6}});
  EXPECT_EQ(graph::limits_of(clip), (Clamp{.min = -1, .max = 6}));
}

TEST(Facts, MovementByAttributes) {
  const auto movement = []<class Op>(std::type_identity<Op>, const typename Op::Attributes& attributes) {
    graph::Node node;
    graph::set_attributes<Op>(node, attributes);
    return graph::movement_of(node);
  };
  EXPECT_EQ(movement(std::type_identity<ops::Transpose>{}, {}), Movement::rearranges);
  EXPECT_EQ(movement(std::type_identity<ops::Relu>{}, {}), Movement::computes);
  EXPECT_EQ(movement(std::type_identity<ops::MaxPool2D>{}, {}), Movement::picks);
  EXPECT_EQ(movement(std::type_identity<ops::MaxPool2D>{}, {.clamp = {.min = 0}}), Movement::computes);
  EXPECT_EQ(movement(std::type_identity<ops::Pad>{}, {}), Movement::pads);
  EXPECT_EQ(movement(std::type_identity<ops::Pad>{}, {.mode = ops::PadMode::reflect}), Movement::picks);
  EXPECT_EQ(movement(std::type_identity<ops::Resize>{}, {}), Movement::selects);
  EXPECT_EQ(movement(std::type_identity<ops::Resize>{}, {.mode = ops::ResizeMode::linear}),
            Movement::computes);
  graph::Node unknown;
  unknown.op = "Nothing";
  EXPECT_EQ(graph::movement_of(unknown), Movement::computes);
}

TEST(Facts, MultiplyAdds) {
  const auto count = []<class Op>(std::type_identity<Op>, const typename Op::Attributes& attributes,
                                  std::vector<Shape> inputs, const Shape& output) {
    std::vector<ValueInfo> infos;
    for (const Shape& shape : inputs) infos.push_back({.dtype = f32, .shape = shape});
    const ValueInfo result{.dtype = f32, .shape = output};
    return Op::multiply_adds(attributes, NodeInfo{infos, {&result, 1}, nullptr});
  };
  // Output elements times taps of each, but for a transposed convolution: input elements times taps.
  EXPECT_EQ(
      count(std::type_identity<ops::Conv2D>{}, {.group = 2}, {{1, 8, 8, 6}, {4, 3, 3, 3}}, {1, 6, 6, 4}),
      144U * 27U);
  EXPECT_EQ(count(std::type_identity<ops::DepthwiseConv2D>{}, {}, {{1, 8, 8, 3}, {3, 3, 3, 2}}, {1, 6, 6, 6}),
            216U * 9U);
  EXPECT_EQ(count(std::type_identity<ops::ConvTranspose2D>{}, {}, {{1, 2, 2, 3}, {5, 2, 2, 3}}, {1, 4, 4, 5}),
            12U * 20U);
  EXPECT_EQ(count(std::type_identity<ops::FullyConnected>{}, {}, {{7, 3}, {5, 3}}, {7, 5}), 35U * 3U);
  EXPECT_EQ(count(std::type_identity<ops::MatMul>{}, {}, {{2, 3, 4}, {4, 5}}, {2, 3, 5}), 30U * 4U);
  EXPECT_EQ(count(std::type_identity<ops::MatMul>{}, {.transpose_a = true}, {{4, 3}, {4, 5}}, {3, 5}),
            15U * 4U);
  EXPECT_EQ(count(std::type_identity<ops::LSTM>{}, {}, {{2, 3, 4}, {1, 20, 4}, {1, 20, 5}}, {2, 1, 3, 5}),
            6U * (80U + 100U));
  EXPECT_EQ(count(std::type_identity<ops::Conv2D>{}, {}, {{1, 8, 8, 3}, {0, 3, 3, 3}}, {1, 6, 6, 0}), 0U);
}

}  // namespace
}  // namespace lithe::test
