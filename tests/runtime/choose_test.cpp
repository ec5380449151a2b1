// SPDX-License-Identifier: Apache-2.0
#include "lithe/runtime/choose.hpp"

#include <gtest/gtest.h>

#include <cstdint>
#include <string_view>

#include "lithe/core/half.hpp"
#include "lithe/ops/binary.hpp"
#include "lithe/ops/unary.hpp"
#include "tests/support/bare_plan.hpp"

namespace lithe::test {
namespace {

/// Takes tensors of so many elements, and more.
template <int least>
struct From : AddOne<ops::Relu> {
  static constexpr const char* name = least == 4 ? "from 4" : "from 2";
  static bool supports(const Op::Attributes&, const NodeInfo& node) {
    return node.input(0).shape.elements() >= least;
  }
};
using Kernels = KernelList<From<4>, From<2>>;

ModelBuilder relu() {
  ModelBuilder b;
  b.output(b.node<ops::Relu>("y", {}, {b.input("x", DType::f32, {b.symbol("n")})}));
  return b;
}

std::string_view name_of(const runtime::NodeKernel& kernel) {
  return kernel.entry == nullptr ? std::string_view("none") : kernel.entry->name;
}

TEST(Choose, TheFirstKernelOfTheListThatSupportsTheNode) {
  for (const index_t elements : {4, 2}) {
    BarePlan p(relu(), Kernels::entries);
    ASSERT_TRUE(p.infer({{elements}}).ok());
    ASSERT_TRUE(choose(p.planning, p.plan).ok());
    EXPECT_EQ(name_of(p.node(0).kernel), elements == 4 ? "from 4" : "from 2");
    EXPECT_NE(p.node(0).kernel.object, nullptr);
    EXPECT_EQ(name_of(p.node(0).fallback), "none") << "shapes are fixed";
  }
  BarePlan p(relu(), Kernels::entries);
  ASSERT_TRUE(p.infer({{1}}).ok());
  const Status status = choose(p.planning, p.plan).status();
  EXPECT_EQ(status.code(), Code::unsupported);
  EXPECT_EQ(status.node(), 0);
}

TEST(Choose, AnotherKernelStandsByWhereShapesMayChange) {
  BarePlan p(relu(), Kernels::entries);
  ASSERT_TRUE(p.infer({{4}}).ok());
  p.planning.variable = true;
  ASSERT_TRUE(choose(p.planning, p.plan).ok());
  EXPECT_EQ(name_of(p.node(0).kernel), "from 4");
  EXPECT_EQ(name_of(p.node(0).fallback), "from 2");
  for (const index_t elements : {3, 4, 2}) {
    p.shape_input(0, {elements});
    ASSERT_TRUE(select(p.services, p.plan).ok());
    EXPECT_EQ(name_of(p.node(0).kernel), elements == 4 ? "from 4" : "from 2");
  }
  p.shape_input(0, {1});
  EXPECT_TRUE(select(p.services, p.plan).replans())
      << "another list of kernels is of no use, another plan may be";
}

/// Reads its second input in create, or in every run.
template <bool packs>
struct AddConstant : AddOne<ops::Add> {
  static constexpr std::uint32_t packed_inputs = packs ? 0b10 : 0;
};

TEST(Choose, ConstantsOfALoweredTypeAreWidenedForKernelsThatReadThem) {
  ModelBuilder b;
  const int one = b.constant<half>({2}, {half(1.0F), half(-0.5F)});
  b.output(b.node<ops::Add>("y", {}, {b.input("x", DType::f16, {2}), one}, DType::f16));
  const auto constant = [&](std::span<const KernelEntry> kernels) {
    BarePlan p(b, kernels);
    EXPECT_TRUE(p.infer({{2}}).ok());
    EXPECT_TRUE(choose(p.planning, p.plan).ok());
    const runtime::PlanValue& v = p.plan.value(p.node(0).input_ids()[1]);
    if (!v.widen) {
      EXPECT_EQ(static_cast<const float*>(v.contents)[1], -0.5F);
    }
    return v.widen;
  };
  EXPECT_TRUE(constant(KernelList<AddConstant<true>>::entries));
  EXPECT_FALSE(constant(KernelList<AddConstant<false>>::entries));
}

TEST(Choose, WidensBothHalfPrecisionTypes) {
  const half h[] = {half(1.5F), half(-2.0F)};
  const bfloat16 f[] = {bfloat16(1.5F), bfloat16(-2.0F)};
  for (const auto& [dtype, source] : {std::pair<DType, const void*>{DType::f16, h}, {DType::bf16, f}}) {
    float wide[2] = {};
    runtime::widen(dtype, source, wide, 2);
    EXPECT_EQ(wide[0], 1.5F);
    EXPECT_EQ(wide[1], -2.0F);
  }
}

}  // namespace
}  // namespace lithe::test
