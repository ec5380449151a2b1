// SPDX-License-Identifier: Apache-2.0
#include <cstdint>
#include <utility>
#include <vector>

#include "lithe/ops/reduce.hpp"
#include "tools/import/importer.hpp"

namespace lithe::import {
namespace {

/// GlobalAveragePool-1, 22: the mean over every axis after [N, C].
void import_global_average_pool(NodeImport& node) {
  const int rank = node.required_rank(node.input(0));
  if (rank < 3 || rank > max_rank) node.refuse("GlobalAveragePool needs an input [N, C, ...] of rank 3 to 8");
  std::vector<std::int64_t> axes;
  for (int axis = 2; axis < rank; ++axis) axes.push_back(axis);
  node.emit_outputs<ops::ReduceMean>({}, {node.input(0), node.ints(std::move(axes))});
}

}  // namespace

void register_global_average_pool(ImporterTable& table) {
  table.add("GlobalAveragePool", import_global_average_pool);
}

}  // namespace lithe::import
