// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <optional>
#include <set>
#include <string>
#include <vector>

#include "tools/graph/graph.hpp"
#include "tools/passes/quantized.hpp"

namespace lithe::quantize {

/// Values that share one step, because operators that only move elements connect them.
struct Group {
  std::vector<graph::ValueId> roots;  ///< the members that are computed, or inputs of the graph
  std::optional<passes::Step> fixed;  ///< the step of an operator whose results have a natural range
};

/// The nodes of a float graph that are computed in s8.
struct Selection {
  std::set<int> nodes;            ///< those with weights, and element-wise ones on their results
  std::vector<int> group;         ///< for each value: index into `groups`, or -1
  std::vector<Group> groups;      ///< each is read or written by a selected node
  std::vector<std::string> left;  ///< nodes with many multiply-adds that stay, with the reason
};

/// Selects layers with constant f32 weights, and the nodes after them that have a quantized form and read
/// their results alone. After the last layer arithmetic stays in float, where it costs little and rounds
/// most. `keep` names nodes (by their first output) that stay in float.
Selection select(const graph::Graph& graph, const std::set<std::string>& keep = {});

/// What identifies a node: the name of its first output, which graphs keep through rewriting.
const std::string& key_of(const graph::Graph& graph, const graph::Node& node);

}  // namespace lithe::quantize
