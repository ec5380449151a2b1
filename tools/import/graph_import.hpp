// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <map>
#include <memory>
#include <set>
#include <string>
#include <unordered_map>
#include <unordered_set>
#include <vector>

#include "tools/graph/sampled_shapes.hpp"
#include "tools/import/import_model.hpp"
#include "tools/import/importer.hpp"

namespace onnx {
class GraphProto;
class NodeProto;
class TensorProto;
class TypeProto;
class ValueInfoProto;
}  // namespace onnx

namespace lithe::import {

/// What the graphs of one model share while they are imported.
struct ModelImport {
  const ImportOptions& options;
  ImporterTable table;
  std::map<std::string, int> opsets;  ///< by domain, "" is ai.onnx
  graph::Model model;
  std::map<std::string, int> symbols;
  std::vector<Problem> problems;
  int nodes = 0;

  int opset(const std::string& domain) const;
  int symbol(const std::string& name);  ///< makes it where it is new
};

/// Thrown where a value comes from a node that was refused: its readers cannot be judged, and are not
/// reported.
struct Poisoned {};

/// Imports one graph: names to values, nodes in order, captured values to inputs.
class GraphImport {
 public:
  using ValueId = graph::ValueId;
  /// `scope` says in messages where the graph stands; empty: it is the main one.
  GraphImport(ModelImport& shared, GraphImport* parent, const onnx::GraphProto& proto,
              std::string scope = {});

  /// The dtypes are those of a subgraph's inputs, where the file does not say them.
  void import_inputs(const std::vector<DType>& dtypes = {});
  void import_nodes();
  void import_outputs();

  /// The value of an ONNX name; a value of an outer graph becomes an input of this one. Throws Poisoned.
  ValueId lookup(const std::string& name);
  void define(const std::string& name, ValueId value);
  bool defined(const std::string& name) const { return values_.contains(name); }
  /// What the file says of a value; of dims that have names, only those of the model's inputs count.
  DType declared_dtype(const std::string& name) const;
  std::optional<graph::Dims> declared_dims(const std::string& name) const;
  /// What it says of dims that lithe's own rules leave open. Where an input has an open dimension, numbers do not count: who
  /// opens one seldom mends what depends on it.
  std::optional<graph::Dims> hinted_dims(const std::string& name) const;

  /// A name that no value of the ONNX graph has.
  ValueId add_internal(graph::Value value);
  void push_node(graph::Node node);
  const graph::Node* producer(ValueId value) const;
  /// The texts that the numbers of a value are places of; null: it holds numbers.
  using Texts = std::shared_ptr<const std::vector<std::string>>;
  Texts texts(ValueId value) const;
  void set_texts(ValueId value, Texts texts) { texts_[value] = std::move(texts); }
  /// Gives the texts of a pushed node's input to its output; throws Unsupported where it does more than move them.
  void pass_texts_on(const graph::Node& node);
  /// The contents of a small value that follow from constants and known dimensions, here or outside; else
  /// null.
  graph::ConstantPtr known(ValueId value, int depth = 0) const;

  struct Capture {
    ValueId outer, inner;
  };
  const std::vector<Capture>& captures() const { return captures_; }
  /// An input for an outer value that this graph may not read, so that sibling graphs have the same inputs.
  ValueId capture(ValueId outer);

  const std::string& scope() const { return scope_; }

  ModelImport& shared;
  graph::Graph graph;
  graph::SampledShapes shapes;

 private:
  void import_input(const onnx::ValueInfoProto& info, DType otherwise);
  void import_output(const onnx::ValueInfoProto& info);
  void import_node(const onnx::NodeProto& node);
  /// Collects why a node cannot be converted; what reads its outputs is not reported.
  void refuse_node(const onnx::NodeProto& node, Problem problem);
  /// Imports what ONNX's schema of an operator says in others; false where it says nothing.
  bool import_function(const onnx::NodeProto& proto, NodeImport& node, int opset);
  onnx::TypeProto onnx_type(ValueId id) const;
  graph::Dims input_dims(const onnx::ValueInfoProto& info);
  /// Keeps the texts of an output in the model's metadata: `labels`, or `labels.NAME` where that is taken.
  void keep_texts(const std::string& output, const Texts& texts);
  void problem(const std::string& what, const std::string& op_type, std::string reason, std::string remedy);

  GraphImport* parent_;
  const onnx::GraphProto& proto_;
  std::string scope_;
  std::unordered_map<std::string, ValueId> values_;
  std::unordered_map<std::string, const onnx::TensorProto*> initializers_;
  std::unordered_map<std::string, const onnx::TypeProto*> types_;
  std::unordered_set<std::string> names_;  ///< every ONNX name of this graph
  std::unordered_set<std::string> poisoned_;
  std::vector<int> producers_;  ///< by value
  std::vector<Capture> captures_;
  std::unordered_map<ValueId, Texts> texts_;
  graph::ConstantPtr find_known(ValueId value, int depth) const;
  mutable std::unordered_map<ValueId, graph::ConstantPtr> known_;  ///< what was asked for before
};

/// The name of a node in messages and in the file.
std::string node_title(const onnx::NodeProto& node);

struct NodeImport::Impl {
  GraphImport& graph;
  const onnx::NodeProto& node;
  int opset;
  std::set<std::string, std::less<>> asked;
  std::size_t first_value;  ///< values from here on were made by this node

  const onnx::AttributeProto* find(std::string_view name, int type);
  /// Pushes the node and infers its dims; throws Unsupported where the operator refuses them.
  void push(graph::Node node);
  /// Dims that the file gives `name`, where lithe's own rules leave those of `id` open.
  void hint_dims(ValueId id, const std::string& name);
  /// The types of a node's inputs, and their shapes where they are known.
  std::string inputs_text(const graph::Node& node) const;
  /// Where a subgraph of the node stands, for messages.
  std::string scope_of(const onnx::GraphProto& subgraph) const;
  /// The dtype of output `o` by the operator's type rows; `wanted` decides where they leave it open.
  DType resolve(const graph::Node& node, int o, DType wanted) const;
};

}  // namespace lithe::import
