// SPDX-License-Identifier: Apache-2.0
#include "tools/import/importer.hpp"

#include <gtest/gtest.h>
#include <onnx/onnx_pb.h>

#include <string>
#include <vector>

#include "tests/support/print.hpp"
#include "tests/tools/import_testing.hpp"
#include "tools/graph/operators.hpp"
#include "tools/graph/writer.hpp"
#include "tools/io/tensor_proto.hpp"

namespace lithe::import {
namespace {

using namespace test;

bool contains(const std::string& text, const std::string& part) {
  return text.find(part) != std::string::npos;
}
#define EXPECT_CONTAINS(text, part) EXPECT_TRUE(contains(text, part)) << (text)

graph::Model imported_proto(const onnx::ModelProto& proto, const ImportOptions& options = {}) {
  const std::string bytes = proto.SerializeAsString();
  return import_model(parse(std::as_bytes(std::span(bytes)), "test.onnx", {}), options);
}
onnx::ModelProto proto_of(const std::string& graph, int opset = 17) {
  onnx::ModelProto proto;
  proto.ParseFromString(serialized(graph, opset));
  return proto;
}

TEST(Import, ValuesKeepTheirNamesAndNodesTheirOrigin) {
  const graph::Model m = imported("g (float[2] x) => (float[2] y) { t = Relu(x)\n y = Neg(t) }", 17);
  const graph::Graph& g = m.graphs[0];
  EXPECT_EQ(g.value(g.inputs[0]).onnx_name, "x");
  EXPECT_EQ(g.value(g.outputs[0]).name, "y");
  EXPECT_EQ(g.value(g.nodes[0].outputs[0]).onnx_name, "t");
  EXPECT_EQ(g.nodes[0].onnx_names, (Lines{"Relu -> t"}));
  EXPECT_EQ(m.source_name, "test.onnx");
  EXPECT_EQ(m.signatures.size(), 1u);
  EXPECT_FALSE(graph::write(m).empty());
}

TEST(Import, EverythingUnsupportedIsReportedAtOnce) {
  const std::string text = refusal(
      "g (int64[2] x, uint8[9] u) => (float[1] y) { a = TfIdfVectorizer <max_gram_length = 1, max_skip_count "
      "= 0, "
      "min_gram_length = 1, mode = \"TF\", ngram_counts = [0], ngram_indexes = [0], pool_int64s = [1]> (x)\n "
      "b = Relu(a)\n c = ImageDecoder (u)\n y = Neg(b) }",
      20);
  EXPECT_CONTAINS(text, "2 of 4 nodes cannot be converted: ImageDecoder, TfIdfVectorizer");
  EXPECT_CONTAINS(text,
                  "TfIdfVectorizer -> a (TfIdfVectorizer, opset 20): the operator is not supported yet");
  EXPECT_CONTAINS(text, "ImageDecoder -> c");
  EXPECT_EQ(text.find("Relu ->"), std::string::npos)
      << "what only reads a refused value is no problem of its own";
}

TEST(Import, OperatorsThatTheOpsetDoesNotHaveAreNamedAllAtOnce) {
  onnx::ModelProto proto = proto_of(
      "g (float[1,1,2,2] x, float[4] s) => (float[1,1,2,2] y) { a = Relu(x)\n b = Relu(x)\n c = Relu(x)\n "
      "d = Relu(x)\n y = Relu(x) }");
  const char* ops[] = {"Gelu", "FancyPool", "Upsample", "StringNormalizer", "Relu"};
  for (int i = 0; i < 5; ++i) proto.mutable_graph()->mutable_node(i)->set_op_type(ops[i]);
  proto.mutable_graph()->mutable_node(1)->set_domain("ai.onnx.ml");
  proto.add_opset_import()->set_domain("ai.onnx.ml");
  proto.mutable_opset_import(1)->set_version(3);
  proto.mutable_graph()->mutable_node(2)->add_input("s");
  *proto.mutable_graph()->add_value_info() = proto.graph().output(0);
  proto.mutable_graph()->mutable_value_info(0)->set_name("b");
  const std::string bytes = proto.SerializeAsString();
  try {
    import_model(parse(std::as_bytes(std::span(bytes)), "test.onnx", {}));
    ADD_FAILURE();
  } catch (const UnsupportedModel& failure) {
    ASSERT_EQ(failure.details.size(), 4u);
    EXPECT_CONTAINS(failure.line, "4 of 5 nodes cannot be converted");
    EXPECT_EQ(
        failure.details[0],
        "Gelu -> a (Gelu, opset 17): ONNX has this operator from opset 20 on, but the model says opset 17; "
        "export it again with opset 20 or newer");
    EXPECT_CONTAINS(
        failure.details[1],
        "FancyPool -> b (ai.onnx.ml::FancyPool, opset 3): ai.onnx.ml has no operator of this name");
    EXPECT_CONTAINS(failure.details[1], "--custom ai.onnx.ml::FancyPool");
    EXPECT_CONTAINS(failure.details[2], "ONNX took this operator out after opset 9");
    EXPECT_CONTAINS(failure.details[3], "the operator is not supported yet");
  }
  const ParsedModel parsed = parse(std::as_bytes(std::span(bytes)), "test.onnx", {});
  try {
    import_model(parsed, {.custom = {{"ai.onnx.ml::FancyPool", ""}}, .custom_domains = {}});
    ADD_FAILURE();
  } catch (const UnsupportedModel& failure) {
    EXPECT_EQ(failure.details.size(), 3u) << "one of one's own, though in ONNX's domain";
  }
}

TEST(Import, ProblemsSayWhereTheNodeStands) {
  EXPECT_CONTAINS(
      refusal("g (bool c, float[2] x) => (float[2] y) { y = If (c) <then_branch = t () => "
              "(float[2] a) { a = If (c) <then_branch = u () => (float[2] d) { d = Dropout(x, , c) }, "
              "else_branch = v () => (float[2] e) { e = Neg(x) }> }, "
              "else_branch = e () => (float[2] b) { b = Neg(x) }> }",
              17),
      "Dropout -> d (Dropout, opset 17, in then_branch of 'If -> a', in then_branch of 'If -> y'): ");
  onnx::ModelProto proto = proto_of("g (float[2] x) => (float[2] y) { y = Relu(x) }");
  proto.mutable_graph()->mutable_node(0)->set_op_type("Block");
  proto.mutable_graph()->mutable_node(0)->set_domain("mine");
  auto& function = *proto.add_functions();
  function.set_name("Block");
  function.set_domain("mine");
  function.add_input("a");
  function.add_output("b");
  *function.add_opset_import() = proto.opset_import(0);
  auto& node = *function.add_node();
  node.set_op_type("Gelu");
  node.add_input("a");
  node.add_output("b");
  auto& scopes = *node.add_metadata_props();
  scopes.set_key("pkg.torch.onnx.name_scopes");
  scopes.set_value("['', 'layer1', 'layer1.0.act', 'gelu_1']");
  auto& mine = *proto.add_opset_import();
  mine.set_domain("mine");
  mine.set_version(1);
  try {
    imported_proto(proto);
    ADD_FAILURE();
  } catch (const UnsupportedModel& failure) {
    ASSERT_EQ(failure.details.size(), 1u);
    EXPECT_CONTAINS(failure.details[0],
                    "(Gelu, opset 17, in function mine::Block, in module layer1.0.act): ");
  }
}

TEST(Import, WhatAnOperatorIsMadeOfIsReportedAsTheOperator) {
  const std::string text = refusal(
      "g (float[2,3] x, float[4,5] w) => (float[2,5] y) { y = com.microsoft.FusedGemm <activation = "
      "\"Relu\"> (x, w) }",
      17);
  EXPECT_CONTAINS(text, "FusedGemm -> y (com.microsoft::FusedGemm, opset 1): as Gemm: ");
  EXPECT_CONTAINS(text, "f32 [2, 3], f32 [4, 5]");
  EXPECT_EQ(
      refusal("g (uint8[2] x, float s, uint8 z) => (float[2] y) { y = com.microsoft.DequantizeLinear(x, s, "
              "z) }",
              9),
      "")
      << "its parts take the form that there is, whatever the model's opset";
}

TEST(Import, RefusedInputsNameTheirTypesAndShapes) {
  const std::string text =
      refusal("g (float[2,3] x, float[4,5] z) => (float[a,b] y) { y = MatMul(x, z) }", 17);
  EXPECT_CONTAINS(text, "(its inputs are f32 [2, 3], f32 [4, 5])");
}

TEST(Import, TheTableKnowsDomainsAndOldestForms) {
  ImporterTable table;
  table.add("Thing", [](NodeImport&) {}, 7);
  table.add("Thing", [](NodeImport&) {}, 3);
  EXPECT_EQ(table.find("", "Thing", 9)->oldest, 7);
  EXPECT_EQ(table.find("", "Thing", 7)->oldest, 7);
  EXPECT_EQ(table.find("", "Thing", 6)->oldest, 3);
  EXPECT_EQ(table.find("", "Thing", 1)->oldest, 3);
  EXPECT_EQ(table.find("", "Other", 9), nullptr);
  EXPECT_EQ(table.find("x", "Thing", 9), nullptr);
}

TEST(Import, InitializersThatAreAlsoInputsAreConstants) {
  onnx::ModelProto proto = proto_of("g (float[2,3] x, float[3,4] w) => (float[2,4] y) { y = MatMul(x, w) }");
  auto* w = proto.mutable_graph()->add_initializer();
  w->set_name("w");
  w->set_data_type(onnx::TensorProto::FLOAT);
  w->add_dims(3);
  w->add_dims(4);
  for (int i = 0; i < 12; ++i) w->add_float_data(1);
  const graph::Model m = imported_proto(proto);
  EXPECT_EQ(m.graphs[0].inputs.size(), 1u);
}

TEST(Import, UnknownDimensionsAreSymbolsNamedAfterTheirPlace) {
  const graph::Model m = imported("g (float[N,3,?] x, float[N,3,1] z) => (y) { y = Add(x, z) }", 17);
  ASSERT_EQ(m.symbols.size(), 2u);
  EXPECT_EQ(m.symbols[0].name, "N");
  EXPECT_EQ(m.symbols[1].name, "x:2");
  const graph::Graph& g = m.graphs[0];
  EXPECT_EQ(*g.value(g.inputs[0]).dims, (graph::Dims{-2, 3, -3}));
  EXPECT_EQ(*g.value(g.inputs[1]).dims, (graph::Dims{-2, 3, 1}));
  EXPECT_EQ((*g.value(g.outputs[0]).dims)[0], -2);
}

TEST(Import, OutputsThatAreInputsConstantsOrNamedTwiceAreCopied) {
  const graph::Model m = imported(
      "g (float[2] x) => (float[2] a, float[2] b, float[2] c, float[2] k) <float[2] k = {1, 2}> "
      "{ a = Identity(x)\n t = Relu(x)\n b = Identity(t)\n c = Identity(t) }",
      17);
  const graph::Graph& g = m.graphs[0];
  std::string names;
  for (graph::ValueId v : g.outputs) names += g.value(v).name;
  EXPECT_EQ(names, "abck");
  EXPECT_EQ(nodes(m).size(), 4u);  // Relu is b itself; a, c and k are copies
  EXPECT_FALSE(graph::write(m).empty());
}

TEST(Import, SubgraphsCaptureByExplicitInputs) {
  const graph::Model m = imported(
      "g (bool c, float[2] x, float[2] z) => (float[2] y) <float[2] w = {1, 2}> { y = If (c) <"
      "then_branch = t () => (float[2] a) { a = Add(x, w) }, else_branch = e () => (float[2] b) { b = Mul(z, "
      "x) }> }",
      17);
  ASSERT_EQ(m.graphs.size(), 3u);
  const graph::Graph& g = m.graphs[0];
  ASSERT_EQ(g.nodes.size(), 1u);
  EXPECT_EQ(g.nodes[0].inputs.size(), 3u);  // the condition, x and z; w is a constant of the branch
  for (int branch : g.nodes[0].subgraphs)
    EXPECT_EQ(m.graphs[static_cast<std::size_t>(branch)].inputs.size(), 2u);
  EXPECT_FALSE(graph::write(m).empty());
}

TEST(Import, UnsupportedNodesInSubgraphsAreReportedToo) {
  EXPECT_CONTAINS(refusal("g (bool c, float[2] x) => (float[2] y) { y = If (c) <then_branch = t () => "
                          "(float[2] a) { a = Dropout(x, , c) }, "
                          "else_branch = e () => (float[2] b) { b = Neg(x) }> }",
                          17),
                  "Dropout -> a");
}

TEST(Import, TypesThatAreNoTensorsOfNumbersAreNamed) {
  EXPECT_CONTAINS(refusal("g (string[2] x) => (string[2] y) { y = Identity(x) }", 17),
                  "input 'x': it is of type STRING");
  EXPECT_CONTAINS(refusal("g (seq(float[2]) x) => (y) { y = SequenceLength(x) }", 17), "it is a sequence");
}

onnx::ModelProto custom_model() {
  onnx::ModelProto proto = proto_of(
      "g (float[2] x) => (float[2] y) { y = Relu <turns = 3, amount = 0.5, mode = \"soft\", taps = [1, 2]> "
      "(x) }");
  proto.mutable_graph()->mutable_node(0)->set_op_type("Swirl");
  proto.mutable_graph()->mutable_node(0)->set_domain("my.domain");
  proto.add_opset_import()->set_domain("my.domain");
  proto.mutable_opset_import(1)->set_version(1);
  return proto;
}

TEST(Import, CustomDomainsAreRefusedUnlessNamed) {
  const std::string bytes = custom_model().SerializeAsString();
  const ParsedModel parsed = parse(std::as_bytes(std::span(bytes)), "test.onnx", {});
  try {
    import_model(parsed);
    ADD_FAILURE();
  } catch (const UnsupportedModel& failure) {
    ASSERT_EQ(failure.problems.size(), 1u);
    EXPECT_EQ(failure.problems[0].domain, "my.domain");
    EXPECT_CONTAINS(failure.details[0], "--custom my.domain::Swirl");
  }
}

TEST(Import, CustomOperatorsKeepTheirAttributesAndTypes) {
  const graph::Model m =
      imported_proto(custom_model(), {.custom = {{"my.domain::Swirl", "Swirl"}}, .custom_domains = {}});
  const graph::Node& node = m.graphs[0].nodes[0];
  EXPECT_EQ(node.op, "Swirl");
  EXPECT_EQ(node.attributes.at("turns").ints, (std::vector<std::int64_t>{3}));
  EXPECT_EQ(node.attributes.at("amount").floats, (std::vector<float>{0.5f}));
  EXPECT_EQ(node.attributes.at("mode").text, "soft");
  EXPECT_EQ(node.attributes.at("taps").ints.size(), 2u);
  EXPECT_EQ(m.graphs[0].value(node.outputs[0]).dtype, DType::f32);
  EXPECT_EQ(custom_operators(m), (std::vector<std::string>{"Swirl"}));
  const graph::Model by_domain =
      imported_proto(custom_model(), {.custom = {}, .custom_domains = {"my.domain"}});
  EXPECT_EQ(by_domain.graphs[0].nodes[0].op, "my.domain::Swirl");
}

TEST(Import, ContradictionsFoundByInferAreReported) {
  onnx::ModelProto proto =
      proto_of("g (float[2] x, float[3] z) => (float[5] y) { y = Concat <axis = 4> (x, z) }");
  const std::string text = [&] {
    try {
      imported_proto(proto);
    } catch (const report::Failure& failure) {
      return failure.line + (failure.details.empty() ? "" : failure.details[0]);
    }
    return std::string();
  }();
  EXPECT_CONTAINS(text, "Concat");
}

onnx::TensorProto tensor(int type, std::vector<std::int64_t> dims) {
  onnx::TensorProto t;
  t.set_name("t");
  t.set_data_type(type);
  for (auto d : dims) t.add_dims(d);
  return t;
}
std::string tensor_refusal(const onnx::TensorProto& t) {
  try {
    io::constant_from_onnx(t);
  } catch (const Unsupported& reason) {
    return reason.reason;
  }
  return "accepted";
}

TEST(Tensors, TypedFieldsOfEveryWidth) {
  using T = onnx::TensorProto;
  T f16 = tensor(T::FLOAT16, {2});
  f16.add_int32_data(0x3C00);
  f16.add_int32_data(0xC000);
  EXPECT_EQ(static_cast<float>(io::constant_from_onnx(f16)->as<half>()[1]), -2.0f);
  T s8 = tensor(T::INT8, {2});
  s8.add_int32_data(-128);
  s8.add_int32_data(127);
  EXPECT_EQ(io::constant_from_onnx(s8)->as<std::int8_t>()[0], -128);
  T u16 = tensor(T::UINT16, {1});
  u16.add_int32_data(65535);
  EXPECT_EQ(io::constant_from_onnx(u16)->as<std::uint16_t>()[0], 65535);
  T u64 = tensor(T::UINT64, {1});
  u64.add_uint64_data(~std::uint64_t{0});
  EXPECT_EQ(io::constant_from_onnx(u64)->as<std::uint64_t>()[0], ~std::uint64_t{0});
  T u32 = tensor(T::UINT32, {1});
  u32.add_uint64_data(4000000000u);
  EXPECT_EQ(io::constant_from_onnx(u32)->as<std::uint32_t>()[0], 4000000000u);
  T f64 = tensor(T::DOUBLE, {});
  f64.add_double_data(0.1);
  EXPECT_EQ(io::constant_from_onnx(f64)->as<double>()[0], 0.1);
  EXPECT_EQ(io::constant_from_onnx(f64)->shape.rank(), 0);
  T boolean = tensor(T::BOOL, {3});
  for (int v : {0, 1, 2}) boolean.add_int32_data(v);
  EXPECT_EQ(io::constant_from_onnx(boolean)->as<std::uint8_t>()[2], 1);
  T s4 = tensor(T::INT4, {3});
  s4.add_int32_data(0x21);
  s4.add_int32_data(0x0F);
  EXPECT_EQ(io::constant_from_onnx(s4)->bytes.size(), 2u);
  EXPECT_EQ(io::constant_from_onnx(s4)->dtype, DType::s4);
}

TEST(Tensors, DataMustFitTheDims) {
  using T = onnx::TensorProto;
  T t = tensor(T::FLOAT, {2});
  EXPECT_CONTAINS(tensor_refusal(t), "holds 0 bytes where its dims need 8");
  t.set_raw_data(std::string(8, '\0'));
  EXPECT_EQ(tensor_refusal(t), "accepted");
  t.set_raw_data(std::string(9, '\0'));
  EXPECT_CONTAINS(tensor_refusal(t), "holds 9 bytes");
  EXPECT_CONTAINS(tensor_refusal(tensor(T::FLOAT, {-1})), "impossible shape");
  EXPECT_CONTAINS(tensor_refusal(tensor(T::FLOAT, {1 << 30, 1 << 30})), "impossible shape");
  EXPECT_CONTAINS(tensor_refusal(tensor(T::FLOAT, {0, 1ll << 40})), "impossible shape");
  EXPECT_CONTAINS(tensor_refusal(tensor(T::FLOAT, {1, 1, 1, 1, 1, 1, 1, 1, 1})), "9 dimensions");
  EXPECT_CONTAINS(tensor_refusal(tensor(T::STRING, {1})), "of type STRING");
  EXPECT_CONTAINS(tensor_refusal(tensor(T::COMPLEX64, {1})), "of type COMPLEX64");
  EXPECT_CONTAINS(tensor_refusal(tensor(12345, {1})), "data type 12345");
  EXPECT_EQ(tensor_refusal(tensor(T::FLOAT, {0, 3})), "accepted");
}

}  // namespace
}  // namespace lithe::import
