// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <cmath>
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

/// y = factor * x + shift, one pair per channel.
struct Affine {
  std::vector<double> factor, shift;
};

/// What a BatchNormalization with constant parameters does.
std::optional<Affine> normalization(const Graph& graph, const Node& node) {
  std::vector<std::vector<double>> parameters;
  for (int i = 1; i < 5; ++i) {
    const auto values = doubles_of(graph.constant(input(node, i)));
    if (!values) return std::nullopt;
    parameters.push_back(*values);
  }
  const auto found = node.attributes.find("epsilon");
  const double epsilon = found == node.attributes.end() ? 1e-5F : found->second.floats[0];
  Affine affine;
  for (std::size_t c = 0; c < parameters[0].size(); ++c) {
    affine.factor.push_back(parameters[0][c] / std::sqrt(parameters[3][c] + epsilon));
    affine.shift.push_back(parameters[1][c] - parameters[2][c] * affine.factor.back());
  }
  return affine;
}

/// What a Mul or Div by a constant per channel does. `x` is set to the other operand.
std::optional<Affine> scaling(Rewriter& rewriter, int n, ValueId& x) {
  const Node node = rewriter.node(n);
  if (!is_any(node, {"Mul", "Div"})) return std::nullopt;
  const bool swapped = is(node, "Mul") && rewriter.value(node.inputs[0]).constant != nullptr;
  x = node.inputs[swapped ? 1 : 0];
  const ValueId constant = node.inputs[swapped ? 0 : 1];
  const auto rank = rank_of(rewriter.value(x));
  if (!rewriter.value(constant).constant || !rank) return std::nullopt;
  const int producer = rewriter.producer(x);
  if (producer < 0 || !rewriter.value(x).dims || rewriter.value(x).dims->empty()) return std::nullopt;
  const std::int64_t channels = rewriter.value(x).dims->back();
  const ValueId vector =
      channels < 0 ? absent : as_channel_vector(rewriter, constant, *rank, static_cast<index_t>(channels), n);
  const auto factor = vector < 0 ? std::nullopt : doubles_of(rewriter.graph().constant(vector));
  if (!factor) return std::nullopt;
  Affine affine{*factor, std::vector<double>(factor->size(), 0)};
  for (double& f : affine.factor)
    if (is(node, "Div")) f = 1 / f;
  return affine;
}

/// A HardSigmoid is this with a clamp to [0, 1] after it.
Affine line(const Node& node, index_t channels) {
  const auto number = [&](const char* name, double fallback) {
    const auto found = node.attributes.find(name);
    return found == node.attributes.end() ? fallback : found->second.floats[0];
  };
  const auto n = static_cast<std::size_t>(channels);
  return {std::vector<double>(n, number("alpha", 0.2F)), std::vector<double>(n, number("beta", 0.5F))};
}

/// Folds y = factor * x + shift into the node that produces x, where that stays finite and precise. Computed in
/// double, rounded once.
bool fold(Rewriter& rewriter, const Weighted& weighted, const Affine& affine) {
  const Node node = rewriter.node(weighted.node);
  const Constant* filter = rewriter.graph().constant(node.inputs[1]);
  const ValueId bias = input(node, 2);
  if (filter == nullptr || (bias >= 0 && rewriter.graph().constant(bias) == nullptr)) return false;
  auto weights = doubles_of(filter);
  auto sums = bias >= 0 ? doubles_of(rewriter.graph().constant(bias))
                        : std::optional(std::vector<double>(affine.shift.size(), 0));
  const auto channels = static_cast<std::size_t>(weighted.channels());
  if (!weights || !sums || affine.factor.size() != channels || sums->size() != channels) return false;
  for (std::size_t i = 0; i < weights->size(); ++i)
    (*weights)[i] *= affine.factor[static_cast<std::size_t>(weighted.channel(static_cast<std::int64_t>(i)))];
  bool biased = bias >= 0;
  for (std::size_t c = 0; c < channels; ++c) {
    (*sums)[c] = (*sums)[c] * affine.factor[c] + affine.shift[c];
    biased = biased || affine.shift[c] != 0;
  }
  if (!fits(filter->dtype, *weights) || !fits(filter->dtype, *sums)) return false;
  std::vector<ValueId> inputs{node.inputs[0],
                              rewriter.add_constant(make_numbers(filter->dtype, filter->shape, *weights),
                                                    rewriter.value(node.inputs[1]).name)};
  if (biased)
    inputs.push_back(rewriter.add_constant(make_numbers(filter->dtype, {weighted.channels()}, *sums),
                                           bias >= 0 ? rewriter.value(bias).name : "bias"));
  rewriter.set_inputs(weighted.node, std::move(inputs));
  return true;
}

/// A BatchNormalization that stays alone: Mul and Add by vectors, or Sub, Mul and Add where a Mul that comes first
/// would round away the digits that the mean leaves.
void split(Rewriter& rewriter, int n, const Affine& affine, PassLog& log) {
  constexpr double largest_shift = 8;
  const Node node = rewriter.node(n);
  ValueId x = node.inputs[0], shift = node.inputs[2];
  const ValueId y = node.outputs[0], scaled = rewriter.like(y, "/scaled");
  const DType dtype = rewriter.value(y).dtype;
  const Shape shape{static_cast<index_t>(affine.factor.size())};
  const bool centers = std::any_of(affine.shift.begin(), affine.shift.end(),
                                   [](double s) { return std::fabs(s) > largest_shift; });
  const ValueId factor = rewriter.add_constant(make_numbers(dtype, shape, affine.factor), "factor");
  if (!centers) shift = rewriter.add_constant(make_numbers(dtype, shape, affine.shift), "shift");
  log.changed(graph::node_title(rewriter.graph(), node) + " became " + (centers ? "Sub, " : "") +
              "Mul and Add");
  rewriter.remove_node(n);
  if (centers) {
    const ValueId centered = rewriter.like(y, "/centered");
    rewriter.add_node(make_node("Sub", {x, node.inputs[3]}, {centered}, node.onnx_names), n);
    x = centered;
  }
  rewriter.add_node(make_node("Mul", {x, factor}, {scaled}, node.onnx_names), n);
  rewriter.add_node(make_node("Add", {scaled, shift}, {y}, node.onnx_names), n);
}

void fuse_hard_sigmoid(Rewriter& rewriter, int n, PassLog& log) {
  const Node node = rewriter.node(n);
  if (!is_floating(rewriter.value(node.outputs[0]).dtype)) return;
  const std::string name = graph::node_title(rewriter.graph(), node);
  const auto weighted = weighted_producer(rewriter, node.inputs[0], name, log);
  if (!weighted) return;
  const std::string pair = graph::node_title(rewriter.graph(), rewriter.node(weighted->node)) + " + " + name;
  if (!fold(rewriter, *weighted, line(node, weighted->channels())))
    return log.near_miss(pair +
                         " not fused: weights or bias are quantized, computed, or would not be finite");
  set_clamp(rewriter.node(weighted->node), {0, 1});
  absorb(rewriter, weighted->node, n);
  log.changed(pair + " fused: scaled weights and a clamp");
}

void fuse(Rewriter& rewriter, int n, PassLog& log) {
  if (is(rewriter.node(n), "HardSigmoid")) return fuse_hard_sigmoid(rewriter, n, log);
  const Node node = rewriter.node(n);
  const bool normalizes = is(node, "BatchNormalization");
  if ((!normalizes && !is_any(node, {"Mul", "Div"})) || !is_floating(rewriter.value(node.outputs[0]).dtype))
    return;
  const std::string name = graph::node_title(rewriter.graph(), node);
  ValueId x = node.inputs[0];
  const auto affine = normalizes ? normalization(rewriter.graph(), node) : scaling(rewriter, n, x);
  if (!affine) {
    if (normalizes) log.near_miss(name + " not folded: its parameters are not constant");
    return;
  }
  const auto weighted = weighted_producer(rewriter, x, name, log);
  if (weighted && fold(rewriter, *weighted, *affine)) {
    set_clamp(rewriter.node(weighted->node), clamp_attribute(node));
    absorb(rewriter, weighted->node, n);
    return log.changed(name + " folded into " +
                       graph::node_title(rewriter.graph(), rewriter.node(weighted->node)));
  }
  if (weighted)
    log.near_miss(name + " not folded: weights or bias are quantized, computed, or would not be finite");
  if (!normalizes) return;
  split(rewriter, n, *affine, log);
}

}  // namespace

void fuse_batch_normalization(Model& model, PassLog& log) {
  for_each_node(model, [&](Rewriter& rewriter, int n) { fuse(rewriter, n, log); });
}

}  // namespace lithe::passes
