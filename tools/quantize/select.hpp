// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <optional>
#include <set>
#include <string>
#include <vector>

#include "tools/graph/graph.hpp"
#include "tools/passes/quantized.hpp"

namespace lithe::quantize {

/// Values of one step: what an operator that only moves elements reads and writes.
struct Group {
  std::vector<graph::ValueId> roots;  ///< the members that are computed, or inputs of the graph
  std::optional<passes::Step> fixed;  ///< the step of an operator whose results have a natural range
};

/// What of a float graph is computed on s8.
struct Selection {
  std::set<int> nodes;            ///< with weights, and element-wise ones on their results
  std::vector<int> group;         ///< per value: index into `groups`, or -1
  std::vector<Group> groups;      ///< each is read or written by a selected node
  std::vector<std::string> left;  ///< nodes with many multiply-adds that stay, with the reason
};

/// Layers with constant f32 weights, and after them what has a quantized form and reads their results only;
/// after the last layer arithmetic stays in float, where it costs little and rounds most. `keep` names nodes
/// (by their first output) that stay in float.
Selection select(const graph::Graph& graph, const std::set<std::string>& keep = {});

/// By the name of its first output, which graphs keep through rewriting.
const std::string& key_of(const graph::Graph& graph, const graph::Node& node);

}  // namespace lithe::quantize
