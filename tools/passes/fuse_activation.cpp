// SPDX-License-Identifier: Apache-2.0
#include "tools/graph/operators.hpp"
#include "tools/passes/constants.hpp"
#include "tools/passes/moves_elements.hpp"
#include "tools/passes/node.hpp"
#include "tools/passes/pass_log.hpp"
#include "tools/passes/passes.hpp"
#include "tools/passes/rewriter.hpp"
#include "tools/passes/value.hpp"
#include "tools/passes/weighted.hpp"

namespace lithe::passes {
namespace {

bool same_quantization(const Value& a, const Value& b) {
  if (!a.quantization || !b.quantization) return !a.quantization && !b.quantization;
  const ValueQuantization &p = *a.quantization, &q = *b.quantization;
  return same_contents(p.scale, q.scale) && same_contents(p.zero_point, q.zero_point) && p.axis == q.axis &&
         p.block == q.block;
}

void fuse(Rewriter& rewriter, int n, PassLog& log) {
  const auto clamp = graph::limits_of(rewriter.node(n));
  if (!clamp) return;
  const ValueId x = rewriter.node(n).inputs[0], y = rewriter.node(n).outputs[0];
  int into = rewriter.producer(x);
  const std::string between = into >= 0 && rearranges(rewriter.node(into)) ? rewriter.node(into).op : "";
  if (!between.empty()) into = rewriter.producer(rewriter.node(into).inputs[0]);
  if (into < 0 || !graph::facts_of(rewriter.node(into)).clamps) return;
  const std::string pair = graph::node_title(rewriter.graph(), rewriter.node(into)) + " + " +
                           graph::node_title(rewriter.graph(), rewriter.node(n));
  const auto miss = [&](const std::string& reason) { log.near_miss(pair + " not fused: " + reason); };
  if (!between.empty()) return miss("a " + between + " stands between them");
  if (rewriter.uses(x) != 1) return miss("the first one's output has another reader");
  const Value &before = rewriter.value(x), &after = rewriter.value(y);
  if (!is_floating(after.dtype) && !(is_quantized8(after.dtype) && after.quantization))
    return miss("plain integers have no clamp");
  if (!same_quantization(before, after)) return miss("the two are quantized differently");
  const Clamp inner = clamp_attribute(rewriter.node(into));
  set_clamp(rewriter.node(into), {(*clamp)(inner.min), (*clamp)(inner.max)});
  absorb(rewriter, into, n);
  log.changed(pair + " fused");
}

}  // namespace

void fuse_activation(Model& model, PassLog& log) {
  for_each_node(model, [&](Rewriter& rewriter, int n) { fuse(rewriter, n, log); });
}

}  // namespace lithe::passes
