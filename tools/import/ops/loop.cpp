// SPDX-License-Identifier: Apache-2.0
#include "lithe/ops/loop.hpp"

#include <onnx/onnx_pb.h>

#include <algorithm>
#include <cstdint>
#include <optional>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "lithe/ops/slice.hpp"
#include "tools/import/expansion.hpp"
#include "tools/import/importer.hpp"
#include "tools/import/ops/sizes.hpp"

namespace lithe::import {
namespace {

/// Whether a value of a loop's body is true whenever the condition that the body was given is.
bool stays_true(const graph::Graph& body, graph::ValueId value) {
  if (value == body.inputs[1]) return true;
  for (const graph::Node& node : body.nodes)
    if (node.outputs.size() == 1 && node.outputs[0] == value)
      return node.op == "Cast" && stays_true(body, node.inputs[0]);
  const graph::Constant* constant = body.value(value).constant.get();
  return constant != nullptr && constant->shape.elements() == 1 && integer_at(constant->view(), 0) != 0;
}

/// What the body tells of the dims of the loop's outputs: all of them where it keeps the dims of what it carries, else
/// their number.
std::vector<std::optional<graph::Dims>> output_dims(NodeImport& node, const graph::Graph& body,
                                                    const std::vector<graph::ValueId>& values, bool counted) {
  const std::size_t carried = values.size() - 2;
  std::vector<std::optional<graph::Dims>> all;
  bool steady = true;
  for (std::size_t o = 1; o < body.outputs.size(); ++o) {
    all.push_back(body.value(body.outputs[o]).dims);
    if (o <= carried) steady = steady && all.back() && all.back() == node.value(values[o + 1]).dims;
  }
  const graph::ConstantPtr trips = node.known(values[0]);
  const bool fixed = counted && values[1] == graph::absent && trips && trips->dtype == DType::s64;
  for (std::size_t o = 0; o < all.size(); ++o) {
    if (!all[o]) continue;
    if (!steady) std::fill(all[o]->begin(), all[o]->end(), -1);
    if (o >= carried)
      all[o]->insert(all[o]->begin(), fixed ? std::max<std::int64_t>(trips->as<std::int64_t>()[0], 0) : -1);
  }
  return all;
}

/// A Loop with this body, whose first two inputs are the iteration's number and the condition. `values` begin with the
/// number of trips and the condition; the carried ones follow. Returns its outputs: those of the body but the first.
std::vector<graph::ValueId> emit_loop(NodeImport& node, const onnx::GraphProto& body,
                                      std::vector<graph::ValueId> values) {
  const int inputs = static_cast<int>(values.size()), carried = inputs - 2;
  if (body.input_size() != inputs || body.output_size() < carried + 1 ||
      body.output_size() < node.outputs() + 1)
    node.refuse("its body has other inputs and outputs than the node gives and takes");
  std::vector<DType> input_dtypes{DType::s64, DType::boolean};
  for (int i = 2; i < inputs; ++i) input_dtypes.push_back(node.dtype(values[static_cast<std::size_t>(i)]));
  NodeImport::Subgraph subgraph = node.import_subgraph(body, input_dtypes);
  const graph::Graph& imported = node.subgraph(subgraph.graph);
  const bool counted = stays_true(imported, imported.outputs.at(0));
  const std::vector<std::optional<graph::Dims>> dims = output_dims(node, imported, values, counted);
  std::vector<DType> dtypes;
  for (std::size_t o = 1; o < imported.outputs.size(); ++o)
    dtypes.push_back(imported.value(imported.outputs[o]).dtype);
  values.insert(values.end(), subgraph.captured.begin(), subgraph.captured.end());
  const std::vector<graph::ValueId> results = node.emit_several<ops::Loop>(
      {.carried = carried, .counted = counted}, std::move(values), std::move(dtypes), {subgraph.graph});
  for (std::size_t o = 0; o < results.size(); ++o)
    if (dims[o]) node.set_dims(results[o], *dims[o]);
  return results;
}

const onnx::GraphProto& body_of(NodeImport& node) {
  const onnx::GraphProto* body = node.attribute_graph("body");
  if (body == nullptr) node.refuse("it has no body");
  return *body;
}

/// Loop-1 to 25.
void import_loop(NodeImport& node) {
  const onnx::GraphProto& body = body_of(node);
  std::vector<graph::ValueId> values;
  for (int i = 0; i < 2 || i < node.inputs(); ++i)
    values.push_back(i < node.inputs() ? node.input(i) : graph::absent);
  const std::vector<graph::ValueId> results = emit_loop(node, body, std::move(values));
  for (int o = 0; o < node.outputs(); ++o) node.output(o, results[static_cast<std::size_t>(o)]);
}

void declare(onnx::ValueInfoProto& info, const std::string& name, int type) {
  info.set_name(name);
  info.mutable_type()->mutable_tensor_type()->set_elem_type(type);
  info.mutable_type()->mutable_tensor_type()->mutable_shape();
}

/// What Scan says of one scanned input or output.
struct Direction {
  std::int64_t axis = 0;
  bool reverse = false;
};

std::vector<Direction> directions(NodeImport& node, const char* axes_name, const char* directions_name,
                                  std::size_t count) {
  std::vector<std::int64_t> axes = node.attribute_ints(axes_name),
                            reverse = node.attribute_ints(directions_name);
  axes.resize(count);
  reverse.resize(count);
  std::vector<Direction> all(count);
  for (std::size_t i = 0; i < count; ++i) all[i] = {axes[i], reverse[i] != 0};
  return all;
}

/// The body of a Scan as a Loop's: it takes the iteration's number and the condition, and cuts its elements out of the
/// scanned inputs, which it captures.
onnx::GraphProto scan_body(NodeImport& node, const onnx::GraphProto& source, int states,
                           const std::vector<Direction>& scanned) {
  onnx::GraphProto body = source;
  std::set<std::string> taken;
  take_names(source, taken);
  Expansion first(node.onnx_node(), body, taken, node.opset());  // the nodes in front of the body's own
  google::protobuf::RepeatedPtrField<onnx::ValueInfoProto> inputs, outputs;
  const std::string iteration = first.fresh(), condition = first.fresh();
  declare(*inputs.Add(), iteration, onnx::TensorProto::INT64);
  declare(*inputs.Add(), condition, onnx::TensorProto::BOOL);
  declare(*outputs.Add(), condition, onnx::TensorProto::BOOL);
  for (int i = 0; i < states; ++i) *inputs.Add() = source.input(i);
  for (std::size_t s = 0; s < scanned.size(); ++s) {
    const onnx::ValueInfoProto& element = source.input(states + static_cast<int>(s));
    const std::string& data = node.input_name(states + static_cast<int>(s));
    std::string index = iteration;
    if (scanned[s].reverse) {
      const std::string size =
          first.add("Gather", {first.add("Shape", {data}), first.integer(scanned[s].axis)});
      index = first.add("Sub", {first.add("Sub", {size, first.integer(1)}), iteration});
    }
    first.add_node("Gather", {data, index}, 1, {{"axis", scanned[s].axis}}).set_output(0, element.name());
    *body.add_value_info() = element;
  }
  outputs.MergeFrom(source.output());
  body.mutable_input()->Swap(&inputs);
  body.mutable_output()->Swap(&outputs);
  body.clear_node();
  for (onnx::NodeProto& added : first.take()) *body.add_node() = std::move(added);
  body.mutable_node()->MergeFrom(source.node());
  return body;
}

/// Moves axis 0 to `axis`, where ONNX wants it, and turns its order round.
graph::ValueId directed(NodeImport& node, graph::ValueId value, const Direction& wanted) {
  const DType dtype = node.dtype(value);
  if (wanted.reverse)
    value = node.emit<ops::Slice>(
        {}, {value, node.ints({-1}), node.ints({INT64_MIN}), node.ints({0}), node.ints({-1})}, dtype);
  if (wanted.axis == 0) return value;
  const int rank = node.required_rank(value);
  const auto axis = static_cast<std::int32_t>(wanted.axis < 0 ? wanted.axis + rank : wanted.axis);
  if (axis < 0 || axis >= rank) node.refuse("an axis of scan_output_axes is out of range");
  std::vector<std::int32_t> permutation;
  for (std::int32_t i = 1; i <= axis; ++i) permutation.push_back(i);
  permutation.push_back(0);
  for (std::int32_t i = axis + 1; i < rank; ++i) permutation.push_back(i);
  return node.transpose(value, std::move(permutation));
}

/// Scan-9 to 25, as a Loop.
void import_scan(NodeImport& node) {
  const onnx::GraphProto& source = body_of(node);
  const auto scanned = static_cast<int>(node.attribute_int("num_scan_inputs", 0));
  const int states = node.inputs() - scanned, outputs = source.output_size();
  if (scanned < 1 || states < 0 || source.input_size() != node.inputs() || outputs < states)
    node.refuse("num_scan_inputs does not fit its inputs and its body");
  std::vector<Direction> in =
      directions(node, "scan_input_axes", "scan_input_directions", static_cast<std::size_t>(scanned));
  const std::vector<Direction> out = directions(node, "scan_output_axes", "scan_output_directions",
                                                static_cast<std::size_t>(outputs - states));
  for (std::size_t s = 0; s < in.size(); ++s) {
    const int rank = node.required_rank(node.input(states + static_cast<int>(s)));
    if (in[s].axis < 0) in[s].axis += rank;
    if (in[s].axis < 0 || in[s].axis >= rank) node.refuse("an axis of scan_input_axes is out of range");
  }
  const onnx::GraphProto body = scan_body(node, source, states, in);
  std::vector<graph::ValueId> values{size_of(node, node.input(states), static_cast<int>(in[0].axis)),
                                     graph::absent};
  for (int i = 0; i < states; ++i) values.push_back(node.input(i));
  const std::vector<graph::ValueId> results = emit_loop(node, body, std::move(values));
  for (int o = 0; o < node.outputs(); ++o) {
    const graph::ValueId result = results[static_cast<std::size_t>(o)];
    if (node.wants(o))
      node.output(o, o < states ? result : directed(node, result, out[static_cast<std::size_t>(o - states)]));
  }
}

}  // namespace

void register_loop(ImporterTable& table) {
  table.add("Loop", import_loop);
  table.add("Scan", import_scan, 9);
}

}  // namespace lithe::import
