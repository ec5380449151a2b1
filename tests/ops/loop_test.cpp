// SPDX-License-Identifier: Apache-2.0
#include "lithe/ops/loop.hpp"

#include "tests/support/op_test.hpp"
#include "tests/support/test_subgraphs.hpp"

/// Shapes and refusals; values are tested with real bodies in tests/session/loop_test.cpp.
namespace lithe::test {
namespace {

/// A body that carries one value and collects one.
TestSubgraph body(const Shape& carried, const Shape& collected, Extent extent = Extent::exact,
                  DType condition = DType::boolean) {
  return {[=](std::span<const InferContext::Input>, std::span<InferContext::Output> outputs) {
            outputs[0] = {condition, Shape{}, nullptr, Extent::exact};
            outputs[1] = {DType::f32, carried, nullptr, Extent::exact};
            outputs[2] = {DType::f32, collected, nullptr, extent};
            return Status{};
          },
          nullptr};
}

InferResult inferred(const ops::Loop::Attributes& attributes, const TestSubgraph& one, Input trips,
                     Input condition, const Shape& initial = {3}) {
  TestSubgraphs bodies({one});
  const Types types{{DType::s64, condition.present() ? DType::boolean : DType::none, DType::f32},
                    {DType::f32, DType::f32}};
  return OpTest<ops::Loop>{attributes}
      .subgraphs(&bodies, &bodies)
      .infer({std::move(trips), std::move(condition), Input(initial)}, types);
}

TEST(Loop, KnownTripsOfACountedLoopGiveExactShapes) {
  const InferResult exact =
      inferred({.carried = 1, .counted = true}, body({3}, {2, 5}), Input::scalar(4).known(), Input::absent());
  EXPECT_EQ(exact.shapes.at(0), (Shape{3}));
  EXPECT_EQ(exact.shapes.at(1), (Shape{4, 2, 5}));
  EXPECT_FALSE(exact.at_most.at(0) || exact.at_most.at(1));
}

TEST(Loop, ABodyThatMayEndTheLoopOnlyBoundsItsLength) {
  for (const bool counted : {false, true}) {
    const InferResult bound = inferred({.carried = 1, .counted = counted}, body({3}, {2, 5}),
                                       Input::scalar(4).known(), Input{Shape{}});
    EXPECT_EQ(bound.shapes.at(1), (Shape{4, 2, 5}));
    EXPECT_FALSE(bound.at_most.at(0));
    EXPECT_TRUE(bound.at_most.at(1));
  }
}

TEST(Loop, WhatOnlyTheDataTellsIsUnknown) {
  const ops::Loop::Attributes a{.carried = 1, .counted = true};
  EXPECT_EQ(inferred(a, body({3}, {2}), Input{Shape{}}, Input::absent()).code(), Code::needs_value);
  EXPECT_EQ(inferred(a, body({6}, {2}), Input::scalar(4).known(), Input::absent()).code(), Code::needs_value);
  EXPECT_EQ(inferred(a, body({3}, {}, Extent::unknown), Input::scalar(4).known(), Input::absent()).code(),
            Code::needs_value);
  EXPECT_EQ(inferred(a, body({3}, {1000}), Input::scalar(1e12).known(), Input::absent()).code(),
            Code::needs_value);
}

TEST(Loop, Refuses) {
  const ops::Loop::Attributes a{.carried = 1, .counted = true};
  const auto one = body({3}, {2});
  EXPECT_EQ(inferred(a, one, Input{Shape{2}}, Input::absent()).code(), Code::shape);
  EXPECT_EQ(inferred(a, one, Input::scalar(1).known(), Input{Shape{2}}).code(), Code::shape);
  EXPECT_EQ(inferred(a, body({3}, {2}, Extent::exact, DType::f32), Input::scalar(1).known(), Input::absent())
                .code(),
            Code::dtype);
  EXPECT_EQ(
      inferred(a, body({3}, {1, 1, 1, 1, 1, 1, 1, 1}), Input::scalar(1).known(), Input::absent()).code(),
      Code::shape);
  for (const std::int32_t carried : {-1, 2, 3})
    EXPECT_EQ(inferred({.carried = carried}, one, Input::scalar(1).known(), Input::absent()).code(),
              Code::invalid_model);
  EXPECT_EQ(OpTest<ops::Loop>{a}.infer({Input::scalar(1), Input::scalar(1), Input{3}}).code(),
            Code::unsupported);
}

}  // namespace
}  // namespace lithe::test
