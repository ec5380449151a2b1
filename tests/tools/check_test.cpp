// SPDX-License-Identifier: Apache-2.0
#include "tools/check/check.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <limits>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "lithe/core/half.hpp"
#include "tests/tools/import_testing.hpp"
#include "tools/check/in_double.hpp"
#include "tools/check/judge.hpp"
#include "tools/check/named_size.hpp"
#include "tools/check/sizes.hpp"
#include "tools/graph/writer.hpp"
#include "tools/import/convert.hpp"
#include "tools/import/io_contract.hpp"
#include "tools/io/tensor_files.hpp"

namespace lithe::check {
namespace {

using namespace test;

constexpr float infinity = std::numeric_limits<float>::infinity(),
                nan = std::numeric_limits<float>::quiet_NaN();

graph::ConstantPtr row(const std::vector<float>& elements) {
  return graph::make_constant<float>({static_cast<index_t>(elements.size())}, elements);
}
graph::ConstantPtr doubles(const std::vector<double>& elements) {
  return graph::make_constant<double>({static_cast<index_t>(elements.size())}, elements);
}

/// "0.1, -0.4, ...": `n` numbers.
std::string weights(int n) {
  std::string text;
  for (int i = 0; i < n; ++i) text += (i == 0 ? "" : ", ") + std::to_string(i * 7 % 11 * 0.1 - 0.5);
  return text;
}
import::Conversion convert_text(const std::string& text, const import::Options& options = {}) {
  const std::string bytes = serialized(text, 17);
  return import::convert(std::as_bytes(std::span(bytes)), "test.onnx", options);
}

graph::Model model_of(const std::string& text) {
  graph::Model model = imported(text, 17);
  import::mark_host_inputs(model);
  return model;
}
Report report_of(const graph::Model& original, const graph::Model& converted, const Options& options = {}) {
  std::vector<graph::SelfTest> tests;
  return check(original, converted, graph::write(converted), options, tests);
}
Report report_of(const std::string& text) {
  const graph::Model model = model_of(text);
  return report_of(model, model);
}
/// Compares the model with itself.
::testing::AssertionResult agrees(const std::string& text) {
  const Report report = report_of(text);
  if (report.verdict == Verdict::agrees) return ::testing::AssertionSuccess();
  return ::testing::AssertionFailure() << name(report.verdict) << ": " << report.reason;
}

TEST(Judge, AnElementIsRightAsNearAsTheToleranceOrFourTimesAWitness) {
  Judge judge(doubles({1, 2, 0.5}), DType::f32, nullptr);
  EXPECT_TRUE(judge.judge(row({1.0001F, 2, 0.5F})->view(), 1e-4).passed());
  const Finding off = judge.judge(row({1, 2, 0.52F})->view(), 1e-4);
  EXPECT_FALSE(off.passed());
  EXPECT_NEAR(off.absolute, 0.02, 1e-6);
  EXPECT_NEAR(off.relative, 0.01, 1e-6);  // the largest |value| is 2
  judge.hear(row({1, 2, 0.506F})->view());
  EXPECT_TRUE(judge.judge(row({1, 2, 0.52F})->view(), 1e-4).passed());
  EXPECT_FALSE(judge.judge(row({1.02F, 2, 0.5F})->view(), 1e-4).passed())
      << "a witness speaks of its own element";
  EXPECT_FALSE(judge.judge(row({1, 2, 0.53F})->view(), 1e-4).passed());
}

TEST(Judge, WhereTheTruthIsNanNothingIsSaid) {
  const Judge judge(doubles({1, nan}), DType::f32, nullptr), silent(doubles({nan, nan}), DType::f32, nullptr),
      strict(doubles({1, nan}), DType::f32, nullptr, true);
  EXPECT_TRUE(judge.judge(row({1, 7})->view(), 1e-4).passed());
  EXPECT_TRUE(judge.judge(row({1, 7})->view(), 1e-4).said);
  EXPECT_FALSE(judge.judge(row({nan, 7})->view(), 1e-4).passed());
  EXPECT_FALSE(silent.judge(row({1, 7})->view(), 1e-4).said);
  EXPECT_FALSE(strict.judge(row({1, 7})->view(), 1e-4).passed());
  EXPECT_TRUE(strict.judge(row({1, nan})->view(), 1e-4).passed());
}

TEST(Judge, TheTypeOfTheOutputBoundsTheTruth) {
  const Judge judge(doubles({1e39, 1}), DType::f32, nullptr);
  EXPECT_TRUE(judge.judge(row({infinity, 1})->view(), 1e-4).passed());
  EXPECT_EQ(judge.judge(row({-infinity, 1})->view(), 1e-4).mismatch, "element 0 is -inf instead of inf");
}

TEST(Judge, WhereTheOriginalOverflowsBothAreRight) {
  Judge judge(doubles({1, 2}), DType::f32, nullptr);
  EXPECT_FALSE(judge.judge(row({infinity, 2})->view(), 1e-4).passed());
  judge.hear(row({infinity, 2})->view());
  EXPECT_TRUE(judge.judge(row({infinity, 2})->view(), 1e-4).passed());
  EXPECT_TRUE(judge.judge(row({1, 2})->view(), 1e-4).passed());
  EXPECT_FALSE(judge.judge(row({1, infinity})->view(), 1e-4).passed());
}

TEST(Judge, IntegersAndShapesAreTheTruthsUnlessAWitnessHasOthers) {
  const auto integers = [](std::vector<std::int64_t> elements) {
    return graph::make_constant<std::int64_t>({static_cast<index_t>(elements.size())}, elements);
  };
  Judge judge(integers({3, 4}), DType::s64, nullptr);
  EXPECT_TRUE(judge.judge(integers({3, 4})->view(), 1e-4).passed());
  EXPECT_EQ(judge.judge(integers({3, 9})->view(), 1e-4).mismatch, "element 1 is 9 instead of 4");
  EXPECT_EQ(judge.judge(integers({3})->view(), 1e-4).mismatch, "has shape [1] instead of [2]");
  EXPECT_EQ(judge.judge(row({3, 4})->view(), 1e-4).mismatch, "is f32 instead of s64");
  judge.hear(integers({3, 5})->view());
  EXPECT_TRUE(judge.judge(integers({3, 5})->view(), 1e-4).passed());
  EXPECT_FALSE(judge.judge(integers({3, 9})->view(), 1e-4).passed()) << "no witness has it";
  for (const std::int64_t scattered : {6, 7, 8}) judge.hear(integers({3, scattered})->view());
  EXPECT_TRUE(judge.judge(integers({3, 9})->view(), 1e-4).passed());
  EXPECT_FALSE(judge.judge(integers({2, 4})->view(), 1e-4).passed());
  judge.hear(integers({3, 4, 5})->view());
  EXPECT_TRUE(judge.judge(integers({3})->view(), 1e-4).passed());
}

TEST(InDouble, EveryFloatIsWideAndCastsStillRound) {
  const graph::Model model = in_double(
      model_of("g (float[4] x, int64[2] i) => (float[2] y, float16[4] z) <float[4] w = {1, 2, 3, 4}> "
               "{ a = Mul(x, w)\n z = Cast <to = 10> (a)\n b = Cast <to = 1> (z)\n y = Gather(b, i) }"));
  const graph::Graph& g = model.graphs[0];
  EXPECT_EQ(g.value(g.inputs[0]).dtype, DType::f32);
  EXPECT_EQ(g.value(g.inputs[0]).name, "x");
  EXPECT_EQ(g.value(g.inputs[1]).dtype, DType::s64);
  for (const graph::ValueId output : g.outputs) EXPECT_EQ(g.value(output).dtype, DType::f64);
  int halves = 0;
  for (const graph::Node& node : g.nodes)
    for (const graph::ValueId v : node.outputs) {
      EXPECT_NE(g.value(v).dtype, DType::f32) << node.op;
      halves += g.value(v).dtype == DType::f16 ? 1 : 0;
    }
  EXPECT_EQ(halves, 1);
}

TEST(InDouble, OperatorsWithoutDoublesKeepTheirTypes) {
  const graph::Model model =
      in_double(model_of("g (float[4] x) => (float[4] y) <float s = {0.5}, int8 z = {0}> "
                         "{ q = QuantizeLinear(x, s, z)\n d = DequantizeLinear(q, s, z)\n y = Relu(d) }"));
  for (const graph::Node& node : model.graphs[0].nodes) {
    const DType first = model.graphs[0].value(node.inputs[0]).dtype;
    if (node.op == "QuantizeLinear") {
      EXPECT_EQ(first, DType::f32);
    }
    if (node.op == "Relu") {
      EXPECT_EQ(first, DType::f64);
    }
  }
}

TEST(InDouble, WhatConstantsDecideIsComputedOnce) {
  const graph::Model model = in_double(
      model_of("g (float[2] x) => (float[2] y) <float[2] w = {1, 2}> { a = Exp(w)\n y = Mul(x, a) }"));
  for (const graph::Node& node : model.graphs[0].nodes) EXPECT_NE(node.op, "Exp");
}

TEST(Check, ADifferenceIsFoundAndPlaced) {
  graph::Model original =
      imported("g (float[4] x) => (float[4] y) <float[4] w = {1, 2, 3, 4}> { y = Add(x, w) }", 17);
  graph::Model changed =
      imported("g (float[4] x) => (float[4] y) <float[4] w = {1, 2, 3, 4.01}> { y = Add(x, w) }", 17);
  std::vector<graph::SelfTest> tests;
  EXPECT_EQ(check(original, original, graph::write(original), {}, tests).verdict, Verdict::agrees);
  const Report report = check(original, changed, graph::write(changed), {}, tests);
  EXPECT_EQ(report.verdict, Verdict::differs);
  ASSERT_NE(report.worst(), nullptr);
  EXPECT_FALSE(report.worst()->passed);
  EXPECT_EQ(report.worst()->output, "y");
  EXPECT_NEAR(report.worst()->absolute, 0.01, 1e-4);
}

TEST(Check, ModelsThatNeedLargeInputsAreTriedAtLargeSizes) {
  const import::Conversion result =
      convert_text("g (float[1,1,H,12] x) => (float[1,1,K,1] y) <float[1,1,12,12] w = {" + weights(144) +
                   "}> { y = Conv(x, w) }");
  ASSERT_FALSE(result.check.cases.empty());
  EXPECT_EQ(result.check.cases[0].shapes, "H=16");
  EXPECT_FALSE(result.check.notes.empty());
}

/// One step of attention: the mask is as long as the past and the present are together.
TEST(Check, SymbolsThatDependOnEachOtherAreFound) {
  const import::Conversion result = convert_text(
      "g (float[n,past,4] keys, float[n,3,4] key, float[n,total] mask) => (float[n,total,4] y) <int64[1] "
      "last = {2}> "
      "{ all = Concat <axis = 1> (keys, key)\n column = Unsqueeze(mask, last)\n y = Add(all, column) }");
  EXPECT_EQ(result.check.verdict, Verdict::agrees);
  ASSERT_FALSE(result.check.cases.empty());
  EXPECT_EQ(result.check.cases.back().shapes, "n=7, past=7, total=10");
}

/// The same where only the contents of an index tell that the mask is too short.
TEST(Check, SymbolsThatIndicesDependOnAreFound) {
  const import::Conversion result = convert_text(
      "g (float[past,4] keys, float[1,4] key, float[total] mask) => (float[K,4] y) <int64 zero = {0}, int64 "
      "one = {1}, int64[1] last = {1}> "
      "{ all = Concat <axis = 0> (keys, key)\n shape = Shape(all)\n length = Gather(shape, zero)\n places = "
      "Range(zero, length, one)\n "
      "chosen = Gather(mask, places)\n column = Unsqueeze(chosen, last)\n y = Add(all, column) }");
  EXPECT_EQ(result.check.verdict, Verdict::agrees);
  ASSERT_FALSE(result.check.cases.empty());
  EXPECT_EQ(result.check.cases.back().shapes, "past=7, total=8");
  for (const std::string& note : result.check.notes) EXPECT_FALSE(mentions(note, "outside")) << note;
}

TEST(Check, NamesThatComputeSizesAreBelieved) {
  graph::Model model;
  model.symbols = {{.name = "batch"},
                   {.name = "past"},
                   {.name = "past + 1"},
                   {.name = "2*(h // 4)"},
                   {.name = "past + 2", .max = 9}};
  EXPECT_EQ(settings(model), (std::vector<Sizes>{{1, 1, 2, 1, 1}, {2, 2, 3, 1, 1}, {7, 7, 8, 2, 9}}));
}

TEST(Check, SizesInNamesAreExpressionsOrNothing) {
  const auto size = [](std::string_view name) { return static_cast<std::uint64_t>(name == "past" ? 5 : 3); };
  const std::pair<const char*, int> cases[] = {{"past + 1", 6},   {"past_length + sequence.length", 6},
                                               {"2*past - 1", 9}, {"(s0//2) * (past+ 1)", 6},
                                               {"past", -1},      {"12", -1},
                                               {"", -1},          {"past +", -1},
                                               {"past - 9", -1},  {"past / 0", -1},
                                               {"a b", -1},       {"unk__3 + (1", -1},
                                               {"image:2", -1},   {"99999999999999999999 + 1", -1},
                                               {"Max(1, s0)", -1}};
  for (const auto& [name, wanted] : cases)
    EXPECT_EQ(named_size(name, size), wanted < 0 ? std::nullopt : std::optional<std::uint64_t>(wanted))
        << name;
  EXPECT_EQ(named_size(std::string(100000, '(') + "a + 1", size), std::nullopt);
}

TEST(Check, ShapesThatLeaveNothingMayBeRefused) {
  const import::Conversion result = convert_text(
      "g (float[1,2,H,12] x) => (float[1,3,1,1] y) <float[3,2,3,3] w = {" + weights(54) +
      "}, float s = {0.05}, int8 z = {0}> "
      "{ a = QuantizeLinear(x, s, z)\n b = DequantizeLinear(a, s, z)\n c = Conv(b, w)\n"
      "  d = QuantizeLinear(c, s, z)\n e = DequantizeLinear(d, s, z)\n f = GlobalAveragePool(e)\n"
      "  g = QuantizeLinear(f, s, z)\n y = DequantizeLinear(g, s, z) }");
  ASSERT_EQ(result.check.cases.size(), 3U);
  EXPECT_EQ(result.check.cases[0].shapes, "H=7");
  ASSERT_EQ(result.check.notes.size(), 2U);
  EXPECT_TRUE(mentions(result.check.notes[1], "H=2: "));
  EXPECT_TRUE(mentions(result.check.notes[1], "an integer mean of no elements"));
}

TEST(Check, WhatTakesLongIsComparedLessAndSaysSo) {
  graph::Model model =
      imported("g (float[N,16] x, float[16,8] w) => (float[N,8] y) { y = MatMul(x, w) }", 17);
  const auto report = [&](std::uint64_t work) {
    std::vector<graph::SelfTest> tests;
    return check(model, model, graph::write(model), {.work = work}, tests);
  };
  EXPECT_EQ(report(1 << 20).cases.size(), 9U);
  // a case costs three inferences of 280 (N=1) or 432 multiply-adds and elements
  const Report less = report(std::uint64_t{3} * (3 * 280 + 432));  // all three at N=1, one at N=2
  ASSERT_EQ(less.cases.size(), 4U);
  EXPECT_EQ(less.cases[3].contents, "random");
  ASSERT_EQ(less.notes.size(), 2U);
  EXPECT_TRUE(mentions(less.notes[0], "N=2: not compared with zero and large inputs"));
  EXPECT_TRUE(mentions(less.notes[1], "N=7: not compared"));
  EXPECT_EQ(report(0).cases.size(), 1U);
  for (graph::Symbol& s : model.symbols) {
    s.min = 1;
    s.opt = 2;
    s.max = 7;
  }
  EXPECT_EQ(report(0).cases.size(), 3U) << "sizes that were asked for";
}

/// The same model, where each element of its constants is off by up to `by` of itself.
graph::Model disturbed(graph::Model model, float by) {
  for (graph::Value& v : model.graphs[0].values) {
    if (!v.constant || v.constant->dtype != DType::f32) continue;
    std::vector<float> elements(v.constant->as<float>().begin(), v.constant->as<float>().end());
    for (std::size_t i = 0; i < elements.size(); ++i)
      elements[i] *= 1 + by * (static_cast<float>(i * 5 % 7) / 3 - 1);
    v.constant = graph::make_constant<float>(v.constant->shape, elements);
  }
  return model;
}

TEST(Check, LargeInputsMayTurnRoundingIntoAnErrorButNothingMore) {
  std::string tens = "10";
  for (int i = 1; i < 64; ++i) tens += ", 10";
  const graph::Model original = imported(
      "g (float[64] x) => (float[64] y) <float[64] w = {" + tens + "}> { a = Mul(x, w)\n y = Sin(a) }", 17);
  const auto cases = [&](float by) {
    std::vector<graph::SelfTest> tests;
    const graph::Model other = disturbed(original, by);
    return check(original, other, graph::write(other), {}, tests).cases;
  };
  const auto rounded = cases(1e-6f), wrong = cases(1e-4f);
  ASSERT_EQ(rounded.size(), 3u);
  EXPECT_EQ(rounded[0].tolerance, 1e-4);  // random
  EXPECT_GT(rounded[2].relative, 1e-4);   // large
  EXPECT_TRUE(rounded[2].passed) << rounded[2].relative << " over " << rounded[2].tolerance;
  EXPECT_FALSE(wrong[0].passed) << wrong[0].relative;
  EXPECT_FALSE(wrong[2].passed) << wrong[2].relative << " over " << wrong[2].tolerance;
}

/// The cases of a model with constant `w` against the same with another.
std::vector<Case> cases_of(const std::string& head, const std::string& body, const std::string& w,
                           const std::string& other) {
  const graph::Model original = imported(head + " <float[2] w = {" + w + "}> " + body, 17),
                     changed = imported(head + " <float[2] w = {" + other + "}> " + body, 17);
  std::vector<graph::SelfTest> tests;
  return check(original, changed, graph::write(changed), {}, tests).cases;
}
bool all_passed(const std::vector<Case>& cases) {
  return cases.size() == 3 && std::all_of(cases.begin(), cases.end(), [](auto& c) { return c.passed; });
}

TEST(Check, RoundingMayTakeAStepOverAnEdge) {
  const std::string head = "g (float[8,2] x) => (float[8,2] y)",
                    body = "{ s = Sigmoid(x)\n a = Sigmoid(s)\n b = Mul(a, w)\n y = Ceil(b) }";
  EXPECT_TRUE(all_passed(cases_of(head, body, "1.2e-38, 1", "0, 1"))) << "below the smallest normal number";
  EXPECT_FALSE(all_passed(cases_of(head, body, "1e-30, 1", "0, 1")));
  EXPECT_FALSE(all_passed(cases_of(head, body, "0.5, 1", "2.5, 1")));
}

TEST(Check, WhatIsQuantizedMayBeRoundedAtOtherPlaces) {
  const std::string head = "g (float[64] x) => (float[64] y) <float s = {0.1}, int8 z = {0}, float k = {8}",
                    quantizes = "{ q = QuantizeLinear(x, s, z)\n d = DequantizeLinear(q, s, z)\n ",
                    moves = "a = Mul(d, k)\n y = Sin(a) }";
  const graph::Model original = model_of(head + "> " + quantizes + moves),
                     other = model_of(head + ", float t = {0.13}> { q = QuantizeLinear(x, t, z)\n " +
                                      "d = DequantizeLinear(q, t, z)\n " + moves),
                     wrong = model_of(head + "> " + quantizes + "n = Neg(d)\n a = Mul(n, k)\n y = Sin(a) }");
  const Report right = report_of(original, other);
  EXPECT_EQ(right.verdict, Verdict::agrees);
  EXPECT_GT(right.worst()->relative, right.tolerance);
  EXPECT_EQ(report_of(original, wrong).verdict, Verdict::differs);
}

TEST(Check, RoundingMayDecideBetweenEquals) {
  const std::string head = "g (float[64,2] x) => (int64[64,1] y)",
                    body = "{ a = Add(x, w)\n y = ArgMax <axis = 1> (a) }";
  const auto rounded = cases_of(head, body, "1, 1.0000001", "1.0000002, 1");
  EXPECT_TRUE(all_passed(rounded)) << rounded[1].mismatch;
  EXPECT_FALSE(all_passed(cases_of(head, body, "1, 1", "1.5, 1")));
}

TEST(Check, ConstantImagesMayMissTheirMean) {
  const import::Conversion result = convert_text(
      "g (float[1,2,5,6] x) => (float[1,2,5,6] y) <float c = {0.1}> "
      "{ a = Abs(x)\n b = Add(a, c)\n d = Reciprocal(b)\n y = MeanVarianceNormalization(d) }");
  ASSERT_EQ(result.check.cases.size(), 3U);
  EXPECT_TRUE(result.check.cases[1].passed) << result.check.cases[1].contents;
}

TEST(Check, LargeInputsMayTurnRoundingToF16IntoAnErrorToo) {
  const import::Conversion result =
      convert_text("g (float[64] x) => (float[64] y) <float w = {10.002}> { a = Mul(x, w)\n y = Sin(a) }",
                   {.weights = import::Weights::f16});
  ASSERT_EQ(result.check.cases.size(), 3u);
  EXPECT_EQ(result.check.cases[0].tolerance, 1e-2);  // random
  EXPECT_GT(result.check.cases[2].relative, 1e-2);   // large
}

TEST(Check, IndicesAreAsLargeAsTheirTable) {
  EXPECT_TRUE(agrees("g (float[40,3] table, int64[2,5] i) => (float[2,5,3] y) { y = Gather(table, i) }"));
  EXPECT_TRUE(
      agrees("g (float[2,3] table, int64[4] i) => (float[4,3] y) <int64 two = {2}> "
             "{ j = Add(i, two)\n y = Gather(table, j) }"))
      << "back through what is added to them";
  EXPECT_TRUE(agrees("g (float[2,3] x, int64[5,2] i) => (float[5] y) { y = GatherND(x, i) }"));
  EXPECT_TRUE(
      agrees("g (float[3,2] x, int64[1,2] i, float[1,2] u) => (float[3,2] y) "
             "{ y = ScatterElements <axis = 0> (x, i, u) }"));
}

TEST(Check, DivisorsAreNotZero) {
  EXPECT_TRUE(agrees("g (int64[64] a, int64[64] b) => (int64[64] y) { y = Div(a, b) }"));
  EXPECT_TRUE(
      agrees("g (int32[64] a, int32[8,8] b) => (int32[64] y) <int64[1] s = {-1}> "
             "{ c = Reshape(b, s)\n y = Mod(a, c) }"));
}

TEST(Check, MasksAreZeroOrOne) {
  const Report report = report_of(
      "g (float[2,3,4] x, int64[2,4] mask) => (float[2,3,4] y) "
      "<float one = {1}, float lowest = {-3.4028235e38}, int64[1] axes = {1}> "
      "{ m = Unsqueeze(mask, axes)\n f = Cast <to = 1> (m)\n a = Sub(one, f)\n b = Mul(a, lowest)\n"
      "  c = Add(x, b)\n y = Softmax(c) }");
  EXPECT_EQ(report.verdict, Verdict::agrees) << report.reason;
  ASSERT_FALSE(report.cases.empty());
  EXPECT_EQ(report.cases[0].contents, "random");
}

TEST(Check, SizesAndAxesGivenAsInputsFitTheirReader) {
  EXPECT_TRUE(
      agrees("g (float[6,2] x, int64[3] s) => (float[a,2] p, float[b,2] q, float[c,2] r) "
             "{ p, q, r = Split <axis = 0> (x, s) }"));
  EXPECT_TRUE(agrees("g (float[4,5] x, int64[2] axes) => (float[a,b] y) { y = ReduceSum(x, axes) }"));
  EXPECT_TRUE(agrees("g (float[4,1,5] x, int64[1] axes) => (float[a,b] y) { y = Squeeze(x, axes) }"));
  EXPECT_TRUE(agrees("g (float[4,5] x, int64[2] axes) => (float[a,b,c,d] y) { y = Unsqueeze(x, axes) }"));
  EXPECT_TRUE(agrees("g (float[4,6] x, int64[3] s) => (float[a,b,c] y) { y = Reshape(x, s) }"));
  EXPECT_TRUE(agrees("g (float[4,6] x, int64[2] s, int64[2] e) => (float[a,b] y) { y = Slice(x, s, e) }"));
  EXPECT_TRUE(agrees("g (float[4,6] x, int64[3] s) => (float[a,b,c] y) { y = Expand(x, s) }"));
}

TEST(Check, ZeroSizedDimsStayZero) {
  EXPECT_TRUE(
      agrees("g (float[3,0] x) => (float[3] y) <int64[1] axes = {1}> "
             "{ y = ReduceSum <keepdims = 0> (x, axes) }"));
}

TEST(Check, InputsLieWhereTheNetworkNormalizesThem) {
  const std::string head =
      "g (float[8,2] x) => (float[8,2] y) <float[2] mean = {101325, -7000}, float[2] sd = {10, 3}> ";
  const graph::Model original = model_of(head + "{ a = Sub(x, mean)\n y = Div(a, sd) }");
  const graph::Model folded = imported(  // x / sd - mean / sd, which loses digits at 101325
      "g (float[8,2] x) => (float[8,2] y) <float[2] k = {0.1, 0.33333334}, float[2] b = {10132.5, "
      "-2333.3333}> "
      "{ a = Mul(x, k)\n y = Sub(a, b) }",
      17);
  EXPECT_EQ(report_of(original, original).verdict, Verdict::agrees);
  const Report report = report_of(original, folded);
  EXPECT_EQ(report.verdict, Verdict::differs);
  EXPECT_GT(report.worst()->relative, 1e-4);
}

TEST(Check, ZerosCountUnlessTheInputsLieElsewhere) {
  const auto zeros_count = [](const std::string& text) {
    const Report report = report_of(text);
    const auto zeros = std::find_if(report.cases.begin(), report.cases.end(),
                                    [](const Case& c) { return c.contents == "zero"; });
    return zeros != report.cases.end() && zeros->counts;
  };
  EXPECT_TRUE(zeros_count("g (float[4] x) => (float[4] y) { y = Abs(x) }"));
  EXPECT_FALSE(zeros_count("g (float[4] x) => (float[4] y) <float m = {300}> { y = Sub(x, m) }"));
}

TEST(Check, MasksOfConstantsTellNothing) {
  const Report report = report_of(
      "g (float[4] x) => (float[4] y) <float[4] m = {0, -3e38, 0, -3e38}> { a = Add(x, m)\n y = Softmax(a) "
      "}");
  EXPECT_EQ(report.verdict, Verdict::agrees);
  ASSERT_FALSE(report.cases.empty());
  EXPECT_TRUE(report.cases[1].counts) << report.cases[1].contents;
}

TEST(Check, LargeInputsAreANoteOnly) {
  const graph::Model original = model_of("g (float[64] x) => (float[64] y) { y = Tanh(x) }");
  const graph::Model clipped = model_of(  // right between -2 and 2 alone
      "g (float[64] x) => (float[64] y) <float low = {-2}, float high = {2}> { a = Clip(x, low, high)\n y = "
      "Tanh(a) }");
  const Report report = report_of(original, clipped);
  EXPECT_EQ(report.verdict, Verdict::agrees);
  ASSERT_EQ(report.notes.size(), 1U);
  EXPECT_TRUE(mentions(report.notes[0], "large inputs: output 'y' differs from the original"));
}

TEST(Check, TiesOfSaturatedScoresAreNoDifference) {
  const std::string head = "g (float[64,16] x) => (int64[64,1] y) ";
  const graph::Model original =
      model_of(head + "<float k = {100}> { a = Mul(x, k)\n b = Sigmoid(a)\n y = ArgMax <axis = 1> (b) }");
  const graph::Model other = model_of(head +
                                      "<float k = {100}> { a = Mul(x, k)\n b = Sigmoid(a)\n "
                                      "y = ArgMax <axis = 1, select_last_index = 1> (b) }");
  const graph::Model wrong = model_of(head +
                                      "<float k = {100}> { a = Mul(x, k)\n b = Sigmoid(a)\n c = Neg(b)\n "
                                      "y = ArgMax <axis = 1> (c) }");
  EXPECT_EQ(report_of(original, other).verdict, Verdict::agrees);
  EXPECT_EQ(report_of(original, wrong).verdict, Verdict::differs);
}

TEST(Check, NothingButNanSaysNothing) {
  const Report report = report_of(
      "g (float[4] x) => (float[4] y) { a = Abs(x)\n b = Neg(a)\n c = Exp(a)\n d = Sub(b, c)\n y = Sqrt(d) "
      "}");
  EXPECT_EQ(report.verdict, Verdict::not_checked);
  EXPECT_TRUE(mentions(report.reason, "the original gives nothing but NaN"));
  EXPECT_TRUE(mentions(report.reason, "--samples DIR"));
}

TEST(Check, WhatCannotBeGuessedIsNotChecked) {
  const Report report = report_of(
      "g (float[6] x, int64[1] p, int64[2] q) => (float[a,b] y) <int64[1] seven = {7}> "
      "{ r = Mul(p, seven)\n s = Concat <axis = 0> (r, q)\n y = Reshape(x, s) }");
  EXPECT_EQ(report.verdict, Verdict::not_checked);
  EXPECT_TRUE(mentions(report.reason, "no valid inputs could be guessed for input 'p' (s64)"));
}

TEST(Check, SamplesAreCheckedAndNothingElse) {
  const graph::Model original = model_of("g (float[N,2] x) => (float[N,2] y) { y = Abs(x) }"),
                     other = model_of("g (float[N,2] x) => (float[N,2] y) { y = Relu(x) }");
  const auto sample = [](std::vector<float> elements) {
    return Sample{graph::make_constant<float>({static_cast<index_t>(elements.size() / 2), 2}, elements)};
  };
  Options options;
  options.samples = {sample({1, 2}), sample({3, 4, 5, 6})};
  const Report right = report_of(original, other, options);
  EXPECT_EQ(right.verdict, Verdict::agrees) << "right where the samples are";
  ASSERT_EQ(right.cases.size(), 2U);
  EXPECT_EQ(right.cases[1].contents, "sample 2");
  EXPECT_EQ(right.cases[1].shapes, "N=2");
  options.samples.push_back(sample({1, -2}));
  const Report wrong = report_of(original, other, options);
  EXPECT_EQ(wrong.verdict, Verdict::differs);
  EXPECT_EQ(wrong.worst()->contents, "sample 3");
}

}  // namespace
}  // namespace lithe::check
