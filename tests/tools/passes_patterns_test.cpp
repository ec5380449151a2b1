// SPDX-License-Identifier: Apache-2.0
#include <gtest/gtest.h>

#include <algorithm>
#include <functional>
#include <stdexcept>

#include "tests/tools/passes_testing.hpp"
#include "tools/passes/node.hpp"
#include "tools/passes/pattern.hpp"

namespace lithe::passes {
namespace {

using namespace test;

using Expression = std::function<ValueId(Builder&, ValueId)>;

/// The operators that are left of an expression over a [2, 3, 4, 8] tensor, in running order.
std::vector<std::string> fused(const Expression& expression, double tolerance = 1e-5) {
  Builder b;
  b.output(expression(b, b.input({2, 3, 4, 8})));
  Passed run(b, {fuse_patterns}, tolerance);
  std::vector<std::string> ops;
  for (const Node& node : run.graph.nodes) ops.push_back(node.op);
  return ops;
}
using Ops = std::vector<std::string>;

ValueId scaled(Builder& b, ValueId x, float factor, bool divide) {
  return divide ? b.node("Div", {x, b.scalar(1 / factor)}) : b.node("Mul", {b.scalar(factor), x});
}
ValueId squared(Builder& b, ValueId x, bool power) {
  return power ? b.node("Pow", {x, b.scalar(2)}) : b.node("Mul", {x, x});
}

/// x / 2 * factor in the three ways to write it.
ValueId half_of(Builder& b, ValueId x, ValueId factor, int way) {
  if (way == 0) return b.node("Mul", {b.node("Mul", {x, factor}), b.scalar(0.5F)});
  if (way == 1) return b.node("Mul", {b.node("Div", {x, b.scalar(2)}), factor});
  return b.node("Mul", {b.node("Mul", {b.scalar(0.5F), factor}), x});
}

TEST(FusePatterns, Gelu) {
  for (int way = 0; way < 3; ++way)
    for (const bool divide : {false, true})
      EXPECT_EQ(fused([&](Builder& b, ValueId x) {
                  const ValueId erf = b.node("Erf", {scaled(b, x, 0.70710678F, divide)});
                  return half_of(b, x, b.node("Add", {erf, b.scalar(1)}), way);
                }),
                Ops{"Gelu"});
}

TEST(FusePatterns, GeluByTanh) {
  for (int way = 0; way < 3; ++way)
    for (const bool cubed : {false, true}) {
      const auto ops = fused([&](Builder& b, ValueId x) {
        const ValueId cube =
            cubed ? b.node("Pow", {x, b.scalar(3)}) : b.node("Mul", {squared(b, x, false), x});
        const ValueId inner = b.node("Add", {x, b.node("Mul", {cube, b.scalar(0.044715F)})});
        const ValueId tanh = b.node("Tanh", {b.node("Mul", {inner, b.scalar(0.7978845608F)})});
        return half_of(b, x, b.node("Add", {b.scalar(1), tanh}), way);
      });
      EXPECT_EQ(ops, Ops{"Gelu"});
    }
  EXPECT_EQ(fused([&](Builder& b, ValueId x) {
              const ValueId factor =
                  b.node("Add", {b.node("Mul", {squared(b, x, true), b.scalar(0.044715F)}), b.scalar(1)});
              const ValueId tanh =
                  b.node("Tanh", {b.node("Mul", {scaled(b, x, 0.7978845608F, false), factor})});
              return half_of(b, x, b.node("Add", {tanh, b.scalar(1)}), 1);
            }),
            Ops{"Gelu"});
}

TEST(FusePatterns, HardSwish) {
  const auto ramp = [](Builder& b, ValueId x) {
    return b.node("Clip", {b.node("Add", {x, b.scalar(3)})}, {{"clamp", floats({0, 6})}});
  };
  for (const bool divide : {false, true}) {
    EXPECT_EQ(fused([&](Builder& b, ValueId x) {
                return scaled(b, b.node("Mul", {x, ramp(b, x)}), 1.0F / 6, divide);
              }),
              Ops{"HardSwish"});
    EXPECT_EQ(fused([&](Builder& b, ValueId x) {
                return b.node("Mul", {x, scaled(b, ramp(b, x), 1.0F / 6, divide)});
              }),
              Ops{"HardSwish"});
    EXPECT_EQ(fused([&](Builder& b, ValueId x) {
                return b.node("Mul", {ramp(b, x), scaled(b, x, 1.0F / 6, divide)});
              }),
              Ops{"HardSwish"});
  }
  const auto gate = [](float alpha) {
    return [alpha](Builder& b, ValueId x) {
      return b.node("Mul", {b.node("HardSigmoid", {x}, {{"alpha", floats({alpha})}}), x});
    };
  };
  EXPECT_EQ(fused(gate(1.0F / 6)), Ops{"HardSwish"});
  EXPECT_EQ(fused(gate(0.2F)), (Ops{"HardSigmoid", "Mul"})) << "another slope";
  EXPECT_EQ(fused([](Builder& b, ValueId x) {
              const ValueId low = b.node("Max", {b.node("Add", {x, b.scalar(3)}), b.scalar(0)});
              return b.node("Div", {b.node("Mul", {x, b.node("Min", {low, b.scalar(6)})}), b.scalar(6)});
            }),
            Ops{"HardSwish"})
      << "its limits written as Max and Min";
}

TEST(FusePatterns, OtherActivations) {
  const auto softplus = [](Builder& b, ValueId x) {
    return b.node("Log", {b.node("Add", {b.node("Exp", {x}), b.scalar(1)})});
  };
  EXPECT_EQ(fused(softplus), Ops{"Softplus"});
  EXPECT_EQ(
      fused([&](Builder& b, ValueId x) { return b.node("Mul", {x, b.node("Tanh", {softplus(b, x)})}); }),
      Ops{"Mish"});
  EXPECT_EQ(fused([](Builder& b, ValueId x) {
              return b.node("Div", {x, b.node("Add", {b.scalar(1), b.node("Abs", {x})})});
            }),
            Ops{"Softsign"});
  EXPECT_EQ(fused([](Builder& b, ValueId x) { return b.node("Max", {scaled(b, x, 0.1F, false), x}); }),
            Ops{"LeakyRelu"});
  EXPECT_EQ(fused([](Builder& b, ValueId x) { return b.node("Max", {scaled(b, x, 2, false), x}); }),
            (Ops{"Mul", "Max"}));
}

/// The mean over `axes`, which stay.
ValueId mean(Builder& b, ValueId x, std::vector<std::int64_t> axes) {
  return b.node("ReduceMean", {x, b.vector(std::move(axes))});
}
ValueId root(Builder& b, ValueId x, float epsilon = 1e-3F) {
  return b.node("Sqrt", {b.node("Add", {x, b.scalar(epsilon)})});
}
ValueId divided(Builder& b, ValueId x, ValueId by, int way) {
  if (way == 0) return b.node("Div", {x, by});
  return b.node("Mul", {x, way == 1 ? b.node("Reciprocal", {by}) : b.node("Div", {b.scalar(1), by})});
}
ValueId normalized(Builder& b, ValueId x, const std::vector<std::int64_t>& axes, int way = 0) {
  const ValueId centered = b.node("Sub", {x, mean(b, x, axes)});
  return divided(b, centered, root(b, mean(b, squared(b, centered, way != 1), axes)), way);
}

TEST(FusePatterns, LayerNormalization) {
  for (int way = 0; way < 3; ++way)
    EXPECT_EQ(fused([&](Builder& b, ValueId x) { return normalized(b, x, {-1}, way); }),
              Ops{"LayerNormalization"});
  for (const Shape& parameter : {Shape{8}, Shape{1, 1, 1, 8}})
    EXPECT_EQ(fused([&](Builder& b, ValueId x) {
                const ValueId scaled = b.node("Mul", {normalized(b, x, {3}), b.random(parameter, 3)});
                return b.node("Add", {b.random(parameter, 4), scaled});
              }),
              Ops{"LayerNormalization"});
  EXPECT_EQ(fused([&](Builder& b, ValueId x) {
              return b.node("Mul", {normalized(b, x, {3, 2}), b.random({4, 8}, 3)});
            }),
            Ops{"LayerNormalization"});
  EXPECT_EQ(fused([&](Builder& b, ValueId x) {
              return b.node("Mul", {normalized(b, x, {3}), b.random({4, 8}, 3)});
            }),
            (Ops{"LayerNormalization", "Mul"}))
      << "a scale of more than the normalized axes";
}

TEST(FusePatterns, InstanceNormalization) {
  EXPECT_EQ(fused([&](Builder& b, ValueId x) {
              const ValueId scaled = b.node("Mul", {normalized(b, x, {1, 2}), b.random({8}, 3)});
              return b.node("Add", {scaled, b.random({1, 1, 8}, 4)});
            }),
            Ops{"GroupNormalization"});
}

/// What PyTorch's exporter makes of GroupNorm, between convolutions; `parameters` of its instance
/// normalization.
Passed exported_group_normalization(Builder& b, std::int64_t groups, bool ones, bool computed_shape) {
  const ValueId x = b.to_first(b.node("Conv2D", {b.input({2, 5, 4, 3}), b.random({6, 1, 1, 3}, 1)}));
  const ValueId seen = b.transpose(b.node("Reshape", {x, b.vector({0, groups, -1})}), {0, 2, 1});
  const Shape each{static_cast<index_t>(groups)};
  const std::vector<float> scale(static_cast<std::size_t>(groups), ones ? 1 : 2),
      bias(scale.size(), ones ? 0 : 3);
  const ValueId y =
      b.node("GroupNormalization", {seen, b.constant<float>(each, scale), b.constant<float>(each, bias)});
  const ValueId shape = computed_shape ? b.node("Shape", {x}, {}, DType::s64) : b.vector({2, 6, 5, 4});
  ValueId again = b.node("Reshape", {b.transpose(y, {0, 2, 1}), shape});
  b.graph().value(again).dims = Dims{2, 6, 5, 4};
  again = b.node("Add", {b.node("Mul", {again, b.random({6, 1, 1}, 3)}), b.random({6, 1, 1}, 4)});
  b.output(b.node("Conv2D", {b.to_last(again), b.random({2, 1, 1, 6}, 5)}));
  return Passed(b, {fuse_group_normalization, channels_last, fold_constants, simplify, fuse_patterns});
}

TEST(FuseGroupNormalization, BetweenReshapes) {
  for (const bool computed : {false, true}) {
    Builder b, other;
    const Passed run = exported_group_normalization(b, 3, true, computed);
    Ops ops;
    for (const Node& node : run.graph.nodes) ops.push_back(node.op);
    EXPECT_EQ(ops, (Ops{"Conv2D", "GroupNormalization", "Conv2D"}));
    EXPECT_EQ(int_attribute(run.graph.nodes[1], "groups", 0), 3);
    EXPECT_EQ(run.graph.nodes[1].inputs.size(), 3U) << "the channels' scale and bias are its own";
    EXPECT_EQ(count(exported_group_normalization(other, 3, false, computed).graph, "Reshape"), 0);
  }
}

TEST(FuseGroupNormalization, OtherGroupsStay) {
  Builder b;
  const Passed run = exported_group_normalization(b, 4, true, false);  // 4 groups of 1.5 channels
  EXPECT_EQ(count(run.graph, "Reshape"), 2);
}

TEST(FusePatterns, RmsNormalization) {
  for (int way = 0; way < 3; ++way)
    EXPECT_EQ(fused([&](Builder& b, ValueId x) {
                const ValueId y = divided(b, x, root(b, mean(b, squared(b, x, way == 0), {2, 3})), way);
                return b.node("Mul", {b.random({4, 8}, 3), y});
              }),
              Ops{"RMSNormalization"});
}

TEST(FusePatterns, NormalizationsOverOtherAxesStay) {
  const Ops ops = fused([](Builder& b, ValueId x) { return normalized(b, x, {1, 3}); });
  EXPECT_EQ(std::count(ops.begin(), ops.end(), "ReduceMean"), 2);
}

TEST(FusePatterns, LimitsByConstants) {
  EXPECT_EQ(fused([](Builder& b, ValueId x) {
              return b.node("Min", {b.scalar(1), b.node("Max", {x, b.scalar(-1)})});
            }),
            Ops{"Clip"});
  EXPECT_EQ(fused([](Builder& b, ValueId x) {
              return b.node("Clip", {b.node("Relu", {x})}, {{"clamp", floats({-1, 1})}});
            }),
            Ops{"Clip"});
  EXPECT_EQ(fused([](Builder& b, ValueId x) {
              return b.node("Relu", {b.node("Clip", {x}, {{"clamp", floats({-2, -1})}})});
            }),
            Ops{"Clip"});
  EXPECT_EQ(fused([](Builder& b, ValueId x) { return b.node("Max", {x, b.random({8}, 1)}); }), Ops{"Max"});
  EXPECT_EQ(fused([](Builder& b, ValueId x) {
              return b.node("Max", {x, b.constant<float>({1, 1, 1, 1, 1}, {0})});
            }),
            Ops{"Max"})
      << "the constant adds an axis";
}

TEST(FusePatterns, Powers) {
  EXPECT_EQ(fused([](Builder& b, ValueId x) { return b.node("Pow", {x, b.scalar(2)}); }), Ops{"Mul"});
  EXPECT_EQ(fused([](Builder& b, ValueId x) {
              return b.node("Pow", {b.node("Abs", {x}), b.constant<float>({1}, {0.5F})});
            }),
            (Ops{"Abs", "Sqrt"}));
}

TEST(FusePatterns, InnerReadersAreANearMiss) {
  Builder b;
  const ValueId x = b.input({2, 8});
  const ValueId gate = b.node("HardSigmoid", {x}, {{"alpha", floats({1.0F / 6})}});
  b.output(b.node("Mul", {x, gate}));
  b.output(b.node("Neg", {gate}));
  Passed run(b, {fuse_patterns});
  EXPECT_EQ(count(run.graph, "HardSwish"), 0);
  EXPECT_TRUE(run.missed("not fused into HardSwish: an inner value has another reader"));
}

TEST(FusePatterns, IntegersStay) {
  Builder b;
  b.output(b.node("Max", {b.input({8}, DType::s32), b.constant<std::int32_t>({}, {0})}));
  EXPECT_EQ(Passed(b, {fuse_patterns}).graph.nodes[0].op, "Max");
}

TEST(FusePatterns, NamesOfAllNodesStay) {
  Builder b;
  const ValueId x = b.input({2, 8});
  b.output(b.node("Mul", {x, b.node("HardSigmoid", {x}, {{"alpha", floats({1.0F / 6})}})}));
  const Passed run(b, {fuse_patterns});
  EXPECT_EQ(run.graph.nodes[0].onnx_names, (std::vector<std::string>{"n0", "n1"}));
  ASSERT_EQ(run.log.lines().size(), 1U);
  EXPECT_EQ(run.log.lines()[0].text, "n0 + n1 became HardSwish");
}

TEST(Pattern, RefusesOtherText) {
  for (const char* text : {"", "Mul(x", "Mul(x,)", "{x|y", "Mul(x) y", "(x)", "$"})
    EXPECT_THROW(Pattern::parse(text), std::invalid_argument) << text;
}

}  // namespace
}  // namespace lithe::passes
