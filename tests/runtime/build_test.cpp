// SPDX-License-Identifier: Apache-2.0
#include "lithe/runtime/build.hpp"

#include <gtest/gtest.h>

#include <cstdint>
#include <vector>

#include "lithe/core/half.hpp"
#include "lithe/ops/binary.hpp"
#include "lithe/ops/if.hpp"
#include "lithe/ops/unary.hpp"
#include "lithe/runtime/table_counts.hpp"
#include "tests/support/bare_plan.hpp"

namespace lithe::test {
namespace {

using Kernels = KernelList<AddOne<ops::Relu>, AddOne<ops::Add>, portable::Kernel<ops::If>>;

/// y = x + 1 in f16, z = -y, read twice.
ModelBuilder halves() {
  ModelBuilder b;
  const int x = b.input("x", DType::f16, {2});
  const int one = b.constant<half>({2}, {half(1.0F), half(2.0F)});
  const int y = b.node<ops::Add>("y", {}, {x, one}, DType::f16);
  b.output(b.node<ops::Add>("z", {}, {y, y}, DType::f16));
  return b;
}

TEST(Build, FillsTheTables) {
  BarePlan p(halves(), Kernels::entries);
  const Status status = p.build();
  ASSERT_TRUE(status.ok()) << status.text();
  EXPECT_EQ(p.plan.values.size(), 4U);
  EXPECT_EQ(p.plan.steps(), 2);
  const runtime::PlanValue& one = p.plan.value(p.node(0).input_ids()[1]);
  EXPECT_GE(one.buffer, 0);
  EXPECT_EQ(one.shape, (Shape{2}));
  EXPECT_EQ(static_cast<const half*>(one.contents)[1], half(2.0F));
  EXPECT_TRUE(p.plan.value(p.plan.inputs()[0]).input);
  EXPECT_EQ(p.result(0).readers, 2);
  EXPECT_EQ(p.result(1).readers, 1);
  EXPECT_TRUE(p.result(1).output);
  EXPECT_FALSE(p.result(0).output);
}

TEST(Build, HalfPrecisionIsPlannedAsTheProcessorComputes) {
  for (const bool native : {false, true}) {
    BarePlan p(halves(), Kernels::entries);
    p.services.cpu.f16_arithmetic = native;
    ASSERT_TRUE(p.build().ok());
    const runtime::PlanValue& x = p.plan.value(p.plan.inputs()[0]);
    EXPECT_EQ(x.file_dtype, DType::f16);
    EXPECT_EQ(x.dtype, native ? DType::f16 : DType::f32);
    EXPECT_EQ(p.plan.value(1).widen, !native);
  }
}

TEST(Build, SubgraphsAreBuiltWithTheirNode) {
  ModelBuilder b;
  const int condition = b.input("condition", DType::boolean, {});
  const int x = b.input("x", DType::f32, {2});
  std::vector<int> graphs;
  for (const char* name : {"then", "else"}) {
    const int g = b.subgraph(name);
    b.output(b.node<ops::Relu>("r", {}, {b.input("c", DType::f32, {}, g)}, DType::f32, g), g);
    graphs.push_back(g);
  }
  b.output(b.nodes<ops::If>("y", {}, {condition, x}, {DType::f32}, graphs)[0]);
  BarePlan p(b, Kernels::entries);
  const Status status = p.build();
  ASSERT_TRUE(status.ok()) << status.text();
  ASSERT_EQ(p.node(0).children.size(), 2U);
  EXPECT_EQ(p.node(0).children[1]->index, 2);
  EXPECT_EQ(p.node(0).children[1]->steps(), 1);
}

/// What build() says of a graph of one node.
Status built(void (*make)(ModelBuilder&)) {
  ModelBuilder b;
  make(b);
  BarePlan p(b, Kernels::entries);
  const Status status = p.build();
  EXPECT_EQ(status.subgraph(), 0);
  EXPECT_EQ(status.node(), 0);
  return status;
}

TEST(Build, RefusesWhatANodeIsNot) {
  const struct {
    const char* what;
    void (*make)(ModelBuilder&);
    Code code;
    std::string_view text;
  } refusals[] = {
      {"an operator without a kernel",
       [](ModelBuilder& b) { b.output(b.node<ops::Neg>("y", {}, {b.input("x", DType::f32, {2})})); },
       Code::unsupported, "no kernel in the session's list runs this operator"},
      {"another version",
       [](ModelBuilder& b) {
         b.output(b.node<ops::Relu>("y", {}, {b.input("x", DType::f32, {2})}));
         b.graph().nodes[0].version = 99;
       },
       Code::unsupported, "no kernel in the session's list runs this operator"},
      {"an input too many",
       [](ModelBuilder& b) {
         const int x = b.input("x", DType::f32, {2});
         b.output(b.node<ops::Relu>("y", {}, {x, x}));
       },
       Code::invalid_model, "a node has another number of inputs than its operator takes"},
      {"an input less",
       [](ModelBuilder& b) { b.output(b.node<ops::Add>("y", {}, {b.input("x", DType::f32, {2})})); },
       Code::invalid_model, "a node has another number of inputs than its operator takes"},
      {"an output too many",
       [](ModelBuilder& b) {
         b.output(b.nodes<ops::Relu>("y", {}, {b.input("x", DType::f32, {2})}, {DType::f32, DType::f32})[0]);
       },
       Code::invalid_model, "a node has another number of outputs than its operator gives"},
      {"a required input that is absent",
       [](ModelBuilder& b) { b.output(b.node<ops::Add>("y", {}, {b.input("x", DType::f32, {2}), -1})); },
       Code::invalid_model, "a node lacks an input that its operator requires"},
      {"no subgraphs",
       [](ModelBuilder& b) { b.output(b.node<ops::If>("y", {}, {b.input("x", DType::boolean, {})})); },
       Code::invalid_model, "a node has another number of subgraphs than its operator takes"},
      {"a type",
       [](ModelBuilder& b) { b.output(b.node<ops::Relu>("y", {}, {b.input("x", DType::boolean, {2})})); },
       Code::dtype, "no listed kernel takes a node of these element types"},
      {"an attribute",
       [](ModelBuilder& b) {
         b.output(b.node<ops::Relu>("y", {}, {b.input("x", DType::f32, {2})}));
         b.graph().nodes[0].attributes["strides"].ints = {1};
       },
       Code::invalid_model,
       {}},
  };
  for (const auto& r : refusals) {
    const Status status = built(r.make);
    EXPECT_EQ(status.code(), r.code) << r.what;
    if (!r.text.empty()) {
      EXPECT_EQ(std::string_view(status.text()), r.text) << r.what;
    }
  }
}

TEST(Build, TablesAreAsLargeAsCountedAndNoArenaIsOverrun) {
  const ModelBuilder b = halves();
  BarePlan whole(b, Kernels::entries);
  ASSERT_TRUE(whole.build().ok());
  runtime::TableCounts counts = runtime::counts_of(*whole.plan.file);
  EXPECT_EQ(counts.values, 4U);
  EXPECT_EQ(counts.nodes, 2U);
  EXPECT_EQ(counts.links, 6U);
  EXPECT_EQ(counts.ends, 2U);
  EXPECT_EQ(counts.widest, 3U);
  const std::size_t attributes = 2 * (sizeof(ops::Add::Attributes) + alignof(ops::Add::Attributes));
  EXPECT_LE(whole.arena.used(), runtime::table_bytes(counts) + attributes);
  for (std::size_t bytes = 0; bytes < whole.arena.used(); bytes += 64) {
    BarePlan small(b, Kernels::entries, bytes);
    EXPECT_EQ(small.build().code(), Code::out_of_memory) << bytes;
  }
}

}  // namespace
}  // namespace lithe::test
