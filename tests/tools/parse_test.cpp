// SPDX-License-Identifier: Apache-2.0
#include "tools/import/parse.hpp"

#include <gtest/gtest.h>
#include <onnx/onnx_pb.h>
#include <unistd.h>

#include <chrono>
#include <filesystem>
#include <fstream>
#include <string>

#include "tests/tools/import_testing.hpp"
#include "tools/import/formats.hpp"
#include "tools/import/wire.hpp"

namespace lithe::import {
namespace {

using namespace test;

constexpr const char* relu = "g (float[2,3] x) => (float[2,3] y) { y = Relu(x) }";

std::span<const std::byte> bytes_of(const std::string& text) { return std::as_bytes(std::span(text)); }

/// The one line of a refusal with its exit code in front, or "accepted".
std::string outcome(const std::string& bytes, const std::string& name = "m.onnx",
                    const std::filesystem::path& folder = {}, const ParseOptions& options = {}) {
  try {
    parse(bytes_of(bytes), name, folder, options);
  } catch (const report::Failure& failure) {
    EXPECT_EQ(failure.line.find('\n'), std::string::npos) << failure.line;
    return std::to_string(failure.exit) + " " + failure.line;
  }
  return "accepted";
}
bool contains(const std::string& text, const std::string& part) {
  return text.find(part) != std::string::npos;
}
#define EXPECT_CONTAINS(text, part) EXPECT_TRUE(contains(text, part)) << (text)

TEST(Parse, AModelKeepsItsNameAndHash) {
  const std::string model = serialized(relu, 17);
  const ParsedModel parsed = parse(bytes_of(model), "folder/m.onnx", {});
  EXPECT_EQ(parsed.name, "m.onnx");
  EXPECT_EQ(parsed.hash.size(), 32u);
  EXPECT_EQ(parsed.proto->graph().node(0).op_type(), "Relu");
  EXPECT_TRUE(parsed.notes.empty());
}

TEST(Parse, EveryTruncationIsRefusedInOneLine) {
  const std::string model = serialized(
      "g (float[2,3] x) => (float[2,4] y) <float[3,4] w = {1,2,3,4,5,6,7,8,9,10,11,12}> { y = MatMul(x, w) }",
      17);
  ASSERT_EQ(outcome(model), "accepted");
  int accepted = 0;
  for (std::size_t n = 0; n < model.size(); ++n) {
    const std::string result = outcome(model.substr(0, n));
    if (result == "accepted")
      ++accepted;
    else
      EXPECT_TRUE(result.starts_with("3 ")) << n << ": " << result;
  }
  EXPECT_LE(accepted, 2);  // cuts between two top-level fields leave a model
}

TEST(Parse, EveryFlippedByteIsAcceptedOrRefusedInOneLine) {
  const std::string model = serialized(
      "g (float[1,2,9,9] x) => (y) <float[4,2,3,3] w> { y = Conv <strides = [2, 2], pads = [1, 1, 1, 1]> (x, "
      "w) }",
      17);
  for (std::size_t i = 0; i < model.size(); ++i)
    for (const unsigned char flip : {0x01, 0x80, 0xFF, 0x06}) {
      std::string damaged = model;
      damaged[i] = static_cast<char>(static_cast<unsigned char>(damaged[i]) ^ flip);
      const std::string result = outcome(damaged);
      EXPECT_TRUE(result == "accepted" || result.starts_with("3 ")) << i << ": " << result;
    }
}

TEST(Parse, EmptyAndForeignFilesAreNamedWithTheCommandThatHelps) {
  EXPECT_CONTAINS(outcome(""), "the file is empty");
  EXPECT_CONTAINS(outcome("not a model at all"), "3 m.onnx: this is not an ONNX model");
  EXPECT_CONTAINS(outcome("xxxxTFL3", "m.tflite"), "--tflite");
  EXPECT_CONTAINS(outcome(std::string("PK\x03\x04") + "archive/data.pkl", "m.pt"), "torch.onnx.export");
  EXPECT_CONTAINS(outcome("xxxxET12", "m.pte"), "ExecuTorch");
  EXPECT_CONTAINS(outcome("GGUFxxxx", "m.gguf"), "GGUF");
  EXPECT_CONTAINS(outcome("\x10\0\0\0\0\0\0\0LITHxxxx" + std::string(1, 'x'), "m.onnx").substr(0, 2), "3 ");
  EXPECT_CONTAINS(outcome(std::string("\x10\0\0\0\x08\0\0\0LITH", 12)), "a lithe model already");
  EXPECT_CONTAINS(outcome(std::string("\x20\0\0\0\0\0\0\0{\"a\":1}", 15), "m.safetensors"), "safetensors");
  EXPECT_CONTAINS(outcome("version https://git-lfs.github.com/spec/v1\n"), "git lfs pull");
  EXPECT_CONTAINS(outcome("<!DOCTYPE html>"), "web page");
  EXPECT_CONTAINS(outcome("\x08\x01\x12\x02hi", "saved_model.pb"), "--saved-model");
  EXPECT_CONTAINS(outcome("\x08\x07", "m.mlmodel"), "Core ML");
  EXPECT_CONTAINS(outcome("anything", "m.engine"), "TensorRT");
  EXPECT_CONTAINS(outcome("\x08\x07"), "it holds no graph");
}

TEST(Parse, FilesThatAreNotThere) {
  const auto line = [](const std::filesystem::path& path) {
    try {
      parse(path);
    } catch (const report::Failure& failure) {
      return std::to_string(failure.exit) + " " + failure.line;
    }
    return std::string("accepted");
  };
  EXPECT_EQ(line("/nonexistent/model.onnx"), "4 /nonexistent/model.onnx: no such file");
  EXPECT_CONTAINS(line(std::filesystem::temp_directory_path()), "3 ");
}

TEST(Parse, OpsetsOutsideTheRangeAreRefusedWithARemedy) {
  EXPECT_CONTAINS(outcome(serialized(relu, 99)),
                  "opset 99 is not supported; export again with opset 1 to 27");
  EXPECT_EQ(outcome(serialized(relu, 6)), "accepted");
  EXPECT_EQ(outcome(serialized(relu, 26)), "accepted");
}

TEST(Parse, TheCheckersWordIsPassedOnInOneLine) {
  EXPECT_CONTAINS(outcome(serialized("g (float[2] x) => (float[2] y) { y = Relu(missing) }", 17)),
                  "ONNX's checker refuses it");
  EXPECT_CONTAINS(outcome(serialized("g (float[2] x) => (float[2] y) { y = Relu(x)\n y = Neg(x) }", 17)),
                  "ONNX's checker refuses it");
}

TEST(Parse, AttributesThatWouldCrashShapeInferenceAreRefusedBefore) {
  const auto with = [](const char* graph, const char* attribute, std::int64_t value) {
    onnx::ModelProto model;
    model.ParseFromString(serialized(graph, 18));
    for (auto& a : *model.mutable_graph()->mutable_node(0)->mutable_attribute()) {
      if (a.name() != attribute) continue;
      if (a.ints_size() != 0)
        a.set_ints(0, value);
      else
        a.set_i(value);
    }
    return model.SerializeAsString();
  };
  EXPECT_CONTAINS(outcome(with("g (float[1,1,4,4] x) => (float[1,1,2,2] y) { y = MaxPool <kernel_shape = [2, "
                               "2], strides = [2, 2]> (x) }",
                               "strides", 0)),
                  "attribute 'strides' is 0");
  EXPECT_CONTAINS(
      outcome(with("g (float[1,4,4,4] x) => (float[1,1,8,8] y) { y = DepthToSpace <blocksize = 2> (x) }",
                   "blocksize", 0)),
      "attribute 'blocksize' is 0");
  EXPECT_CONTAINS(
      outcome(with("g (float[6] x) => (float[3] y, float[3] z) { y, z = Split <num_outputs = 2> (x) }",
                   "num_outputs", 2'000'000'000)),
      "attribute 'num_outputs' is 2000000000");
}

TEST(Parse, AttributesThatCannotBeAreNamedAllAtOnce) {
  onnx::ModelProto model;
  model.ParseFromString(serialized(
      "g (float[1,1,4,4] x) => (float[1,1,2,2] y) { a = MaxPool <kernel_shape = [2, 2], pads = [0, 0, "
      "0, 0]> (x)\n y = Softmax <axis = 1> (a) }",
      18));
  auto& graph = *model.mutable_graph();
  for (auto& a : *graph.mutable_node(0)->mutable_attribute())
    if (a.name() == "pads") a.set_ints(1, std::int64_t{1} << 40);
  graph.mutable_node(1)->mutable_attribute(0)->set_i(std::int64_t{1} << 32);
  try {
    parse(bytes_of(model.SerializeAsString()), "m.onnx", {});
    ADD_FAILURE();
  } catch (const report::Failure& failure) {
    EXPECT_CONTAINS(failure.line, "m.onnx: 2 attributes cannot be right");
    ASSERT_EQ(failure.details.size(), 2u);
    EXPECT_EQ(
        failure.details[0],
        "MaxPool -> a (MaxPool): attribute 'pads' is 1099511627776, which cannot be right: it lies between "
        "-16777216 and 16777216");
    EXPECT_CONTAINS(failure.details[1], "Softmax -> y (Softmax): attribute 'axis' is 4294967296");
  }
}

TEST(Parse, TheDomainOfOnnxHasTwoNames) {
  onnx::ModelProto model;
  model.ParseFromString(serialized(relu, 17));
  model.mutable_opset_import(0)->set_domain("ai.onnx");
  EXPECT_EQ(outcome(model.SerializeAsString()), "accepted");
  model.mutable_opset_import(0)->set_domain("");
  model.mutable_graph()->mutable_node(0)->set_domain("ai.onnx");
  EXPECT_EQ(outcome(model.SerializeAsString()), "accepted");
}

TEST(Parse, GraphsNeedNoNameAndOutputsNoShape) {
  onnx::ModelProto model;
  model.ParseFromString(serialized(relu, 17));
  model.mutable_graph()->clear_name();
  model.mutable_graph()->mutable_output(0)->mutable_type()->mutable_tensor_type()->clear_shape();
  EXPECT_EQ(outcome(model.SerializeAsString()), "accepted");
}

/// `inner` as a length-delimited field.
std::string field(int number, const std::string& inner) {
  std::string out(1, static_cast<char>(number << 3 | 2));
  for (std::size_t n = inner.size();; n >>= 7) {
    out += static_cast<char>((n & 0x7F) | (n > 0x7F ? 0x80 : 0));
    if (n <= 0x7F) return out + inner;
  }
}

TEST(Wire, DepthIsBounded) {
  std::string graph;
  for (int i = 0; i < 40; ++i)
    graph = field(1, field(5, field(6, graph)));  // graph { node { attribute { g } } }
  EXPECT_CONTAINS(scan_model(bytes_of(field(7, graph)), {}), "too deeply");
  std::string type;
  for (int i = 0; i < 200; ++i) type = field(4, field(1, type));  // sequence of sequences
  EXPECT_CONTAINS(scan_model(bytes_of(field(7, field(11, field(2, type)))), {}), "too deeply");
}

TEST(Wire, SmallFilesCannotAskForMuchMemory) {
  std::string nodes;
  for (int i = 0; i < 250'000; ++i) nodes += field(1, "");
  EXPECT_CONTAINS(scan_model(bytes_of(field(7, nodes)), {}), "too many nodes");
  std::string tensors;
  for (int i = 0; i < 2'000'000; ++i) tensors += field(5, "");
  EXPECT_CONTAINS(scan_model(bytes_of(field(7, tensors)), {}), "more tables");
  EXPECT_CONTAINS(scan_model(bytes_of(field(7, field(5, field(7, std::string(30'000'000, '\1'))))), {}),
                  "more tables");
  EXPECT_EQ(scan_model(bytes_of(field(7, field(5, field(9, std::string(30'000'000, '\1'))))), {}),
            "");  // raw_data is what it is
}

TEST(Wire, NumbersAndFieldsMustMakeSense) {
  EXPECT_CONTAINS(scan_model(bytes_of(std::string(1, '\x0B')), {}), "unknown encoding");  // a group
  EXPECT_CONTAINS(scan_model(bytes_of(std::string(1, '\x02')), {}), "impossible number");
  EXPECT_CONTAINS(scan_model(bytes_of(std::string(1, '\x08') + std::string(11, '\xFF')), {}),
                  "longer than 10 bytes");
  EXPECT_CONTAINS(scan_model(bytes_of("\x3A\x7F"), {}), "longer than what is left");
}

std::string with_functions(int levels, int calls) {
  onnx::ModelProto model;
  model.ParseFromString(serialized(relu, 17));
  auto* opset = model.add_opset_import();
  opset->set_domain("f");
  opset->set_version(1);
  model.mutable_graph()->mutable_node(0)->set_op_type("f0");
  model.mutable_graph()->mutable_node(0)->set_domain("f");
  for (int i = 0; i < levels; ++i) {
    auto* f = model.add_functions();
    f->set_name("f" + std::to_string(i));
    f->set_domain("f");
    f->add_input("a");
    f->add_output("b");
    *f->add_opset_import() = model.opset_import(0);
    *f->add_opset_import() = *opset;
    for (int c = 0; c < calls; ++c) {
      auto* node = f->add_node();
      node->set_op_type(i + 1 < levels ? "f" + std::to_string(i + 1) : "Relu");
      if (i + 1 < levels) node->set_domain("f");
      node->add_input(c == 0 ? "a" : "t" + std::to_string(c - 1));
      node->add_output(c + 1 == calls ? "b" : "t" + std::to_string(c));
    }
  }
  return model.SerializeAsString();
}

TEST(Parse, FunctionsAreInlined) {
  const std::string model = with_functions(2, 3);
  const ParsedModel parsed = parse(bytes_of(model), "m.onnx", {});
  EXPECT_EQ(parsed.proto->graph().node_size(), 9);
  EXPECT_EQ(parsed.proto->functions_size(), 0);
  for (const auto& node : parsed.proto->graph().node()) EXPECT_EQ(node.op_type(), "Relu");
}

TEST(Parse, FunctionsCannotExplode) {
  const auto start = std::chrono::steady_clock::now();
  EXPECT_CONTAINS(outcome(with_functions(30, 4)), "more than 200000 nodes once functions are inlined");
  EXPECT_LT(std::chrono::steady_clock::now() - start, std::chrono::seconds(10));
  onnx::ModelProto circle;
  circle.ParseFromString(with_functions(2, 1));
  circle.mutable_functions(1)->mutable_node(0)->set_op_type("f0");
  circle.mutable_functions(1)->mutable_node(0)->set_domain("f");
  EXPECT_CONTAINS(outcome(circle.SerializeAsString()), "circle");
}

class ExternalData : public ::testing::Test {
 protected:
  ExternalData()
      : folder_(std::filesystem::temp_directory_path() / ("lithe_external_" + std::to_string(getpid()))) {
    std::filesystem::create_directories(folder_ / "model" / "inner");
    for (const char* place : {"model/w.bin", "model/inner/w.bin", "outside.bin"})
      std::ofstream(folder_ / place, std::ios::binary) << std::string(48, '\1');
    std::filesystem::create_symlink(folder_ / "outside.bin", folder_ / "model" / "link.bin");
    std::filesystem::create_symlink("w.bin", folder_ / "model" / "good_link.bin");
  }
  ~ExternalData() override { std::filesystem::remove_all(folder_); }

  static std::string model(const std::string& location, const std::string& offset = "",
                           const std::string& length = "", int copies = 1) {
    onnx::ModelProto m;
    m.ParseFromString(
        serialized("g (float[2,3] x) => (float[2,4] y) <float[3,4] w = {1,2,3,4,5,6,7,8,9,10,11,12}> { y = "
                   "MatMul(x, w) }",
                   17));
    auto entry = [](onnx::TensorProto& t, const char* key, const std::string& value) {
      if (value.empty()) return;
      t.add_external_data()->set_key(key);
      t.mutable_external_data(t.external_data_size() - 1)->set_value(value);
    };
    auto* w = m.mutable_graph()->mutable_initializer(0);
    w->clear_float_data();
    w->clear_raw_data();
    w->set_data_location(onnx::TensorProto::EXTERNAL);
    entry(*w, "location", location);
    entry(*w, "offset", offset);
    entry(*w, "length", length);
    for (int i = 1; i < copies; ++i) {
      *m.mutable_graph()->add_initializer() = m.graph().initializer(0);
      m.mutable_graph()->mutable_initializer(i)->set_name("w" + std::to_string(i));
    }
    return m.SerializeAsString();
  }
  std::string in_folder(const std::string& bytes) const {
    return outcome(bytes, "m.onnx", folder_ / "model");
  }
  std::filesystem::path folder_;
};

TEST_F(ExternalData, IsReadFromTheModelsFolder) {
  EXPECT_EQ(in_folder(model("w.bin")), "accepted");
  EXPECT_EQ(in_folder(model("inner/w.bin", "0", "48")), "accepted");
  EXPECT_EQ(in_folder(model("good_link.bin")), "accepted");
  const std::string bytes = model("w.bin");
  const ParsedModel parsed = parse(bytes_of(bytes), "m.onnx", folder_ / "model");
  EXPECT_EQ(parsed.proto->graph().initializer(0).raw_data(), std::string(48, '\1'));
}

TEST_F(ExternalData, NeverFromElsewhere) {
  EXPECT_CONTAINS(in_folder(model("../outside.bin")), "must be a file inside the model's folder");
  EXPECT_CONTAINS(in_folder(model("inner/../../outside.bin")), "must be a file inside");
  EXPECT_CONTAINS(in_folder(model((folder_ / "outside.bin").string())), "must be a file inside");
  EXPECT_CONTAINS(in_folder(model("link.bin")), "leads out of the model's folder");
  EXPECT_CONTAINS(in_folder(model("missing.bin")), "cannot be opened");
  EXPECT_CONTAINS(in_folder(model("inner")), "is not a file");
  EXPECT_CONTAINS(outcome(model("w.bin")), "the model has no folder");
}

TEST_F(ExternalData, OffsetsAndLengthsAreChecked) {
  EXPECT_CONTAINS(in_folder(model("w.bin", "40", "48")), "shorter than the model says");
  EXPECT_CONTAINS(in_folder(model("w.bin", "18446744073709551615", "48")), "shorter than the model says");
  EXPECT_CONTAINS(in_folder(model("w.bin", "zero")), "is not a number");
  EXPECT_CONTAINS(in_folder(model("w.bin", "", "", 20)), "too large");  // one file, read twenty times
}

TEST(Parse, ShapesReplaceTheFilesEverywhere) {
  const std::string model =
      serialized("g (float[N,3] x, float[N,3] z) => (float[N,3] y) { t = Add(x, z)\n y = Relu(t) }", 17);
  const ParseOptions options{.shapes = {{"x", {5, 3}}}, .limits = {}};
  const ParsedModel parsed = parse(bytes_of(model), "m.onnx", {}, options);
  EXPECT_EQ(parsed.proto->graph().input(1).type().tensor_type().shape().dim(0).dim_value(), 5);
  EXPECT_CONTAINS(outcome(model, "m.onnx", {}, {.shapes = {{"q", {1}}}, .limits = {}}),
                  "2 m.onnx: --shape: no input is called 'q'; the inputs are x, z");
  EXPECT_CONTAINS(outcome(model, "m.onnx", {}, {.shapes = {{"x", {1}}}, .limits = {}}),
                  "has 2 dimensions, not 1");
  EXPECT_CONTAINS(outcome(model, "m.onnx", {}, {.shapes = {{"x", {1, 3}}, {"z", {2, 3}}}, .limits = {}}),
                  "is given as 1 and as 2");
}

}  // namespace
}  // namespace lithe::import
