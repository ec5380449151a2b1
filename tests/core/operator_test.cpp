// SPDX-License-Identifier: Apache-2.0
#include "lithe/core/operator.hpp"

#include <gtest/gtest.h>

#include <array>
#include <vector>

namespace lithe::test {
namespace {

using enum DType;

TEST(NameList, OptionalAndVariadic) {
  constexpr NameList fixed{"input", "filter", "bias?"}, many{"inputs..."},
      any_number{"condition", "captured?..."};
  EXPECT_EQ(fixed.required(), 2);
  EXPECT_FALSE(fixed.variadic());
  EXPECT_TRUE(fixed.optional(2));
  EXPECT_FALSE(fixed.optional(3));
  EXPECT_EQ(many.required(), 1);
  EXPECT_TRUE(many.variadic());
  EXPECT_EQ(any_number.required(), 1);
  EXPECT_TRUE(any_number.variadic());
}

bool fits(const TypeRow& row, std::vector<DType> inputs, std::vector<DType> outputs) {
  return matches(row, inputs, outputs);
}

TEST(TypeRow, Matches) {
  const TypeRow conv{{s8, s8, s32}, {s8}};
  EXPECT_TRUE(fits(conv, {s8, s8, s32}, {s8}));
  EXPECT_TRUE(fits(conv, {s8, s8, none}, {s8}));
  EXPECT_TRUE(fits(conv, {s8, s8}, {s8}));
  EXPECT_FALSE(fits(conv, {s8, u8, s32}, {s8}));
  EXPECT_FALSE(fits(conv, {s8, s8, s32}, {f32}));
}

TEST(TypeRow, AnyIsOneAndTheSame) {
  const TypeRow pad{{any, s64, any}, {any}};
  EXPECT_TRUE(fits(pad, {f16, s64, f16}, {f16}));
  EXPECT_FALSE(fits(pad, {f16, s64, f32}, {f16}));
  EXPECT_FALSE(fits(pad, {f16, s64, f16}, {f32}));
  EXPECT_FALSE(fits(pad, {f16, s32, f16}, {f16}));
  const TypeRow cast{{any}, {any_output}};
  EXPECT_TRUE(fits(cast, {f16}, {u8}));
}

TEST(TypeRow, TheLastRepeats) {
  const TypeRow concat{{any}, {any}};
  EXPECT_TRUE(fits(concat, {u8, u8, u8}, {u8}));
  EXPECT_FALSE(fits(concat, {u8, u8, s8}, {u8}));
}

/// A context of one f32 input of shape [2] and one f32 output.
struct OneToOne {
  std::array<InferContext::Input, 1> inputs{{{TensorView(nullptr, DType::f32, {2}), false}}};
  std::array<InferContext::Output, 2> outputs{};
  InferContext context{inputs, outputs, 1000};
  OneToOne() { outputs[0].dtype = DType::f32; }
};

TEST(InferContext, ChecksEveryShapeThatIsSet) {
  OneToOne c;
  EXPECT_EQ(c.context.output(0, {2, 125}).code(), Code::ok);
  EXPECT_EQ(c.outputs[0].extent, Extent::exact);
  EXPECT_EQ(c.context.output(0, {251}).code(), Code::out_of_memory);
  EXPECT_EQ(c.context.output(0, {-1}).code(), Code::shape);
  EXPECT_EQ(c.outputs[0].shape, (Shape{2, 125})) << "what was refused is not kept";
  EXPECT_EQ(c.context.output_at_most(0, {3}).code(), Code::ok);
  EXPECT_EQ(c.outputs[0].extent, Extent::at_most);
  EXPECT_EQ(c.context.output(1, {-1}).code(), Code::ok) << "an absent output is ignored";
  EXPECT_EQ(c.outputs[1].extent, Extent::unknown);
  EXPECT_FALSE(c.context.has(1));
  EXPECT_FALSE(c.context.has_output(7));
}

Result<IntList> ints_of(const TensorView& tensor, bool known = true) {
  const std::array<InferContext::Input, 1> inputs{{{tensor, known}}};
  return InferContext(inputs, {}, 1000).ints(0);
}

TEST(InferContext, ReadsShapeDecidingInputs) {
  const std::array<std::int32_t, 3> narrow{-1, 2, 3};
  const std::array<std::int64_t, 65> wide{INT64_MIN};
  EXPECT_EQ(*ints_of(TensorView(narrow.data(), DType::s32, {3})), (IntList{-1, 2, 3}));
  EXPECT_EQ(*ints_of(TensorView(wide.data(), DType::s64, {})), (IntList{INT64_MIN}));
  EXPECT_EQ(ints_of(TensorView(wide.data(), DType::s64, {64}))->size(), 64);
  EXPECT_EQ(ints_of(TensorView(nullptr, DType::s64, {3}), false).code(), Code::needs_value);
  EXPECT_EQ(ints_of(TensorView(wide.data(), DType::s64, {65})).code(), Code::shape);
  EXPECT_EQ(ints_of(TensorView(wide.data(), DType::s64, {1, 3})).code(), Code::shape);
  EXPECT_EQ(ints_of(TensorView(wide.data(), DType::f32, {3})).code(), Code::dtype);
  EXPECT_EQ(ints_of(TensorView(wide.data(), DType::u64, {3})).code(), Code::dtype);
  EXPECT_EQ(ints_of(TensorView(wide.data(), DType::s4, {3})).code(), Code::dtype);
}

}  // namespace
}  // namespace lithe::test
