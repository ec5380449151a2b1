// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <limits>
#include <utility>

#include "tools/graph/operators.hpp"
#include "tools/passes/constants.hpp"
#include "tools/passes/moves_elements.hpp"
#include "tools/passes/node.hpp"
#include "tools/passes/pass_log.hpp"
#include "tools/passes/passes.hpp"
#include "tools/passes/rewriter.hpp"
#include "tools/passes/value.hpp"

namespace lithe::passes {
namespace {

/// What a Pad of a constant adds before and after each axis; nullopt for other modes and computed pads.
struct Padding {
  std::vector<std::int64_t> before, after;
  double value = 0;
};

std::optional<Padding> padding_of(const Graph& graph, const Node& node) {
  const auto mode = node.attributes.find("mode");
  if (mode != node.attributes.end() && mode->second.text != "constant") return std::nullopt;
  const auto rank = rank_of(graph.value(node.inputs[0]));
  const auto pads = ints_of(graph.constant(node.inputs[1]));
  const auto value = input(node, 2) < 0 ? std::optional(0.0) : scalar_of(graph.constant(input(node, 2)));
  if (!rank || !pads || !value) return std::nullopt;
  std::vector<std::int64_t> axes;
  if (input(node, 3) >= 0) {
    const auto given = ints_of(graph.constant(input(node, 3)));
    if (!given) return std::nullopt;
    axes = *given;
  } else {
    for (int i = 0; i < *rank; ++i) axes.push_back(i);
  }
  if (pads->size() != 2 * axes.size()) return std::nullopt;
  const auto n = static_cast<std::size_t>(*rank);
  Padding padding{std::vector<std::int64_t>(n, 0), std::vector<std::int64_t>(n, 0), *value};
  for (std::size_t i = 0; i < axes.size(); ++i) {
    const int axis = normalize_axis(axes[i], *rank);
    if (axis < 0) return std::nullopt;
    padding.before[static_cast<std::size_t>(axis)] += (*pads)[i];
    padding.after[static_cast<std::size_t>(axis)] += (*pads)[i + axes.size()];
  }
  return padding;
}

/// The spatial kernel of a node that takes padding; empty for others.
Dims kernel_of(const Graph& graph, const Node& node) {
  if (is(node, "MaxPool2D")) return ints_attribute(node, "kernel", {1, 1});
  const Weights* weights = graph::facts_of(node).weights;
  if (weights == nullptr || weights->transposed) return {};
  const auto& dims = graph.value(node.inputs[1]).dims;
  if (!dims || !graph::fixed(*dims) || dims->size() < 2) return {};
  const auto first = dims->begin() + weights->spatial_axis();
  return {first, first + static_cast<std::ptrdiff_t>(dims->size()) - 2};
}

/// A number below which no element of `v` lies.
double lower_bound(Rewriter& rewriter, ValueId v) {
  const int n = rewriter.producer(v);
  if (n < 0) return -std::numeric_limits<double>::infinity();
  const Node& node = rewriter.node(n);
  if (const Clamp* range = graph::facts_of(node).output_range) return range->min;
  if (rearranges(node)) return lower_bound(rewriter, node.inputs[0]);
  return clamp_attribute(node).min;
}

/// Why `node` cannot take the padding; null where it can.
const char* obstacle(Rewriter& rewriter, const Node& node, const Padding& padding, const Dims& kernel,
                     const std::vector<std::int64_t>& pads, ValueId x) {
  const std::size_t axes = kernel.size();
  const std::vector<std::int64_t> ones(axes, 1);
  const auto dilations = ints_attribute(node, "dilations", ones);
  if (padding.before.size() != axes + 2) return "the ranks differ";
  for (const auto* side : {&padding.before, &padding.after}) {
    if (side->front() != 0 || side->back() != 0) return "batches or channels are padded";
    if (std::any_of(side->begin(), side->end(), [](std::int64_t p) { return p < 0; })) return "it crops";
  }
  for (std::size_t i = 0; i < axes; ++i)
    if (std::max(pads[i], pads[i + axes]) > (kernel[i] - 1) * dilations[i])
      return "windows would lie in padding alone";
  if (!is(node, "MaxPool2D")) return padding.value == 0 ? nullptr : "a convolution pads with zeros";
  if (int_attribute(node, "ceil_mode", 0) != 0) return "ceil_mode counts padding in another way";
  if (dilations != ones) return "windows could miss the input";
  if (padding.value > lower_bound(rewriter, x)) return "the value may be the largest of a window";
  return nullptr;
}

void fuse(Rewriter& rewriter, int n, PassLog& log) {
  const Graph& graph = rewriter.graph();
  const Dims kernel = kernel_of(graph, rewriter.node(n));
  if (kernel.empty()) return;
  const int above = rewriter.producer(rewriter.node(n).inputs[0], "Pad");
  if (above < 0) return;
  const ValueId x = rewriter.node(above).inputs[0];
  if (!is_floating(rewriter.value(x).dtype)) return;
  const std::string pair =
      graph::node_title(graph, rewriter.node(above)) + " + " + graph::node_title(graph, rewriter.node(n));
  const auto padding = padding_of(graph, rewriter.node(above));
  if (!padding) return log.near_miss(pair + " not fused: the padding is not constant");
  const std::size_t axes = kernel.size();
  auto pads = ints_attribute(rewriter.node(n), "pads", std::vector<std::int64_t>(2 * axes, 0));
  for (std::size_t i = 0; i < axes && padding->before.size() == axes + 2; ++i) {
    pads[i] += padding->before[i + 1];
    pads[i + axes] += padding->after[i + 1];
  }
  if (const char* reason = obstacle(rewriter, rewriter.node(n), *padding, kernel, pads, x))
    return log.near_miss(pair + " not fused: " + reason);
  rewriter.node(n).attributes.erase("pads");
  if (std::any_of(pads.begin(), pads.end(), [](std::int64_t p) { return p != 0; }))
    set_ints(rewriter.node(n), "pads", pads);
  prepend_names(rewriter.node(n), rewriter.node(above));
  rewriter.set_input(n, 0, x);
  rewriter.remove_unread(above);
  log.changed(pair + " fused: its padding");
}

}  // namespace

void fuse_pad(Model& model, PassLog& log) {
  for_each_node(model, [&](Rewriter& rewriter, int n) { fuse(rewriter, n, log); });
}

}  // namespace lithe::passes
