// SPDX-License-Identifier: Apache-2.0
#include "tools/passes/moves_elements.hpp"

#include "tools/graph/operators.hpp"
#include "tools/passes/node.hpp"

namespace lithe::passes {

bool moves_elements(const Node& node) {
  const Movement movement = graph::movement_of(node);
  return movement == Movement::pads ? input(node, 2) >= 0 : movement != Movement::computes;
}

int data_inputs(const Node& node) {
  return graph::movement_of(node) == Movement::joins ? static_cast<int>(node.inputs.size()) : 1;
}

bool rearranges(const Node& node) { return graph::movement_of(node) == Movement::rearranges; }

bool reshapes(const Node& node) { return rearranges(node) && graph::spec_of(node).alias; }

}  // namespace lithe::passes
