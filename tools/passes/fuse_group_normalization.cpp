// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <numeric>
#include <utility>

#include "tools/passes/constants.hpp"
#include "tools/passes/node.hpp"
#include "tools/passes/pass_log.hpp"
#include "tools/passes/passes.hpp"
#include "tools/passes/pattern.hpp"
#include "tools/passes/permutation.hpp"
#include "tools/passes/rewriter.hpp"
#include "tools/passes/value.hpp"

namespace lithe::passes {
namespace {

/// Equal, and known well enough to say so.
bool same_dim(std::int64_t a, std::int64_t b) { return a == b && a != -1; }

/// A constant whose elements all are `number`.
bool filled_with(const Graph& graph, ValueId v, double number) {
  const auto values = doubles_of(graph.constant(v));
  return values && std::all_of(values->begin(), values->end(), [&](double x) { return x == number; });
}

bool swaps_last_two(Rewriter& rewriter, ValueId transposed) {
  return permutation_of(rewriter.graph(), rewriter.node(rewriter.producer(transposed))) ==
         Permutation{0, 2, 1};
}

/// The number of groups when x [N, C, ...] is seen as [N, groups, C / groups * ...] and made x's shape again;
/// 0 if not.
std::int64_t groups_of(Rewriter& rewriter, const Match& match) {
  const ValueId x = match.value("x"), y = rewriter.node(match.nodes[0]).outputs[0];
  const auto &whole = rewriter.value(x).dims, &seen = rewriter.value(match.value("r")).dims;
  if (!whole || !seen || whole->size() < 3 || seen->size() != 3) return 0;
  const std::int64_t channels = (*whole)[1], groups = (*seen)[1];
  if (channels < 1 || groups < 1 || channels % groups != 0 || !same_dim((*whole)[0], (*seen)[0])) return 0;
  if (!swaps_last_two(rewriter, match.value("s")) || !swaps_last_two(rewriter, match.value("t"))) return 0;
  const int shape = rewriter.producer(match.value("q"), "Shape");
  if (shape >= 0 && rewriter.node(shape).inputs[0] == x && rewriter.node(shape).attributes.empty())
    return groups;
  const auto& again = rewriter.value(y).dims;
  return again && std::equal(whole->begin(), whole->end(), again->begin(), again->end(), same_dim) ? groups
                                                                                                   : 0;
}

/// Transposes to channels last, one normalization of groups, and transposes back.
void rewrite(Rewriter& rewriter, const Match& match, std::int64_t groups) {
  const ValueId x = match.value("x"), root = rewriter.node(match.nodes[0]).outputs[0];
  const int rank = *rank_of(rewriter.value(x)), near = match.nodes[0];
  Permutation last(static_cast<std::size_t>(rank));
  std::iota(last.begin(), last.end(), 0);
  std::rotate(last.begin() + 1, last.begin() + 2, last.end());
  const Permutation first = inverse(last);
  const auto ints = [](const Permutation& p) { return std::vector<std::int64_t>(p.begin(), p.end()); };
  const ValueId before = rewriter.like(x, "/channels_last"), after = rewriter.like(before, "/normalized");
  for (const ValueId v : {before, after})
    rewriter.graph().value(v).dims = permuted(*rewriter.value(x).dims, last);

  Node node = rewriter.node(rewriter.producer(match.value("g")));
  const bool plain =
      filled_with(rewriter.graph(), input(node, 1), 1) && filled_with(rewriter.graph(), input(node, 2), 0);
  node.inputs.resize(plain ? 1 : node.inputs.size());
  node.inputs[0] = before;
  node.outputs = {after};
  set_int(node, "groups", groups, 0);
  Node there = make_node("Transpose", {x}, {before}), back = make_node("Transpose", {after}, {});
  set_ints(there, "permutation", ints(last));
  set_ints(back, "permutation", ints(first));
  replace(rewriter, match, std::move(back));
  node.onnx_names = rewriter.node(rewriter.producer(root)).onnx_names;
  rewriter.add_node(std::move(there), near);
  rewriter.add_node(std::move(node), near);
}

}  // namespace

void fuse_group_normalization(Model& model, PassLog& log) {
  const Pattern pattern =
      Pattern::parse("Reshape(t=Transpose(g=GroupNormalization(s=Transpose(r=Reshape(x, p)), a, b)), q)");
  for_each_node(model, [&](Rewriter& rewriter, int n) {
    const auto match = find(rewriter, pattern, n);
    if (!match || int_attribute(rewriter.node(rewriter.producer(match->value("g"))), "groups", 0) != 0)
      return;
    const std::string name =
        graph::node_title(rewriter.graph(), rewriter.node(rewriter.producer(match->value("g"))));
    const std::int64_t groups = groups_of(rewriter, *match);
    const ValueId open = read_outside(rewriter, *match);
    if (groups == 0 || open >= 0)
      return log.near_miss(name + " between Reshapes is no normalization of groups: " +
                           (open < 0 ? "shapes or orders differ"
                                     : "an inner value has another reader: " + rewriter.value(open).name));
    rewrite(rewriter, *match, groups);
    log.changed(name + " between Reshapes became a normalization of " + std::to_string(groups) + " groups");
  });
}

}  // namespace lithe::passes
