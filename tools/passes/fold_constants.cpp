// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <optional>
#include <vector>

#include "lithe/ops/shape.hpp"
#include "tools/graph/attributes.hpp"
#include "tools/graph/evaluate.hpp"
#include "tools/graph/infer_dims.hpp"
#include "tools/graph/operators.hpp"
#include "tools/passes/constants.hpp"
#include "tools/passes/moves_elements.hpp"
#include "tools/passes/node.hpp"
#include "tools/passes/pass_log.hpp"
#include "tools/passes/passes.hpp"
#include "tools/passes/permutation.hpp"
#include "tools/passes/rewriter.hpp"
#include "tools/passes/stored.hpp"

namespace lithe::passes {
namespace {

/// The axis of `to` that holds what axis `axis` of `from` held after a reshape; -1 where none does.
int followed_axis(const Shape& from, const Shape& to, int axis) {
  for (int a = 0; a < to.rank(); ++a)
    if (to[a] == from[axis] && to.product(0, a) == from.product(0, axis)) return a;
  return -1;
}

/// What rearranges a dequantized constant rearranges the stored elements instead, so that `quantize` finds them in
/// place.
bool move_stored(Rewriter& rewriter, int n) {
  const Node node = rewriter.node(n);
  if (!rearranges(node) || rewriter.value(node.inputs[0]).constant || rewriter.is_output(node.outputs[0]))
    return false;
  const ConstantPtr stored = stored_constant(rewriter, node.inputs[0]);
  if (!stored) return false;
  Node moving = node;
  moving.inputs[0] = rewriter.add_constant(stored, "stored");
  moving.outputs = {rewriter.like(moving.inputs[0], "/moved")};
  const auto results = graph::evaluate(rewriter.graph(), moving);
  if (!results) return false;
  const int axis = stored_axis(rewriter, node.inputs[0]);
  int moved_axis = -1;
  if (axis >= 0 && is_transpose(node))
    moved_axis = inverse(*permutation_of(rewriter.graph(), moving))[static_cast<std::size_t>(axis)];
  else if (axis >= 0)
    moved_axis = followed_axis(stored->shape, (*results)[0]->shape, axis);
  if (axis >= 0 && moved_axis < 0) return false;
  const ValueId moved = with_stored(rewriter, node.inputs[0], (*results)[0], moved_axis, n);
  rewriter.replace(node.outputs[0], moved);
  rewriter.remove_unread(n);
  return true;
}

/// What a node selects of the shape of a tensor, where those dimensions are fixed. Open ones are negative, as in Dims.
std::optional<std::vector<ConstantPtr>> selected_dimensions(Rewriter& rewriter, const Node& node) {
  const int shape = rewriter.producer(input(node, 0), "Shape");
  if (shape < 0 || graph::movement_of(node) != Movement::selects) return std::nullopt;
  const auto of_shape = graph::attributes<ops::ShapeOf>(rewriter.node(shape));
  const auto& dims = rewriter.value(rewriter.node(shape).inputs[0]).dims;
  if (!dims) return std::nullopt;
  const int rank = static_cast<int>(dims->size()), first = ops::ShapeOf::bound(of_shape.start, rank),
            last = std::max(first, ops::ShapeOf::bound(of_shape.end, rank));
  Node selecting = node;
  selecting.inputs[0] =
      rewriter.add_constant(make_ints(Dims(dims->begin() + first, dims->begin() + last)), "dimensions");
  auto results = graph::evaluate(rewriter.graph(), selecting);
  if (!results) return std::nullopt;
  for (const ConstantPtr& result : *results) {
    const auto numbers = ints_of(result.get());
    if (!numbers || std::any_of(numbers->begin(), numbers->end(), [](std::int64_t d) { return d < 0; }))
      return std::nullopt;
  }
  return results;
}

/// Gives the outputs of node `n` their contents; false when they cannot be computed now.
bool fold(Rewriter& rewriter, int n) {
  const Node& node = rewriter.node(n);
  const auto known = [&](ValueId v) { return v < 0 || rewriter.value(v).constant != nullptr; };
  const bool shape_only = graph::spec_of(node).reads_shapes_only;
  if (!node.subgraphs.empty()) return false;
  if (std::any_of(node.outputs.begin(), node.outputs.end(),
                  [&](ValueId v) { return v >= 0 && rewriter.is_output(v); }))
    return false;
  const bool all_known = shape_only || std::all_of(node.inputs.begin(), node.inputs.end(), known);
  const auto results =
      all_known ? graph::evaluate(rewriter.graph(), node) : selected_dimensions(rewriter, Node(node));
  if (!results) return false;
  const std::vector<ValueId> outputs = rewriter.node(n).outputs;
  rewriter.remove_node(n);
  for (std::size_t o = 0; o < outputs.size(); ++o) {
    if (outputs[o] < 0) continue;
    Value& value = rewriter.graph().value(outputs[o]);
    value.constant = (*results)[o];
    const auto dims = value.constant->shape.dims();
    value.dims.emplace(dims.begin(), dims.end());
  }
  return true;
}

/// Dimensions that a Transpose carries over although others are not known.
void refine_transpose(Graph& graph, const Node& node) {
  if (!is_transpose(node) || !graph.value(node.inputs[0]).dims) return;
  const auto p = permutation_of(graph, node);
  if (!p) return;
  const Dims known = permuted(*graph.value(node.inputs[0]).dims, *p);
  auto& dims = graph.value(node.outputs[0]).dims;
  if (!dims || dims->size() != known.size()) dims.emplace(known.size(), -1);
  for (std::size_t i = 0; i < known.size(); ++i)
    if ((*dims)[i] == -1) (*dims)[i] = known[i];
}

/// Shapes that are known now, however much of them.
void infer(Graph& graph, const Node& node) {
  (void)graph::infer_dims(graph, node).ok();  // what cannot be inferred keeps what it has
  refine_transpose(graph, node);
}

void fold_graph(Graph& graph, PassLog& log, bool dequantize) {
  Rewriter rewriter(graph);
  for (int n = 0, end = rewriter.nodes(); n < end; ++n) {  // in running order: one round reaches the fixpoint
    if (rewriter.removed(n)) continue;
    const std::string name = graph::node_title(graph, rewriter.node(n));
    const bool kept = !dequantize && graph::dequantizes(rewriter.node(n));
    if (!kept && (fold(rewriter, n) || (!dequantize && move_stored(rewriter, n))))
      log.changed(name + " folded into a constant");
    else
      infer(graph, rewriter.node(n));
  }
  rewriter.finish();
}

}  // namespace

void fold_constants(Model& model, PassLog& log) {
  for (Graph& graph : model.graphs) fold_graph(graph, log, false);
}

void fold_quantized_constants(Model& model, PassLog& log) {
  for (Graph& graph : model.graphs) fold_graph(graph, log, true);
}

}  // namespace lithe::passes
