// SPDX-License-Identifier: Apache-2.0
#include "tools/import/importer.hpp"

#include <onnx/onnx_pb.h>

#include <algorithm>
#include <span>
#include <utility>

#include "lithe/format/reader.hpp"
#include "tools/graph/operators.hpp"
#include "tools/import/graph_import.hpp"
#include "tools/io/tensor_proto.hpp"
#include "tools/report/type_text.hpp"

namespace lithe::import {

namespace {

using Attribute = onnx::AttributeProto;

std::string dtype_list(const std::vector<DType>& dtypes) {
  std::string text;
  for (DType d : dtypes)
    text += (text.empty() ? "" : ", ") + std::string(d == DType::none ? "-" : lithe::name(d));
  return "(" + text + ")";
}

}  // namespace

void ImporterTable::add(std::string_view op_type, Importer importer, int oldest, std::string_view domain) {
  std::vector<Entry>& entries = entries_[{std::string(domain), std::string(op_type)}];
  entries.push_back({importer, oldest});
  std::sort(entries.begin(), entries.end(),
            [](const Entry& a, const Entry& b) { return a.oldest < b.oldest; });
}

const ImporterTable::Entry* ImporterTable::find(std::string_view domain, std::string_view op_type,
                                                int opset) const {
  const auto found = entries_.find({std::string(domain), std::string(op_type)});
  if (found == entries_.end()) return nullptr;
  const Entry* best = &found->second.front();
  for (const Entry& entry : found->second)
    if (entry.oldest <= opset) best = &entry;
  return best;
}

const onnx::AttributeProto* NodeImport::Impl::find(std::string_view name, int type) {
  asked.emplace(name);
  for (const auto& a : node.attribute()) {
    if (a.name() != name) continue;
    if (a.type() != type)
      throw Unsupported{"attribute " + std::string(name) + " is not of the type it should be",
                        "export the model again"};
    return &a;
  }
  return nullptr;
}

DType NodeImport::Impl::resolve(const graph::Node& emitted, int o, DType wanted) const {
  const KernelEntry* kernel = graph::find_kernel(emitted.op, emitted.version);
  if (kernel == nullptr) return wanted;
  std::vector<DType> in;
  for (ValueId v : emitted.inputs)
    in.push_back(v == graph::absent ? DType::none : graph.graph.value(v).dtype);
  DType first = DType::none;
  for (const TypeRow& row : kernel->op->types) {
    if (!matches(row, in, {})) continue;
    DType dtype = row.outputs[o];
    if (dtype == DType::any_output) dtype = wanted;
    for (std::size_t i = 0; dtype == DType::any && i < in.size(); ++i)
      if (row.inputs[static_cast<int>(i)] == DType::any && in[i] != DType::none) dtype = in[i];
    if (dtype == DType::any) dtype = wanted;
    if (first == DType::none) first = dtype;
    if (dtype == wanted || (wanted == DType::none && dtype != DType::none)) return dtype;
  }
  if (first == DType::none || wanted != DType::none)
    throw Unsupported{emitted.op + " does not take " + dtype_list(in) +
                          (wanted == DType::none ? "" : " and give " + std::string(lithe::name(wanted))),
                      "cast to float before it and back after it"};
  return first;
}

void NodeImport::Impl::push(graph::Node emitted) {
  emitted.onnx_names = {node_title(node)};
  graph.push_node(std::move(emitted));
  const graph::Node& pushed = graph.graph.nodes.back();
  if (graph::find_kernel(pushed.op, pushed.version) == nullptr) return;
  graph.pass_texts_on(pushed);
  const Status status = graph.shapes.infer(graph.graph, pushed);
  if (status.ok()) return;
  throw Unsupported{pushed.op + ": " + status.text() + " (its inputs are " + inputs_text(pushed) + ")",
                    status.code() == Code::dtype ? "cast to int32 or float before it and back after it" : ""};
}

std::string NodeImport::Impl::inputs_text(const graph::Node& emitted) const {
  const auto open = [&](std::int64_t dim) {
    const std::int64_t symbol = symbol_of(dim);
    return symbol < 0 ? "?" : graph.shared.model.symbols[static_cast<std::size_t>(symbol)].name;
  };
  std::string text;
  for (const ValueId input : emitted.inputs) {
    if (!text.empty()) text += ", ";
    if (input == graph::absent) {
      text += "none";
      continue;
    }
    const graph::Value& v = graph.graph.value(input);
    text += lithe::name(v.dtype);
    if (v.dims) text += " " + report::dims_text(*v.dims, open);
  }
  return text;
}

void NodeImport::Impl::hint_dims(ValueId id, const std::string& name) {
  if (const auto dims = graph.hinted_dims(name)) graph.shapes.hint(graph.graph, id, *dims);
}

std::string NodeImport::Impl::scope_of(const onnx::GraphProto& subgraph) const {
  std::string scope = "in the function of " + node.op_type();
  for (const auto& a : node.attribute())
    if (&a.g() == &subgraph) scope = "in " + a.name() + " of '" + node_title(node) + "'";
  return scope + (graph.scope().empty() ? "" : ", " + graph.scope());
}

const onnx::NodeProto& NodeImport::onnx_node() const { return impl_.node; }
const std::string& NodeImport::op_type() const { return impl_.node.op_type(); }
int NodeImport::opset() const { return impl_.opset; }

int NodeImport::inputs() const {
  int n = impl_.node.input_size();
  while (n > 0 && impl_.node.input(n - 1).empty()) --n;
  return n;
}
int NodeImport::outputs() const {
  int n = impl_.node.output_size();
  while (n > 0 && impl_.node.output(n - 1).empty()) --n;
  return n;
}
bool NodeImport::has(int i) const { return i >= 0 && i < inputs() && !impl_.node.input(i).empty(); }
bool NodeImport::wants(int o) const { return o >= 0 && o < outputs() && !impl_.node.output(o).empty(); }
const std::string& NodeImport::input_name(int i) const { return impl_.node.input(i); }
graph::ValueId NodeImport::input(int i) const {
  return has(i) ? impl_.graph.lookup(impl_.node.input(i)) : graph::absent;
}

DType NodeImport::dtype(ValueId v) const { return v == graph::absent ? DType::none : value(v).dtype; }
std::optional<int> NodeImport::rank(ValueId v) const {
  if (v == graph::absent || !value(v).dims) return std::nullopt;
  return static_cast<int>(value(v).dims->size());
}
int NodeImport::required_rank(ValueId v) const {
  if (v == graph::absent) refuse("an input is missing");
  if (const std::optional<int> known = rank(v)) return *known;
  refuse("the rank of '" + value(v).name + "' is not known",
         "give the inputs' dims with --shape NAME=1,3,224,224");
}
const graph::Value& NodeImport::value(ValueId v) const {
  if (v == graph::absent) refuse("an input is missing");
  return impl_.graph.graph.value(v);
}
const graph::Constant* NodeImport::constant(ValueId v) const { return impl_.graph.graph.constant(v); }
const graph::Node* NodeImport::producer(ValueId v) const { return impl_.graph.producer(v); }

graph::ConstantPtr NodeImport::known(ValueId v) const { return impl_.graph.known(v); }

std::optional<std::vector<std::int64_t>> NodeImport::constant_ints(int i) const {
  const graph::Constant* c = constant(input(i));
  if (c == nullptr) return std::nullopt;
  if (!is_integer(c->dtype) || element_bytes(c->dtype) == 0 || c->dtype == DType::u64)
    refuse("input " + std::to_string(i) + " must hold integers");
  std::vector<std::int64_t> result;
  const TensorView view = c->view();
  for (index_t k = 0; k < view.elements(); ++k) result.push_back(integer_at(view, k));
  return result;
}

std::int64_t NodeImport::attribute_int(std::string_view name, std::int64_t fallback) {
  const Attribute* a = impl_.find(name, Attribute::INT);
  return a == nullptr ? fallback : a->i();
}
DType NodeImport::attribute_dtype(std::string_view name, DType fallback) {
  const std::int64_t type = attribute_int(name, onnx::TensorProto::UNDEFINED);
  if (type == onnx::TensorProto::UNDEFINED) return fallback;
  return onnx::TensorProto::DataType_IsValid(static_cast<int>(type))
             ? io::dtype_from_onnx(static_cast<int>(type))
             : DType::none;
}
float NodeImport::attribute_float(std::string_view name, float fallback) {
  const Attribute* a = impl_.find(name, Attribute::FLOAT);
  return a == nullptr ? fallback : a->f();
}
std::string NodeImport::attribute_string(std::string_view name, std::string_view fallback) {
  const Attribute* a = impl_.find(name, Attribute::STRING);
  return a == nullptr ? std::string(fallback) : a->s();
}
std::vector<std::int64_t> NodeImport::attribute_ints(std::string_view name,
                                                     std::vector<std::int64_t> fallback) {
  const Attribute* a = impl_.find(name, Attribute::INTS);
  return a == nullptr ? std::move(fallback) : std::vector<std::int64_t>(a->ints().begin(), a->ints().end());
}
std::vector<float> NodeImport::attribute_floats(std::string_view name, std::vector<float> fallback) {
  const Attribute* a = impl_.find(name, Attribute::FLOATS);
  return a == nullptr ? std::move(fallback) : std::vector<float>(a->floats().begin(), a->floats().end());
}
std::vector<std::string> NodeImport::attribute_strings(std::string_view name) {
  const Attribute* a = impl_.find(name, Attribute::STRINGS);
  return a == nullptr ? std::vector<std::string>()
                      : std::vector<std::string>(a->strings().begin(), a->strings().end());
}
graph::ConstantPtr NodeImport::attribute_tensor(std::string_view name) {
  const Attribute* a = impl_.find(name, Attribute::TENSOR);
  return a == nullptr ? nullptr : io::constant_from_onnx(a->t());
}
const onnx::GraphProto* NodeImport::attribute_graph(std::string_view name) {
  const Attribute* a = impl_.find(name, Attribute::GRAPH);
  return a == nullptr ? nullptr : &a->g();
}
bool NodeImport::has_attribute(std::string_view name) const {
  return std::any_of(impl_.node.attribute().begin(), impl_.node.attribute().end(),
                     [&](const Attribute& a) { return a.name() == name; });
}

std::vector<graph::ValueId> NodeImport::finish_node(graph::Node node, std::vector<DType> dtypes) {
  for (std::size_t o = 0; o < dtypes.size(); ++o) {
    graph::Value value;
    value.name = (impl_.node.output_size() > 0 ? impl_.node.output(0) : op_type()) + "/" + node.op;
    value.dtype = impl_.resolve(node, static_cast<int>(o), dtypes[o]);
    if (value.dtype == DType::none) refuse(node.op + ": the type of its output is not known");
    node.outputs.push_back(impl_.graph.add_internal(std::move(value)));
  }
  const std::vector<ValueId> outputs = node.outputs;
  impl_.push(std::move(node));
  return outputs;
}

void NodeImport::finish_outputs(graph::Node node, DType dtype) {
  for (int o = 0; o < outputs(); ++o) {
    if (!wants(o)) {
      node.outputs.push_back(graph::absent);
      continue;
    }
    graph::Value value;
    value.name = value.onnx_name = impl_.node.output(o);
    value.dtype = impl_.resolve(node, o, dtype);
    if (value.dtype == DType::none) value.dtype = impl_.graph.declared_dtype(value.name);
    if (value.dtype == DType::none)
      refuse("the type of output '" + value.name + "' is not known", "declare it in the model's value_info");
    value.dims = impl_.graph.hinted_dims(value.name);
    const ValueId id = impl_.graph.graph.add_value(std::move(value));
    node.outputs.push_back(id);
    impl_.graph.define(impl_.node.output(o), id);
  }
  impl_.push(std::move(node));
}

void NodeImport::emit_custom(const std::string& op) {
  graph::Node node;
  node.op = op;
  for (const auto& a : impl_.node.attribute()) {
    impl_.asked.insert(a.name());
    graph::Attribute& copy = node.attributes[a.name()];
    switch (a.type()) {
      case Attribute::INT:
        copy.ints = {a.i()};
        break;
      case Attribute::FLOAT:
        copy.floats = {a.f()};
        break;
      case Attribute::STRING:
        copy.text = a.s();
        break;
      case Attribute::INTS:
        copy.ints.assign(a.ints().begin(), a.ints().end());
        break;
      case Attribute::FLOATS:
        copy.floats.assign(a.floats().begin(), a.floats().end());
        break;
      default:
        refuse("attribute " + a.name() + " of a custom operator must be numbers or a text",
               "pass tensors as inputs");
    }
    if (copy.ints.size() + copy.floats.size() > 64)
      refuse("attribute " + a.name() + " has more than 64 numbers", "pass it as an input");
  }
  for (int i = 0; i < inputs(); ++i) node.inputs.push_back(input(i));
  finish_outputs(std::move(node), DType::none);
}

void NodeImport::output(int o, ValueId id) {
  if (!wants(o)) return;
  if (id == graph::absent) refuse("an input is missing");
  const std::string& name = impl_.node.output(o);
  graph::Value& value = impl_.graph.graph.value(id);
  if (static_cast<std::size_t>(id) >= impl_.first_value && value.onnx_name.empty()) {
    value.name = value.onnx_name = name;
    if (!value.constant && (!value.dims || !graph::fixed(*value.dims))) impl_.hint_dims(id, name);
  }
  impl_.graph.define(name, id);
}

graph::ValueId NodeImport::ints(std::vector<std::int64_t> values) {
  return constant(graph::make_constant<std::int64_t>(Shape{static_cast<index_t>(values.size())}, values),
                  "ints");
}

graph::ValueId NodeImport::scalar(float v, DType dtype) {
  auto one = [](auto element) {
    return graph::make_constant<decltype(element)>(Shape{}, std::span<const decltype(element)>(&element, 1));
  };
  switch (dtype) {
    case DType::f32:
      return constant(one(v), "scalar");
    case DType::f16:
      return constant(one(half(v)), "scalar");
    case DType::bf16:
      return constant(one(bfloat16(v)), "scalar");
    case DType::f64:
      return constant(one(static_cast<double>(v)), "scalar");
    default:
      refuse(std::string("it is not supported for ") + lithe::name(dtype),
             "cast to float before it and back after it");
  }
}

graph::ValueId NodeImport::constant(graph::ConstantPtr c, std::string_view name) {
  graph::Value value;
  value.name = (impl_.node.output_size() > 0 ? impl_.node.output(0) : op_type()) + "/" + std::string(name);
  value.dtype = c->dtype;
  value.dims.emplace(c->shape.dims().begin(), c->shape.dims().end());
  value.constant = std::move(c);
  return impl_.graph.add_internal(std::move(value));
}

graph::ValueId NodeImport::transpose(ValueId input, std::vector<std::int32_t> permutation) {
  bool identity = true;
  for (std::size_t i = 0; i < permutation.size(); ++i)
    identity = identity && permutation[i] == static_cast<std::int32_t>(i);
  if (identity) return input;
  graph::Node node;
  node.op = "Transpose";
  node.attributes["permutation"].ints.assign(permutation.begin(), permutation.end());
  node.inputs = {input};
  return finish_node(std::move(node), {dtype(input)})[0];
}

NodeImport::Subgraph NodeImport::import_subgraph(const onnx::GraphProto& graph,
                                                 const std::vector<DType>& dtypes) {
  Subgraphs one = import_subgraphs({&graph}, dtypes);
  return {one.graphs[0], std::move(one.captured)};
}

NodeImport::Subgraphs NodeImport::import_subgraphs(const std::vector<const onnx::GraphProto*>& protos,
                                                   const std::vector<DType>& dtypes) {
  std::vector<GraphImport> children;
  children.reserve(protos.size());
  Subgraphs result;
  bool complete = true;
  for (const onnx::GraphProto* proto : protos) {
    GraphImport& child =
        children.emplace_back(impl_.graph.shared, &impl_.graph, *proto, impl_.scope_of(*proto));
    child.import_inputs(dtypes);
    child.import_nodes();
    child.import_outputs();
    complete = complete && child.graph.outputs.size() == static_cast<std::size_t>(proto->output_size());
    for (const auto& capture : child.captures())
      if (std::find(result.captured.begin(), result.captured.end(), capture.outer) == result.captured.end())
        result.captured.push_back(capture.outer);
  }
  if (!complete) throw Poisoned{};
  for (GraphImport& child : children) {
    for (ValueId outer : result.captured) child.graph.inputs.push_back(child.capture(outer));
    result.graphs.push_back(static_cast<int>(impl_.graph.shared.model.graphs.size()));
    impl_.graph.shared.model.graphs.push_back(std::move(child.graph));
  }
  return result;
}

void NodeImport::set_texts(ValueId value, std::vector<std::string> texts) {
  impl_.graph.set_texts(value, std::make_shared<const std::vector<std::string>>(std::move(texts)));
}
bool NodeImport::has_texts(ValueId value) const { return impl_.graph.texts(value) != nullptr; }

void NodeImport::set_dims(ValueId value, graph::Dims dims) {
  impl_.graph.graph.value(value).dims = std::move(dims);
}

const graph::Graph& NodeImport::subgraph(int index) const {
  return impl_.graph.shared.model.graphs[static_cast<std::size_t>(index)];
}

void NodeImport::become(const onnx::GraphProto& proto, const std::vector<int>& numbers) {
  const Subgraph subgraph = import_subgraph(proto);
  auto& graphs = impl_.graph.shared.model.graphs;  // the subgraph's own subgraphs come before it
  const graph::Graph inner = std::move(graphs.back());
  graphs.pop_back();
  std::vector<ValueId> outer(inner.values.size(), graph::absent);
  for (std::size_t i = 0; i < inner.inputs.size(); ++i)
    outer[static_cast<std::size_t>(inner.inputs[i])] = subgraph.captured[i];
  for (std::size_t v = 0; v < outer.size(); ++v)
    if (outer[v] == graph::absent) outer[v] = impl_.graph.add_internal(inner.values[v]);
  const auto renumber = [&](std::vector<ValueId>& values) {
    for (ValueId& v : values)
      if (v != graph::absent) v = outer[static_cast<std::size_t>(v)];
  };
  for (graph::Node node : inner.nodes) {
    renumber(node.inputs);
    renumber(node.outputs);
    impl_.graph.push_node(std::move(node));
    (void)impl_.graph.shapes.infer(impl_.graph.graph, impl_.graph.graph.nodes.back())
        .ok();  // it passed inside
  }
  for (std::size_t o = 0; o < inner.outputs.size(); ++o)
    output(numbers.empty() ? static_cast<int>(o) : numbers[o],
           outer[static_cast<std::size_t>(inner.outputs[o])]);
}

void NodeImport::note(const std::string& text) {
  if (std::vector<std::string>* notes = impl_.graph.shared.options.notes)
    notes->push_back(node_title(impl_.node) + " (" + op_type() + "): " + text);
}

void NodeImport::refuse(std::string reason, std::string remedy) const {
  throw Unsupported{std::move(reason), std::move(remedy)};
}

}  // namespace lithe::import
