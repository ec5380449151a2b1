// SPDX-License-Identifier: Apache-2.0
#include "lithe/runtime/place.hpp"

#include <gtest/gtest.h>

#include <array>
#include <cstddef>
#include <cstdint>

#include "lithe/ops/unary.hpp"
#include "lithe/runtime/alias.hpp"
#include "lithe/runtime/choose.hpp"
#include "lithe/runtime/create.hpp"
#include "lithe/runtime/point.hpp"
#include "lithe/runtime/reshape.hpp"
#include "tests/support/bare_plan.hpp"

namespace lithe::test {
namespace {

/// Asks for a byte of workspace for each element.
struct Hungry : AddOne<ops::Neg> {
  static Status reshape(const Op::Attributes&, ReshapeContext& context) {
    context.workspace(static_cast<std::size_t>(context.inputs[0].elements()));
    return {};
  }
};
using Kernels = KernelList<AddOne<ops::Relu>, Hungry>;

/// x -> Relu -> Neg, which asks for workspace -> Neg -> y.
class Placed : public BarePlan {
 public:
  explicit Placed(index_t elements) : BarePlan(chain(), Kernels::entries) {
    EXPECT_TRUE(infer({{elements}}).ok());
    EXPECT_TRUE(choose(planning, plan).ok());
    alias(plan);
    EXPECT_TRUE(create(planning, plan).ok());
    EXPECT_TRUE(reshape(planning, plan).ok());
    place(plan);
  }

 private:
  static ModelBuilder chain() {
    ModelBuilder b;
    const int n = b.symbol("n");
    const int r = b.node<ops::Relu>("r", {}, {b.input("x", DType::f32, {n})});
    b.output(b.node<ops::Neg>("y", {}, {b.node<ops::Neg>("m", {}, {r})}));
    return b;
  }
};

TEST(Place, RootsAndWorkspacesHaveBlocks) {
  Placed p(100);
  const runtime::PlanValue& x = p.plan.value(p.plan.inputs()[0]);
  EXPECT_EQ(x.block, -1) << "the caller's";
  ASSERT_GE(p.result(0).block, 0);
  const PlannedBlock& block = p.plan.blocks[static_cast<std::size_t>(p.result(0).block)];
  EXPECT_EQ(block.bytes, 400 + runtime::tensor_slack);
  EXPECT_EQ(block.first, 0);
  EXPECT_EQ(block.last, p.plan.steps()) << "the output lies there too";
  EXPECT_EQ(p.result(1).block, -1) << "computed in place";
  EXPECT_EQ(p.node(0).block, -1) << "asks for nothing";
  for (const std::int32_t n : {1, 2}) {
    const PlannedBlock& workspace = p.plan.blocks[static_cast<std::size_t>(p.node(n).block)];
    EXPECT_EQ(workspace.bytes, 128U);
    EXPECT_EQ(workspace.first, n);
    EXPECT_EQ(workspace.last, n);
  }
  EXPECT_EQ(p.plan.tensor_bytes, align_up(400 + runtime::tensor_slack, 64) + 128)
      << "one workspace after the other";
}

TEST(Place, EmptyValuesNeedNothing) {
  Placed p(0);
  EXPECT_EQ(p.plan.tensor_bytes, 0U);
  EXPECT_TRUE(p.node(0).skip);
}

TEST(Place, SizesDoNotWrapAround) {
  Placed p(100);
  p.node(1).children_bytes = SIZE_MAX - 63;  // with 128 of its own
  place(p.plan);
  EXPECT_GE(p.plan.tensor_bytes, too_large);
}

TEST(Point, EveryViewLiesInItsBlock) {
  Placed p(100);
  alignas(64) std::array<std::byte, 1024> base;
  std::array<float, 104> x{};
  p.plan.value(p.plan.inputs()[0]).data = reinterpret_cast<std::byte*>(x.data());
  ASSERT_LE(p.plan.tensor_bytes, base.size());
  point(p.plan, base.data());
  EXPECT_EQ(p.node(0).inputs[0].data, x.data());
  EXPECT_EQ(p.node(0).outputs[0].data, p.result(0).data);
  EXPECT_EQ(p.node(2).outputs[0].data, p.result(0).data) << "in the storage of its root";
  EXPECT_GE(p.result(0).data, base.data());
  EXPECT_EQ(p.result(0).capacity, 400U);
  EXPECT_EQ(p.node(0).workspace, nullptr);
  EXPECT_EQ(p.node(1).workspace_capacity, 128U);
  EXPECT_GE(p.node(1).workspace, base.data());
  EXPECT_LE(p.node(1).workspace + 128, base.data() + p.plan.tensor_bytes);
}

}  // namespace
}  // namespace lithe::test
