// SPDX-License-Identifier: Apache-2.0
#include <utility>

#include "tools/passes/constants.hpp"
#include "tools/passes/node.hpp"
#include "tools/passes/pass_log.hpp"
#include "tools/passes/passes.hpp"
#include "tools/passes/rewriter.hpp"
#include "tools/passes/stored.hpp"
#include "tools/passes/value.hpp"
#include "tools/passes/weighted.hpp"

namespace lithe::passes {
namespace {

/// Bias after adding `sign` times `added`; absent where the two cannot be added up now.
ValueId summed(Rewriter& rewriter, ValueId bias, ValueId added, double sign) {
  const Constant* second = rewriter.graph().constant(added);
  if (bias < 0 && sign > 0) return added;
  if (second == nullptr || (bias >= 0 && rewriter.graph().constant(bias) == nullptr)) return absent;
  auto sum = doubles_of(second);
  if (!sum) return absent;
  for (double& v : *sum) v *= sign;
  if (bias >= 0) {
    const auto first = doubles_of(rewriter.graph().constant(bias));
    if (!first || first->size() != sum->size()) return absent;
    for (std::size_t i = 0; i < sum->size(); ++i) (*sum)[i] += (*first)[i];
  }
  return rewriter.add_constant(make_numbers(second->dtype, second->shape, *sum), rewriter.value(added).name);
}

void fuse(Rewriter& rewriter, int n, PassLog& log) {
  const Node& node = rewriter.node(n);
  if (!is_any(node, {"Add", "Sub"}) || !is_floating(rewriter.value(node.outputs[0]).dtype)) return;
  const bool swapped = is(node, "Add") && stored_constant(rewriter, node.inputs[0]) != nullptr;
  const ValueId x = node.inputs[swapped ? 1 : 0], added = node.inputs[swapped ? 0 : 1];
  if (!stored_constant(rewriter, added)) return;
  const std::string name = graph::node_title(rewriter.graph(), node);
  const auto weighted = weighted_producer(rewriter, x, name, log);
  if (!weighted) return;
  const std::string pair = graph::node_title(rewriter.graph(), rewriter.node(weighted->node)) + " + " + name;
  const auto rank = rank_of(rewriter.value(x));
  const ValueId vector =
      rank ? as_channel_vector(rewriter, added, *rank, weighted->channels(), weighted->node) : absent;
  if (vector < 0)
    return log.near_miss(pair + " not fused: what is added is not one number per output channel");
  const double sign = is(rewriter.node(n), "Sub") ? -1 : 1;
  const ValueId bias = summed(rewriter, input(rewriter.node(weighted->node), 2), vector, sign);
  if (bias < 0)
    return log.near_miss(pair +
                         " not fused: there is a bias already and one of them is quantized or computed");
  std::vector<ValueId> inputs = rewriter.node(weighted->node).inputs;
  inputs.resize(3, absent);
  inputs[2] = bias;
  rewriter.set_inputs(weighted->node, std::move(inputs));
  set_clamp(rewriter.node(weighted->node), clamp_attribute(rewriter.node(n)));
  absorb(rewriter, weighted->node, n);
  log.changed(pair + " fused: its bias");
}

}  // namespace

void fuse_bias(Model& model, PassLog& log) {
  for_each_node(model, [&](Rewriter& rewriter, int n) { fuse(rewriter, n, log); });
}

}  // namespace lithe::passes
