// SPDX-License-Identifier: Apache-2.0
#include "lithe/ops/if.hpp"

#include "tests/support/op_test.hpp"
#include "tests/support/test_subgraphs.hpp"

namespace lithe::test {
namespace {

/// A subgraph whose only output has this shape and is filled with a number.
TestSubgraph filled(const Shape& shape, double value, DType dtype = DType::f32, bool at_most = false) {
  return {[=](std::span<const InferContext::Input>, std::span<InferContext::Output> outputs) {
            outputs[0].dtype = dtype;
            outputs[0].shape = shape;
            outputs[0].extent = at_most ? Extent::at_most : Extent::exact;
            return Status{};
          },
          [=](std::span<const TensorView>) {
            ReferenceTensor result(shape);
            for (double& v : result.values) v = value;
            return std::vector<StoredTensor>{{dtype, result}};
          }};
}

auto fills(const Shape& shape, double value) {
  return [=](const std::vector<ReferenceTensor>&) {
    ReferenceTensor result(shape);
    for (double& v : result.values) v = value;
    return result;
  };
}

InferResult inferred(const TestSubgraph& then_branch, const TestSubgraph& else_branch, Input condition) {
  TestSubgraphs branches({then_branch, else_branch});
  return OpTest<ops::If>{}.subgraphs(&branches, &branches).infer({std::move(condition)});
}

TEST(If, AKnownConditionDecidesTheShape) {
  const auto a = filled({2, 3}, 1), b = filled({4}, 2);
  EXPECT_EQ(inferred(a, b, Input::scalar(1).known()), (Shape{2, 3}));
  EXPECT_EQ(inferred(a, b, Input::scalar(0).known()), (Shape{4}));
  EXPECT_FALSE(inferred(a, b, Input::scalar(0).known()).at_most.at(0));
  EXPECT_TRUE(inferred(a, filled({4}, 2, DType::f32, true), Input::scalar(0).known()).at_most.at(0));
}

TEST(If, AnUnknownConditionGivesWhatFitsBoth) {
  const InferResult same = inferred(filled({2, 3}, 1), filled({2, 3}, 2), {});
  EXPECT_EQ(same, (Shape{2, 3}));
  EXPECT_FALSE(same.at_most.at(0));
  const InferResult bound = inferred(filled({2, 3}, 1), filled({1, 5}, 2), {});
  EXPECT_EQ(bound, (Shape{2, 5}));
  EXPECT_TRUE(bound.at_most.at(0));
  EXPECT_TRUE(inferred(filled({2}, 1), filled({2}, 2, DType::f32, true), {}).at_most.at(0));
  EXPECT_EQ(inferred(filled({2, 3}, 1), filled({6}, 2), {}).code(), Code::needs_value);
}

TEST(If, ASubgraphThatRefusesTheShapesHasNoSay) {
  const auto fitting = filled({2, 3}, 1),
             refusing = TestSubgraph{[](auto, auto) { return Status{Code::shape, "refused"}; }, nullptr};
  for (const InferResult& result : {inferred(fitting, refusing, {}), inferred(refusing, fitting, {})}) {
    EXPECT_EQ(result, (Shape{2, 3}));
    EXPECT_FALSE(result.at_most.at(0));
  }
  EXPECT_EQ(inferred(refusing, refusing, {}).code(), Code::shape);
  EXPECT_EQ(inferred(fitting, refusing, Input::scalar(0).known()).code(), Code::shape);
}

TEST(If, Refuses) {
  const auto a = filled({2}, 1),
             late = TestSubgraph{[](auto, auto) { return Status{Code::needs_value, "late"}; }, nullptr};
  EXPECT_EQ(inferred(a, a, Input{2}).code(), Code::shape);
  EXPECT_EQ(inferred(a, filled({2}, 1, DType::f16), {}).code(), Code::dtype);
  EXPECT_EQ(inferred(a, late, {}).code(), Code::needs_value);
  EXPECT_EQ(inferred(a, late, Input::scalar(1).known()), (Shape{2}));
  EXPECT_EQ(OpTest<ops::If>{}.infer({{}}).code(), Code::unsupported);
}

TEST(If, RunsTheBranchThatTheConditionNames) {
  TestSubgraphs same({filled({2, 3}, 1), filled({2, 3}, 2)}), bound({filled({2, 3}, 1), filled({1, 5}, 2)}),
      ranks({filled({2, 3}, 1), filled({6}, 2)});
  OpTest<ops::If>{}.subgraphs(&same, &same).matches(fills({2, 3}, 1), {Input::scalar(1)});
  OpTest<ops::If>{}.subgraphs(&same, &same).matches(fills({2, 3}, 2), {Input::scalar(0)});
  OpTest<ops::If>{}.subgraphs(&bound, &bound).matches(fills({2, 3}, 1), {Input::scalar(1)});
  OpTest<ops::If>{}.subgraphs(&bound, &bound).matches(fills({1, 5}, 2), {Input::values({1}, {0})});
  OpTest<ops::If>{}.subgraphs(&ranks, &ranks).matches(fills({6}, 2), {Input::scalar(0).known()});
  EXPECT_GT(same.calls(), 0);
}

TEST(If, BranchesGetTheCapturedValuesInOrder) {
  const auto difference = [](bool swap) {
    return TestSubgraph{
        [](std::span<const InferContext::Input> inputs, std::span<InferContext::Output> outputs) {
          if (inputs.size() != 2) return Status{Code::invalid_model, "two inputs"};
          outputs[0].dtype = inputs[0].tensor.dtype;
          outputs[0].shape = inputs[0].tensor.shape;
          outputs[0].extent = Extent::exact;
          return Status{};
        },
        [swap](std::span<const TensorView> inputs) {
          StoredTensor result(DType::f32, inputs[0].shape);
          for (index_t i = 0; i < inputs[0].elements(); ++i) {
            const auto k = static_cast<std::size_t>(i);
            const float a = inputs[0].as<float>()[k], b = inputs[1].as<float>()[k];
            store_value(DType::f32, result.bytes.data(), k, swap ? b - a : a - b);
          }
          return std::vector<StoredTensor>{result};
        }};
  };
  TestSubgraphs branches({difference(false), difference(true)});
  for (double holds : {1.0, 0.0})
    OpTest<ops::If>{}
        .subgraphs(&branches, &branches)
        .matches(
            [&](const std::vector<ReferenceTensor>& in) {
              ReferenceTensor result(in[1].shape);
              for (index_t i = 0; i < 6; ++i)
                result[i] = holds != 0 ? in[1][i] - in[2][i] : in[2][i] - in[1][i];
              return result;
            },
            {Input::scalar(holds), {2, 3}, {2, 3}}, {.tolerance = 1e-6});
}

TEST(If, ABranchThatGivesMoreThanAnnouncedIsStopped) {
  TestSubgraph liar = filled({4}, 1);
  liar.run = filled({400}, 1).run;
  TestSubgraphs branches({liar, liar});
  OpTest<ops::If> op;
  op.subgraphs(&branches, &branches);
  EXPECT_EQ(op.run_code({Input::scalar(1)}), Code::out_of_memory);
  liar.run = filled({4}, 1, DType::s32).run;
  TestSubgraphs others({liar, liar});
  EXPECT_EQ(op.subgraphs(&others, &others).run_code({Input::scalar(1)}), Code::kernel);
}

}  // namespace
}  // namespace lithe::test
