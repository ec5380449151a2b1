// SPDX-License-Identifier: Apache-2.0
#include "tools/lithe/multiply_adds.hpp"

#include <algorithm>
#include <string_view>

#include "tools/graph/multiply_adds.hpp"
#include "tools/lithe/node_title.hpp"

namespace lithe::cli {
namespace {

using runtime::GraphPlan;
using runtime::PlanNode;

bool is_eight_bit(DType dtype) { return dtype == DType::s8 || dtype == DType::u8; }

bool is_quantized(const PlanNode& node) {
  const DType weights = node.inputs[1].dtype;
  return is_eight_bit(node.inputs[0].dtype) &&
         (is_eight_bit(weights) || weights == DType::s4 || weights == DType::u4);
}

/// The node that computes a value of the graph, or null.
const PlanNode* producer(const GraphPlan& graph, std::int32_t value) {
  for (const PlanNode& node : graph.nodes)
    for (std::int32_t id : node.output_ids())
      if (id == value) return &node;
  return nullptr;
}

std::string_view value_name(const GraphPlan& graph, std::int32_t value) {
  return text(graph.file->values()->Get(static_cast<std::uint32_t>(value))->name());
}

bool has_quantized_form(const PlanNode& node) {
  return std::any_of(node.op->types.begin(), node.op->types.end(),
                     [](const TypeRow& row) { return is_eight_bit(row.inputs[0]); });
}

/// What of the file keeps a node out of 8 bits: its operator, its weights, what it reads, who reads it.
std::string reason_of(const GraphPlan& graph, const PlanNode& node) {
  if (!has_quantized_form(node)) return "the operator has no quantized form";
  const std::int32_t data = node.input_ids()[0];
  const PlanNode* above = producer(graph, data);
  const std::string read = "its input '" + std::string(value_name(graph, data)) + "' is " +
                           name(graph.values[static_cast<std::size_t>(data)].dtype);
  if (above == nullptr) return read + ", as it is given to the model";
  const std::string_view op = above->op->spec->name;
  if (op != "DequantizeLinear") return read + ", by " + std::string(op) + " " + node_title(graph, *above);
  const std::int32_t weights = node.input_ids()[1];
  if (graph.values[static_cast<std::size_t>(weights)].buffer < 0) return "its weights are computed";
  for (const PlanNode& reader : graph.nodes)
    for (std::int32_t id : reader.input_ids())
      if (id == node.output_ids()[0] && std::string_view(reader.op->spec->name) != "QuantizeLinear")
        return "its output is read in floating point by " + std::string(reader.op->spec->name) + " " +
               node_title(graph, reader);
  return "its output is not quantized, or its weights or bias are not quantized along the output channels";
}

void add(const GraphPlan& graph, MultiplyAdds& sum) {
  for (const PlanNode& node : graph.nodes) {
    for (const GraphPlan* child : node.children)
      if (child != nullptr) add(*child, sum);
    const std::uint64_t n = graph::multiply_adds(node);
    if (n == 0) continue;
    sum.total += n;
    if (is_quantized(node))
      sum.quantized += n;
    else
      sum.others.push_back(
          {node_title(graph, node), std::string(node.op->spec->name), reason_of(graph, node), n});
  }
}

}  // namespace

MultiplyAdds multiply_adds(const GraphPlan& graph) {
  MultiplyAdds sum;
  add(graph, sum);
  return sum;
}

}  // namespace lithe::cli
