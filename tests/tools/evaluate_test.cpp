// SPDX-License-Identifier: Apache-2.0

#include "tools/graph/evaluate.hpp"

#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "lithe/ops/resize.hpp"
#include "tests/support/print.hpp"
#include "tools/graph/attributes.hpp"
#include "tools/graph/infer_dims.hpp"

namespace lithe::graph {
namespace {

struct Builder {
  Graph g;
  ValueId constant(const char* name, Shape shape, std::vector<float> v) {
    return g.add_constant(make_constant<float>(shape, v), name);
  }
  ValueId ints(const char* name, std::vector<std::int64_t> v) {
    return g.add_constant(make_constant<std::int64_t>(Shape{static_cast<index_t>(v.size())}, v), name);
  }
  ValueId value(const char* name, std::optional<Dims> dims, DType dtype = DType::f32) {
    Value v;
    v.name = name;
    v.dtype = dtype;
    v.dims = std::move(dims);
    return g.add_value(std::move(v));
  }
  const Node& node(const char* op, std::vector<ValueId> in, std::vector<ValueId> out) {
    Node n;
    n.op = op;
    n.inputs = std::move(in);
    n.outputs = std::move(out);
    g.nodes.push_back(std::move(n));
    return g.nodes.back();
  }
};

TEST(Evaluate, ConstantsAreComputedByTheirPortableKernel) {
  Builder b;
  const Node& add = b.node("Add", {b.constant("a", {2, 1}, {1, 10}), b.constant("b", {3}, {1, 2, 3})},
                           {b.value("c", std::nullopt)});
  const auto result = evaluate(b.g, add);
  ASSERT_TRUE(result.has_value());
  EXPECT_EQ((*result)[0]->shape, (Shape{2, 3}));
  EXPECT_EQ((*result)[0]->as<float>()[5], 13.0f);
}

TEST(Evaluate, DataDependentSizesAreCutToWhatCameOut) {
  Builder b;
  const Node& n =
      b.node("NonZero", {b.constant("a", {4}, {0, 1, 0, 2})}, {b.value("c", std::nullopt, DType::s64)});
  const auto result = evaluate(b.g, n);
  ASSERT_TRUE(result.has_value());
  EXPECT_EQ((*result)[0]->shape, (Shape{1, 2}));
  EXPECT_EQ((*result)[0]->as<std::int64_t>()[1], 3);
  EXPECT_EQ((*result)[0]->bytes.size(), 16u);
}

TEST(Evaluate, ShapesOfFixedValuesAreKnownWithoutTheirContents) {
  Builder b;
  const ValueId fixed = b.value("x", Dims{2, 5}), open = b.value("y", Dims{-2, 5});
  b.g.nodes.reserve(2);
  const auto result = evaluate(b.g, b.node("Shape", {fixed}, {b.value("s", std::nullopt, DType::s64)}));
  ASSERT_TRUE(result.has_value());
  EXPECT_EQ((*result)[0]->as<std::int64_t>()[1], 5);
  EXPECT_FALSE(evaluate(b.g, b.node("Shape", {open}, {b.value("t", std::nullopt, DType::s64)})).has_value());
}

TEST(Evaluate, WhatCannotBeComputedNowIsLeftAlone) {
  Builder b;
  b.g.nodes.reserve(8);
  const ValueId x = b.value("x", Dims{3}), a = b.constant("a", {3}, {1, 2, 3}),
                wrong = b.constant("w", {2}, {1, 2});
  EXPECT_FALSE(evaluate(b.g, b.node("Add", {a, x}, {b.value("1", std::nullopt)})));      // not constant
  EXPECT_FALSE(evaluate(b.g, b.node("Add", {a, wrong}, {b.value("2", std::nullopt)})));  // refused by infer
  EXPECT_FALSE(evaluate(b.g, b.node("Nothing", {a}, {b.value("3", std::nullopt)})));     // no such operator
  EXPECT_FALSE(evaluate(b.g, b.node("Add", {a, a}, {b.value("4", std::nullopt, DType::s32)})));  // dtypes
  Node with_subgraph = b.node("Relu", {a}, {b.value("5", std::nullopt)});
  with_subgraph.subgraphs = {1};
  EXPECT_FALSE(evaluate(b.g, with_subgraph));
  const Node& expand = b.node("Expand", {b.constant("one", {1}, {1}), b.ints("size", {1 << 25})},
                              {b.value("6", std::nullopt)});
  EXPECT_FALSE(evaluate(b.g, expand));  // 128 MB
  EXPECT_FALSE(evaluate(b.g, b.node("Add", {a, a}, {b.value("7", std::nullopt)}), {.result_bytes = 8}));
}

TEST(Evaluate, LargeProductsAreNotWorthTheTime) {
  Builder b;
  const std::vector<float> zeros(64 * 64);
  const Node& n = b.node("MatMul", {b.constant("a", {64, 64}, zeros), b.constant("b", {64, 64}, zeros)},
                         {b.value("c", std::nullopt)});
  EXPECT_TRUE(evaluate(b.g, n).has_value());
  EXPECT_FALSE(evaluate(b.g, n, {.work = 64 * 64 * 63}).has_value());
}

TEST(InferDims, FixedDimsFlowThroughTheGraph) {
  Builder b;
  const ValueId x = b.value("x", Dims{1, 2, 3}), t = b.value("t", std::nullopt),
                r = b.value("r", std::nullopt);
  b.node("Transpose", {x}, {t});
  b.node("Reshape", {t, b.ints("shape", {-1, 2})}, {r});
  infer_dims(b.g);
  EXPECT_EQ(b.g.value(t).dims, (Dims{3, 2, 1}));
  EXPECT_EQ(b.g.value(r).dims, (Dims{3, 2}));
}

TEST(InferDims, SymbolsLeaveWhatDoesNotDependOnThem) {
  Builder b;
  const ValueId x = b.value("x", Dims{-2, 8, 8, 3}), conv = b.value("conv", std::nullopt),
                t = b.value("t", std::nullopt), r = b.value("r", std::nullopt);
  b.node("Conv2D", {x, b.constant("f", {4, 3, 3, 3}, std::vector<float>(108))}, {conv});
  b.node("Transpose", {x}, {t});
  b.g.nodes.back().attributes["permutation"].ints = {0, 3, 1, 2};
  b.node("Reshape", {x, b.value("shape", Dims{2}, DType::s64)}, {r});
  infer_dims(b.g);
  EXPECT_EQ(b.g.value(conv).dims, (Dims{-2, 6, 6, 4}));
  EXPECT_EQ(b.g.value(t).dims, (Dims{-2, 3, 8, 8}));
  EXPECT_EQ(b.g.value(r).dims, (Dims{-1, -1}));
}

TEST(InferDims, AnAxisThatFollowsTheOnlySymbolHasIt) {
  Builder b;
  const ValueId x = b.value("x", Dims{-2, 3}), sum = b.value("sum", std::nullopt),
                both = b.value("both", std::nullopt), cut = b.value("cut", std::nullopt);
  b.node("Add", {x, b.constant("c", {3}, {1, 2, 3})}, {sum});
  b.node("Mul", {sum, x}, {both});
  b.node("Slice", {x, b.ints("starts", {0}), b.ints("ends", {5})}, {cut});
  infer_dims(b.g);
  EXPECT_EQ(b.g.value(sum).dims, (Dims{-2, 3}));
  EXPECT_EQ(b.g.value(both).dims, (Dims{-2, 3})) << "two inputs with one symbol";
  EXPECT_EQ(b.g.value(cut).dims, (Dims{-1, 3}));
}

TEST(InferDims, WhatOthersSayIsCorrected) {
  const auto inferred = [](Dims input, std::int64_t end, Dims said) {
    Builder b;
    const ValueId y = b.value("y", std::move(said));
    b.node("Slice", {b.value("x", std::move(input)), b.ints("starts", {0}), b.ints("ends", {end})}, {y});
    infer_dims(b.g);
    return *b.g.value(y).dims;
  };
  EXPECT_EQ(inferred({-2, 4}, 3, {-2, 5}), (Dims{-1, 4}));
  EXPECT_EQ(inferred({-2, 4}, 3, {3, 4}), (Dims{-1, 4})) << "1 where the symbol is 1";
  EXPECT_EQ(inferred({-2, 4}, 1 << 30, {-2, 4}), (Dims{-2, 4}));
  EXPECT_EQ(inferred({-2, 4}, 3, {-2, 4, 1}), (Dims{-1, 4})) << "another rank";
  EXPECT_EQ(inferred({-1, 4}, 3, {-2, 4}), (Dims{-1, 4})) << "cut, whatever it is";
}

TEST(InferDims, SeveralOpenDimensionsMayDiffer) {
  for (bool square : {false, true}) {  // the aspect ratio decides
    Builder b;
    const ValueId x = b.value("x", square ? Dims{-2, -2} : Dims{-2, -3}), y = b.value("y", std::nullopt);
    b.node("Resize", {x, absent, absent, b.ints("sizes", {5, 1})}, {y});
    set_attributes<ops::Resize>(b.g.nodes.back(), {.keep_aspect_ratio_policy = ops::AspectRatio::not_larger});
    infer_dims(b.g);
    EXPECT_EQ(b.g.value(y).dims, square ? (Dims{1, 1}) : (Dims{-1, -1}));
  }
}

TEST(InferDims, ARefusalIsReportedForTheNode) {
  Builder b;
  const Node& n = b.node("Add", {b.value("x", Dims{2}), b.value("y", Dims{3})}, {b.value("z", std::nullopt)});
  EXPECT_EQ(infer_dims(b.g, n).code(), Code::shape);
}

}  // namespace
}  // namespace lithe::graph
