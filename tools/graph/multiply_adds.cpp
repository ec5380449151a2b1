// SPDX-License-Identifier: Apache-2.0
#include "tools/graph/multiply_adds.hpp"

#include <vector>

#include "tools/graph/operators.hpp"

namespace lithe::graph {

namespace {

std::vector<ValueInfo> value_infos(const auto& views) {
  std::vector<ValueInfo> infos;
  for (const auto& view : views) infos.push_back({.dtype = view.dtype, .shape = view.shape});
  return infos;
}

}  // namespace

std::uint64_t multiply_adds(const runtime::NodeView& node) {
  const auto count = facts_of(*node.op().spec).multiply_adds;
  if (count == nullptr) return 0;
  const std::vector<ValueInfo> inputs = value_infos(node.inputs()), outputs = value_infos(node.outputs());
  return count(node.attributes(), {inputs, outputs});
}

}  // namespace lithe::graph
