// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <map>
#include <numeric>
#include <utility>

#include "tools/graph/operators.hpp"
#include "tools/passes/constants.hpp"
#include "tools/passes/moves_elements.hpp"
#include "tools/passes/node.hpp"
#include "tools/passes/pass_log.hpp"
#include "tools/passes/passes.hpp"
#include "tools/passes/quantized.hpp"
#include "tools/passes/rewriter.hpp"
#include "tools/passes/weighted.hpp"

namespace lithe::passes {
namespace {

/// 8-bit tensors that nodes other than QuantizeLinear and DequantizeLinear connect: they have one dtype.
class Components {
 public:
  explicit Components(Rewriter& rewriter) : rewriter_(rewriter), parent_(rewriter.graph().values.size()) {
    std::iota(parent_.begin(), parent_.end(), 0);
    for (int n = 0; n < rewriter.nodes(); ++n) {
      if (is_quantizing(rewriter.node(n)) || is_foreign(rewriter, rewriter.node(n))) continue;
      ValueId first = absent;
      for (ValueId v : activations(rewriter, rewriter.node(n))) {
        if (first >= 0) parent_[static_cast<std::size_t>(find(v))] = find(first);
        first = v;
      }
    }
  }
  ValueId find(ValueId v) const {
    while (parent_[static_cast<std::size_t>(v)] != v) v = parent_[static_cast<std::size_t>(v)];
    return v;
  }

  /// Whether a node makes stored numbers of stored numbers in a way of its own, as a table does.
  static bool computes_on_bytes(const Node& node) {
    return graph::movement_of(node) == Movement::computes && quantized_inputs(node) == 0;
  }
  /// A node that reads stored numbers as such, not as quantized ones.
  static bool is_foreign(Rewriter& rewriter, const Node& node) {
    if (is_quantizing(node)) return false;
    if (graph::movement_of(node) == Movement::pads && input(node, 2) >= 0)
      return true;  // puts a stored number
    if (graph::spec_of(node).converts || !node.subgraphs.empty() || computes_on_bytes(node)) return true;
    return std::any_of(node.outputs.begin(), node.outputs.end(),
                       [&](ValueId v) { return v >= 0 && !step_of(rewriter.value(v)); });
  }
  static bool is_weight(const Node& node, std::size_t i) { return i > 0 && is_weighted(node); }
  /// The quantized tensors of a node that are not its weights.
  static std::vector<ValueId> activations(Rewriter& rewriter, const Node& node) {
    std::vector<ValueId> found;
    for (std::size_t i = 0; i < node.inputs.size(); ++i)
      if (node.inputs[i] >= 0 && !is_weight(node, i) && step_of(rewriter.value(node.inputs[i])))
        found.push_back(node.inputs[i]);
    for (ValueId v : node.outputs)
      if (v >= 0 && step_of(rewriter.value(v))) found.push_back(v);
    return found;
  }

  /// What each component must be: the dtype of its weights, else s8 where it is mixed; missing where it
  /// stays.
  std::map<ValueId, DType> targets() {
    std::map<ValueId, DType> weighted, seen, mixed;
    for (int n = 0; n < rewriter_.nodes(); ++n) {
      const Node& node = rewriter_.node(n);
      if (is_quantizing(node) || is_foreign(rewriter_, node)) continue;
      for (ValueId v : activations(rewriter_, node)) {
        if (is_weight(node, 1)) weighted[find(v)] = rewriter_.value(node.inputs[1]).dtype;
        if (!seen.emplace(find(v), rewriter_.value(v).dtype).second &&
            seen[find(v)] != rewriter_.value(v).dtype)
          mixed[find(v)] = DType::s8;
      }
    }
    weighted.merge(mixed);
    return weighted;
  }

 private:
  Rewriter& rewriter_;
  std::vector<ValueId> parent_;
};

Step shifted(Step step, DType dtype) {
  if (step.dtype != dtype) step.zero_point += dtype == DType::u8 ? 128 : -128;
  step.dtype = dtype;
  return step;
}

/// The zero point of a quantizer follows its tensor.
void set_zero_point(Rewriter& rewriter, int n, const Step& step) {
  const double zero_point = step.zero_point;
  std::vector<ValueId> inputs = rewriter.node(n).inputs;
  inputs.resize(3, absent);
  const Shape shape = rewriter.graph().constant(inputs[1])->shape;
  inputs[2] = rewriter.add_constant(make_numbers(step.dtype, shape, {&zero_point, 1}), "zero_point");
  rewriter.set_inputs(n, std::move(inputs));
}

/// From one stored form to the other, by way of real numbers; exact.
void convert(Rewriter& rewriter, ValueId from, const Step& from_step, ValueId to, const Step& to_step,
             int near) {
  const ValueId real = rewriter.like(from, "/real");
  rewriter.graph().value(real).dtype = DType::f32;
  rewriter.graph().value(real).quantization.reset();
  rewriter.add_node(make_quantizer(rewriter, "DequantizeLinear", from, real, from_step), near);
  rewriter.add_node(make_quantizer(rewriter, "QuantizeLinear", real, to, to_step), near);
}

void set_dtype(Rewriter& rewriter, ValueId v, const Step& step) {
  rewriter.graph().value(v).dtype = step.dtype;
  rewriter.graph().value(v).quantization = quantization_of(step);
}

/// A copy of tensor `v` in the new dtype; `v` keeps its own, its name and its place among the graph's inputs
/// and outputs.
ValueId twin(Rewriter& rewriter, ValueId v, const Step& step) {
  const ValueId copy = rewriter.like(v, std::string("/") + name(step.dtype));
  set_dtype(rewriter, copy, step);
  return copy;
}

bool reads_stored_numbers(Rewriter& rewriter, const Rewriter::Reader& reader) {
  return Components::is_foreign(rewriter, rewriter.node(reader.node));
}

/// Readers that follow `from` into its new form read `to`; those that look at stored numbers stay.
void move_readers(Rewriter& rewriter, ValueId from, ValueId to, const Step& step) {
  const auto readers = rewriter.readers(from);
  for (const auto& reader : readers) {
    if (reads_stored_numbers(rewriter, reader)) continue;
    if (graph::dequantizes(rewriter.node(reader.node))) set_zero_point(rewriter, reader.node, step);
    rewriter.set_input(reader.node, reader.input, to);
  }
}

/// Whether a node moves elements of a tensor that is not marked as quantized, as an input of the graph.
bool moves_plain_numbers(Rewriter& rewriter, const Node& node) {
  return moves_elements(node) && !step_of(rewriter.value(node.inputs[0]));
}

/// Gives `v` its new dtype; where it comes from outside, or from what stays as it is, its readers get a copy.
void change(Rewriter& rewriter, ValueId v, DType dtype) {
  const Step before = *step_of(rewriter.value(v)), after = shifted(before, dtype);
  const int producer = rewriter.producer(v);
  const bool foreign_readers = std::any_of(rewriter.readers(v).begin(), rewriter.readers(v).end(),
                                           [&](const auto& r) { return reads_stored_numbers(rewriter, r); });
  if (ConstantPtr constant = rewriter.value(v).constant) {
    std::vector<double> elements = *doubles_of(constant.get());
    for (double& e : elements) e += after.zero_point - before.zero_point;
    const ValueId copy = twin(rewriter, v, after);
    rewriter.graph().value(copy).constant = make_numbers(dtype, constant->shape, elements);
    return move_readers(rewriter, v, copy, after);
  }
  if (producer < 0 || moves_plain_numbers(rewriter, rewriter.node(producer)) ||
      Components::is_foreign(rewriter, rewriter.node(producer))) {
    const ValueId copy = twin(rewriter, v, after);
    const int near = rewriter.readers(v).empty() ? 0 : rewriter.readers(v)[0].node;
    move_readers(rewriter, v, copy, after);
    return convert(rewriter, v, before, copy, after, near);
  }
  if (graph::quantizes(rewriter.node(producer))) set_zero_point(rewriter, producer, after);
  if (!rewriter.is_output(v) && !foreign_readers) {
    move_readers(rewriter, v, v, after);
    return set_dtype(rewriter, v, after);
  }
  const ValueId copy = twin(rewriter, v, after);
  const auto& outputs = rewriter.node(producer).outputs;
  const auto position = std::find(outputs.begin(), outputs.end(), v) - outputs.begin();
  move_readers(rewriter, v, copy, after);
  rewriter.set_output(producer, static_cast<int>(position), copy);
  convert(rewriter, copy, after, v, before, producer);
}

void unify(Graph& graph, PassLog& log) {
  Rewriter rewriter(graph);
  Components components(rewriter);
  const std::map<ValueId, DType> targets = components.targets();
  int changed = 0;
  const auto values = static_cast<ValueId>(graph.values.size());
  std::vector<std::pair<ValueId, DType>> changes;
  for (ValueId v = 0; v < values; ++v) {
    const auto target = targets.find(components.find(v));
    if (target == targets.end() || !step_of(rewriter.value(v)) || rewriter.value(v).dtype == target->second)
      continue;
    changes.emplace_back(v, target->second);
  }
  for (const auto& [v, dtype] : changes) {
    change(rewriter, v, dtype);
    ++changed;
  }
  if (changed > 0)
    log.changed(std::to_string(changed) + " tensors moved by 128 to the dtype of their weights");
  rewriter.finish();
}

}  // namespace

void unify_quantized_types(Model& model, PassLog& log) {
  for (Graph& graph : model.graphs) unify(graph, log);
}

}  // namespace lithe::passes
