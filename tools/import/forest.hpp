// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <utility>
#include <vector>

#include "lithe/ops/tree_ensemble.hpp"
#include "tools/graph/graph.hpp"

namespace lithe::import {

/// The modes of ONNX's TreeEnsemble-5, by their numbers.
enum class TreeMode : std::uint8_t { leq, lt, gte, gt, eq, neq, member };

/// Trees as ONNX has them. Several nodes may lead to the same one, but none to itself.
struct Forest {
  struct Node {
    bool leaf = false;
    TreeMode mode = TreeMode::leq;
    bool missing_is_true = false;  ///< where a NaN goes
    std::int64_t feature = 0;
    double threshold = 0;
    std::vector<double> members{};  ///< what a set holds
    int when_true = -1, when_false = -1;
    std::vector<std::pair<std::int64_t, double>> weights{};  ///< targets and weights that a leaf gives
  };
  std::vector<Node> nodes;
  std::vector<int> roots;
  std::int64_t targets = 1;
  ops::TreeAggregate aggregate = ops::TreeAggregate::sum;
};

/// The constants of an ops::TreeEnsemble.
struct PackedForest {
  graph::ConstantPtr nodes, trees, leaves;  ///< leaves may be null
};

/// Packs a forest whose features are of `dtype`, f32 or f64, as small as is exact. Throws report::Unsupported for trees
/// that are no trees, numbers out of range and NaN.
PackedForest pack(const Forest& forest, DType dtype);

}  // namespace lithe::import
