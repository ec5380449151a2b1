// SPDX-License-Identifier: Apache-2.0
#pragma once

#undef MAP_TYPE  // <sys/mman.h> defines it, and onnx's parser has a member of that name

#include <gtest/gtest.h>
#include <onnx/defs/parser.h>
#include <onnx/onnx_pb.h>

#include <map>
#include <span>
#include <sstream>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

#include "tools/graph/graph.hpp"
#include "tools/import/import_model.hpp"
#include "tools/import/parse.hpp"
#include "tools/report/error.hpp"

/// Small ONNX models in onnx's text form, what the importers make of them, and what they refuse.
namespace lithe::test {

using import::newest_opset;
/// The oldest opset whose forms are those of today; those of older ones: import_old_forms_test.cpp.
inline constexpr int oldest_opset = 7;

/// The serialized model `graph`, as "g (float[2] x) => (float[] y) { y = Relu(x) }", in an opset. Operators of ai.onnx.ml
/// are those of `ml_opset`.
inline std::string serialized(const std::string& graph, int opset, int ml_opset = 3) {
  onnx::ModelProto model;
  const auto domain = [&](const std::string& name, int version) {
    return graph.find(name) == std::string::npos ? "" : ", \"" + name + "\" : " + std::to_string(version);
  };
  const std::string text = "<ir_version: 10, opset_import: [\"\" : " + std::to_string(opset) +
                           domain("com.microsoft", 1) + domain("ai.onnx.ml", ml_opset) + "]> " + graph;
  onnx::OnnxParser parser(text.c_str());
  const auto status = parser.Parse(model);
  if (!status.IsOK()) throw std::invalid_argument(text + ": " + status.ErrorMessage());
  return model.SerializeAsString();
}

inline graph::Model imported(const std::string& graph, int opset) {
  const std::string bytes = serialized(graph, opset);
  return import::import_model(import::parse(std::as_bytes(std::span(bytes)), "test.onnx", {}));
}

/// The text of the refusal, or empty where the model is imported.
inline std::string refusal(const std::string& graph, int opset) {
  try {
    imported(graph, opset);
  } catch (const report::Failure& failure) {
    std::string text = failure.line;
    for (const std::string& detail : failure.details) text += '\n' + detail;
    return text;
  }
  return {};
}

/// Whether a refusal contains `word`; the failure shows it whole.
inline ::testing::AssertionResult mentions(const std::string& text, const std::string& word) {
  if (text.find(word) != std::string::npos) return ::testing::AssertionSuccess();
  return ::testing::AssertionFailure() << "\"" << word << "\" is not in \"" << text << '"';
}

inline std::string to_text(const graph::Attribute& attribute) {
  std::ostringstream out;
  out << attribute.text;
  for (std::size_t i = 0; i < attribute.ints.size(); ++i) out << (i == 0 ? "" : ",") << attribute.ints[i];
  for (std::size_t i = 0; i < attribute.floats.size(); ++i) out << (i == 0 ? "" : ",") << attribute.floats[i];
  return out.str();
}

/// An input: '.' computed, '-' absent, '#' a larger constant, short integer vectors and scalars in full.
inline std::string to_text(const graph::Graph& graph, graph::ValueId id) {
  if (id == graph::absent) return "-";
  const graph::Constant* constant = graph.constant(id);
  if (constant == nullptr) return ".";
  const TensorView view = constant->view();
  std::ostringstream out;
  if (view.shape.rank() == 0 && view.dtype == DType::f32) {
    out << constant->as<float>()[0];
  } else if (view.shape.rank() <= 1 && view.dtype == DType::s64) {
    out << '[';
    for (index_t i = 0; i < view.elements(); ++i) out << (i == 0 ? "" : ",") << integer_at(view, i);
    out << ']';
  } else {
    out << '#';
  }
  return out.str();
}

/// One line a node of the main graph: "Conv2D pads=1,1,1,1 (., #)"; attributes are those that are not the
/// defaults.
inline std::vector<std::string> nodes(const graph::Model& model) {
  const graph::Graph& graph = model.graphs.at(0);
  std::vector<std::string> lines;
  for (const graph::Node& node : graph.nodes) {
    std::string line = node.op;
    for (const auto& [name, attribute] : node.attributes) line += " " + name + "=" + to_text(attribute);
    line += " (";
    for (std::size_t i = 0; i < node.inputs.size(); ++i)
      line += (i == 0 ? "" : ", ") + to_text(graph, node.inputs[i]);
    lines.push_back(line + ")");
  }
  return lines;
}

inline std::vector<std::string> nodes(const std::string& graph, int opset) {
  return nodes(imported(graph, opset));
}

using Lines = std::vector<std::string>;

}  // namespace lithe::test
