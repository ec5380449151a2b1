// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <map>
#include <optional>
#include <string_view>
#include <vector>

#include "lithe/core/facts.hpp"
#include "tools/passes/node.hpp"

namespace lithe::passes {

/// A graph under rewriting. Producers and readers stay right through every change. Node indices stay valid
/// until `finish`, which brings nodes into running order and drops those that were removed or that nobody
/// reads.
class Rewriter {
 public:
  struct Reader {
    int node, input;
  };

  explicit Rewriter(Graph& graph);

  Graph& graph() { return graph_; }
  const Value& value(ValueId v) const { return graph_.value(v); }
  /// A value that a trial may change, though it was there before.
  Value& value_to_change(ValueId v);
  Node& node(int n) {
    if (trial_) remember_node(n);
    return graph_.nodes[static_cast<std::size_t>(n)];
  }
  int nodes() const { return static_cast<int>(graph_.nodes.size()); }
  bool removed(int n) const { return graph_.nodes[static_cast<std::size_t>(n)].op.empty(); }
  /// Where node `n` runs: added nodes have the place of the one that they run near.
  int place(int n) const { return near_[static_cast<std::size_t>(n)]; }

  int producer(ValueId v) const { return v < 0 ? -1 : producers_[static_cast<std::size_t>(v)]; }
  /// The index of the node that produces `v` if it is an `op`, else -1.
  int producer(ValueId v, std::string_view op);
  /// The index of the node that produces `v` when its operator codes so, else -1.
  int producer(ValueId v, Coding coding);
  const std::vector<Reader>& readers(ValueId v) const { return readers_[static_cast<std::size_t>(v)]; }
  bool is_output(ValueId v) const { return output_uses_[static_cast<std::size_t>(v)] > 0; }
  /// How many node inputs and graph outputs read `v`.
  int uses(ValueId v) const {
    return static_cast<int>(readers(v).size()) + output_uses_[static_cast<std::size_t>(v)];
  }

  /// Adds a value with the dtype, dims and quantization of `model`, without an ONNX name.
  ValueId like(ValueId model, std::string_view suffix);
  ValueId add_constant(ConstantPtr constant, std::string_view name);
  ValueId add_value(Value value);
  /// Adds a node that runs near node `near`.
  int add_node(Node node, int near);
  void remove_node(int n);
  /// Removes a node that nobody reads any more, then its producers if nobody reads them either.
  void remove_unread(int n);
  void set_input(int n, int input, ValueId v);
  void set_inputs(int n, std::vector<ValueId> inputs);
  void set_output(int n, int output, ValueId v);
  /// Makes every reader of `from`, graph outputs included, read `to`.
  void replace(ValueId from, ValueId to);
  /// Removes node `n`, whose output 0 equals input 0, unless that would rename a graph's input or output.
  bool forward(int n);
  void finish();

  /// What is done from here on can be undone, at a cost that follows what was touched and not the graph.
  void begin_trial();
  void keep_trial() { trial_.reset(); }
  void undo_trial();
  /// The nodes that a trial has looked at, as they were, by number, and how many there were.
  const std::map<int, Node>& nodes_before() const { return trial_->nodes; }
  int first_added() const { return trial_->first_node; }

 private:
  /// What a trial has touched, as it was.
  struct Trial {
    int first_node;
    ValueId first_value;
    std::map<int, Node> nodes;
    std::map<ValueId, Value> values;
    struct Links {
      int producer, output_uses;
      std::vector<Reader> readers;
    };
    std::map<ValueId, Links> links;
    std::optional<std::vector<ValueId>> outputs;
  };

  void link(int n);
  void unlink(int n);
  void grow();
  void add_reader(ValueId v, Reader reader);
  void remove_reader(ValueId v, Reader reader);
  void remember_node(int n);
  void remember_links(ValueId v);

  Graph& graph_;
  std::optional<Trial> trial_;
  std::vector<int> producers_;
  std::vector<std::vector<Reader>> readers_;
  std::vector<int> output_uses_;
  std::vector<int> near_;
};

/// Calls `visit(rewriter, n)` for the nodes that every graph of the model had, and finishes each graph.
template <class Visit>
void for_each_node(Model& model, Visit visit) {
  for (Graph& graph : model.graphs) {
    Rewriter rewriter(graph);
    for (int n = 0, end = rewriter.nodes(); n < end; ++n)
      if (!rewriter.removed(n)) visit(rewriter, n);
    rewriter.finish();
  }
}

}  // namespace lithe::passes
