// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "tools/graph/attributes.hpp"
#include "tools/graph/graph.hpp"
#include "tools/report/error.hpp"

namespace onnx {
class NodeProto;
class AttributeProto;
class GraphProto;
class TensorProto;
}  // namespace onnx

namespace lithe::import {

/// What an importer throws for a node; collected, so that all are reported at once.
using report::Unsupported;

/// What the import of one ONNX node needs: its inputs as values of the graph under construction, its
/// attributes, and ways to emit nodes. Everything an importer emits is named after and traced to the ONNX
/// node.
class NodeImport {
 public:
  using ValueId = graph::ValueId;

  const onnx::NodeProto& onnx_node() const;
  const std::string& op_type() const;
  int opset() const;  ///< the version of the node's domain

  // inputs and outputs
  int inputs() const;  ///< trailing absent ones dropped
  int outputs() const;
  bool has(int i) const;       ///< input i is given
  bool wants(int o) const;     ///< output o is named
  ValueId input(int i) const;  ///< absent (-1) where it is not given
  const std::string& input_name(int i) const;
  DType dtype(ValueId value) const;
  std::optional<int> rank(ValueId value) const;
  int required_rank(ValueId value) const;  ///< throws Unsupported where it is unknown
  const graph::Value& value(ValueId value) const;
  const graph::Constant* constant(ValueId value) const;  ///< contents, or null
  /// The node already emitted into this graph that produces `value`; null for constants and for the graph's
  /// inputs.
  const graph::Node* producer(ValueId value) const;
  /// The contents of a value that follow from constants and from dimensions that are known; null where they
  /// do not. For small values, which decide what is imported.
  graph::ConstantPtr known(ValueId value) const;
  /// The integers of a constant input (axes, k, pads): nullopt where it is computed at run time.
  std::optional<std::vector<std::int64_t>> constant_ints(int i) const;

  // attributes; asking marks them as understood: one that nobody asked for is refused
  std::int64_t attribute_int(std::string_view name, std::int64_t fallback);
  /// The dtype of an attribute that numbers an ONNX element type; `none` where lithe has no such dtype.
  DType attribute_dtype(std::string_view name, DType fallback = DType::none);
  float attribute_float(std::string_view name, float fallback);
  std::string attribute_string(std::string_view name, std::string_view fallback);
  std::vector<std::int64_t> attribute_ints(std::string_view name, std::vector<std::int64_t> fallback = {});
  std::vector<float> attribute_floats(std::string_view name, std::vector<float> fallback = {});
  std::vector<std::string> attribute_strings(std::string_view name);
  graph::ConstantPtr attribute_tensor(std::string_view name);  ///< null where it is not given
  const onnx::GraphProto* attribute_graph(std::string_view name);
  bool has_attribute(std::string_view name) const;

  // emitting
  /// A node with one output of the dtype its operator's type rows give (or `dtype` where they leave it open).
  template <class Op>
  ValueId emit(const typename Op::Attributes& attributes, std::vector<ValueId> inputs,
               DType dtype = DType::none) {
    return add_node<Op>(attributes, std::move(inputs), {dtype})[0];
  }
  /// The same for several outputs, one of each dtype given.
  template <class Op>
  std::vector<ValueId> emit_several(const typename Op::Attributes& attributes, std::vector<ValueId> inputs,
                                    std::vector<DType> dtypes, std::vector<int> subgraphs = {}) {
    return add_node<Op>(attributes, std::move(inputs), std::move(dtypes), std::move(subgraphs));
  }
  /// A node whose outputs are this ONNX node's outputs, in order (those that it names), of the dtype its operator's type
  /// rows give (or `dtype` where they leave it open).
  template <class Op>
  void emit_outputs(const typename Op::Attributes& attributes, std::vector<ValueId> inputs,
                    DType dtype = DType::none) {
    graph::Node node;
    graph::set_attributes<Op>(node, attributes);
    node.inputs = std::move(inputs);
    finish_outputs(std::move(node), dtype);
  }
  /// A node of an operator that may live outside of lithe, with this ONNX node's inputs and outputs; numbers
  /// and texts of its attributes are copied as they are.
  void emit_custom(const std::string& op);
  /// Says that the numbers of an emitted s64 value are places in this list of texts. Nodes that move elements pass
  /// that on, others refuse it. An output keeps the numbers, and the model's metadata the texts.
  void set_texts(ValueId value, std::vector<std::string> texts);
  bool has_texts(ValueId value) const;
  /// Sets the dims of an emitted value that its operator's rule cannot tell: what a subgraph gives.
  void set_dims(ValueId value, graph::Dims dims);
  /// Makes `value` the ONNX node's output `o`.
  void output(int o, ValueId value);
  ValueId ints(std::vector<std::int64_t> values);         ///< an s64 vector constant
  ValueId scalar(float value, DType dtype = DType::f32);  ///< a rank-0 constant of a floating dtype
  ValueId constant(graph::ConstantPtr constant, std::string_view name);
  /// Transposes `value` so that axis i of the result is axis permutation[i]; identity permutations emit
  /// nothing.
  ValueId transpose(ValueId value, std::vector<std::int32_t> permutation);
  struct Subgraph {
    int graph;
    std::vector<ValueId> captured;
  };
  /// Imports a subgraph attribute: values it captures from outside become its last inputs. Returns its index
  /// in the model and the captured outer values, to be appended to the node's inputs. Its own inputs have the dtypes
  /// given, where the file does not say them.
  Subgraph import_subgraph(const onnx::GraphProto& graph, const std::vector<DType>& dtypes = {});
  struct Subgraphs {
    std::vector<int> graphs;
    std::vector<ValueId> captured;
  };
  /// The same for subgraphs that share one list of captured values, as If's branches do: each takes all of
  /// them as its last inputs, in the order of `captured`, whether it reads them or not.
  Subgraphs import_subgraphs(const std::vector<const onnx::GraphProto*>& graphs,
                             const std::vector<DType>& dtypes = {});
  const graph::Graph& subgraph(int index) const;  ///< one that was imported

  /// The nodes of a graph in the node's place: its outputs are the node's outputs with these numbers, all of
  /// them in order where `numbers` is empty.
  void become(const onnx::GraphProto& graph, const std::vector<int>& numbers = {});

  [[noreturn]] void refuse(std::string reason, std::string remedy = {}) const;
  /// Says something of this node that the user should know.
  void note(const std::string& text);

  struct Impl;
  explicit NodeImport(Impl& impl) : impl_(impl) {}

 private:
  template <class Op>
  std::vector<ValueId> add_node(const typename Op::Attributes& attributes, std::vector<ValueId> inputs,
                                std::vector<DType> dtypes, std::vector<int> subgraphs = {}) {
    graph::Node node;
    graph::set_attributes<Op>(node, attributes);
    node.inputs = std::move(inputs);
    node.subgraphs = std::move(subgraphs);
    return finish_node(std::move(node), std::move(dtypes));
  }
  std::vector<ValueId> finish_node(graph::Node node, std::vector<DType> dtypes);
  void finish_outputs(graph::Node node, DType dtype);

  Impl& impl_;
};

using Importer = void (*)(NodeImport&);

/// ONNX operators that lithe can import, by domain ("" is ai.onnx) and name. tools/import/ops/NAME.cpp
/// defines `void register_NAME(ImporterTable&)`; the build calls every one of them from register_all.
class ImporterTable {
 public:
  /// `oldest`: the first opset of the domain whose form the importer understands. An operator may have several, for
  /// forms that have little in common: the one for the newest of those not newer than the model is called.
  void add(std::string_view op_type, Importer importer, int oldest = 1, std::string_view domain = "");
  struct Entry {
    Importer importer;
    int oldest;
  };
  /// Null where there is none; one that is newer than `opset` where there is no older one.
  const Entry* find(std::string_view domain, std::string_view op_type, int opset) const;
  /// By domain and name; each from the oldest on.
  const std::map<std::pair<std::string, std::string>, std::vector<Entry>>& entries() const {
    return entries_;
  }

 private:
  std::map<std::pair<std::string, std::string>, std::vector<Entry>> entries_;
};

void register_all(ImporterTable& table);

}  // namespace lithe::import
