// SPDX-License-Identifier: Apache-2.0
#include "lithe/runtime/infer.hpp"

#include <gtest/gtest.h>

#include <cstdint>
#include <vector>

#include "lithe/ops/shape.hpp"
#include "lithe/ops/unary.hpp"
#include "lithe/runtime/early.hpp"
#include "tests/support/bare_plan.hpp"

namespace lithe::test {
namespace {

/// Its output has as many elements as the number in `count` says, where `known` is set; else at most ten.
template <bool known>
struct Repeat {
  using Attributes = NoAttributes;
  static constexpr OpSpec spec{.name = known ? "Repeat" : "Some", .inputs = {"count"}, .outputs = {"y"}};
  static constexpr TypeRow types[] = {{{DType::s64}, {DType::f32}}};

  static Status infer(const Attributes&, InferContext& context) {
    if (!known) return context.output_at_most(0, {10});
    LITHE_ASSIGN_OR_RETURN(const IntList count, context.ints(0));
    return context.output(0, {count[0]});
  }
};
template <bool known>
struct FillSevens {
  using Op = Repeat<known>;
  static Status run(const typename Op::Attributes&, RunContext& context) {
    for (index_t i = 0; i < context.output().elements(); ++i)
      static_cast<float*>(context.output().data)[i] = 7;
    return {};
  }
};
using Kernels =
    KernelList<FillSevens<true>, FillSevens<false>, AddOne<ops::Relu>, portable::Kernel<ops::ShapeOf>>;

TEST(Infer, ShapesFollowTheInputs) {
  ModelBuilder b;
  b.output(b.node<ops::Relu>("y", {}, {b.node<ops::Relu>("r", {}, {b.input("x", DType::f32, {-2, 3})})}));
  b.symbol("n");
  BarePlan p(b, Kernels::entries);
  ASSERT_TRUE(p.infer({{4, 3}}).ok());
  EXPECT_EQ(p.result(1).shape, (Shape{4, 3}));
  EXPECT_EQ(p.result(1).bytes, 48U);
  EXPECT_EQ(p.result(1).pitch, 3);
  EXPECT_EQ(p.result(1).extent, Extent::exact);
  EXPECT_FALSE(p.node(1).varies());
  EXPECT_FALSE(p.planning.variable);
}

TEST(Infer, BoundsAndUnknownShapesAreHandedOn) {
  ModelBuilder b;
  const int count = b.input("count", DType::s64, {1});
  b.output(b.node<ops::Relu>("a", {}, {b.node<Repeat<false>>("some", {}, {count})}));
  b.output(b.node<ops::Relu>("b", {}, {b.node<Repeat<true>>("repeat", {}, {count})}));
  BarePlan p(b, Kernels::entries);
  ASSERT_TRUE(p.infer({{1}}).ok());
  EXPECT_EQ(p.result(0).extent, Extent::at_most);
  EXPECT_FALSE(p.node(0).varies()) << "its inputs are exact";
  EXPECT_EQ(p.result(1).extent, Extent::at_most);
  EXPECT_EQ(p.result(1).shape, (Shape{10}));
  EXPECT_TRUE(p.node(1).varies());
  for (const std::int32_t n : {2, 3}) {
    EXPECT_EQ(p.result(n).extent, Extent::unknown) << n;
    EXPECT_EQ(p.result(n).bytes, 0U) << n;
    EXPECT_TRUE(p.node(n).varies()) << n;
    EXPECT_TRUE(runtime::unknown_until_run(p.plan, p.node(n))) << n;
    EXPECT_FALSE(runtime::laid_out(p.plan, p.node(n))) << n;
  }
  EXPECT_TRUE(p.planning.variable);
}

TEST(Infer, WhatPlanningMayKnowIsComputedAtOnce) {
  ModelBuilder b;
  const int x = b.input("x", DType::f32, {2, 3});
  const int shape = b.node<ops::ShapeOf>("shape", {}, {x}, DType::s64);
  b.output(b.node<Repeat<true>>("y", {}, {b.constant<std::int64_t>({1}, {5})}));
  b.output(shape);
  b.output(b.node<ops::Relu>("z", {}, {x}));
  BarePlan p(b, Kernels::entries);
  const runtime::Fit fit = p.infer({{2, 3}});
  ASSERT_TRUE(fit.ok()) << fit.status().text();
  EXPECT_TRUE(p.node(0).early);
  EXPECT_EQ(static_cast<const std::int64_t*>(p.result(0).contents)[1], 3);
  EXPECT_TRUE(p.node(1).early);
  EXPECT_EQ(static_cast<const float*>(p.result(1).contents)[4], 7);
  EXPECT_FALSE(p.node(2).early) << "x is not there yet";
}

TEST(Infer, LargeResultsAreLeftToRuns) {
  ModelBuilder b;
  const auto most = static_cast<std::int64_t>(runtime::max_early_bytes / sizeof(float));
  b.output(b.node<Repeat<true>>("small", {}, {b.constant<std::int64_t>({1}, {most})}));
  b.output(b.node<Repeat<true>>("large", {}, {b.constant<std::int64_t>({1}, {most + 1})}));
  BarePlan p(b, Kernels::entries);
  ASSERT_TRUE(p.infer({}).ok());
  EXPECT_TRUE(p.node(0).early);
  EXPECT_FALSE(p.node(1).early);
}

TEST(Infer, SaysWhichNodeRefuses) {
  ModelBuilder b;
  const int x = b.input("x", DType::f32, {2});
  b.output(b.node<ops::Relu>("r", {}, {x}));
  b.output(b.node<Repeat<true>>("y", {}, {b.constant<std::int64_t>({1}, {-1})}));
  BarePlan p(b, Kernels::entries);
  const Status status = p.infer({{2}}).status();
  EXPECT_EQ(status.code(), Code::shape);
  EXPECT_EQ(status.node(), 1);
}

}  // namespace
}  // namespace lithe::test
