// SPDX-License-Identifier: Apache-2.0
#include "tools/import/graph_import.hpp"

#include <onnx/onnx_pb.h>

#include <algorithm>
#include <numeric>
#include <optional>
#include <span>
#include <utility>

#include "lithe/format/reader.hpp"
#include "tools/graph/evaluate.hpp"
#include "tools/graph/operators.hpp"
#include "tools/import/domains.hpp"
#include "tools/import/function_body.hpp"
#include "tools/import/origin.hpp"
#include "tools/import/unknown_operators.hpp"
#include "tools/io/tensor_proto.hpp"
#include "tools/report/node_title.hpp"

namespace lithe::import {

namespace {

std::string type_text(const onnx::TypeProto& type) {
  if (type.has_sequence_type()) return "a sequence";
  if (type.has_map_type()) return "a map";
  if (type.has_optional_type()) return "an optional";
  if (type.has_sparse_tensor_type()) return "a sparse tensor";
  if (!type.has_tensor_type()) return "of no declared type";
  return "of type " + io::onnx_type_name(type.tensor_type().elem_type());
}

/// The numbers of a tensor of texts, which stand for them: 0, 1 ...
graph::ConstantPtr places_of_texts(const onnx::TensorProto& tensor) {
  Shape shape;
  for (const std::int64_t d : tensor.dims()) shape.push_back(d);
  if (tensor.dims_size() > max_rank || !shape.valid() || shape.elements() != tensor.string_data_size())
    throw Unsupported{"tensor '" + tensor.name() + "' has an impossible shape", "export the model again"};
  std::vector<std::int64_t> places(static_cast<std::size_t>(tensor.string_data_size()));
  std::iota(places.begin(), places.end(), 0);
  return graph::make_constant<std::int64_t>(shape, places);
}

constexpr const char* other_types_remedy = "cut the model so that only tensors of numbers go in and out";

}  // namespace

std::string node_title(const onnx::NodeProto& node) {
  const std::span<const std::string> name(&node.name(), node.name().empty() ? 0 : 1);
  for (const std::string& output : node.output())
    if (!output.empty()) return report::node_title(name, node.op_type(), output);
  return report::node_title(name, node.op_type(), "");
}

int ModelImport::opset(const std::string& domain) const {
  const auto found = opsets.find(normalized(domain));
  return found == opsets.end() ? 1 : found->second;
}

int ModelImport::symbol(const std::string& name) {
  const auto [it, fresh] = symbols.emplace(name, static_cast<int>(model.symbols.size()));
  if (fresh) model.symbols.push_back({.name = name});
  return it->second;
}

GraphImport::GraphImport(ModelImport& all, GraphImport* parent, const onnx::GraphProto& proto,
                         std::string scope)
    : shared(all), parent_(parent), proto_(proto), scope_(std::move(scope)) {
  graph.name = proto.name();
  for (const auto& t : proto.initializer()) {
    initializers_[t.name()] = &t;
    names_.insert(t.name());
  }
  auto add_types = [&](const auto& infos) {
    for (const auto& info : infos) {
      types_[info.name()] = &info.type();
      names_.insert(info.name());
    }
  };
  add_types(proto.value_info());
  add_types(proto.input());
  add_types(proto.output());
  for (const auto& node : proto.node()) names_.insert(node.output().begin(), node.output().end());
}

void GraphImport::problem(const std::string& what, const std::string& op_type, std::string reason,
                          std::string remedy) {
  shared.problems.push_back(
      {what, op_type, {}, shared.opset(""), std::move(reason), std::move(remedy), scope_});
}

DType GraphImport::declared_dtype(const std::string& name) const {
  const auto found = types_.find(name);
  if (found == types_.end() || !found->second->has_tensor_type()) return DType::none;
  return io::dtype_from_onnx(found->second->tensor_type().elem_type());
}

std::optional<graph::Dims> GraphImport::declared_dims(const std::string& name) const {
  const auto found = types_.find(name);
  if (found == types_.end() || !found->second->has_tensor_type() || !found->second->tensor_type().has_shape())
    return std::nullopt;
  graph::Dims dims;
  for (const auto& dim : found->second->tensor_type().shape().dim()) {
    const auto symbol = dim.has_dim_param() ? shared.symbols.find(dim.dim_param()) : shared.symbols.end();
    if (symbol != shared.symbols.end())
      dims.push_back(dim_of_symbol(symbol->second));
    else
      dims.push_back(dim.has_dim_value() && dim.dim_value() >= 0 ? dim.dim_value() : -1);
  }
  return dims;
}

std::optional<graph::Dims> GraphImport::hinted_dims(const std::string& name) const {
  std::optional<graph::Dims> dims = declared_dims(name);
  if (dims && !shared.symbols.empty())
    for (std::int64_t& d : *dims) d = std::min<std::int64_t>(d, -1);
  return dims;
}

graph::Dims GraphImport::input_dims(const onnx::ValueInfoProto& info) {
  graph::Dims dims;
  for (const auto& dim : info.type().tensor_type().shape().dim()) {
    if (dim.has_dim_value() && dim.dim_value() >= 0) {
      dims.push_back(dim.dim_value());
    } else {
      const bool named = dim.has_dim_param() && !dim.dim_param().empty();
      dims.push_back(dim_of_symbol(
          shared.symbol(named ? dim.dim_param() : info.name() + ":" + std::to_string(dims.size()))));
    }
  }
  return dims;
}

void GraphImport::import_inputs(const std::vector<DType>& dtypes) {
  for (std::size_t i = 0; i < static_cast<std::size_t>(proto_.input_size()); ++i) {
    const auto& info = proto_.input(static_cast<int>(i));
    if (!initializers_.contains(info.name())) import_input(info, i < dtypes.size() ? dtypes[i] : DType::none);
  }
}

void GraphImport::import_input(const onnx::ValueInfoProto& info, DType otherwise) {
  graph::Value value;
  value.name = value.onnx_name = info.name();
  value.dtype = declared_dtype(info.name());
  if (value.dtype == DType::none && !info.type().has_tensor_type()) value.dtype = otherwise;
  if (value.dtype == DType::none) {
    problem("input '" + info.name() + "'", "", "it is " + type_text(info.type()), other_types_remedy);
    poisoned_.insert(info.name());
    return;
  }
  const auto& tensor = info.type().tensor_type();
  if (tensor.has_shape() && tensor.shape().dim_size() > max_rank)
    problem("input '" + info.name() + "'", "",
            "it has " + std::to_string(tensor.shape().dim_size()) + " dimensions; at most 8 are supported",
            "");
  else if (tensor.has_shape())
    value.dims = parent_ == nullptr ? input_dims(info) : declared_dims(info.name()).value();
  else if (parent_ == nullptr)
    problem("input '" + info.name() + "'", "", "the model does not say its shape",
            "give it with --shape " + info.name() + "=1,3,224,224");
  graph.inputs.push_back(graph.add_value(std::move(value)));
  values_[info.name()] = graph.inputs.back();
}

graph::ValueId GraphImport::lookup(const std::string& name) {
  if (const auto found = values_.find(name); found != values_.end()) return found->second;
  if (poisoned_.contains(name)) throw Poisoned{};
  if (const auto found = initializers_.find(name); found != initializers_.end()) {
    const bool is_text = found->second->data_type() == onnx::TensorProto::STRING;
    const ValueId id = graph.add_constant(
        is_text ? places_of_texts(*found->second) : io::constant_from_onnx(*found->second), name);
    graph.value(id).onnx_name = name;
    if (is_text)
      set_texts(id, std::make_shared<const std::vector<std::string>>(found->second->string_data().begin(),
                                                                     found->second->string_data().end()));
    return values_[name] = id;
  }
  if (parent_ == nullptr)
    throw Unsupported{"it reads '" + name + "', which nothing produces", "export the model again"};
  return values_[name] = capture(parent_->lookup(name));
}

GraphImport::Texts GraphImport::texts(ValueId value) const {
  const auto found = texts_.find(value);
  return found == texts_.end() ? nullptr : found->second;
}

void GraphImport::pass_texts_on(const graph::Node& node) {
  if (texts_.empty() || graph::spec_of(node).reads_shapes_only) return;
  for (std::size_t i = 0; i < node.inputs.size(); ++i) {
    const Texts given = texts(node.inputs[i]);
    if (given == nullptr) continue;
    const Movement movement = graph::movement_of(node);
    if (i != 0 || (movement != Movement::rearranges && movement != Movement::selects))
      throw Unsupported{"it computes with texts, which can only be selected and moved", other_types_remedy};
    set_texts(node.outputs[0], given);
  }
}

void GraphImport::keep_texts(const std::string& output, const Texts& texts) {
  if (parent_ != nullptr) throw Unsupported{"a subgraph gives texts", other_types_remedy};
  std::string all, key = "labels";
  for (std::size_t i = 0; i < texts->size(); ++i) all += (i == 0 ? "" : "\n") + (*texts)[i];
  if (const auto taken = shared.model.metadata.find(key);
      taken != shared.model.metadata.end() && taken->second != all)
    key += "." + output;
  shared.model.metadata[key] = all;
  if (shared.options.notes != nullptr)
    shared.options.notes->push_back("output '" + output +
                                    "' holds numbers for texts: places, from 0 on, in the " +
                                    "lines of metadata '" + key + "'");
}

graph::ValueId GraphImport::capture(ValueId outer) {
  if (parent_->texts(outer) != nullptr) throw Unsupported{"a subgraph reads texts", other_types_remedy};
  for (const Capture& c : captures_)
    if (c.outer == outer) return c.inner;
  graph::Value value = parent_->graph.value(outer);
  const bool constant = value.constant != nullptr;
  const ValueId inner = graph.add_value(std::move(value));
  if (!constant) captures_.push_back({outer, inner});
  shapes.copy(inner, parent_->shapes, outer);
  return inner;
}

void GraphImport::define(const std::string& name, ValueId value) { values_[name] = value; }

graph::ValueId GraphImport::add_internal(graph::Value value) {
  const std::string wanted = value.name;
  for (int i = 1; names_.contains(value.name); ++i) value.name = wanted + "_" + std::to_string(i);
  return graph.add_value(std::move(value));
}

void GraphImport::push_node(graph::Node node) {
  for (ValueId v : node.outputs) {
    if (v == graph::absent) continue;
    if (producers_.size() <= static_cast<std::size_t>(v))
      producers_.resize(static_cast<std::size_t>(v) + 1, -1);
    producers_[static_cast<std::size_t>(v)] = static_cast<int>(graph.nodes.size());
  }
  graph.nodes.push_back(std::move(node));
}

const graph::Node* GraphImport::producer(ValueId value) const {
  if (value < 0 || static_cast<std::size_t>(value) >= producers_.size()) return nullptr;
  const int node = producers_[static_cast<std::size_t>(value)];
  return node < 0 ? nullptr : &graph.nodes[static_cast<std::size_t>(node)];
}

namespace {

/// Number `index` of the dimensions of `shaped`, for a Gather of a Shape: other dimensions may be unknown.
graph::ConstantPtr dimension(const graph::Value& shaped, const graph::Constant& index) {
  if (!shaped.dims || index.dtype != DType::s64 || index.view().elements() != 1) return nullptr;
  const int axis = normalize_axis(index.as<std::int64_t>()[0], static_cast<int>(shaped.dims->size()));
  if (axis < 0 || (*shaped.dims)[static_cast<std::size_t>(axis)] < 0) return nullptr;
  return graph::make_constant<std::int64_t>(index.shape,
                                            std::span(&(*shaped.dims)[static_cast<std::size_t>(axis)], 1));
}

}  // namespace

graph::ConstantPtr GraphImport::known(ValueId value, int depth) const {
  constexpr int deepest = 64;
  if (value == graph::absent || depth > deepest) return nullptr;
  if (const auto found = known_.find(value); found != known_.end()) return found->second;
  return known_[value] = find_known(value, depth);
}

graph::ConstantPtr GraphImport::find_known(ValueId value, int depth) const {
  constexpr graph::EvaluationLimits small{.result_bytes = 4096, .work = 4096};
  if (const auto& constant = graph.value(value).constant) return constant;
  for (const Capture& c : captures_)
    if (c.inner == value) return parent_->known(c.outer, depth + 1);
  const graph::Node* node = producer(value);
  if (node == nullptr || !node->subgraphs.empty()) return nullptr;
  const KernelEntry* kernel = graph::find_kernel(node->op, node->version);
  if (kernel == nullptr) return nullptr;
  graph::Graph alone;
  graph::Node copy = *node;
  for (ValueId& input : copy.inputs) {
    if (input == graph::absent) continue;
    graph::Value one = graph.value(input);
    if (!kernel->op->spec->reads_shapes_only) one.constant = known(input, depth + 1);
    input = alone.add_value(std::move(one));
  }
  if (node->op == "Gather" && alone.value(copy.inputs[1]).constant) {
    const graph::Node* shape = producer(node->inputs[0]);
    if (shape != nullptr && shape->op == "Shape" && shape->attributes.empty())
      if (auto found = dimension(graph.value(shape->inputs[0]), *alone.value(copy.inputs[1]).constant))
        return found;
  }
  std::size_t wanted = 0;
  for (std::size_t o = 0; o < copy.outputs.size(); ++o) {
    if (copy.outputs[o] == graph::absent) continue;
    if (copy.outputs[o] == value) wanted = o;
    copy.outputs[o] = alone.add_value(graph.value(copy.outputs[o]));
  }
  const auto results = graph::evaluate(alone, copy, small);
  return results ? (*results)[wanted] : nullptr;
}

void GraphImport::import_nodes() {
  for (const auto& sparse : proto_.sparse_initializer()) {
    problem("initializer '" + sparse.values().name() + "'", "", "sparse initializers are not supported",
            "save the model with dense ones");
    poisoned_.insert(sparse.values().name());
  }
  for (const auto& node : proto_.node()) import_node(node);
}

onnx::TypeProto GraphImport::onnx_type(ValueId id) const {
  onnx::TypeProto type;
  if (id == graph::absent) return type;
  const graph::Value& value = graph.value(id);
  type.mutable_tensor_type()->set_elem_type(io::onnx_from_dtype(value.dtype));
  if (!value.dims) return type;
  auto& shape = *type.mutable_tensor_type()->mutable_shape();
  for (const std::int64_t dim : *value.dims) {
    auto& to = *shape.add_dim();
    if (dim >= 0)
      to.set_dim_value(dim);
    else if (symbol_of(dim) >= 0)
      to.set_dim_param(shared.model.symbols[static_cast<std::size_t>(symbol_of(dim))].name);
  }
  return type;
}

bool GraphImport::import_function(const onnx::NodeProto& proto, NodeImport& node, int opset) {
  std::vector<onnx::TypeProto> types;
  for (const std::string& name : proto.input())
    types.push_back(name.empty() ? onnx::TypeProto() : onnx_type(lookup(name)));
  const std::optional<FunctionBody> body = function_body(proto, opset, shared.opset(""), types);
  if (!body) return false;
  struct Opsets {  // those of the body, as long as it is imported
    ModelImport& shared;
    std::map<std::string, int> outer;
    ~Opsets() { shared.opsets = std::move(outer); }
  } opsets{shared, std::exchange(shared.opsets, body->opsets)};
  std::vector<int> outputs;
  for (int o = 0; o < node.outputs(); ++o)
    if (node.wants(o)) outputs.push_back(o);
  node.become(body->graph, outputs);
  return true;
}

void GraphImport::refuse_node(const onnx::NodeProto& proto, Problem problem) {
  const std::string origin = origin_text(proto);
  problem.node = node_title(proto);
  problem.scope = origin + (origin.empty() || scope_.empty() ? "" : ", ") + scope_;
  if (const std::string original = expanded_operator(proto); !original.empty()) {
    const std::size_t colons = original.find("::");
    problem.reason = "as " + problem.op_type + ": " + problem.reason;
    problem.domain = original.substr(0, colons);
    problem.op_type = original.substr(colons + 2);
    problem.opset = shared.opset(problem.domain);
  }
  shared.problems.push_back(std::move(problem));
  poisoned_.insert(proto.output().begin(), proto.output().end());
}

void GraphImport::import_node(const onnx::NodeProto& proto) {
  ++shared.nodes;
  const std::string domain = given_domain(proto.domain()), qualified = domain + "::" + proto.op_type();
  const ImporterTable::Entry* entry = shared.table.find(domain, proto.op_type(), shared.opset(domain));
  int opset = shared.opset(domain);
  if (entry != nullptr && !expanded_operator(proto).empty())  // the converter's own choice of form
    opset = std::max(opset, entry->oldest);
  NodeImport::Impl impl{*this, proto, opset, {}, graph.values.size()};
  NodeImport node(impl);
  Problem problem{{}, proto.op_type(), domain, opset, {}, {}};
  try {
    const auto custom = shared.options.custom.find(qualified);
    if (custom != shared.options.custom.end()) {
      node.emit_custom(custom->second.empty() ? qualified : custom->second);
    } else if (entry == nullptr && shared.options.custom_domains.contains(domain)) {
      node.emit_custom(qualified);
    } else if (is_set_apart(proto.domain())) {
      explain_unknown_operator(problem);
      throw Unsupported{problem.reason, problem.remedy};
    } else if ((entry == nullptr || opset < entry->oldest) && import_function(proto, node, opset)) {
      for (const auto& attribute : proto.attribute()) impl.asked.insert(attribute.name());
    } else if (entry == nullptr) {
      if (domain.empty())
        throw Unsupported{"the operator is not supported yet",
                          "replace it in the model by supported operators"};
      if (domain == "ai.onnx.ml" || domain.starts_with("ai.onnx."))
        throw Unsupported{"operators of " + domain + " are not supported yet", "cut the model before it"};
      throw Unsupported{"operators of the domain '" + domain + "' are not supported",
                        "replace it by ONNX operators, or name it with --custom " + qualified +
                            " and bring its kernel along"};
    } else if (opset < entry->oldest) {
      throw Unsupported{"its form of opset " + std::to_string(opset) + " is not supported",
                        "export again with opset " + std::to_string(entry->oldest) + " or newer"};
    } else {
      for (int i = 0; i < node.inputs(); ++i) (void)node.input(i);
      entry->importer(node);
    }
    constexpr int first_without_consumed_inputs = 6;
    if (domain.empty() && opset < first_without_consumed_inputs) impl.asked.emplace("consumed_inputs");
    for (const auto& attribute : proto.attribute())
      if (!impl.asked.contains(attribute.name()))
        throw Unsupported{"attribute " + attribute.name() + " is not supported", {}};
    for (int o = 0; o < node.outputs(); ++o)
      if (node.wants(o) && !defined(proto.output(o)))
        throw Unsupported{"its output number " + std::to_string(o) + " is not supported", {}};
  } catch (const Unsupported& reason) {
    problem.reason = reason.reason;
    problem.remedy = reason.remedy;
    refuse_node(proto, std::move(problem));
  } catch (const Poisoned&) {
    poisoned_.insert(proto.output().begin(), proto.output().end());
  }
}

void GraphImport::import_outputs() {
  for (const auto& info : proto_.output()) import_output(info);
}

void GraphImport::import_output(const onnx::ValueInfoProto& info) {
  const std::string what = "output '" + info.name() + "'";
  try {
    ValueId id = lookup(info.name());
    if (const Texts kept = texts(id)) keep_texts(info.name(), kept);
    const graph::Value& value = graph.value(id);
    const bool own = producer(id) != nullptr &&
                     std::find(graph.outputs.begin(), graph.outputs.end(), id) == graph.outputs.end();
    if (!own) {  // a copy: an output is the output of a node, and of no other name
      graph::Node copy;
      copy.op = "Cast";
      copy.onnx_names = {what};
      copy.inputs = {id};
      graph::Value result;
      result.name = info.name();
      result.dtype = value.dtype;
      result.dims = value.dims;
      if (value.name == info.name() && value.constant) graph.value(id).name += "/source";
      id = graph.add_value(std::move(result));
      graph.value(id).name = info.name();  // which an input that is an output has too
      copy.outputs = {id};
      push_node(std::move(copy));
    } else if (value.name != info.name()) {
      graph.value(id).name = graph.value(id).onnx_name = info.name();
    }
    if (!graph.value(id).dims) graph.value(id).dims = hinted_dims(info.name());
    graph.outputs.push_back(id);
  } catch (const Unsupported& reason) {
    problem(what, "", reason.reason, reason.remedy);
  } catch (const Poisoned&) {
    return;  // its cause is reported
  }
}

}  // namespace lithe::import
