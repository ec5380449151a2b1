// SPDX-License-Identifier: Apache-2.0
#include "tools/quantize/insert.hpp"

#include <algorithm>
#include <cmath>
#include <utility>

#include "tools/graph/operators.hpp"
#include "tools/passes/constants.hpp"
#include "tools/passes/moves_elements.hpp"
#include "tools/passes/node.hpp"
#include "tools/passes/quantized.hpp"
#include "tools/passes/rewriter.hpp"
#include "tools/passes/weighted.hpp"
#include "tools/quantize/layers.hpp"

namespace lithe::quantize {

using graph::ConstantPtr;
using graph::Node;
using graph::ValueId;
using passes::Step;

namespace {

constexpr double largest_weight = 127, largest_bias = 1 << 30;

class Inserter {
 public:
  Inserter(graph::Graph& graph, const Selection& selection, const Calibration& calibration)
      : rewriter_(graph), selection_(selection), calibration_(calibration) {
    for (const Group& group : selection.groups) steps_.push_back(common_step(group));
    for (int n : selection.nodes) {
      const Node& node = graph.nodes[static_cast<std::size_t>(n)];
      if (passes::is_weighted(node)) layers_.push_back({n, step(node.inputs[0]), key_of(graph, node)});
    }
  }

  void run() {
    for (std::size_t g = 0; g < steps_.size(); ++g)
      for (ValueId root : selection_.groups[g].roots) store(root, steps_[g]);
    for (int n : selection_.nodes)
      if (!passes::is_weighted(rewriter_.node(n))) store_constants(n);
    for (const StoredLayer& layer : layers_) store_weights(layer);
    rewriter_.finish();
  }

 private:
  struct StoredLayer {
    int node;
    Step input;
    std::string key;
  };

  Step common_step(const Group& group) const {
    if (group.fixed) return *group.fixed;
    Range range;
    for (ValueId v : group.roots)
      if (const auto found = calibration_.values.find(rewriter_.value(v).name);
          found != calibration_.values.end())
        range = united(range, found->second);
    return step_for(range);
  }
  const Step& step(ValueId v) const {
    return steps_[static_cast<std::size_t>(selection_.group[static_cast<std::size_t>(v)])];
  }

  /// A tensor like `v` of stored numbers.
  ValueId stored_like(ValueId v, const Step& step) {
    const ValueId stored = rewriter_.like(v, "/quantized");
    rewriter_.graph().value(stored).dtype = step.dtype;
    return stored;
  }
  /// Adds a QuantizeLinear from `real` to `stored`, and a DequantizeLinear from there.
  void add_pair(ValueId real, ValueId stored, ValueId dequantized, const Step& step, int near) {
    rewriter_.add_node(passes::make_quantizer(rewriter_, "QuantizeLinear", real, stored, step), near);
    rewriter_.add_node(passes::make_quantizer(rewriter_, "DequantizeLinear", stored, dequantized, step),
                       near);
  }

  /// The value is stored and read back: for all readers where a selected node computes it, else for those
  /// that run on stored numbers or move them.
  void store(ValueId v, const Step& step) {
    const int producer = rewriter_.producer(v);
    if (producer >= 0 && selection_.nodes.contains(producer)) {
      const ValueId real = rewriter_.like(v, "/real");
      const ValueId stored = stored_like(v, step);
      graph::Value& value = rewriter_.graph().value(stored);  // takes the place of `v` among ONNX's values
      value.onnx_name = rewriter_.value(v).onnx_name;
      value.permutation = rewriter_.value(v).permutation;
      rewriter_.set_output(producer, 0, real);
      return add_pair(real, stored, v, step, producer);
    }
    const std::vector<passes::Rewriter::Reader> readers = rewriter_.readers(v);
    int near = -1;
    const ValueId dequantized = rewriter_.like(v, "/dequantized");
    for (const auto& reader : readers) {
      const ValueId out = rewriter_.node(reader.node).outputs.empty()
                              ? graph::absent
                              : rewriter_.node(reader.node).outputs[0];
      const bool moves =
          passes::moves_elements(rewriter_.node(reader.node)) && out >= 0 &&
          selection_.group[static_cast<std::size_t>(out)] == selection_.group[static_cast<std::size_t>(v)];
      if (!moves && !selection_.nodes.contains(reader.node)) continue;
      rewriter_.set_input(reader.node, reader.input, dequantized);
      near = reader.node;
    }
    if (near >= 0) add_pair(v, stored_like(v, step), dequantized, step, near);
  }

  /// Operands of element-wise nodes that are constants.
  void store_constants(int n) {
    const int tensors = graph::facts_of(rewriter_.node(n)).quantizable.inputs;
    for (int i = 0; i < tensors; ++i) {
      const ValueId v = passes::input(rewriter_.node(n), i);
      const graph::Constant* constant = rewriter_.graph().constant(v);
      if (constant == nullptr) continue;
      Range range;
      std::vector<double> elements;
      for (float e : constant->as<float>()) range = united(range, {std::min(e, 0.0f), std::max(e, 0.0f)});
      const Step step = step_for(range);
      for (float e : constant->as<float>())
        elements.push_back(
            std::clamp(std::nearbyint(static_cast<double>(e / step.scale)) + step.zero_point, -128.0, 127.0));
      const ValueId stored =
          rewriter_.add_constant(passes::make_numbers(step.dtype, constant->shape, elements),
                                 rewriter_.value(v).name + "/quantized");
      const ValueId real = rewriter_.like(v, "/dequantized");
      rewriter_.graph().value(real).constant = nullptr;
      rewriter_.add_node(passes::make_quantizer(rewriter_, "DequantizeLinear", stored, real, step), n);
      rewriter_.set_input(n, i, real);
    }
  }

  /// One scale for each output channel, or one for all; large enough for the bias to fit 32 bits.
  std::vector<double> scales(const Layer& layer, double input_scale, const std::vector<double>& bias) const {
    std::vector<double> result(layer.scale_axis() < 0 ? 1 : static_cast<std::size_t>(layer.outputs()));
    double largest = 0;
    for (index_t i = 0; i < layer.elements(); ++i) {
      double& s = result[result.size() == 1 ? 0 : static_cast<std::size_t>(layer.output_channel(i))];
      s = std::max(s, std::fabs(static_cast<double>(layer.weight(i))) / largest_weight);
      largest = std::max(largest, s);
    }
    constexpr double smallest_part = 0x1p-20;
    for (std::size_t o = 0; o < result.size(); ++o) {
      result[o] = std::max(result[o], largest == 0 ? 1 : largest * smallest_part);
      for (std::size_t b = 0; b < bias.size(); ++b)
        if (result.size() == 1 || b == o)
          result[o] = std::max(result[o], std::fabs(bias[b]) / input_scale / largest_bias);
      result[o] = static_cast<double>(static_cast<float>(result[o]));
    }
    return result;
  }

  void store_weights(const StoredLayer& stored_layer) {
    const Node& node = rewriter_.node(stored_layer.node);
    const Layer layer(rewriter_.graph(), node);
    std::vector<double> bias = layer.bias();
    const std::vector<double> scale = scales(layer, static_cast<double>(stored_layer.input.scale), bias);
    const auto found = calibration_.means.find(stored_layer.key);
    const bool measured = found != calibration_.means.end();
    std::vector<double> stored(static_cast<std::size_t>(layer.elements())),
        error(measured ? static_cast<std::size_t>(layer.outputs()) : 0);
    for (index_t i = 0; i < layer.elements(); ++i) {
      const auto o = static_cast<std::size_t>(layer.output_channel(i));
      const double s = scale[scale.size() == 1 ? 0 : o], w = static_cast<double>(layer.weight(i));
      const double q = std::clamp(std::nearbyint(w / s), -largest_weight, largest_weight);
      stored[static_cast<std::size_t>(i)] = q;
      if (measured)
        error[o] += (q * s - w) * found->second.at(static_cast<std::size_t>(layer.input_channel(i)));
    }
    bias.resize(std::max(bias.size(), error.size()));
    for (std::size_t o = 0; o < error.size(); ++o) bias[o] -= error[o];
    set_weights(stored_layer.node, node.inputs[1], layer, stored, scale, bias);
  }
  void set_weights(int n, ValueId filter, const Layer& layer, const std::vector<double>& stored,
                   const std::vector<double>& scale, const std::vector<double>& bias) {
    const std::string name = rewriter_.value(filter).name;
    const Shape shape = rewriter_.graph().constant(filter)->shape;
    const Shape count = scale.size() == 1 ? Shape{} : Shape{static_cast<index_t>(scale.size())};
    const ValueId integers =
        rewriter_.add_constant(passes::make_numbers(DType::s8, shape, stored), name + "/quantized");
    const ValueId factors =
        rewriter_.add_constant(passes::make_numbers(DType::f32, count, scale), name + "/scale");
    const ValueId real = rewriter_.like(filter, "/dequantized");
    rewriter_.graph().value(real).constant = nullptr;
    Node dequantize = passes::make_node("DequantizeLinear", {integers, factors}, {real});
    passes::set_int(dequantize, "axis", std::max(layer.scale_axis(), 0), 1);
    rewriter_.add_node(std::move(dequantize), n);
    std::vector<ValueId> inputs = rewriter_.node(n).inputs;
    inputs[1] = real;
    if (!bias.empty()) {
      inputs.resize(3, graph::absent);
      inputs[2] = rewriter_.add_constant(
          passes::make_numbers(DType::f32, {static_cast<index_t>(bias.size())}, bias), name + "/bias");
    }
    rewriter_.set_inputs(n, std::move(inputs));
  }

  passes::Rewriter rewriter_;
  const Selection& selection_;
  const Calibration& calibration_;
  std::vector<Step> steps_;
  std::vector<StoredLayer> layers_;
};

}  // namespace

void insert_quantizers(graph::Graph& graph, const Selection& selection, const Calibration& calibration) {
  Inserter(graph, selection, calibration).run();
}

}  // namespace lithe::quantize
