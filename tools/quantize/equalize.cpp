// SPDX-License-Identifier: Apache-2.0
#include "tools/quantize/equalize.hpp"

#include <algorithm>
#include <cmath>
#include <limits>
#include <utility>

#include "tools/passes/node.hpp"
#include "tools/passes/weighted.hpp"
#include "tools/quantize/layers.hpp"

namespace lithe::quantize {

using graph::Graph;
using graph::Node;
using graph::ValueId;

namespace {

constexpr float largest_factor = 0x1p10f;  ///< between the channels of a tensor

struct Pair {
  int first, second;
};

bool has_weights(const Graph& graph, const Node& node) {
  for (int i = 1; i < 3; ++i)
    if (const ValueId v = passes::input(node, i); v >= 0)
      if (const graph::Constant* c = graph.constant(v); c == nullptr || c->dtype != DType::f32) return false;
  return passes::is_weighted(node);
}

/// Nothing that changes when its argument is scaled by a positive number: no clamp, or [0, inf).
bool homogeneous(const Node& node) {
  const Clamp clamp = passes::clamp_attribute(node);
  return (clamp.min == 0 || clamp.min == -std::numeric_limits<float>::infinity()) &&
         clamp.max == std::numeric_limits<float>::infinity();
}

std::vector<Pair> pairs(const Graph& graph) {
  const std::vector<int> producers = graph::producers(graph), uses = graph::use_counts(graph);
  std::vector<Pair> found;
  for (int n = 0; n < static_cast<int>(graph.nodes.size()); ++n) {
    const Node& second = graph.nodes[static_cast<std::size_t>(n)];
    if (!has_weights(graph, second)) continue;
    const auto v = static_cast<std::size_t>(second.inputs[0]);
    const int first = producers[v];
    if (first < 0 || uses[v] != 1 || !has_weights(graph, graph.nodes[static_cast<std::size_t>(first)]))
      continue;
    if (homogeneous(graph.nodes[static_cast<std::size_t>(first)])) found.push_back({first, n});
  }
  return found;
}

std::vector<float> factors_of(const Layer& second, const std::vector<float>& range) {
  std::vector<float> weights(range.size()), factors(range.size(), 1);
  for (index_t i = 0; i < second.elements(); ++i) {
    float& w = weights[static_cast<std::size_t>(second.input_channel(i))];
    w = std::max(w, std::fabs(second.weight(i)));
  }
  float largest = 0;
  for (std::size_t c = 0; c < range.size(); ++c) {
    const bool dead = range[c] == 0 || weights[c] == 0;
    factors[c] = dead ? 0 : second.depthwise() ? range[c] : std::sqrt(range[c] / weights[c]);
    largest = std::max(largest, factors[c]);
  }
  for (float& f : factors) f = f == 0 ? 1 : std::max(f / largest, 1 / largest_factor);
  return factors;
}

/// New weights: each element times what `factor` says.
void scale(Graph& graph, Node& node, int input, const auto& factor) {
  const graph::Constant& old = *graph.constant(node.inputs[static_cast<std::size_t>(input)]);
  std::vector<float> elements(old.as<float>().begin(), old.as<float>().end());
  for (std::size_t i = 0; i < elements.size(); ++i) elements[i] *= factor(static_cast<index_t>(i));
  const std::string name = graph.value(node.inputs[static_cast<std::size_t>(input)]).name + "/equalized";
  const Shape shape = old.shape;
  node.inputs[static_cast<std::size_t>(input)] =
      graph.add_constant(graph::make_constant<float>(shape, elements), name);
}

}  // namespace

Equalization equalization(const Graph& graph, const Observations& seen) {
  Equalization result;
  for (const Pair& p : pairs(graph)) {
    const Node &first = graph.nodes[static_cast<std::size_t>(p.first)],
               &second = graph.nodes[static_cast<std::size_t>(p.second)];
    const auto found = seen.inputs.find(key_of(graph, second));
    const Layer layer(graph, second);
    if (found == seen.inputs.end() ||
        found->second.largest.size() != static_cast<std::size_t>(Layer(graph, first).outputs()))
      continue;
    result[key_of(graph, first)] = factors_of(layer, found->second.largest);
  }
  return result;
}

void equalize(Graph& graph, const Equalization& factors) {
  for (const Pair& p : pairs(graph)) {
    Node &first = graph.nodes[static_cast<std::size_t>(p.first)],
         &second = graph.nodes[static_cast<std::size_t>(p.second)];
    const auto found = factors.find(key_of(graph, first));
    const Layer above(graph, first), below(graph, second);
    if (found == factors.end() || found->second.size() != static_cast<std::size_t>(above.outputs())) continue;
    const std::vector<float>& f = found->second;
    scale(graph, second, 1, [&](index_t i) { return f[static_cast<std::size_t>(below.input_channel(i))]; });
    if (passes::input(first, 2) >= 0)
      scale(graph, first, 2, [&](index_t i) { return 1 / f[static_cast<std::size_t>(i)]; });
    scale(graph, first, 1,
          [&](index_t i) { return 1 / f[static_cast<std::size_t>(above.output_channel(i))]; });
  }
}

}  // namespace lithe::quantize
