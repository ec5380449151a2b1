// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <optional>
#include <vector>

#include "tools/graph/graph.hpp"

namespace lithe::graph {

/// The ranks of a node's outputs, from sizes of its inputs' open dimensions that fit the fixed ones: a layer whose filter
/// reads 32 channels takes an input of which the rank alone is known where its last size is 32. Nothing per output where
/// no sizes fit that are tried, or where the rank of an input is not known.
std::vector<std::optional<std::size_t>> fitting_ranks(const Graph& graph, const Node& node);

}  // namespace lithe::graph
