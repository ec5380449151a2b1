// SPDX-License-Identifier: Apache-2.0
#include "tools/import/origin.hpp"

#include <onnx/onnx_pb.h>

#include <cstddef>

#include "tools/import/domains.hpp"

namespace lithe::import {

namespace {

constexpr const char* function_key = "lithe.function";
constexpr const char* operator_key = "lithe.operator";
constexpr const char* torch_scopes_key = "pkg.torch.onnx.name_scopes";

/// The last value of a key, or empty.
std::string metadata(const onnx::NodeProto& node, const std::string& key) {
  std::string value;
  for (const auto& entry : node.metadata_props())
    if (entry.key() == key) value = entry.value();
  return value;
}

void set_metadata(onnx::NodeProto& node, const char* key, std::string value) {
  auto& entry = *node.add_metadata_props();
  entry.set_key(key);
  entry.set_value(std::move(value));
}

std::string qualified(const std::string& domain, const std::string& name) {
  return normalized(domain).empty() ? name : domain + "::" + name;
}

void note_function(auto& nodes, const std::string& function) {
  for (onnx::NodeProto& node : nodes) {
    set_metadata(node, function_key, function);
    for (auto& attribute : *node.mutable_attribute()) {
      if (attribute.has_g()) note_function(*attribute.mutable_g()->mutable_node(), function);
      for (auto& g : *attribute.mutable_graphs()) note_function(*g.mutable_node(), function);
    }
  }
}

/// PyTorch's exporter keeps "['', 'layer1', 'layer1.conv', 'conv2d']": modules from the outermost on, then a name of its
/// own for the node. Returns the innermost module.
std::string torch_module(const std::string& scopes) {
  std::string last, module;
  for (std::size_t at = scopes.find('\''); at != scopes.npos; at = scopes.find('\'', at)) {
    const std::size_t end = scopes.find('\'', at + 1);
    if (end == scopes.npos) break;
    if (!last.empty()) module = last;
    last = scopes.substr(at + 1, end - at - 1);
    at = end + 1;
  }
  return module;
}

}  // namespace

void note_functions(onnx::ModelProto& model) {
  for (auto& f : *model.mutable_functions())
    note_function(*f.mutable_node(), qualified(f.domain(), f.name()));
}

void note_expanded(onnx::NodeProto& node, const onnx::NodeProto& original) {
  *node.mutable_metadata_props() = original.metadata_props();
  if (expanded_operator(original).empty())
    set_metadata(node, operator_key, normalized(original.domain()) + "::" + original.op_type());
}

std::string expanded_operator(const onnx::NodeProto& node) { return metadata(node, operator_key); }

std::string origin_text(const onnx::NodeProto& node) {
  const std::string function = metadata(node, function_key),
                    module = torch_module(metadata(node, torch_scopes_key));
  std::string text;
  if (!function.empty()) text = "in function " + function;
  if (!module.empty()) text += (text.empty() ? "in module " : ", in module ") + module;
  return text;
}

}  // namespace lithe::import
