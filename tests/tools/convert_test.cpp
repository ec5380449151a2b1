// SPDX-License-Identifier: Apache-2.0
#include "tools/import/convert.hpp"

#include <gtest/gtest.h>
#include <onnx/onnx_pb.h>

#include <algorithm>
#include <cstdlib>
#include <filesystem>
#include <string>
#include <vector>

#include "lithe/format/reader.hpp"
#include "tests/tools/import_testing.hpp"
#include "tools/graph/writer.hpp"
#include "tools/import/io_contract.hpp"

namespace lithe::import {
namespace {

using namespace test;

constexpr const char* network =
    "g (float[N,2,H,8] x) => (float[N,3] y) <float[3,2,3,3] w, float[3] b = {0.5, -0.5, 0.25}> "
    "{ c = Conv <pads = [1, 1, 1, 1]> (x, w, b)\n r = Relu(c)\n p = GlobalAveragePool(r)\n y = Flatten(p) }";

/// The text, where "float[3] w" between < and > becomes a tensor of small weights.
std::string model_bytes(const std::string& text, int opset = 17) {
  onnx::ModelProto proto;
  proto.ParseFromString(serialized(text, opset));
  for (const auto& info : proto.graph().value_info()) {
    onnx::TensorProto& t = *proto.mutable_graph()->add_initializer();
    t.set_name(info.name());
    t.set_data_type(onnx::TensorProto::FLOAT);
    std::int64_t n = 1;
    for (const auto& d : info.type().tensor_type().shape().dim()) {
      t.add_dims(d.dim_value());
      n *= d.dim_value();
    }
    for (std::int64_t i = 0; i < n; ++i) t.add_float_data(static_cast<float>(i * 7 % 11) * 0.1f - 0.5f);
  }
  proto.mutable_graph()->clear_value_info();
  return proto.SerializeAsString();
}

Conversion convert_text(const std::string& text, const Options& options = {}, int opset = 17) {
  const std::string bytes = model_bytes(text, opset);
  return convert(std::as_bytes(std::span(bytes)), "test.onnx", options);
}

std::string failure_of(const std::string& text, const Options& options) {
  try {
    convert_text(text, options);
  } catch (const report::Failure& failure) {
    return std::to_string(failure.exit) + " " + failure.line;
  }
  return "accepted";
}
bool contains(const std::string& text, const std::string& part) {
  return text.find(part) != std::string::npos;
}
#define EXPECT_CONTAINS(text, part) EXPECT_TRUE(contains(text, part)) << (text)

TEST(Convert, AModelIsCheckedAtSeveralSizesOfItsSymbols) {
  const Conversion result = convert_text(network);
  EXPECT_EQ(result.check.cases.size(), 9u);  // 1, 2 and 7, each with zero, random and large inputs
  EXPECT_EQ(result.check.tolerance, 1e-4);
  for (const check::Case& c : result.check.cases)
    EXPECT_TRUE(c.passed) << c.shapes << ' ' << c.contents << ' ' << c.relative;
  EXPECT_EQ(result.check.cases[3].shapes, "N=2, H=2");
  ASSERT_NE(result.check.worst(), nullptr);
  EXPECT_FALSE(result.bytes.empty());
}

TEST(Convert, AutoPadFollowsTheSize) {
  const Conversion result = convert_text(
      "g (float[N,2,H,8] x) => (float[N,3,P,4] y) <float[3,2,3,3] w> "
      "{ y = Conv <auto_pad = \"SAME_UPPER\", strides = [2,2]> (x, w) }");
  EXPECT_EQ(result.check.cases.size(), 9u);
  for (const check::Case& c : result.check.cases)
    EXPECT_TRUE(c.passed) << c.shapes << ' ' << c.contents << ' ' << c.relative;
}

TEST(Convert, TheSameFileGivesTheSameBytes) {
  EXPECT_EQ(convert_text(network, {.self_tests = 2}).bytes, convert_text(network, {.self_tests = 2}).bytes);
}

TEST(Convert, RangesBoundSymbolsAndFixThem) {
  const Conversion result = convert_text(network, {.ranges = {{"x", 0, 1, 2, 4}, {"x", 2, 6, 6, 6}}});
  ASSERT_EQ(result.model.symbols.size(), 1u);
  EXPECT_EQ(result.model.symbols[0].name, "N");
  EXPECT_EQ(result.model.symbols[0].max, 4u);
  EXPECT_EQ(*result.model.graphs[0].value(result.model.graphs[0].inputs[0]).dims, (graph::Dims{-2, 2, 6, 8}));
  EXPECT_EQ(result.check.cases.front().shapes, "N=1");
  EXPECT_EQ(result.check.cases.back().shapes, "N=4");
  EXPECT_CONTAINS(failure_of(network, {.ranges = {{"q", 0, 1, 1, 1}}}),
                  "2 --range q:0: no input is called 'q'; the inputs are x");
  EXPECT_CONTAINS(failure_of(network, {.ranges = {{"x", 9, 1, 1, 1}}}), "no such axis");
  EXPECT_CONTAINS(failure_of(network, {.ranges = {{"x", 3, 1, 1, 1}}}), "fixed at 8; change it with --shape");
  EXPECT_CONTAINS(failure_of(network, {.ranges = {{"x", 0, 4, 2, 8}}}), "MIN <= OPT <= MAX");
}

TEST(Convert, RangesThatTheConstantsDoNotFitAreRefused) {
  constexpr const char* fits_five = "g (float[T] x) => (float[S] y) <float[5] w> { y = Add(x, w) }";
  const auto with = [](std::uint64_t min, std::uint64_t opt, std::uint64_t max) {
    return Options{.ranges = {{"x", 0, min, opt, max}}};
  };
  EXPECT_CONTAINS(failure_of(fits_five, with(7, 0, 9)),
                  "2 --range x:0=7..9: no size in it fits the model: at 9, ");
  EXPECT_CONTAINS(failure_of(fits_five, with(7, 0, 9)), "Add -> y (Add)");
  EXPECT_CONTAINS(failure_of(fits_five, with(7, 0, 9)), "its inputs are [9], [5]; a size that fits is 5");
  EXPECT_CONTAINS(failure_of(fits_five, with(8, 8, 8)), "no size in it fits the model");
  EXPECT_CONTAINS(failure_of(fits_five, with(2, 5, 8)),
                  "its largest, for which memory is planned, does not fit");
  EXPECT_EQ(failure_of(fits_five, with(1, 1, 5)), "accepted");
  EXPECT_EQ(failure_of(fits_five, with(5, 5, 5)), "accepted");
  // The size reaches the constant through contents of small values, and another symbol is free.
  constexpr const char* table =
      "g (float[N,T,4] x) => (float[N,S,4] y) <float[16,4] w, int64[1] zero = {0}, int64[1] one = {1}, "
      "int64[1] two = {2}> { s = Shape(x)\n t = Slice(s, one, two)\n p = Slice(w, zero, t)\n y = Add(x, p) }";
  EXPECT_CONTAINS(failure_of(table, {.ranges = {{"x", 1, 1, 8, 64}}}), "a size that fits is 16");
  EXPECT_CONTAINS(failure_of(table, {.ranges = {{"x", 1, 20, 0, 64}}}), "no size in it fits the model");
  EXPECT_EQ(failure_of(table, {.ranges = {{"x", 1, 1, 8, 16}}}), "accepted");
}

TEST(Convert, ShapesLeaveNoSymbol) {
  const Conversion result = convert_text(network, {.shapes = {{"x", {1, 2, 4, 8}}}});
  EXPECT_TRUE(result.model.symbols.empty());
  EXPECT_EQ(result.check.cases.size(), 3u);
}

TEST(Convert, ShapesWithTheAxesExchangedAreGuessed) {
  try {
    convert_text(network, {.shapes = {{"x", {1, 4, 8, 2}}}});
    ADD_FAILURE();
  } catch (const report::Failure& failure) {
    ASSERT_EQ(failure.details.size(), 2u);
    EXPECT_CONTAINS(failure.details[1],
                    "--shape x: it looks like channels last (NHWC), and the model takes channels");
  }
}

TEST(Convert, NhwcInputsAreChannelsLastAndKeepTheirName) {
  const Conversion result = convert_text(network, {.io_layout = IoLayout::nhwc});
  const graph::Graph& g = result.model.graphs[0];
  const graph::Value& x = g.value(g.inputs[0]);
  EXPECT_EQ(x.name, "x");
  EXPECT_EQ(x.permutation, (std::vector<std::uint8_t>{0, 2, 3, 1}));
  EXPECT_EQ((*x.dims)[3], 2);
  EXPECT_EQ((*x.dims)[2], 8);
  for (const graph::Node& node : g.nodes) EXPECT_NE(node.op, "Transpose");
}

TEST(Convert, RoundedWeightsAreMeasuredAgainstFloat) {
  const std::string layer = "g (float[4,64] x) => (float[4,32] y) <float[64,32] w> { y = MatMul(x, w) }";
  const auto eight = convert_text(layer, {.weights = Weights::int8}).rounding,
             four = convert_text(layer, {.weights = Weights::int4}).rounding;
  ASSERT_TRUE(eight && four);
  EXPECT_GT(*eight, 1e-4);
  EXPECT_LT(*eight, 2e-2);
  EXPECT_GT(*four, 2 * *eight);
  EXPECT_LT(*four, 0.2);
  EXPECT_FALSE(convert_text(network, {.weights = Weights::int8}).rounding) << "no layer to round";
}

TEST(Convert, LayersThatFourBitsDoNotFitAreNamed) {
  const Conversion result = convert_text(
      "g (float[4,33] x, float[4,64] a) => (float[4,32] y, float[4,32] b) <float[33,32] w, float[64,32] v> "
      "{ y = MatMul(x, w) b = MatMul(a, v) }",
      {.weights = Weights::int4});
  ASSERT_EQ(result.notes.size(), 1U);
  EXPECT_CONTAINS(result.notes[0], "--weights int4: 1 of 2 layers got 8 bits");
  EXPECT_TRUE(result.notes[0].ends_with(": MatMul -> y")) << result.notes[0];
}

TEST(Convert, HalfPrecisionKeepsInputsAndOutputs) {
  const Conversion result = convert_text(network, {.weights = Weights::f16});
  EXPECT_EQ(result.check.tolerance, 1e-2);
  const graph::Graph& g = result.model.graphs[0];
  EXPECT_EQ(g.value(g.inputs[0]).dtype, DType::f32);
  EXPECT_EQ(g.value(g.outputs[0]).dtype, DType::f32);
  int constants = 0;
  for (const graph::Value& v : g.values)
    if (v.constant && v.dtype == DType::f32) ++constants;
  EXPECT_EQ(constants, 0);
  EXPECT_LT(result.bytes.size(), convert_text(network).bytes.size() + 512);
}

TEST(Convert, HalfPrecisionKeepsFiniteNumbersFinite) {
  Options options;
  options.weights = Weights::f16;
  options.check = false;  // large inputs reach beyond f16 themselves
  const Conversion result = convert_text(
      "g (float[2,4] x) => (float[2,4] y) <float[4] m = {-3e38, 0, 0, 0}> { a = Add(x, m)\n y = Softmax(a) }",
      options);
  int masks = 0;
  for (const graph::Value& v : result.model.graphs[0].values) {
    if (!v.constant || v.dtype != DType::f16) continue;
    EXPECT_EQ(static_cast<float>(v.constant->as<half>()[0]), -65504.0F);
    ++masks;
  }
  EXPECT_EQ(masks, 1);
}

TEST(Convert, HalfPrecisionKeepsWhatGuardsADivision) {
  for (const char* guarded : {"d = Add(a, e)", "d = Max(e, a)", "b = Add(a, e)\n d = Sqrt(b)"}) {
    const Conversion result =
        convert_text(std::string("g (float[4,8] x) => (float[4,8] y) <float[1] e = {1e-9}> { a = Abs(x)\n ") +
                         guarded + "\n q = Div(a, d)\n y = Relu(q) }",
                     {.weights = Weights::f16});
    const graph::Graph& g = result.model.graphs[0];
    for (const graph::Node& node : g.nodes) {
      if (node.op == "Cast") continue;
      const bool wide = node.op != "Abs" && node.op != "Relu";
      EXPECT_EQ(g.value(node.outputs[0]).dtype, wide ? DType::f32 : DType::f16) << guarded << ' ' << node.op;
    }
  }
}

TEST(Convert, StatesAreWrittenAndCheckedOverTwoSteps) {
  const char* accumulator =
      "g (float[2] x, float[2] s) => (float[2] y, float[2] t) { t = Add(x, s)\n y = Relu(t) }";
  const Conversion result = convert_text(accumulator, {.states = {{"s", "t"}}});
  ASSERT_EQ(result.model.signatures[0].states.size(), 1u);
  EXPECT_EQ(result.model.signatures[0].states[0].input, 1);
  EXPECT_EQ(result.model.signatures[0].states[0].output, 1);
  EXPECT_EQ(result.check.cases.size(), 3u);  // each has two steps
  EXPECT_CONTAINS(failure_of(accumulator, {.states = {{"q", "t"}}}), "no input is called 'q'");
  EXPECT_CONTAINS(failure_of(accumulator, {.states = {{"s", "q"}}}),
                  "no output is called 'q'; the outputs are y, t");
  EXPECT_CONTAINS(failure_of(accumulator, {.states = {{"s", "t"}, {"x", "t"}}}), "in one pair only");
  EXPECT_CONTAINS(
      failure_of("g (float[2] x, int32[2] s) => (float[2] y) { y = Relu(x) }", {.states = {{"s", "y"}}}),
      "the input is s32, the output f32");
}

TEST(Convert, MetadataAndSelfTestsAreInTheFile) {
  const Conversion result = convert_text(network, {.metadata = {{"labels", "a,b"}}, .self_tests = 2});
  const format::Model& root = *format::GetSizePrefixedModel(result.bytes.data());
  EXPECT_EQ(text(root.metadata()->Get(0)->key()), "labels");
  EXPECT_EQ(text(root.metadata()->Get(0)->value()), "a,b");
  ASSERT_EQ(root.self_tests()->size(), 2u);
  EXPECT_EQ(root.self_tests()->Get(0)->inputs()->Get(0)->dims()->Get(3), 8);
  EXPECT_NE(root.self_tests()->Get(0)->inputs()->Get(0)->buffer(),
            root.self_tests()->Get(1)->inputs()->Get(0)->buffer());
}

TEST(Convert, ShapeDecidingInputsAreMarked) {
  const Conversion result = convert_text(
      "g (float[2,6] x, int64[2] shape, int64[1] axes) => (float[a,b] y, float[c,d,e] z) { y = Reshape(x, "
      "shape)\n z = Unsqueeze(x, axes) }");
  const graph::Graph& g = result.model.graphs[0];
  EXPECT_FALSE(g.value(g.inputs[0]).host);
  EXPECT_TRUE(g.value(g.inputs[1]).host);
  EXPECT_TRUE(g.value(g.inputs[2]).host);
  const graph::Model computed = [] {
    graph::Model m = imported(
        "g (float[2,6] x, int64[1] k, int64[50,40] table) => (float[a] y, int64[c,d] z) { n = Neg(k)\n y = "
        "Reshape(x, n)\n z = Gather(table, k) }",
        17);
    mark_host_inputs(m);
    return m;
  }();
  EXPECT_TRUE(computed.graphs[0].value(computed.graphs[0].inputs[1]).host);
  EXPECT_FALSE(computed.graphs[0].value(computed.graphs[0].inputs[2]).host);
}

TEST(Convert, HalfPrecisionCentersInFullPrecision) {
  const auto subtracts_in = [](const std::string& constant) {
    const Conversion result = convert_text("g (float[2,4] x) => (float[2,4] y) <float[4] c = {" + constant +
                                               "}, float ten = {10}> "
                                               "{ a = Sub(x, c)\n b = Div(a, ten)\n y = Tanh(b) }",
                                           {.weights = Weights::f16});
    const graph::Graph& g = result.model.graphs[0];
    for (const graph::Node& node : g.nodes)
      if (node.op == "Sub" || node.op == "Add") return g.value(node.outputs[0]).dtype;
    return DType::none;
  };
  EXPECT_EQ(subtracts_in("101325, 300, 0, 1"), DType::f32);
  EXPECT_EQ(subtracts_in("300, 300, 300, 300"), DType::f32);
  EXPECT_EQ(subtracts_in("0.5, 1, 0, 1"), DType::f16);
  EXPECT_EQ(subtracts_in("0, 10000, 0, 10000"), DType::f16) << "a mask";
}

TEST(Convert, CustomOperatorsAreWrittenUnchecked) {
  onnx::ModelProto proto;
  proto.ParseFromString(serialized("g (float[2] x) => (float[2] y) { t = Relu(x)\n y = Neg(t) }", 17));
  proto.mutable_graph()->mutable_node(1)->set_op_type("Swirl");
  proto.mutable_graph()->mutable_node(1)->set_domain("my.domain");
  proto.add_opset_import()->set_domain("my.domain");
  proto.mutable_opset_import(1)->set_version(1);
  const std::string bytes = proto.SerializeAsString();
  Options options;
  options.import.custom = {{"my.domain::Swirl", ""}};
  const Conversion result = convert(std::as_bytes(std::span(bytes)), "test.onnx", options);
  EXPECT_TRUE(result.check.cases.empty());
  EXPECT_EQ(result.check.verdict, check::Verdict::not_checked);
  EXPECT_CONTAINS(result.check.reason, "my.domain::Swirl");
  EXPECT_CONTAINS(result.model.metadata.at(check_key), "not checked: its kernels are not in this program");
  const format::Model& root = *format::GetSizePrefixedModel(result.bytes.data());
  EXPECT_EQ(text(root.operators()->Get(1)->name()), "my.domain::Swirl");
}

TEST(Convert, SharedModelsPassTheirCheck) {
  const char* shared = std::getenv("LITHE_SHARED");
  if (shared == nullptr || !std::filesystem::exists(shared))
    GTEST_SKIP() << "there are no models: set LITHE_SHARED to the folder of models and data";
  for (const char* name : {"mnist_cnn", "kws_ds_cnn_fp32", "ic_resnet8_fp32", "ultraface_rfb320",
                           "mtcnn_pnet", "dtln_1", "kws_ds_cnn_int8", "ic_resnet8_int8"}) {
    try {
      const Conversion result = convert(std::filesystem::path(shared) / "models" / name / "model.onnx");
      ASSERT_NE(result.check.worst(), nullptr) << name;
      EXPECT_TRUE(result.check.worst()->passed) << name;
    } catch (const report::Failure& failure) {
      ADD_FAILURE() << name << ": " << failure.line
                    << (failure.details.empty() ? "" : "\n" + failure.details[0]);
    }
  }
}

}  // namespace
}  // namespace lithe::import
