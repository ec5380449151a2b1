// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <optional>
#include <vector>

#include "tools/graph/graph.hpp"

namespace lithe::graph {

class BoundNode;

struct EvaluationLimits {
  std::uint64_t result_bytes = std::uint64_t{64} << 20;
  std::uint64_t work = std::uint64_t{1} << 31;  ///< multiply-adds of one matrix product or convolution
};

/// Computes the outputs (null where absent) of a node whose inputs are constants, or whose operator reads
/// shapes only and whose inputs have fixed dims. Gives nullopt if it cannot be computed now: an input is not
/// constant, the node has subgraphs or gives random numbers, a limit is exceeded, or its operator refuses it.
std::optional<std::vector<ConstantPtr>> evaluate(const Graph& graph, const Node& node,
                                                 const EvaluationLimits& limits = {});
/// The same for a node that is bound already.
std::optional<std::vector<ConstantPtr>> evaluate(BoundNode& bound, const EvaluationLimits& limits = {});

}  // namespace lithe::graph
