// SPDX-License-Identifier: Apache-2.0
#include "lithe/ops/reduce_mean.hpp"
#include "tools/import/importer.hpp"

namespace lithe::import {
namespace {

/// GlobalAveragePool-1, 22: the mean over every axis behind [N, C].
void import_global_average_pool(NodeImport& node) {
  const int rank = node.required_rank(node.input(0));
  if (rank < 3 || rank > max_rank) node.refuse("GlobalAveragePool needs an input [N, C, ...] of rank 3 to 8");
  ops::ReduceMean::Attributes attributes;
  for (int axis = 2; axis < rank; ++axis) attributes.axes.push_back(axis);
  node.emit_outputs<ops::ReduceMean>(attributes, {node.input(0)});
}

}  // namespace

void register_global_average_pool(ImporterTable& table) {
  table.add("GlobalAveragePool", import_global_average_pool);
}

}  // namespace lithe::import
