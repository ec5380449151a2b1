// SPDX-License-Identifier: Apache-2.0
#include "tools/import/function_body.hpp"

#include <onnx/defs/schema.h>
#include <onnx/inliner/inliner.h>

#include <algorithm>
#include <exception>
#include <set>
#include <unordered_map>

#include "tools/import/domains.hpp"
#include "tools/import/graph_import.hpp"

namespace lithe::import {
namespace {

constexpr const char* onnx_domain = "";

using Defaults = std::unordered_map<std::string, onnx::OpSchema::Attribute>;

/// The function of the node's operator as ONNX's library has it, or builds it for these types.
bool build(const onnx::OpSchema& schema, const onnx::NodeProto& node, int opset,
           const std::vector<onnx::TypeProto>& types, onnx::FunctionProto& function) {
  if (schema.HasFunction()) {
    const onnx::FunctionProto* fixed = schema.GetFunction(opset, false);
    if (fixed == nullptr) return false;
    function = *fixed;
    return true;
  }
  const onnx::FunctionBodyBuildContextImpl context(node, types);
  return schema.HasContextDependentFunction() &&
         schema.BuildContextDependentFunction(context, function, opset);
}

/// A model whose only node calls `function`, which is a function of the model.
onnx::ModelProto calling(const onnx::NodeProto& node, const Defaults& defaults,
                         const std::vector<onnx::TypeProto>& types, onnx::FunctionProto function) {
  constexpr const char* domain = "lithe.function";
  onnx::ModelProto model;
  model.set_ir_version(10);
  *model.mutable_opset_import() = function.opset_import();
  auto& own = *model.add_opset_import();
  own.set_domain(domain);
  own.set_version(1);
  function.set_domain(domain);
  function.set_name(node.op_type());
  *model.add_functions() = std::move(function);
  onnx::GraphProto& graph = *model.mutable_graph();
  graph.set_name(node_title(node));
  onnx::NodeProto& call = *graph.add_node();
  call = node;
  call.set_domain(domain);
  for (const auto& [name, attribute] : defaults)  // the body refers to them
    if (attribute.default_value.has_name() && std::none_of(node.attribute().begin(), node.attribute().end(),
                                                           [&](const auto& a) { return a.name() == name; }))
      *call.add_attribute() = attribute.default_value;
  std::set<std::string> named;
  for (int i = 0; i < node.input_size(); ++i) {
    if (node.input(i).empty() || !named.insert(node.input(i)).second) continue;
    auto& input = *graph.add_input();
    input.set_name(node.input(i));
    *input.mutable_type() = types[static_cast<std::size_t>(i)];
  }
  for (const std::string& output : node.output())
    if (!output.empty()) graph.add_output()->set_name(output);
  return model;
}

}  // namespace

std::optional<FunctionBody> function_body(const onnx::NodeProto& node, int opset, int onnx_opset,
                                          const std::vector<onnx::TypeProto>& types) {
  try {
    const onnx::OpSchema* schema =
        onnx::OpSchemaRegistry::Instance()->GetSchema(node.op_type(), opset, normalized(node.domain()));
    onnx::FunctionProto function;
    if (schema == nullptr || !build(*schema, node, opset, types, function)) return std::nullopt;
    FunctionBody body;
    for (const auto& o : function.opset_import())
      body.opsets[normalized(o.domain())] = static_cast<int>(o.version());
    if (!body.opsets.contains(onnx_domain)) {  // a function of another domain may not say it
      body.opsets[onnx_domain] = onnx_opset;
      function.add_opset_import()->set_version(onnx_opset);
    }
    onnx::ModelProto model = calling(node, schema->attributes(), types, std::move(function));
    onnx::inliner::InlineLocalFunctions(model);
    if (!model.functions().empty()) return std::nullopt;
    body.graph = std::move(*model.mutable_graph());
    body.graph.clear_input();
    for (auto& inner : *body.graph.mutable_node()) inner.set_name(node_title(node));
    return body;
  } catch (const std::exception&) {  // ONNX's library refuses what it cannot express
    return std::nullopt;
  }
}

}  // namespace lithe::import
