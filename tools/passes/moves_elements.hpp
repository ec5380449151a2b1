// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "tools/passes/node.hpp"

/// Nodes that only move elements (Movement in core/facts.hpp).
namespace lithe::passes {

/// Gives elements of its inputs only: the same on the numbers that are stored for a quantized tensor and on
/// the real numbers they stand for. A Pad without value puts zeros, which are stored as another number.
bool moves_elements(const Node& node);
/// How many of the first inputs hold the elements that the node moves.
int data_inputs(const Node& node);
/// Gives every element of input 0 once, in another shape or order.
bool rearranges(const Node& node);
/// The same in another shape alone.
bool reshapes(const Node& node);

}  // namespace lithe::passes
