// SPDX-License-Identifier: Apache-2.0
#include "tools/lithe/multiply_adds.hpp"

#include <algorithm>
#include <cstddef>
#include <optional>
#include <string>

#include "tools/graph/multiply_adds.hpp"
#include "tools/graph/operators.hpp"
#include "tools/lithe/node_title.hpp"

namespace lithe::cli {
namespace {

using runtime::NodeView;
using runtime::PlanView;

bool is_eight_bit(DType dtype) { return dtype == DType::s8 || dtype == DType::u8; }

bool is_quantized(const NodeView& node) {
  const DType weights = node.inputs()[1].dtype;
  return is_eight_bit(node.inputs()[0].dtype) &&
         (is_eight_bit(weights) || weights == DType::s4 || weights == DType::u4);
}

Coding coding_of(const NodeView& node) { return graph::facts_of(*node.op().spec).coding; }

/// The node that computes a value of the graph.
std::optional<NodeView> producer(const PlanView& plan, std::int32_t value) {
  for (const NodeView node : plan.nodes())
    for (std::int32_t id : node.output_ids())
      if (id == value) return node;
  return std::nullopt;
}

bool has_quantized_form(const NodeView& node) {
  return std::any_of(node.op().types.begin(), node.op().types.end(),
                     [](const TypeRow& row) { return is_eight_bit(row.inputs[0]); });
}

/// What of the file keeps a node out of 8 bits: its operator, its weights, what it reads, who reads it.
std::string reason_of(const PlanView& plan, const NodeView& node) {
  if (!has_quantized_form(node)) return "the operator has no quantized form";
  const runtime::ValueView data = node.input_value(0);
  const std::optional<NodeView> above = producer(plan, data.number());
  const std::string read = "its input '" + std::string(data.name()) + "' is " + name(data.dtype());
  if (!above) return read + ", as it is given to the model";
  if (coding_of(*above) != Coding::dequantizes)
    return read + ", by " + std::string(above->op_name()) + " " + node_title(*above);
  if (node.input_value(1).file().buffer() < 0) return "its weights are computed";
  for (const NodeView reader : plan.nodes())
    for (std::int32_t id : reader.input_ids())
      if (id == node.output_ids()[0] && coding_of(reader) != Coding::quantizes)
        return "its output is read in floating point by " + std::string(reader.op_name()) + " " +
               node_title(reader);
  return "its output is not quantized, or its weights or bias are not quantized along the output channels";
}

void add(const PlanView& plan, MultiplyAdds& sum) {
  for (const NodeView node : plan.nodes()) {
    for (std::size_t i = 0; i < node.children(); ++i) add(node.child(i), sum);
    const std::uint64_t n = graph::multiply_adds(node);
    if (n == 0) continue;
    sum.total += n;
    if (is_quantized(node))
      sum.quantized += n;
    else
      sum.others.push_back({node_title(node), std::string(node.op_name()), reason_of(plan, node), n});
  }
}

}  // namespace

MultiplyAdds multiply_adds(const PlanView& plan) {
  MultiplyAdds sum;
  add(plan, sum);
  return sum;
}

}  // namespace lithe::cli
