// SPDX-License-Identifier: Apache-2.0
#include "tools/import/expansion.hpp"

#include <onnx/onnx_pb.h>

#include <algorithm>
#include <utility>

#include "tools/import/domains.hpp"
#include "tools/import/graph_import.hpp"
#include "tools/import/origin.hpp"

namespace lithe::import {

Expansion::Expansion(const onnx::NodeProto& node, onnx::GraphProto& graph, std::set<std::string>& taken,
                     int opset)
    : node_(node), graph_(graph), taken_(taken), opset_(opset) {}
Expansion::~Expansion() = default;

std::vector<onnx::NodeProto> Expansion::take() { return std::move(nodes_); }

int Expansion::inputs() const { return node_.input_size(); }
std::string Expansion::input(int i) const {
  return i >= 0 && i < node_.input_size() ? node_.input(i) : std::string();
}
std::vector<std::string> Expansion::inputs(int first, int last) const {
  std::vector<std::string> names;
  for (int i = first; i < last; ++i) names.push_back(input(i));
  return names;
}

const onnx::AttributeProto* Expansion::attribute(std::string_view name) const {
  for (const auto& a : node_.attribute())
    if (a.name() == name) return &a;
  return nullptr;
}
std::int64_t Expansion::int_attribute(std::string_view name, std::int64_t fallback) const {
  const auto* a = attribute(name);
  return a == nullptr ? fallback : a->i();
}
float Expansion::float_attribute(std::string_view name, float fallback) const {
  const auto* a = attribute(name);
  return a == nullptr ? fallback : a->f();
}
void Expansion::copy_attributes(onnx::NodeProto& to, const std::vector<std::string_view>& left_out) const {
  for (const auto& a : node_.attribute())
    if (std::find(left_out.begin(), left_out.end(), a.name()) == left_out.end()) *to.add_attribute() = a;
}

const onnx::TensorProto* Expansion::constant(const std::string& name) const {
  for (const auto& t : graph_.initializer())
    if (t.name() == name) return &t;
  for (const auto& node : graph_.node())
    if (node.op_type() == "Constant" && node.output_size() == 1 && node.output(0) == name &&
        node.attribute_size() == 1 && node.attribute(0).has_t())
      return &node.attribute(0).t();
  return nullptr;
}

std::optional<std::vector<std::int64_t>> Expansion::dims(const std::string& name) const {
  if (const auto* t = constant(name)) return std::vector<std::int64_t>(t->dims().begin(), t->dims().end());
  for (const auto* infos : {&graph_.input(), &graph_.value_info()})
    for (const auto& info : *infos) {
      if (info.name() != name || !info.type().tensor_type().has_shape()) continue;
      std::vector<std::int64_t> dims;
      for (const auto& d : info.type().tensor_type().shape().dim()) {
        if (!d.has_dim_value()) return std::nullopt;
        dims.push_back(d.dim_value());
      }
      return dims;
    }
  return std::nullopt;
}

std::string Expansion::fresh() {
  const std::string base = (node_.output_size() > 0 ? node_.output(0) : node_.op_type()) + "/part_";
  for (int i = static_cast<int>(nodes_.size());; ++i)
    if (const std::string name = base + std::to_string(i); taken_.insert(name).second) return name;
}

namespace {

void set_value(onnx::AttributeProto& attribute, std::int64_t value) {
  attribute.set_type(onnx::AttributeProto::INT);
  attribute.set_i(value);
}
void set_value(onnx::AttributeProto& attribute, float value) {
  attribute.set_type(onnx::AttributeProto::FLOAT);
  attribute.set_f(value);
}
void set_value(onnx::AttributeProto& attribute, const std::vector<std::int64_t>& values) {
  attribute.set_type(onnx::AttributeProto::INTS);
  attribute.mutable_ints()->Assign(values.begin(), values.end());
}

}  // namespace

onnx::NodeProto& Expansion::add_node(std::string_view op, const std::vector<std::string>& inputs, int outputs,
                                     const std::vector<Attribute>& attributes) {
  onnx::NodeProto& node = nodes_.emplace_back();
  node.set_name(node_title(node_));
  node.set_op_type(std::string(op));
  note_expanded(node, node_);
  for (const std::string& input : inputs) node.add_input(input);
  while (node.input_size() > 0 && node.input(node.input_size() - 1).empty())
    node.mutable_input()->RemoveLast();
  for (int o = 0; o < outputs; ++o) node.add_output(fresh());
  for (const Attribute& a : attributes) {
    auto& attribute = *node.add_attribute();
    attribute.set_name(a.name);
    std::visit([&](const auto& value) { set_value(attribute, value); }, a.value);
  }
  return node;
}
std::string Expansion::add(std::string_view op, const std::vector<std::string>& inputs,
                           const std::vector<Attribute>& attributes) {
  return add_node(op, inputs, 1, attributes).output(0);
}
std::string Expansion::transpose(const std::string& input, std::vector<std::int64_t> order) {
  return add("Transpose", {input}, {{"perm", std::move(order)}});
}

void Expansion::finish() {
  for (int o = 0; o < nodes_.back().output_size(); ++o) nodes_.back().set_output(o, node_.output(o));
}

onnx::TensorProto& Expansion::initializer(int type) {
  auto& tensor = *graph_.add_initializer();
  tensor.set_name(fresh());
  tensor.set_data_type(type);
  return tensor;
}
std::string Expansion::ints(std::span<const std::int64_t> values) {
  auto& tensor = initializer(onnx::TensorProto::INT64);
  tensor.add_dims(static_cast<std::int64_t>(values.size()));
  for (std::int64_t v : values) tensor.add_int64_data(v);
  return tensor.name();
}
std::string Expansion::integer(std::int64_t value) {
  auto& tensor = initializer(onnx::TensorProto::INT64);
  tensor.add_int64_data(value);
  return tensor.name();
}
std::string Expansion::scalar(float value) {
  auto& tensor = initializer(onnx::TensorProto::FLOAT);
  tensor.add_float_data(value);
  return tensor.name();
}
std::string Expansion::zero(int onnx_type) {
  auto& tensor = initializer(onnx_type);
  tensor.add_int32_data(0);
  return tensor.name();
}

namespace {

template <class Visit>
void each_graph(onnx::GraphProto& graph, const Visit& visit) {
  visit(graph);
  for (auto& node : *graph.mutable_node())
    for (auto& attribute : *node.mutable_attribute()) {
      if (attribute.has_g()) each_graph(*attribute.mutable_g(), visit);
      for (auto& g : *attribute.mutable_graphs()) each_graph(g, visit);
    }
}

int onnx_opset(const onnx::ModelProto& model) {
  int opset = 1;
  for (const auto& o : model.opset_import())
    if (normalized(o.domain()).empty()) opset = static_cast<int>(o.version());
  return opset;
}

const Expandable* expandable(const onnx::NodeProto& node, const std::set<std::string>& kept) {
  const std::string domain = normalized(node.domain());
  if (kept.contains(domain) || kept.contains(domain + "::" + node.op_type())) return nullptr;
  for (const auto table : {quantized_operators(), integer_operators(), fused_operators()})
    for (const Expandable& e : table)
      if (node.op_type() == e.name && domain == e.domain) return &e;
  return nullptr;
}

void normalize_domains(auto& nodes) {
  for (onnx::NodeProto& node : nodes) {
    if (node.domain() == "ai.onnx") node.clear_domain();
    for (auto& attribute : *node.mutable_attribute()) {
      if (attribute.has_g()) normalize_domains(*attribute.mutable_g()->mutable_node());
      for (auto& g : *attribute.mutable_graphs()) normalize_domains(*g.mutable_node());
    }
  }
}

void normalize_imports(auto& imports) {
  for (auto& o : imports) o.set_domain(normalized(o.domain()));
}

}  // namespace

void normalize_domains(onnx::ModelProto& model) {
  normalize_imports(*model.mutable_opset_import());
  normalize_domains(*model.mutable_graph()->mutable_node());
  for (auto& f : *model.mutable_functions()) {
    f.set_domain(normalized(f.domain()));
    normalize_imports(*f.mutable_opset_import());
    normalize_domains(*f.mutable_node());
  }
}

void name_extensions(onnx::ModelProto& model) {
  const int opset = onnx_opset(model);
  bool any = false;
  each_graph(*model.mutable_graph(), [&](onnx::GraphProto& graph) {
    for (auto& node : *graph.mutable_node()) {
      constexpr int first_layer_normalization = 17;
      const bool extension = node.op_type() == "SimplifiedLayerNormalization" ||
                             (node.op_type() == "LayerNormalization" && opset < first_layer_normalization);
      if (!extension || !node.domain().empty()) continue;
      node.set_domain(microsoft);
      any = true;
    }
  });
  for (const auto& o : model.opset_import()) any = any && o.domain() != microsoft;
  if (!any) return;
  auto& import = *model.add_opset_import();
  import.set_domain(microsoft);
  import.set_version(1);
}

void take_names(const onnx::GraphProto& graph, std::set<std::string>& taken) {
  for (const auto& t : graph.initializer()) taken.insert(t.name());
  for (const auto& input : graph.input()) taken.insert(input.name());
  for (const auto& node : graph.node()) taken.insert(node.output().begin(), node.output().end());
}

void expand_operators(onnx::ModelProto& model, const std::set<std::string>& kept) {
  const int opset = onnx_opset(model);
  std::set<std::string> taken;
  bool any = false;
  each_graph(*model.mutable_graph(), [&](onnx::GraphProto& graph) {
    take_names(graph, taken);
    for (const auto& node : graph.node()) any = any || expandable(node, kept) != nullptr;
  });
  if (!any) return;
  each_graph(*model.mutable_graph(), [&](onnx::GraphProto& graph) {
    std::vector<onnx::NodeProto> nodes;
    for (auto& node : *graph.mutable_node()) {
      const Expandable* e = expandable(node, kept);
      Expansion expansion(node, graph, taken, opset);
      if (e != nullptr && node.output_size() > 0 && e->expand(expansion))
        for (auto& replacement : expansion.take()) nodes.push_back(std::move(replacement));
      else
        nodes.push_back(node);
    }
    graph.clear_node();
    for (auto& node : nodes) *graph.add_node() = std::move(node);
  });
}

}  // namespace lithe::import
