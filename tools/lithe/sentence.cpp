// SPDX-License-Identifier: Apache-2.0
#include "tools/lithe/sentence.hpp"

#include "lithe/format/reader.hpp"
#include "tools/report/error.hpp"
#include "tools/report/type_text.hpp"

namespace lithe::cli {

namespace {

const format::Node* node_of(const Status& status, const Model& model) {
  const auto* graphs = model.root().subgraphs();
  if (status.node() < 0 || status.subgraph() >= static_cast<std::int32_t>(graphs->size())) return nullptr;
  const auto* nodes = graphs->Get(static_cast<std::uint32_t>(status.subgraph()))->nodes();
  return status.node() >= static_cast<std::int32_t>(nodes->size())
             ? nullptr
             : nodes->Get(static_cast<std::uint32_t>(status.node()));
}

/// "f32 [1, 3, ?, ?], s8 [8]": what the file says of a node's inputs.
std::string inputs_text(const Status& status, const Model& model, const format::Node& node) {
  const auto* values = model.root().subgraphs()->Get(static_cast<std::uint32_t>(status.subgraph()))->values();
  std::string all;
  for (const std::int32_t input : numbers(node.inputs())) {
    if (!all.empty()) all += ", ";
    if (input < 0) {
      all += "none";
      continue;
    }
    const format::Value& value = *values->Get(static_cast<std::uint32_t>(input));
    all += name(static_cast<DType>(value.dtype()));
    if (value.dims() != nullptr) all += " " + report::dims_text(numbers(value.dims()));
  }
  return all;
}

const char* remedy(Code code) {
  switch (code) {
    case Code::invalid_model:
      return "convert the model again";
    case Code::needs_value:
      return "give the shape-deciding inputs";
    case Code::out_of_memory:
      return "choose smaller shapes, or give more memory";
    case Code::shape:
      return "check the input shapes (lithe inspect prints them)";
    case Code::io:
      return "check the path and its permissions";
    default:
      return "";
  }
}

}  // namespace

std::string sentence(const Status& status, const Model& model, const std::filesystem::path& file) {
  std::string line = file.string() + ": ";
  const format::Node* node = node_of(status, model);
  if (node != nullptr) {
    line += "node " + std::to_string(status.node());
    if (count(node->onnx_names()) != 0) line += " '" + node->onnx_names()->Get(0)->str() + "'";
    line += " (" + model.root().operators()->Get(node->op())->name()->str() + "): ";
  }
  line += std::string(status.text());
  const bool about_inputs =
      status.code() == Code::unsupported || status.code() == Code::dtype || status.code() == Code::shape;
  if (node != nullptr && about_inputs && count(node->inputs()) != 0)
    line += " (its inputs are " + inputs_text(status, model, *node) + ")";
  line += std::string(" [") + name(status.code()) + "]";
  if (const char* what = remedy(status.code()); *what != 0) line += std::string("; ") + what;
  return line;
}

void fail(const Status& status, const Model& model, const std::filesystem::path& file) {
  const bool system = status.code() == Code::io || status.code() == Code::out_of_memory;
  throw report::Failure(system ? report::exits::system : report::exits::bad_input,
                        sentence(status, model, file));
}

}  // namespace lithe::cli
