// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>

#include "lithe/core/operator.hpp"
#include "lithe/core/quantization.hpp"
#include "lithe/core/tensor.hpp"
#include "lithe/format/reader.hpp"
#include "lithe/memory/planner.hpp"
#include "lithe/runtime/plan.hpp"

/// How large a plan's tables are. The engine that builds them and the tools that say beforehand what a
/// microcontroller needs count them with the same code.
namespace lithe::inline v0::runtime {

struct TableCounts {
  std::size_t graphs = 0;
  std::size_t values = 0;
  std::size_t nodes = 0;
  std::size_t links = 0;      ///< inputs and outputs of nodes
  std::size_t ends = 0;       ///< inputs and outputs of graphs
  std::size_t children = 0;   ///< graphs that nodes carry
  std::size_t quantized = 0;  ///< values with a quantization
  std::size_t widest = 0;     ///< the inputs and outputs of the node or graph that has most

  /// The planner's blocks: every value, every workspace, and the storage of every input and output may need
  /// one.
  constexpr std::size_t blocks() const { return values + nodes + ends; }
};

/// The sizes of the tables of one subgraph of a file.
[[gnu::cold]] inline TableCounts counts_of(const format::Subgraph& graph) {
  TableCounts c;
  c.graphs = 1;
  c.values = graph.values()->size();
  c.nodes = graph.nodes()->size();
  c.ends = graph.inputs()->size() + graph.outputs()->size();
  c.widest = c.ends;
  for (const format::Node* node : *graph.nodes()) {
    const std::size_t links = count(node->inputs()) + count(node->outputs());
    c.links += links;
    c.children += count(node->subgraphs());
    c.widest = std::max(c.widest, links);
  }
  return c;
}

/// The bytes of these tables on this target, without attributes and kernels. What aligning an array may cost
/// is included.
constexpr std::size_t table_bytes(const TableCounts& c) {
  constexpr std::size_t scratch =
      sizeof(InferContext::Input) + sizeof(InferContext::Output) + 2 * sizeof(ValueInfo) + sizeof(TensorView);
  constexpr std::size_t aligning = 12 * alignof(std::max_align_t);
  return c.graphs * (c.widest * scratch + aligning) + c.children * (sizeof(Plan) + sizeof(Plan*)) +
         c.values * sizeof(PlanValue) + c.nodes * sizeof(PlanNode) + c.links * sizeof(TensorView) +
         c.blocks() * (sizeof(PlannedBlock) + 2 * sizeof(std::int32_t)) + c.quantized * sizeof(Quantization);
}

}  // namespace lithe::inline v0::runtime
