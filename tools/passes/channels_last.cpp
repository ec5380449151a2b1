// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <set>
#include <utility>

#include "tools/passes/constants.hpp"
#include "tools/passes/node.hpp"
#include "tools/passes/pass_log.hpp"
#include "tools/passes/passes.hpp"
#include "tools/passes/permutation.hpp"
#include "tools/passes/rewriter.hpp"
#include "tools/passes/sink.hpp"

namespace lithe::passes {

namespace {

constexpr double unknown_dimension = 32;  // assumed where a size is decided at run time

/// Bytes that a node moves as a Transpose; a free one counts as one byte, so that it goes too where it can.
double transposed_bytes(const Graph& graph, const Node& node) {
  if (!is_transpose(node)) return 0;
  const Value& x = graph.value(node.inputs[0]);
  if (x.constant) return 0;
  if (is_free_transpose(graph, node)) return 1;
  double bytes = std::max(bits(x.dtype) / 8.0, 0.5);
  for (std::int64_t d : x.dims ? *x.dims : Dims(4, -1))
    bytes *= d < 0 ? unknown_dimension : static_cast<double>(d);
  return bytes + 1;
}

/// How much more the graph's transposes move since the trial began.
double more_bytes(Rewriter& rewriter) {
  const Graph& graph = rewriter.graph();
  double more = 0;
  const auto add = [&](const Node& node) {
    if (is_transpose(node) && rewriter.uses(node.outputs[0]) > 0) more += transposed_bytes(graph, node);
  };
  for (const auto& [n, before] : rewriter.nodes_before()) {
    more -= transposed_bytes(graph, before);
    add(graph.nodes[static_cast<std::size_t>(n)]);
  }
  for (auto n = static_cast<std::size_t>(rewriter.first_added()); n < graph.nodes.size(); ++n)
    add(graph.nodes[n]);
  return more;
}

/// Node `n` reads Transpose `above` and is one: they become one, or nothing.
void merge(Rewriter& rewriter, int above, int n) {
  const auto first = permutation_of(rewriter.graph(), rewriter.node(above)),
             second = permutation_of(rewriter.graph(), rewriter.node(n));
  if (!first || !second) return;
  const Permutation p = compose(*first, *second);
  rewriter.set_input(n, 0, rewriter.node(above).inputs[0]);
  set_ints(rewriter.node(n), "permutation", std::vector<std::int64_t>(p.begin(), p.end()));
  if (is_identity(p)) rewriter.forward(n);
}

struct Outcome {
  bool changed = false, inserted = false;
};

/// Sinks Transpose `start`, and what comes of it, as far as it goes.
Outcome sink_all(Rewriter& rewriter, int start, bool insert) {
  Outcome outcome;
  std::vector<int> waiting{start};
  while (!waiting.empty()) {
    const int above = waiting.back();
    waiting.pop_back();
    if (rewriter.removed(above)) continue;
    const auto p = permutation_of(rewriter.graph(), rewriter.node(above));
    if (!p) continue;
    std::set<int> readers;
    for (const auto& reader : rewriter.readers(rewriter.node(above).outputs[0])) readers.insert(reader.node);
    for (int n : readers) {
      if (rewriter.removed(n)) continue;
      if (is_transpose(rewriter.node(n))) {
        merge(rewriter, above, n);
        outcome.changed = true;
        if (!rewriter.removed(n)) waiting.push_back(n);
        continue;
      }
      Sink sink{rewriter, n, *p, insert};
      if (!sink.run()) continue;
      outcome.changed = true;
      outcome.inserted |= sink.inserted;
      waiting.insert(waiting.end(), sink.below.begin(), sink.below.end());
    }
    rewriter.remove_unread(above);
  }
  return outcome;
}

/// Keeps the result of sinking one Transpose where it moves fewer bytes, or as many further down. `added` are the
/// Transposes that it made.
bool try_transpose(Rewriter& rewriter, int n, bool insert, std::vector<int>& added) {
  rewriter.begin_trial();
  const Outcome outcome = sink_all(rewriter, n, insert);
  const double more = outcome.changed ? more_bytes(rewriter) : 0;
  if (!outcome.changed || more > 0 || (more == 0 && outcome.inserted)) {
    rewriter.undo_trial();
    return false;
  }
  const int first = rewriter.first_added();
  rewriter.keep_trial();
  for (int t = first; t < rewriter.nodes(); ++t)
    if (is_transpose(rewriter.node(t))) added.push_back(t);
  return true;
}

/// Sinks each Transpose once, in running order, those that come of it too.
void sink_each(Graph& graph, PassLog& log) {
  Rewriter rewriter(graph);
  std::set<std::string> stuck;
  std::set<std::pair<int, int>> waiting;  // by place, then number
  const auto wait = [&](int n) { waiting.emplace(rewriter.place(n), n); };
  for (int n = 0; n < rewriter.nodes(); ++n)
    if (is_transpose(rewriter.node(n))) wait(n);
  while (!waiting.empty()) {
    const int n = waiting.extract(waiting.begin()).value().second;
    if (!is_transpose(rewriter.node(n))) continue;
    const std::string name = rewriter.value(rewriter.node(n).outputs[0]).name;
    if (!stuck.insert(name).second) continue;
    std::vector<int> added;
    if (!try_transpose(rewriter, n, true, added) && !try_transpose(rewriter, n, false, added)) continue;
    log.changed("Transpose -> " + name + " moved down or cancelled");
    for (const int t : added) wait(t);
  }
  rewriter.finish();
}

/// A Transpose that moves nothing as a Reshape: the target shape, or nullopt where sizes decided at run time
/// forbid it.
std::optional<std::vector<std::int64_t>> free_target(const Graph& graph, const Node& node) {
  if (!is_free_transpose(graph, node)) return std::nullopt;
  const auto p = permutation_of(graph, node);
  std::vector<std::int64_t> shape = permuted(*graph.value(node.inputs[0]).dims, *p);
  int open = 0;
  for (std::size_t i = 0; i < shape.size(); ++i) {
    if (shape[i] == 0) return std::nullopt;
    if (shape[i] > 0) continue;
    shape[i] = (*p)[i] == static_cast<std::int32_t>(i) ? 0 : -1;  // 0: the same as there
    open += shape[i] == -1 ? 1 : 0;
  }
  return open > 1 ? std::nullopt : std::optional(shape);
}

void free_transposes(Graph& graph, PassLog& log) {
  Rewriter rewriter(graph);
  for (int n = 0; n < rewriter.nodes(); ++n) {
    if (!is_transpose(rewriter.node(n))) continue;
    const auto shape = free_target(graph, rewriter.node(n));
    if (!shape) continue;
    log.changed(graph::node_title(graph, rewriter.node(n)) + " moves no data: a Reshape");
    rewriter.node(n).op = "Reshape";
    rewriter.node(n).attributes.clear();
    rewriter.set_inputs(n, {rewriter.node(n).inputs[0], rewriter.add_constant(make_ints(*shape), "shape")});
  }
  rewriter.finish();
}

/// What comes before a Transpose is the same ONNX value in another order.
void name_sources(Graph& graph) {
  for (const Node& node : graph.nodes) {
    if (!is_transpose(node)) continue;
    if (const auto p = permutation_of(graph, node))
      take_name(graph.value(node.inputs[0]), graph.value(node.outputs[0]), *p);
  }
}

void report_left(Graph& graph, PassLog& log) {
  Rewriter rewriter(graph);
  for (const Node& node : graph.nodes) {
    if (!is_transpose(node)) continue;
    std::string text = "Transpose -> " + graph.value(node.outputs[0]).name + " stays, read by";
    std::set<int> readers;
    for (const auto& reader : rewriter.readers(node.outputs[0])) readers.insert(reader.node);
    for (const int reader : readers) text += ' ' + graph::node_title(graph, rewriter.node(reader));
    if (rewriter.is_output(node.outputs[0])) text += " a graph output";
    log.near_miss(text);
  }
}

}  // namespace

void channels_last(Model& model, PassLog& log) {
  for (Graph& graph : model.graphs) {
    name_sources(graph);
    sink_each(graph, log);
    free_transposes(graph, log);
    report_left(graph, log);
  }
}

}  // namespace lithe::passes
