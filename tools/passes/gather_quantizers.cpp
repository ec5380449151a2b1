// SPDX-License-Identifier: Apache-2.0
#include "tools/passes/gather_quantizers.hpp"

#include <string>
#include <utility>
#include <vector>

#include "tools/graph/operators.hpp"
#include "tools/passes/constants.hpp"
#include "tools/passes/moves_elements.hpp"
#include "tools/passes/node.hpp"
#include "tools/passes/pass_log.hpp"
#include "tools/passes/quantized.hpp"
#include "tools/passes/rewriter.hpp"
#include "tools/passes/value.hpp"

namespace lithe::passes {

namespace {

/// Like moves_elements, on real numbers: a Pad must put zeros there, which are the zero point when they are
/// stored.
bool moves_real_elements(Rewriter& rewriter, const Node& node) {
  if (graph::movement_of(node) != Movement::pads) return moves_elements(node);
  return input(node, 2) < 0 || scalar_of(rewriter.graph().constant(node.inputs[2])) == 0.0;
}

/// The inputs of a mover once it moves what is stored: a Pad without value puts the zero point.
std::vector<ValueId> stored_inputs(const Node& node) {
  std::vector<ValueId> inputs = node.inputs;
  if (graph::movement_of(node) == Movement::pads && inputs.size() > 2) inputs[2] = absent;
  return inputs;
}

/// A tensor like `model`, holding elements stored by `step`.
ValueId stored_like(Rewriter& rewriter, ValueId model, const Step& step) {
  const ValueId v = rewriter.like(model, "/quantized");
  rewriter.graph().value(v).dtype = step.dtype;
  rewriter.graph().value(v).quantization = quantization_of(step);
  return v;
}

/// The step by which all data inputs of a mover are dequantized.
std::optional<Step> common_step(Rewriter& rewriter, const Node& node) {
  std::optional<Step> common;
  for (int i = 0; i < data_inputs(node); ++i) {
    const int n = dequantizer(rewriter, input(node, i));
    if (n < 0) return std::nullopt;
    const auto step = step_of(rewriter.graph(), rewriter.node(n));
    if (common && common != step) return std::nullopt;
    common = step;
  }
  return common;
}

/// move(DequantizeLinear(x)) becomes DequantizeLinear(move(x)).
bool sink_dequantizer(Rewriter& rewriter, int n) {
  if (!moves_real_elements(rewriter, rewriter.node(n)) || rewriter.node(n).inputs.empty()) return false;
  const auto step = common_step(rewriter, rewriter.node(n));
  if (!step) return false;
  const Node node = rewriter.node(n);
  std::vector<ValueId> inputs = stored_inputs(node);
  std::vector<int> above;
  for (int i = 0; i < data_inputs(node); ++i) {
    above.push_back(rewriter.producer(input(node, i)));
    inputs[static_cast<std::size_t>(i)] = rewriter.node(above.back()).inputs[0];
    if (!mark(rewriter, inputs[static_cast<std::size_t>(i)], *step)) return false;
  }
  rewriter.set_inputs(n, std::move(inputs));
  for (std::size_t o = 0; o < node.outputs.size(); ++o) {
    if (node.outputs[o] < 0) continue;
    const ValueId stored = stored_like(rewriter, node.outputs[o], *step);
    rewriter.set_output(n, static_cast<int>(o), stored);
    rewriter.add_node(make_quantizer(rewriter, "DequantizeLinear", stored, node.outputs[o], *step), n);
  }
  for (int a : above) rewriter.remove_unread(a);
  return true;
}

/// QuantizeLinear(move(x)) becomes move(QuantizeLinear(x)), where nothing else reads what moved.
bool hoist_quantizer(Rewriter& rewriter, int n) {
  const Node quantizer = rewriter.node(n);
  const auto step = step_of(rewriter.graph(), quantizer);
  const int above = graph::quantizes(quantizer) && step ? rewriter.producer(quantizer.inputs[0]) : -1;
  if (above < 0 || rewriter.uses(quantizer.inputs[0]) != 1) return false;
  const Node moving = rewriter.node(above);
  if (!moves_real_elements(rewriter, moving) || graph::movement_of(moving) == Movement::selects) return false;
  if (!is_floating(rewriter.value(moving.inputs[0]).dtype)) return false;
  std::vector<ValueId> inputs = stored_inputs(moving);
  for (int i = 0; i < data_inputs(moving); ++i) {
    const ValueId real = input(moving, i), stored = stored_like(rewriter, real, *step);
    rewriter.add_node(make_quantizer(rewriter, "QuantizeLinear", real, stored, *step), above);
    inputs[static_cast<std::size_t>(i)] = stored;
  }
  rewriter.remove_node(n);
  rewriter.set_inputs(above, std::move(inputs));
  rewriter.set_output(above, 0, quantizer.outputs[0]);
  append_names(rewriter.node(above), quantizer);
  return mark(rewriter, quantizer.outputs[0], *step);
}

/// QuantizeLinear(DequantizeLinear(x)) by the same step is x.
bool cancel(Rewriter& rewriter, int n) {
  if (!graph::quantizes(rewriter.node(n))) return false;
  const int above = dequantizer(rewriter, rewriter.node(n).inputs[0]);
  if (above < 0 ||
      step_of(rewriter.graph(), rewriter.node(n)) != step_of(rewriter.graph(), rewriter.node(above)))
    return false;
  const ValueId between = rewriter.node(n).inputs[0];
  rewriter.set_input(n, 0, rewriter.node(above).inputs[0]);
  if (!rewriter.forward(n)) {
    rewriter.set_input(n, 0, between);
    return false;
  }
  rewriter.remove_unread(above);
  return true;
}

bool gather_once(Graph& graph, PassLog& log) {
  Rewriter rewriter(graph);
  bool any = false;
  for (int n = 0, end = rewriter.nodes(); n < end; ++n) {
    if (rewriter.removed(n)) continue;
    const std::string name = graph::node_title(graph, rewriter.node(n));
    if (cancel(rewriter, n))
      log.changed(name + " cancelled against the DequantizeLinear before it");
    else if (sink_dequantizer(rewriter, n) || hoist_quantizer(rewriter, n))
      log.changed(name + " moves quantized elements");
    else
      continue;
    any = true;
  }
  rewriter.finish();
  return any;
}

}  // namespace

void gather_quantizers(Graph& graph, PassLog& log) {
  while (gather_once(graph, log)) {
  }
}

}  // namespace lithe::passes
