// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <array>
#include <limits>

#include "lithe/ops/slice.hpp"
#include "tools/graph/operators.hpp"
#include "tools/passes/constants.hpp"
#include "tools/passes/moves_elements.hpp"
#include "tools/passes/node.hpp"
#include "tools/passes/pass_log.hpp"
#include "tools/passes/passes.hpp"
#include "tools/passes/permutation.hpp"
#include "tools/passes/rewriter.hpp"

namespace lithe::passes {
namespace {

/// Equal, and known to be: fixed dimensions or the same symbols.
bool same_dims(const Value& a, const Value& b) {
  return a.dims && b.dims && *a.dims == *b.dims &&
         std::find(a.dims->begin(), a.dims->end(), -1) == a.dims->end();
}

/// The same for tensors of equally many elements: one dimension may be unknown, when none is 0.
bool same_dims_but_one(const Value& a, const Value& b) {
  if (!a.dims || !b.dims || a.dims->size() != b.dims->size()) return false;
  int open = 0;
  for (std::size_t i = 0; i < a.dims->size(); ++i) {
    const std::int64_t p = (*a.dims)[i], q = (*b.dims)[i];
    if (p == 0 || q == 0) return false;
    if (p < 0 || q < 0)
      open += p == q && p != -1 ? 0 : 1;
    else if (p != q)
      return false;
  }
  return open <= 1;
}

bool all_equal(const Constant* constant, double wanted) {
  const auto values = doubles_of(constant);
  return values && !values->empty() &&
         std::all_of(values->begin(), values->end(), [&](double v) { return v == wanted; });
}

/// A Slice whose bounds, all constants, take everything of an axis of any size that it may have.
bool takes_all(const Graph& graph, const Node& node) {
  const auto& dims = graph.value(node.inputs[0]).dims;
  if (!dims) return false;
  IntList lists[4];
  for (int i = 1; i < 5; ++i) {
    if (input(node, i) < 0) continue;
    const auto values = ints_of(graph.constant(input(node, i)));
    if (!values || values->size() > dims->size()) return false;
    for (const std::int64_t v : *values) lists[i - 1].push_back(v);
    if (lists[i - 1].size() != lists[0].size()) return false;
  }
  Shape shape;
  for (const std::int64_t d : *dims) shape.push_back(d < 0 ? std::numeric_limits<std::int32_t>::max() : d);
  std::array<ops::Slice::Range, max_rank> ranges;
  const bool axes = input(node, 3) >= 0, steps = input(node, 4) >= 0;
  if (!ops::Slice::resolve(shape, lists[0], lists[1], axes ? &lists[2] : nullptr, steps ? &lists[3] : nullptr,
                           ranges)
           .ok())
    return false;
  for (int d = 0; d < shape.rank(); ++d) {
    const auto& range = ranges[static_cast<std::size_t>(d)];
    if (range.count != shape[d] || (range.count > 1 && range.step != 1)) return false;
  }
  return true;
}

/// x + 0, x * 1 and their like, with x on the left.
bool is_neutral(const Graph& graph, const Node& node) {
  const double* neutral = graph::facts_of(node).neutral;
  if (neutral == nullptr || clamp_attribute(node).active()) return false;
  const Value &x = graph.value(node.inputs[0]), &y = graph.value(node.outputs[0]);
  if (x.quantization || y.quantization || x.dtype != y.dtype) return false;
  return all_equal(graph.constant(node.inputs[1]), *neutral);
}

/// Whether output 0 is input 0, element for element.
bool is_identity(const Graph& graph, const Node& node) {
  if (node.inputs.empty() || node.inputs[0] < 0 || node.outputs.empty() || node.outputs[0] < 0) return false;
  const Value &x = graph.value(node.inputs[0]), &y = graph.value(node.outputs[0]);
  if (x.dtype != y.dtype) return false;
  if (is_transpose(node)) {
    const auto p = permutation_of(graph, node);
    return p && passes::is_identity(*p);
  }
  if (graph::spec_of(node).converts) return true;
  if (const auto limits = graph::limits_of(node)) return !limits->active() && !x.quantization;
  if (graph::spec_of(node).joins) return node.inputs.size() == 1;
  if (graph::spec_of(node).splits) return node.outputs.size() == 1;
  if (is(node, "Slice")) return takes_all(graph, node);
  if (is(node, "Pad")) return all_equal(graph.constant(node.inputs[1]), 0);
  if (reshapes(node)) return same_dims(x, y) || same_dims_but_one(x, y);
  return same_dims(x, y) && (is(node, "Expand") || is_neutral(graph, node));
}

/// A constant on the left of an operation that commutes goes to the right, where is_neutral looks for it.
void order_operands(Rewriter& rewriter, int n) {
  const Node& node = rewriter.node(n);
  const OperatorFacts& facts = graph::facts_of(node);
  if (!facts.commutes || facts.neutral == nullptr) return;
  if (rewriter.value(node.inputs[0]).constant && !rewriter.value(node.inputs[1]).constant)
    rewriter.set_inputs(n, {node.inputs[1], node.inputs[0]});
}

/// A Transpose of a Transpose becomes one.
bool merge_transposes(Rewriter& rewriter, int n) {
  const int above =
      is_transpose(rewriter.node(n)) ? transpose_above(rewriter, rewriter.node(n).inputs[0]) : -1;
  if (above < 0) return false;
  const auto first = permutation_of(rewriter.graph(), rewriter.node(above)),
             second = permutation_of(rewriter.graph(), rewriter.node(n));
  if (!first || !second) return false;
  const Permutation p = compose(*first, *second);
  set_ints(rewriter.node(n), "permutation", std::vector<std::int64_t>(p.begin(), p.end()));
  prepend_names(rewriter.node(n), rewriter.node(above));
  rewriter.set_input(n, 0, rewriter.node(above).inputs[0]);
  rewriter.remove_unread(above);
  return true;
}

/// A constant `shape` input for Reshape that gives these dims: at most one is not fixed and none is 0.
std::optional<std::vector<std::int64_t>> reshape_target(const std::optional<Dims>& dims) {
  if (!dims || std::count_if(dims->begin(), dims->end(), [](std::int64_t d) { return d < 0; }) > 1)
    return std::nullopt;
  std::vector<std::int64_t> shape = *dims;
  for (std::int64_t& d : shape) {
    if (d == 0) return std::nullopt;
    if (d < 0) d = -1;
  }
  return shape;
}

/// A sequence of reshapes becomes its origin, where that has the same dims, or one Reshape.
bool merge_reshapes(Rewriter& rewriter, int n) {
  if (!reshapes(rewriter.node(n))) return false;
  const int above = rewriter.producer(rewriter.node(n).inputs[0]);
  if (above < 0 || !reshapes(rewriter.node(above))) return false;
  const ValueId x = rewriter.node(above).inputs[0], y = rewriter.node(n).outputs[0];
  const auto shape = reshape_target(rewriter.value(y).dims);
  const bool returns = same_dims(rewriter.value(x), rewriter.value(y)) ||
                       same_dims_but_one(rewriter.value(x), rewriter.value(y));
  if (!returns && !shape) return false;
  Node& node = rewriter.node(n);
  prepend_names(node, rewriter.node(above));
  node.attributes.clear();
  if (returns) {  // the next round forwards it where no name of the graph's inputs and outputs forbids it
    node.op = "Cast";
    rewriter.set_inputs(n, {x});
  } else {
    node.op = "Reshape";
    rewriter.set_inputs(n, {x, rewriter.add_constant(make_ints(*shape), "shape")});
  }
  rewriter.remove_unread(above);
  return true;
}

bool simplify_once(Graph& graph, PassLog& log) {
  Rewriter rewriter(graph);
  bool any = false;
  for (int n = 0; n < rewriter.nodes(); ++n) {
    if (rewriter.removed(n)) continue;
    order_operands(rewriter, n);
    const std::string name = graph::node_title(graph, rewriter.node(n));
    if (is_identity(graph, rewriter.node(n)) && rewriter.forward(n)) {
      log.changed(name + " removed: it changes nothing");
      any = true;
    } else if (merge_transposes(rewriter, n) || merge_reshapes(rewriter, n)) {
      log.changed(name + " merged with what it reads");
      any = true;
    }
  }
  rewriter.finish();
  return any;
}

}  // namespace

void simplify(Model& model, PassLog& log) {
  for (Graph& graph : model.graphs)
    while (simplify_once(graph, log)) {
    }
}

}  // namespace lithe::passes
