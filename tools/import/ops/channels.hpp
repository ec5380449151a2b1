// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <vector>

#include "tools/import/importer.hpp"

/// Operators over a channel axis with any number of spatial axes: ONNX's [N, C, ...] and lithe's [N, ..., C].
namespace lithe::import {

/// The rank of input 0 [N, C, ...]; refuses less than two axes.
inline int channels_rank(const NodeImport& node) {
  const int rank = node.required_rank(node.input(0));
  if (rank < 2 || rank > max_rank) node.refuse(node.op_type() + " needs an input [N, C, ...] of rank 2 to 8");
  return rank;
}

inline graph::ValueId channels_to_last(NodeImport& node, graph::ValueId value, int rank) {
  std::vector<std::int32_t> order{0};
  for (int axis = 2; axis < rank; ++axis) order.push_back(axis);
  order.push_back(1);
  return node.transpose(value, order);
}
inline graph::ValueId channels_from_last(NodeImport& node, graph::ValueId value, int rank) {
  std::vector<std::int32_t> order{0, rank - 1};
  for (int axis = 1; axis < rank - 1; ++axis) order.push_back(axis);
  return node.transpose(value, order);
}

}  // namespace lithe::import
