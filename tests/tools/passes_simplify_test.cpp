// SPDX-License-Identifier: Apache-2.0
#include <gtest/gtest.h>

#include <limits>
#include <map>
#include <string>

#include "tests/tools/passes_testing.hpp"

namespace lithe::passes {
namespace {

using namespace test;

TEST(FoldConstants, ChainsOnConstantsAndShapes) {
  Builder b;
  const ValueId x = b.input({2, 3, 4});
  const ValueId first = b.node("Gather", {b.node("Shape", {x}, {}, DType::s64), b.vector({0})});
  const ValueId shape = b.node("Concat", {first, b.vector({12})}, {{"axis", ints({0})}});
  const ValueId weights = b.node("Relu", {b.node("Add", {b.random({12}), b.random({12}, 2)})});
  b.output(b.node("Mul", {b.node("Reshape", {x, shape}), weights}));
  Passed run(b, {fold_constants});
  EXPECT_EQ(run.graph.nodes.size(), 2U);
  EXPECT_EQ(find(run.graph, "Reshape")->onnx_names, std::vector<std::string>{"n5"});
}

TEST(FoldConstants, WhatIsNotKnownStays) {
  Builder b;
  const ValueId x = b.input({-1, 3});
  b.output(b.node("Shape", {x}, {}, DType::s64));
  EXPECT_EQ(Passed(b, {fold_constants}).graph.nodes.size(), 1U);

  Builder computed;
  const ValueId y = computed.input({3});
  computed.output(computed.node("Add", {y, computed.random({3})}));
  EXPECT_EQ(Passed(computed, {fold_constants}).graph.nodes.size(), 1U);
}

TEST(FoldConstants, LargeResultsStay) {
  Builder b;
  const ValueId x = b.input({1});
  const ValueId large = b.node("Expand", {b.scalar(1), b.vector({5000, 5000})});
  b.output(b.node("Slice", {b.node("Add", {large, x}), b.vector({0}), b.vector({1}), b.vector({0})}));
  PassLog log;
  fold_constants(b.model, log);
  EXPECT_EQ(count(b.graph(), "Expand"), 1);
}

TEST(FoldConstants, MovedWeightsStayQuantized) {
  Builder b;
  const ValueId stored = b.random_integers({4, 1, 3, 3}, 1, -127, 127);
  const ValueId weights = b.node(
      "DequantizeLinear", {stored, b.random({4}, 2, 0.01F, 0.1F), b.constant<std::int8_t>({4}, {0, 0, 0, 0})},
      {{"axis", ints({0})}}, DType::f32);
  b.output(b.node("DepthwiseConv2D", {b.input({1, 5, 5, 4}), b.transpose(weights, {2, 3, 0, 1})}));
  Passed run(b, {fold_constants});
  EXPECT_EQ(count(run.graph, "Transpose"), 0);
  const Node* dequantizer = find(run.graph, "DequantizeLinear");
  ASSERT_NE(dequantizer, nullptr);
  EXPECT_EQ(int_attribute(*dequantizer, "axis", 1), 2);
  EXPECT_EQ(run.graph.value(dequantizer->inputs[0]).constant->shape, (Shape{3, 3, 4, 1}));

  PassLog log;
  fold_quantized_constants(b.model, log);
  EXPECT_EQ(b.graph().nodes.size(), 1U);
}

TEST(FoldConstants, ReshapedWeightsFollowTheirAxis) {
  for (bool splits : {false, true}) {  // [6, 4] as [3, 2, 4] has no axis with the 6 scales
    Builder b;
    const ValueId weights =
        b.node("DequantizeLinear", {b.random_integers({6, 4}, 1, -127, 127), b.random({6}, 2, 0.01F, 0.1F)},
               {{"axis", ints({0})}}, DType::f32);
    const ValueId shaped =
        b.node("Reshape", {weights, b.vector(splits ? std::vector<std::int64_t>{3, 2, 4}
                                                    : std::vector<std::int64_t>{1, 6, 2, 2})});
    b.output(b.node("Add", {shaped, b.input({1})}));
    Passed run(b, {fold_constants});
    EXPECT_EQ(count(run.graph, "Reshape"), splits ? 1 : 0);
  }
}

struct Identity {
  const char* op;
  std::vector<std::vector<std::int64_t>> integers;
  Attributes attributes;
};

TEST(Simplify, IdentitiesGo) {
  const Identity table[] = {{"Transpose", {}, {{"permutation", ints({0, 1, 2})}}},
                            {"Reshape", {{2, -1, 4}}, {}},
                            {"Squeeze", {{}}, {}},
                            {"Cast", {}, {}},
                            {"Slice", {{0, 0}, {1000, 4}, {1, 2}}, {}},
                            {"Pad", {{0, 0, 0, 0, 0, 0}}, {}},
                            {"Expand", {{2, 1, 1}}, {}},
                            {"Concat", {}, {{"axis", ints({1})}}},
                            {"Split", {}, {{"axis", ints({1})}}}};
  for (const Identity& row : table) {
    Builder b;
    std::vector<ValueId> inputs{b.node("Exp", {b.input({2, 3, 4})})};
    for (const auto& numbers : row.integers) inputs.push_back(b.vector(numbers));
    b.output(b.node(row.op, inputs, row.attributes));
    Passed run(b, {simplify});
    EXPECT_EQ(count(run.graph, row.op), 0) << row.op;
    EXPECT_EQ(run.graph.nodes.size(), 1U);
  }
}

TEST(Simplify, LookAlikesStay) {
  const Identity table[] = {{"Transpose", {}, {{"permutation", ints({1, 0, 2})}}},
                            {"Reshape", {{3, 2, 4}}, {}},
                            {"Slice", {{-1}, {-1000}, {0}, {-1}}, {}},
                            {"Pad", {{1, 0, 0, -1, 0, 0}}, {}},
                            {"Expand", {{2, 2, 3, 4}}, {}}};
  for (const Identity& row : table) {
    Builder b;
    std::vector<ValueId> inputs{b.node("Exp", {b.input({2, 3, 4})})};
    for (const auto& numbers : row.integers) inputs.push_back(b.vector(numbers));
    b.output(b.node(row.op, inputs, row.attributes));
    EXPECT_EQ(count(Passed(b, {simplify}).graph, row.op), 1) << row.op;
  }
}

TEST(Simplify, AnOpenAxisThatIsCutStays) {
  for (const std::int64_t end : {std::int64_t{3}, std::numeric_limits<std::int64_t>::max()}) {
    Builder b;
    const ValueId x = b.node("Exp", {b.input({-2, 4})});
    const ValueId y = b.node("Slice", {x, b.vector({0}), b.vector({end})});
    b.graph().value(y).dims = b.graph().value(x).dims = Dims{-2, 4};  // as ONNX infers for Slice-10
    b.output(y);
    PassLog log;
    simplify(b.model, log);
    EXPECT_EQ(count(b.graph(), "Slice"), end == 3 ? 1 : 0);
  }
}

TEST(Simplify, CastToAnotherTypeStays) {
  Builder b;
  b.output(b.node("Cast", {b.node("Exp", {b.input({2})})}, {}, DType::f64));
  EXPECT_EQ(count(Passed(b, {simplify}).graph, "Cast"), 1);
}

TEST(Simplify, NeutralConstants) {
  const struct {
    const char* op;
    float constant;
    bool left, goes;
  } table[] = {{"Add", 0, false, true}, {"Add", 0, true, true},   {"Sub", 0, false, true},
               {"Sub", 0, true, false}, {"Mul", 1, true, true},   {"Div", 1, false, true},
               {"Div", 1, true, false}, {"Mul", 0, false, false}, {"Pow", 1, false, true},
               {"Add", 1, false, false}};
  for (const auto& row : table) {
    Builder b;
    const ValueId x = b.node("Exp", {b.input({2, 3})}),
                  c = b.constant<float>({1, 3}, {row.constant, row.constant, row.constant});
    b.output(b.node(row.op, {row.left ? c : x, row.left ? x : c}));
    EXPECT_EQ(count(Passed(b, {simplify}).graph, row.op), row.goes ? 0 : 1) << row.op << ' ' << row.constant;
  }
}

TEST(Simplify, NeutralConstantsThatBroadcastOrClampStay) {
  Builder wide;
  wide.output(
      wide.node("Add", {wide.node("Exp", {wide.input({1, 3})}), wide.constant<float>({2, 1}, {0, 0})}));
  EXPECT_EQ(count(Passed(wide, {simplify}).graph, "Add"), 1);
  Builder clamped;
  clamped.output(clamped.node("Add", {clamped.node("Exp", {clamped.input({3})}), clamped.scalar(0)},
                              {{"clamp", floats({0, 1})}}));
  EXPECT_EQ(count(Passed(clamped, {simplify}).graph, "Add"), 1);
}

/// The constant comes second where the operator commutes and has a neutral element, which is then found.
TEST(Simplify, ConstantsGoToTheRight) {
  const std::map<std::string, std::size_t> places{{"Add", 1}, {"Div", 0}, {"Max", 0},
                                                  {"Min", 0}, {"Mul", 1}, {"Sub", 0}};
  for (const auto& [op, place] : places) {
    Builder b;
    b.output(b.node(op, {b.random({3}, 2), b.node("Exp", {b.input({2, 3})})}));
    Passed run(b, {simplify});
    EXPECT_NE(run.graph.value(find(run.graph, op)->inputs[place]).constant, nullptr) << op;
  }
}

TEST(Simplify, TransposesMerge) {
  Builder b;
  const ValueId x = b.node("Exp", {b.input({2, 3, 4, 5})});
  b.output(b.transpose(b.transpose(x, {0, 2, 3, 1}), {3, 2, 0, 1}));
  Passed run(b, {simplify});
  ASSERT_EQ(count(run.graph, "Transpose"), 1);
  EXPECT_EQ(find(run.graph, "Transpose")->onnx_names, (std::vector<std::string>{"n1", "n2"}));

  Builder inverse;
  const ValueId y = inverse.node("Exp", {inverse.input({2, 3, 4, 5})});
  inverse.output(inverse.to_first(inverse.to_last(y)));
  EXPECT_EQ(Passed(inverse, {simplify}).graph.nodes.size(), 1U);
}

TEST(Simplify, ReshapesMerge) {
  Builder b;
  const ValueId x = b.node("Exp", {b.input({2, 3, 4})});
  const ValueId y = b.node("Unsqueeze", {b.node("Flatten", {x}), b.vector({0})});
  b.output(b.node("Reshape", {y, b.vector({4, -1})}));
  EXPECT_EQ(Passed(b, {simplify}).graph.nodes.size(), 2U);

  Builder back;
  const ValueId z = back.node("Exp", {back.input({2, 3, 4})});
  back.output(back.node("Squeeze", {back.node("Unsqueeze", {z, back.vector({1, 3})}), back.vector({1, 3})}));
  EXPECT_EQ(Passed(back, {simplify}).graph.nodes.size(), 1U);
}

TEST(Simplify, ReshapesThatReturnToAnInputKeepItsDims) {
  Builder squeezed;
  const ValueId axis = squeezed.vector({2});
  squeezed.output(
      squeezed.node("Squeeze", {squeezed.node("Unsqueeze", {squeezed.input({2, 3, 4}), axis}), axis}));
  EXPECT_EQ(Passed(squeezed, {simplify}).graph.nodes.size(), 1U);

  Builder flat;
  const ValueId wide = flat.node("Reshape", {flat.input({16, 5}), flat.vector({2, 8, 5})});
  flat.output(flat.node("Flatten", {wide}, {{"axis", ints({2})}}));
  EXPECT_EQ(Passed(flat, {simplify}).graph.nodes.size(), 1U);
}

TEST(Simplify, InputThatIsTheOutputKeepsBothNames) {
  Builder b;
  b.output(b.node("Cast", {b.input({2, 3})}));
  Passed run(b, {simplify});
  EXPECT_EQ(run.graph.nodes.size(), 1U);
}

TEST(EliminateCommonSubexpressions, EqualNodesAndConstants) {
  Builder b;
  const ValueId x = b.input({2, 3});
  const ValueId p = b.node("Add", {b.node("Mul", {x, b.random({3})}), b.scalar(1)});
  const ValueId q = b.node("Add", {b.node("Mul", {x, b.random({3})}), b.scalar(1)});
  b.output(b.node("Sub", {p, b.node("Exp", {q})}));
  Passed run(b, {eliminate_common_subexpressions});
  EXPECT_EQ(count(run.graph, "Mul"), 1);
  EXPECT_EQ(count(run.graph, "Add"), 1);
}

TEST(EliminateCommonSubexpressions, DifferencesStay) {
  Builder b;
  const ValueId x = b.input({2, 3});
  const ValueId p = b.node("Clip", {x}, {{"clamp", floats({0, 1})}}),
                q = b.node("Clip", {x}, {{"clamp", floats({0, 2})}});
  const ValueId narrow = b.node("Cast", {x}, {}, DType::f16), wide = b.node("Cast", {x}, {}, DType::f64);
  b.output(b.node("Add", {p, q}));
  b.output(narrow);
  b.output(wide);
  EXPECT_EQ(Passed(b, {eliminate_common_subexpressions}).graph.nodes.size(), 5U);
}

TEST(EliminateCommonSubexpressions, EqualOutputsOfTheGraphStay) {
  Builder b;
  const ValueId x = b.input({2, 3});
  b.output(b.node("Exp", {x}));
  b.output(b.node("Exp", {x}));
  EXPECT_EQ(Passed(b, {eliminate_common_subexpressions}).graph.nodes.size(), 2U);
}

TEST(RemoveDead, UnreadNodesGo) {
  Builder b;
  const ValueId x = b.input({2, 3});
  b.node("Exp", {b.node("Log", {x})});
  b.output(b.node("Relu", {x}));
  Passed run(b, {remove_dead});
  EXPECT_EQ(run.graph.nodes.size(), 1U);
  EXPECT_EQ(run.graph.values.size(), 2U);
}

}  // namespace
}  // namespace lithe::passes
