// SPDX-License-Identifier: Apache-2.0
#include <gtest/gtest.h>

#include <algorithm>
#include <cstdint>
#include <cstring>
#include <string>
#include <vector>

#include "lithe/lithe.hpp"
#include "tests/support/recorded_case.hpp"
#include "tests/tools/import_testing.hpp"
#include "tests/tools/passes_testing.hpp"
#include "tools/import/convert.hpp"
#include "tools/kernels/kernels.hpp"

namespace lithe::test {
namespace {

/// Scales are powers of two, so that every value is exact.
const std::string steps =
    "float xs = {0.5}, int8 xz = {-1}, float ws = {0.25}, int8 wz = {0}, float ys = {1.0}, int8 yz = {2}";

graph::Model converted(const std::string& graph, int opset = 13) {
  const std::string bytes = serialized(graph, opset);
  return import::convert(std::as_bytes(std::span(bytes)), "test.onnx").model;
}

int count(const graph::Model& model, const std::string& op) {
  return static_cast<int>(std::count_if(model.graphs[0].nodes.begin(), model.graphs[0].nodes.end(),
                                        [&](const graph::Node& n) { return n.op == op; }));
}

/// What the converted model gives for one s8 input, by the portable kernels.
std::vector<int> run(const std::string& graph, const std::vector<int>& input, int opset = 13) {
  const std::string bytes = serialized(graph, opset);
  const import::Conversion result = import::convert(std::as_bytes(std::span(bytes)), "test.onnx");
  auto model = Model::open(aligned_copy(result.bytes));
  SessionOptions options = machine_options(nullptr);
  options.kernels = portable_kernels();
  auto session = Session::create(*model, options);
  if (!session.ok()) {
    ADD_FAILURE() << session.status().text();
    return std::vector<int>{};
  }
  const Tensor to = session->input(0);
  for (std::size_t i = 0; i < input.size(); ++i)
    static_cast<std::int8_t*>(to.data)[i] = static_cast<std::int8_t>(input[i]);
  const Status status = session->run();
  EXPECT_TRUE(status.ok()) << status.text();
  const TensorView y = session->output(0);
  const auto* elements = static_cast<const std::int8_t*>(y.data);
  return {elements, elements + y.elements()};
}

TEST(ImportQuantized, ConvolutionsRunOnStoredNumbers) {
  const std::string graph = "g (int8[1,1,2,2] x) => (int8[1,2,2,2] y) <" + steps +
                            ", int8[2,1,1,1] w = {2, -4}, int32[2] b = {8, 0}> "
                            "{ y = QLinearConv (x, xs, xz, w, ws, wz, ys, yz, b) }";
  EXPECT_EQ(nodes(graph, 13).back(), "QuantizeLinear (., 1, #)");
  const graph::Model model = converted(graph);
  EXPECT_EQ(count(model, "Conv2D"), 1);
  EXPECT_EQ(count(model, "DequantizeLinear") + count(model, "QuantizeLinear"), 0);
  // (x + 1) / 2 * {0.5, -1} + {1, 0} + 2, halves to even
  EXPECT_EQ(run(graph, {-1, 3, 7, 9}), (std::vector<int>{3, 4, 5, 6, 2, 0, -2, -3}));
}

TEST(ImportQuantized, WeightsPerChannelAndMatrices) {
  const std::string matrices =
      "g (int8[2,2] x) => (int8[2,2] y) <float xs = {0.5}, int8 xz = {-1}, float[2] ws = {0.5, 1.0}, "
      "int8[2] wz = {0, 0}, float ys = {1.0}, int8 yz = {2}, int8[2,2] w = {2, 1, 4, 3}> "
      "{ y = QLinearMatMul (x, xs, xz, w, ws, wz, ys, yz) }";
  EXPECT_EQ(count(converted(matrices), "FullyConnected"), 1);
  EXPECT_EQ(run(matrices, {1, 3, -1, 1}), (std::vector<int>{7, 9, 4, 5}));
  const std::string gemm =
      "g (int8[1,2] x) => (int8[1,2] y) <" + steps +
      ", int8[2,2] w = {4, 8, 12, 16}, int32[2] c = {8, 16}> "
      "{ y = com.microsoft.QGemm <transB = 1, alpha = 1.0> (x, xs, xz, w, ws, wz, c, ys, yz) }";
  EXPECT_EQ(count(converted(gemm), "FullyConnected"), 1);
  EXPECT_EQ(run(gemm, {1, 3}), (std::vector<int>{8, 15}));
  const std::string real = "g (int8[1,2] x) => (float[1,2] y) <" + steps +
                           ", int8[2,2] w = {4, 8, 12, 16}> "
                           "{ y = com.microsoft.QGemm <transB = 1> (x, xs, xz, w, ws, wz) }";
  EXPECT_EQ(nodes(real, 13).back(), "FullyConnected (., .)");
}

TEST(ImportQuantized, ElementWiseOperatorsOfMicrosoft) {
  const auto graph = [](const std::string& node, const std::string& more = "") {
    return "g (int8[2,2] x) => (int8[m,n] y) <" + steps + ", int8[2,2] w = {4, 8, -4, 0}" + more +
           "> { y = " + node + " }";
  };
  const std::vector<int> x{1, 3, 5, -9};  // 1, 2, 3, -4
  const struct {
    std::string text, op;
    std::vector<int> want;
  } table[] = {
      {graph("com.microsoft.QLinearAdd (x, xs, xz, w, ws, wz, ys, yz)"), "Add", {4, 6, 4, -2}},
      {graph("com.microsoft.QLinearMul (x, xs, xz, w, ws, wz, ys, yz)"), "Mul", {3, 6, -1, 2}},
      {graph("com.microsoft.QLinearLeakyRelu <alpha = 0.25> (x, xs, xz, ys, yz)"), "LeakyRelu", {3, 4, 5, 1}},
      {graph("com.microsoft.QLinearReduceMean <axes = [1], keepdims = 1> (x, xs, xz, ys, yz)"),
       "ReduceMean",
       {4, 2}},
      {graph("com.microsoft.QLinearConcat <axis = 0> (ys, yz, x, xs, xz, w, ws, wz)"),
       "Concat",
       {3, 4, 5, -2, 3, 4, 1, 2}},
      {graph("com.microsoft.QLinearWhere (c, x, xs, xz, w, ws, wz, ys, yz)", ", bool[2] c = {1, 0}"),
       "Where",
       {3, 4, 5, 2}},
      {graph("com.microsoft.QLinearSigmoid (x, xs, xz, ss, sz)",
             ", float ss = {0.00390625}, int8 sz = {-128}"),
       "Sigmoid",
       {59, 97, 116, -123}},
      {graph("com.microsoft.QLinearSoftmax <axis = -1, opset = 13> (x, xs, xz, ss, sz)",
             ", float ss = {0.00390625}, int8 sz = {-128}"),
       "Softmax",
       {-59, 59, 127, -128}}};
  for (const auto& row : table)
    for (int opset : {13, 18}) {
      EXPECT_EQ(run(row.text, x, opset), row.want) << row.op << " of opset " << opset;
      EXPECT_EQ(count(converted(row.text, opset), row.op), 1);
    }
}

TEST(ImportQuantized, PoolsOfMicrosoft) {
  const auto graph = [](const std::string& node) {
    return "g (int8[1,1,2,2] x) => (int8[a,b,m,n] y) <" + steps + "> { y = com.microsoft." + node +
           " (x, xs, xz, ys, yz) }";
  };
  EXPECT_EQ(run(graph("QLinearAveragePool <kernel_shape = [1,2], channels_last = 0>"), {1, 5, 3, 7}),
            (std::vector<int>{4, 5}));
  EXPECT_EQ(run(graph("QLinearGlobalAveragePool"), {1, 9, 3, 7}), (std::vector<int>{5}));
  EXPECT_TRUE(mentions(refusal(graph("QLinearGlobalAveragePool <channels_last = 1>"), 13), "com.microsoft"));
}

TEST(ImportQuantized, NamesTypesAndWhatStays) {
  const std::string add =
      "g (uint8[2] x) => (uint8[2] y) <float s = {0.5}, uint8 z = {3}> "
      "{ y = com.microsoft.QLinearAdd (x, s, z, x, s, z, s) }";
  const graph::Model model = imported(add, 13);
  for (const graph::Node& node : model.graphs[0].nodes)
    EXPECT_EQ(node.onnx_names, (Lines{"QLinearAdd -> y"})) << node.op;
  const graph::Node& last = model.graphs[0].nodes.back();
  EXPECT_EQ(model.graphs[0].value(last.inputs[2]).dtype, DType::u8) << "zero where no zero point is given";
  const std::string old = "g (int8[2,3,4] x) => (int8[2,3,4] y) <" + steps +
                          "> { y = com.microsoft.QLinearSoftmax <axis = 1, opset = 11> (x, xs, xz, ys, yz) }";
  EXPECT_TRUE(mentions(refusal(old, 13), "com.microsoft::QLinearSoftmax"));
  EXPECT_EQ(refusal(old, 11), "");
  const std::string bytes = serialized(add, 13);
  const import::ParsedModel kept =
      import::parse(std::as_bytes(std::span(bytes)), "test.onnx", {}, {.kept = {"com.microsoft"}});
  EXPECT_EQ(nodes(import::import_model(kept, {.custom = {}, .custom_domains = {"com.microsoft"}})),
            (Lines{"com.microsoft::QLinearAdd (., 0.5, #, ., 0.5, #, 0.5)"}));
}

TEST(ImportInteger, ProductsLessTheirZeroPoints) {
  const std::string by_row =
      "g (uint8[2,3] a, uint8[3,2] b) => (int32[2,2] y) <uint8[2] az = {1, 2}, uint8[2] bz = {3, 4}> "
      "{ y = MatMulInteger (a, b, az, bz) }";
  EXPECT_EQ(nodes(by_row, 10), (Lines{"Cast (.)", "Reshape (#, [-1,1])", "Cast (.)", "Sub (., .)", "Cast (.)",
                                      "Cast (#)", "Sub (., .)", "MatMul (., .)"}));
  EXPECT_EQ(nodes("g (int8[2,3] a, uint8[3,2] b) => (int32[2,2] y) { y = MatMulInteger (a, b) }", 10),
            (Lines{"Cast (.)", "Cast (.)", "MatMul (., .)"}));
}

TEST(ImportInteger, ConvolutionsAreExactInOneOrTwoParts) {
  const auto graph = [](int channels) {
    const std::string c = std::to_string(channels);
    return "g (uint8[1," + c + ",3,3] x, uint8[2," + c +
           ",3,3] w, uint8 z) => (int32[1,2,1,1] y) "
           "{ y = ConvInteger (x, w, z, z) }";
  };
  const auto convolutions = [&](int channels) {
    const auto all = nodes(graph(channels), 10);
    return std::count_if(all.begin(), all.end(), [](const auto& n) { return n.starts_with("Conv2D"); });
  };
  EXPECT_EQ(convolutions(28), 1);  // 252 products
  EXPECT_EQ(convolutions(29), 2);
  EXPECT_EQ(convolutions(456), 2);  // 4104
  EXPECT_TRUE(mentions(refusal(graph(457), 10), "ConvInteger"));
  const graph::Graph g = imported(graph(300), 10).graphs[0];
  const auto inputs = random_inputs(g, 7);
  const graph::Graph done = evaluated(g, inputs);
  const auto x = inputs[0]->as<std::uint8_t>(), w = inputs[1]->as<std::uint8_t>();
  const int z = inputs[2]->as<std::uint8_t>()[0];
  for (std::size_t o = 0; o < 2; ++o) {
    int sum = 0;
    for (std::size_t i = 0; i < x.size(); ++i) sum += (x[i] - z) * (w[o * x.size() + i] - z);
    EXPECT_EQ(done.value(done.outputs[0]).constant->as<std::int32_t>()[o], sum);
  }
}

TEST(ImportInteger, WhatOnnxRuntimesQuantizerWrites) {
  const auto graph = [](const std::string& node) {
    return "g (float[2,3] x) => (float[2,2] y) <int8[3,2] w = {1, 2, 3, 4, 5, 6}, float[2] s = {0.5, 0.25}, "
           "int8[2] z = {0, 0}, float[2] b = {1, 2}> { " +
           node + " }";
  };
  const std::string matmul = graph("y = com.microsoft.DynamicQuantizeMatMul (x, w, s, z, b)");
  EXPECT_EQ(count(converted(matmul), "DynamicFullyConnected"), 1);
  EXPECT_EQ(count(converted(matmul), "Add"), 0) << "the bias";
  const std::string real = graph(
      "q, qs, qz = DynamicQuantizeLinear (x)  y = com.microsoft.MatMulIntegerToFloat (q, w, qs, s, qz, z)");
  EXPECT_EQ(count(converted(real), "DynamicFullyConnected"), 1);
  const std::string onnx = graph(
      "q, qs, qz = DynamicQuantizeLinear (x)  i = MatMulInteger (q, w, qz, z)  f = Cast <to = 1> (i)  "
      "t = Mul (qs, s)  m = Mul (f, t)  y = Add (m, b)");
  const graph::Model model = converted(onnx);
  EXPECT_EQ(count(model, "DynamicFullyConnected"), 1);
  EXPECT_EQ(model.graphs[0].nodes.size(), 2u);
}

/// Weights (nibble - zero) * scale of two blocks of 2 for each of two rows, K of them.
void expect_nibbles(const std::string& graph, const std::vector<double>& weights) {
  const graph::Graph g = imported(graph, 17).graphs[0];
  const auto inputs = random_inputs(g, 7);
  const graph::Graph done = evaluated(g, inputs);
  const auto x = inputs[0]->as<float>(), y = done.value(done.outputs[0]).constant->as<float>();
  for (std::size_t o = 0; o < 2; ++o) {
    double sum = 0;
    for (std::size_t k = 0; k < x.size(); ++k) sum += x[k] * weights[o * x.size() + k];
    EXPECT_NEAR(y[o], sum, 1e-4) << graph << " column " << o;
  }
}

TEST(ImportInteger, MatMulNBitsUnpacksBlocks) {
  const auto graph = [](const std::string& k, const std::string& more, const std::string& inputs,
                        const std::string& attributes = "") {
    return "g (float[1," + k +
           "] x) => (float[1,2] y) <uint8[2,2,1] w = {33, 67, 101, 135}, "
           "float[4] s = {1, 2, 3, 4}" +
           more + "> { y = com.microsoft.MatMulNBits <K = " + k + ", N = 2, block_size = 2" + attributes +
           "> (x, w, s" + inputs + ") }";
  };
  expect_nibbles(graph("4", "", ""), {-7, -6, -10, -8, -9, -6, -4, 0});  // nibbles 1, 2, 3 ... less 8
  expect_nibbles(graph("3", "", ""), {-7, -6, -10, -9, -6, -4});
  expect_nibbles(graph("4", ", uint8[2] z = {33, 3}", ", z"), {0, 1, 2, 4, 6, 9, 28, 32});
  expect_nibbles(
      "g (float[1,2] x) => (float[1,2] y) <uint8[2,1,2] w = {33, 67, 101, 135}, float[2] s = {1, 2}> "
      "{ y = com.microsoft.MatMulNBits <K = 2, N = 2, block_size = 2, bits = 8> (x, w, s) }",
      {-95, -61, -54, 14});
  EXPECT_EQ(nodes(graph("4", ", float[2] b = {1, 2}", ", , , b"), 17),
            (Lines{"DequantizeLinear block_size=2 (#, #)", "FullyConnected (., ., #)"}));
  EXPECT_TRUE(mentions(refusal(graph("4", ", int32[4] g = {0, 0, 1, 1}", ", , g"), 17), "g_idx"));
  EXPECT_TRUE(mentions(refusal(graph("4", "", "", ", bits = 2"), 17), "2 bits"));
  EXPECT_TRUE(mentions(refusal(graph("6", "", ""), 17), "must hold 6 elements"));
  EXPECT_TRUE(mentions(refusal(graph("4", ", float[4] z = {1, 2, 3, 4}", ", z"), 17), "type u8"));
  EXPECT_TRUE(mentions(refusal("g (float[1,4] x, uint8[2,2,1] w, float[4] s) => (float[1,2] y) "
                               "{ y = com.microsoft.MatMulNBits <K = 4, N = 2, block_size = 2> (x, w, s) }",
                               17),
                       "must be a constant"));
}

TEST(ImportInteger, DynamicQuantizeLSTMIsAnLSTM) {
  const auto graph = [](const std::string& scale) {
    return "g (float[2,1,3] x) => (float[2,1,1,1] y) <int8[1,3,4] w = {1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, "
           "12}, "
           "int8[1,1,4] r = {1, 2, 3, 4}, " +
           scale +
           "> { y = com.microsoft.DynamicQuantizeLSTM "
           "<hidden_size = 1> (x, w, r, , , , , , s, z, s, z) }";
  };
  for (const std::string scale :
       {"float[1] s = {0.5}, int8[1] z = {0}", "float[1,4] s = {0.5, 1, 2, 3}, int8[1,4] z = {0, 0, 0, 0}"}) {
    const Lines all = nodes(graph(scale), 17);
    EXPECT_EQ(all.back(), "LSTM hidden_size=1 (., ., .)");
    EXPECT_EQ(count(converted(graph(scale), 17), "LSTM"), 1);
    EXPECT_EQ(converted(graph(scale), 17).graphs[0].nodes.size(), 1u);
  }
}

}  // namespace
}  // namespace lithe::test
