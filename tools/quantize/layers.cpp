// SPDX-License-Identifier: Apache-2.0
#include "tools/quantize/layers.hpp"

#include "tools/graph/operators.hpp"
#include "tools/passes/node.hpp"

namespace lithe::quantize {

Layer::Layer(const graph::Graph& graph, const graph::Node& node)
    : filter_(graph.constant(node.inputs[1])),
      bias_(graph.constant(passes::input(node, 2))),
      weights_(*graph::facts_of(node).weights),
      group_(static_cast<index_t>(passes::int_attribute(node, "group", 1))) {}

std::vector<double> Layer::bias() const {
  if (bias_ == nullptr) return {};
  const auto elements = bias_->as<float>();
  return {elements.begin(), elements.end()};
}

}  // namespace lithe::quantize
