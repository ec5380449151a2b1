// SPDX-License-Identifier: Apache-2.0
#include <gtest/gtest.h>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <map>
#include <regex>
#include <set>
#include <string>
#include <vector>

#include "tools/kernels/kernels.hpp"

/// Passes and tools ask operators for facts (core/facts.hpp) and name none: a list of names would be wrong as
/// soon as an operator is added. Two kinds of files name operators: those that match a pattern or hold a table, which
/// stand below with a reason, and importers (tools/import/ops/). Any file may name the operator of a node that it makes.
namespace lithe::test {
namespace {

struct Place {
  std::string file;
  std::set<std::string> names;  ///< empty: any
  std::string reason;
};

const std::vector<Place> places{
    {"check/in_double.cpp", {"BitCast", "Cast"}, "what reads bits, and what is there to round"},
    {"check/shape_contents.cpp", {"Split"}, "sizes that add up"},
    {"check/told.cpp", {}, "the table of what operators ask of their inputs"},
    {"graph/sampled_shapes.cpp", {"Reshape"}, "what the length of a shape tells"},
    {"import/expansion.cpp",
     {"LayerNormalization", "Transpose"},
     "ONNX's operators in terms of others of ONNX"},
    {"import/fused_operators.cpp", {}, "ONNX Runtime's operators in terms of ONNX's"},
    {"import/graph_import.cpp", {"Gather", "Shape"}, "pattern: a dimension taken from a shape"},
    {"import/integer_operators.cpp", {}, "ONNX's operators in terms of others of ONNX"},
    {"import/quantized_operators.cpp", {}, "ONNX's operators in terms of others of ONNX"},
    {"import/sequences.cpp", {}, "ONNX's sequences in terms of others of ONNX's operators"},
    {"lithe/cpu.cpp",
     {"DepthwiseConv2D", "DynamicFullyConnected", "DynamicQuantize", "FullyConnected"},
     "makes the layers whose code paths it prints"},
    {"passes/axis_parts.cpp", {"Expand", "Gather"}, "the nodes that pick an index, or repeat an axis"},
    {"passes/drop_flattening.cpp", {"FullyConnected"}, "pattern: a layer between Reshapes"},
    {"passes/fold_constants.cpp", {"Shape", "ShapeOf"}, "pattern: dimensions taken from a shape"},
    {"passes/fuse_attention.cpp",
     {"Add", "Attention", "Div", "IsNaN", "MatMul", "Mul", "Reshape", "Softmax", "Tanh", "Where"},
     "pattern: a softmax between products"},
    {"passes/fuse_batch_normalization.cpp",
     {"BatchNormalization", "Div", "HardSigmoid", "Mul"},
     "pattern: a scale after a layer"},
    {"passes/fuse_bias.cpp", {"Add", "Sub"}, "pattern: a sum after a layer"},
    {"passes/fuse_group_normalization.cpp", {"Shape"}, "pattern"},
    {"passes/fuse_pad.cpp", {"MaxPool2D", "Pad"}, "pattern: a Pad before windows"},
    {"passes/fuse_patterns.cpp",
     {"GroupNormalization", "LayerNormalization", "RMSNormalization"},
     "patterns"},
    {"passes/fuse_scale.cpp", {"Add", "Div", "Mul", "Sub"}, "pattern: arithmetic with constants"},
    {"passes/layout_rules.cpp", {}, "the table of layout rules"},
    {"passes/pattern.cpp", {"Div", "Mul"}, "the language of patterns: a scale is either"},
    {"passes/permutation.cpp", {"Transpose"}, "the one place that knows a Transpose"},
    {"passes/quantize_dynamically.cpp",
     {"Add", "Cast", "FullyConnected", "MatMul", "Mul", "Sub"},
     "pattern: a product of quantized rows"},
    {"passes/quantize_weights.cpp", {"FullyConnected"}, "the operator that has a form for stored weights"},
    {"passes/simplify.cpp", {"Expand", "Pad", "Slice"}, "patterns: those that change nothing"},
    {"passes/sink_reshape.cpp", {"FullyConnected"}, "pattern: a layer that reads a Flatten"},
    {"passes/sink_squeezes.cpp", {"Reshape", "Squeeze", "Unsqueeze"}, "the pass is about these"},
    {"passes/use_half_precision.cpp", {"Add", "Max", "Sub"}, "patterns: sums with numbers that f16 loses"},
};

std::set<std::string> operator_names() {
  std::set<std::string> names;
  for (const OperatorFacts& facts : operator_facts()) {
    names.insert(facts.spec->name);
    names.insert(facts.cpp_name);
  }
  return names;
}

std::string without_comments(const std::filesystem::path& file) {
  std::ifstream in(file);
  const std::string text{std::istreambuf_iterator<char>(in), {}};
  return std::regex_replace(text, std::regex("//[^\n]*"), "");
}

/// Whether what stands before a name makes a node of that operator: make_node("Add", node.op = "Add".
bool makes_a_node(const std::string& before) {
  static const std::regex makes(
      R"(((make_[a-z]+|node_of)\(\s*(\w+, )?|[\w)]\.op = [^;]*|Node\{\.op = |set_attributes<)$)");
  return std::regex_search(before, makes);
}

/// The operators that a text names: as a whole string, or as a type.
std::set<std::string> named_in(const std::string& text, const std::set<std::string>& operators) {
  static const std::regex name(R"re("(\w+)"|\bops::(\w+))re");
  std::set<std::string> found;
  for (std::sregex_iterator i(text.begin(), text.end(), name), end; i != end; ++i) {
    const std::string op = (*i)[1].matched ? (*i)[1] : (*i)[2];
    if (!operators.contains(op)) continue;
    const auto at = static_cast<std::size_t>(i->position()), from = at - std::min<std::size_t>(at, 160);
    if (!makes_a_node(text.substr(from, at - from))) found.insert(op);
  }
  return found;
}

std::string listed(const std::set<std::string>& names) {
  std::string text;
  for (const std::string& name : names) text += (text.empty() ? "" : ", ") + name;
  return text;
}

TEST(OperatorNames, WhatCountsAsNaming) {
  const std::set<std::string> operators{"Add", "Mul"};
  EXPECT_EQ(named_in(R"(if (is(node, "Add")) return;)", operators), std::set<std::string>{"Add"});
  EXPECT_EQ(named_in(R"(is_any(node, {"Add", "Mul"}))", operators), operators);
  EXPECT_EQ(named_in("attributes_of<ops::Mul>()", operators), std::set<std::string>{"Mul"});
  EXPECT_EQ(named_in(R"(node.op == "Add")", operators), std::set<std::string>{"Add"});
  EXPECT_EQ(named_in(R"({.op = "Add", .axis = 0})", operators), std::set<std::string>{"Add"});
  for (const char* text : {R"(make_node("Add", {x}, {y}))", R"(make_quantizer(rewriter, "Mul", from))",
                           R"(node.op = sums ? "Add" : "Mul";)", R"(Node{.op = "Add"})",
                           R"(set_attributes<ops::Add>(node, {}))", R"("Add this")"})
    EXPECT_TRUE(named_in(text, operators).empty()) << text;
}

TEST(OperatorNames, OnlyPatternsAndTablesNameOperators) {
  namespace fs = std::filesystem;
  const std::set<std::string> operators = operator_names();
  std::map<std::string, std::set<std::string>> found;
  int files = 0;
  for (const auto& entry : fs::recursive_directory_iterator("tools")) {
    const fs::path file = entry.path();
    const std::string name = file.lexically_relative("tools").generic_string();
    if ((file.extension() != ".cpp" && file.extension() != ".hpp") || name.starts_with("import/ops/"))
      continue;
    ++files;
    const std::set<std::string> names = named_in(without_comments(file), operators);
    if (!names.empty()) found[name] = names;
  }
  ASSERT_GT(files, 100) << "run in the repository";
  for (const Place& place : places) {
    const std::set<std::string> names = found[place.file];
    found.erase(place.file);
    EXPECT_FALSE(names.empty()) << place.file << " names no operator: its row goes";
    if (place.names.empty()) continue;
    EXPECT_EQ(listed(names), listed(place.names)) << place.file << " (" << place.reason << ")";
  }
  for (const auto& [file, names] : found)
    ADD_FAILURE() << "tools/" << file << " names " << listed(names)
                  << ": ask the operator for a fact (include/lithe/core/facts.hpp)";
}

}  // namespace
}  // namespace lithe::test
