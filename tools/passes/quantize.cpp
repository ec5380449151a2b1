// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <cmath>
#include <limits>
#include <utility>

#include "tools/graph/bound_node.hpp"
#include "tools/graph/operators.hpp"
#include "tools/passes/constants.hpp"
#include "tools/passes/gather_quantizers.hpp"
#include "tools/passes/moves_elements.hpp"
#include "tools/passes/node.hpp"
#include "tools/passes/pass_log.hpp"
#include "tools/passes/passes.hpp"
#include "tools/passes/quantized.hpp"
#include "tools/passes/rewriter.hpp"
#include "tools/passes/stored.hpp"
#include "tools/passes/value.hpp"
#include "tools/passes/weighted.hpp"

namespace lithe::passes {

namespace {

/// The scales and zero points of dequantized constant weights, one pair or one per channel.
struct StoredWeights {
  ConstantPtr stored;
  std::vector<double> scales, zero_points;
  int axis = -1;
};

std::optional<StoredWeights> weights_of(Rewriter& rewriter, ValueId v) {
  if (v < 0 || !is_dequantized_constant(rewriter, v)) return std::nullopt;
  const Node& node = rewriter.node(rewriter.producer(v));
  StoredWeights weights{stored_constant(rewriter, v), {}, {}, stored_axis(rewriter, v)};
  const auto scales = doubles_of(rewriter.graph().constant(node.inputs[1]));
  if (!weights.stored || !scales) return std::nullopt;
  weights.scales = *scales;
  weights.zero_points.assign(scales->size(), 0);
  if (input(node, 2) >= 0) {
    const auto zero_points = doubles_of(rewriter.graph().constant(input(node, 2)));
    if (!zero_points || zero_points->size() != scales->size()) return std::nullopt;
    weights.zero_points = *zero_points;
  }
  return weights;
}

/// Zero is stored as the middle of the range, so that s8 weights with zero point 0 say the same.
bool symmetric(const StoredWeights& weights) {
  const double middle = weights.stored->dtype == DType::u8 ? 128 : 0;
  return std::all_of(weights.zero_points.begin(), weights.zero_points.end(),
                     [&](double z) { return z == middle; });
}

/// The same weights stored as `dtype`, moved by 128 where that differs.
Value converted_filter(const StoredWeights& weights, DType dtype, const std::string& name) {
  StoredWeights to = weights;
  const double shift = dtype == weights.stored->dtype ? 0 : dtype == DType::u8 ? 128 : -128;
  std::vector<double> elements = *doubles_of(weights.stored.get());
  for (double& e : elements) e += shift;
  for (double& z : to.zero_points) z += shift;
  const Shape count{static_cast<index_t>(to.scales.size())};
  Value value;
  value.name = name;
  value.dtype = dtype;
  value.dims.emplace(weights.stored->shape.dims().begin(), weights.stored->shape.dims().end());
  value.constant = shift == 0 ? weights.stored : make_numbers(dtype, weights.stored->shape, elements);
  value.quantization = ValueQuantization{make_numbers(DType::f32, count, to.scales),
                                         make_numbers(dtype, count, to.zero_points), weights.axis, 0};
  return value;
}

/// The bias in steps of input scale times filter scale; nullopt where it is not constant, or leaves a sum of
/// 32 bits no room for the products.
std::optional<Value> converted_bias(Rewriter& rewriter, ValueId bias, float input_scale,
                                    const StoredWeights& filter) {
  const auto quantized = weights_of(rewriter, bias);
  const auto elements = doubles_of(quantized ? quantized->stored.get() : rewriter.graph().constant(bias));
  if (!elements) return std::nullopt;
  constexpr double largest = std::numeric_limits<std::int32_t>::max();
  const double products = static_cast<double>(filter.stored->shape.elements()) /
                          static_cast<double>(std::max<std::size_t>(1, elements->size()));
  const double limit = std::max(largest / 2, largest - products * 255 * 128);
  std::vector<double> steps, scales;
  for (float s : std::vector<float>(filter.scales.begin(), filter.scales.end()))
    scales.push_back(input_scale * s);
  for (std::size_t i = 0; i < elements->size(); ++i) {
    const double step = scales[scales.size() == 1 ? 0 : i];
    double scale = 1, zero_point = 0;
    if (quantized) {
      scale = quantized->scales[quantized->scales.size() == 1 ? 0 : i];
      zero_point = quantized->zero_points[quantized->scales.size() == 1 ? 0 : i];
    }
    const bool exact = quantized && std::fabs(scale - step) <= 1e-6 * step;
    steps.push_back(exact ? (*elements)[i] - zero_point
                          : std::nearbyint(((*elements)[i] - zero_point) * scale / step));
    if (!(std::fabs(steps.back()) <= limit)) return std::nullopt;
  }
  Value value;
  value.name = rewriter.value(bias).name + "/quantized";
  value.dtype = DType::s32;
  value.dims = Dims{static_cast<std::int64_t>(steps.size())};
  value.constant = make_numbers(DType::s32, {static_cast<index_t>(steps.size())}, steps);
  value.quantization =
      ValueQuantization{make_numbers(DType::f32, {static_cast<index_t>(scales.size())}, scales), nullptr,
                        scales.size() == 1 ? -1 : 0, 0};
  return value;
}

/// Whether all numbers that are stored by `step` stand for real numbers in `range`.
bool lies_in(const Step& step, const Clamp& range) {
  const int lowest = step.dtype == DType::s8 ? -128 : 0;
  const auto real = [&](int stored) { return static_cast<float>(stored - step.zero_point) * step.scale; };
  return real(lowest) >= range.min && real(lowest + 255) <= range.max;
}

/// DequantizeLinear, operator, QuantizeLinear under examination.
class Candidate {
 public:
  Candidate(Rewriter& rewriter, int n, int quantizer, DType weights_dtype)
      : rewriter_(rewriter), n_(n), quantizer_(quantizer), weights_dtype_(weights_dtype) {}
  bool run();
  const std::string& reason() const { return reason_; }  ///< why it does not run on quantized tensors

 private:
  bool refuse(std::string why) {
    reason_ = std::move(why);
    return false;
  }
  bool data(int i);
  bool weights();
  bool accepted();

  Rewriter& rewriter_;
  int n_, quantizer_;
  DType weights_dtype_;
  std::string reason_;
  std::vector<ValueId> inputs_;
};

/// Input `i` becomes the stored tensor.
bool Candidate::data(int i) {
  const int above = dequantizer(rewriter_, input(rewriter_.node(n_), i));
  if (above < 0) return refuse("input " + std::to_string(i) + " is not dequantized per tensor by constants");
  ValueId stored = rewriter_.node(above).inputs[0];
  const auto step = step_of(rewriter_.graph(), rewriter_.node(above));
  if (const ConstantPtr constant =
          rewriter_.value(stored).constant)  // others may share its elements, not its scale
    stored = rewriter_.add_constant(constant, rewriter_.value(stored).name + "/quantized");
  if (!mark(rewriter_, stored, *step))
    return refuse("input " + std::to_string(i) +
                  " is quantized in two ways, or its stored numbers are read as such");
  inputs_[static_cast<std::size_t>(i)] = stored;
  return true;
}

bool Candidate::weights() {
  const Node& node = rewriter_.node(n_);
  const auto filter = weights_of(rewriter_, node.inputs[1]);
  if (!filter) return refuse("its weights are not dequantized constants");
  if (!is_quantized8(filter->stored->dtype))
    return refuse(std::string("its weights are ") + name(filter->stored->dtype));
  if (filter->axis >= 0 && filter->axis != graph::facts_of(node).weights->channel_axis(filter->stored->shape))
    return refuse("its weights are not quantized along the output channels");
  const auto input_step = step_of(rewriter_.value(inputs_[0]));
  Value converted =
      converted_filter(*filter, weights_dtype_, rewriter_.value(node.inputs[1]).name + "/quantized");
  if (input(node, 2) >= 0) {
    auto bias = converted_bias(rewriter_, node.inputs[2], input_step->scale, *filter);
    if (!bias) return refuse("its bias is not constant, or does not fit 32 bits");
    inputs_[2] = rewriter_.add_value(std::move(*bias));
  }
  inputs_[1] = rewriter_.add_value(std::move(converted));
  return true;
}

/// Whether the operator takes the node as it would be, with activations of the dtype of its weights, where it
/// has some.
bool Candidate::accepted() {
  Graph probe;
  probe.values = rewriter_.graph().values;
  Node node = rewriter_.node(n_);
  node.inputs = inputs_;
  node.outputs = {rewriter_.node(quantizer_).outputs[0]};
  const DType dtype = is_weighted(node) ? weights_dtype_ : DType::s8;
  const auto convert = [&](ValueId v) {
    auto step =
        v < 0 || !is_quantized8(probe.value(v).dtype) || (is_weighted(node) && probe.value(v).constant)
            ? std::nullopt
            : step_of(probe.value(v));
    if (!step) return;
    if (step->dtype != dtype) step->zero_point += dtype == DType::u8 ? 128 : -128;
    step->dtype = dtype;
    probe.value(v).dtype = dtype;
    probe.value(v).quantization = quantization_of(*step);
    probe.value(v).constant = nullptr;
  };
  convert(inputs_[0]);
  convert(node.outputs[0]);
  if (!is_weighted(node) && inputs_.size() > 1) convert(inputs_[1]);
  for (Value& value : probe.values)
    if (value.dims)
      std::replace_if(value.dims->begin(), value.dims->end(), [](std::int64_t d) { return d < 0; }, 64);
  graph::BoundNode bound(probe, node);
  const Status status = bound.status().ok() && bound.shapes_known() ? bound.infer() : bound.status();
  return status.ok() || status.code() == Code::shape || refuse(status.text());
}

bool Candidate::run() {
  const Node node = rewriter_.node(n_);
  const ValueId result = rewriter_.node(quantizer_).outputs[0];
  inputs_ = node.inputs;
  const int tensors = quantized_inputs(node);
  if (tensors == 0) return refuse("it has no quantized form");
  const Clamp* domain = graph::facts_of(node).domain;
  if (const int above = dequantizer(rewriter_, node.inputs[0]); domain != nullptr && above >= 0)
    if (!lies_in(*step_of(rewriter_.graph(), rewriter_.node(above)), *domain))
      return refuse("its input may lie where the operator has no result");
  if (rewriter_.uses(node.outputs[0]) != 1) return refuse("its output has another reader");
  for (int i = 0; i < tensors; ++i)
    if (!data(i)) return false;
  if (is_weighted(node) && !weights()) return false;
  const auto step = step_of(rewriter_.graph(), rewriter_.node(quantizer_));
  if (!mark(rewriter_, result, *step))
    return refuse("its output is quantized in two ways, or its stored numbers are read as such");
  if (!accepted()) return false;
  append_names(rewriter_.node(n_), rewriter_.node(quantizer_));
  rewriter_.remove_node(quantizer_);
  rewriter_.set_inputs(n_, inputs_);
  rewriter_.set_output(n_, 0, result);
  for (ValueId v : node.inputs) rewriter_.remove_unread(rewriter_.producer(v));
  return true;
}

/// Whether some weights that would be used as they are have a zero point off the middle: then all of them are
/// u8.
bool any_asymmetric(Rewriter& rewriter) {
  for (int n = 0; n < rewriter.nodes(); ++n) {
    if (!is_weighted(rewriter.node(n)) || dequantizer(rewriter, rewriter.node(n).inputs[0]) < 0) continue;
    const auto filter = weights_of(rewriter, rewriter.node(n).inputs[1]);
    if (filter && is_quantized8(filter->stored->dtype) && !symmetric(*filter)) return true;
  }
  return false;
}

/// A Pad by the zero point that it is given puts zeros.
void drop_zero_value(Rewriter& rewriter, int n, const Step& step) {
  const Node& node = rewriter.node(n);
  if (graph::movement_of(node) != Movement::pads || input(node, 2) < 0) return;
  if (scalar_of(rewriter.graph().constant(node.inputs[2])) != step.zero_point) return;
  std::vector<ValueId> inputs = node.inputs;
  inputs[2] = absent;
  rewriter.set_inputs(n, std::move(inputs));
}

/// What moves elements of a quantized tensor gives one quantized alike; models in QOperator form do not say
/// it.
bool spread_steps(Rewriter& rewriter) {
  bool any = false;
  for (int n = 0; n < rewriter.nodes(); ++n) {
    if (rewriter.removed(n) || !moves_elements(rewriter.node(n))) continue;
    const Node& node = rewriter.node(n);
    if (graph::movement_of(node) == Movement::joins) continue;
    const auto step = node.inputs.empty() ? std::nullopt : step_of(rewriter.value(node.inputs[0]));
    for (ValueId v : node.outputs)
      if (step && v >= 0 && !rewriter.value(v).quantization && mark(rewriter, v, *step)) {
        drop_zero_value(rewriter, n, *step);
        any = true;
      }
  }
  return any;
}

void quantize_graph(Graph& graph, PassLog& log) {
  gather_quantizers(graph, log);
  Rewriter rewriter(graph);
  const DType dtype = any_asymmetric(rewriter) ? DType::u8 : DType::s8;
  if (dtype == DType::u8)
    log.changed("weights with a zero point off the middle: activations and weights are u8");
  for (int q = 0; q < rewriter.nodes(); ++q) {
    if (rewriter.removed(q) || !graph::quantizes(rewriter.node(q)) || !step_of(graph, rewriter.node(q)))
      continue;
    const int n = rewriter.producer(rewriter.node(q).inputs[0]);
    if (n < 0 || is_quantizing(rewriter.node(n))) continue;  // from one step to another
    const std::string name = graph::node_title(graph, rewriter.node(n));
    Candidate candidate{rewriter, n, q, dtype};
    if (candidate.run())
      log.changed(name + " runs on quantized tensors");
    else
      log.near_miss(name + " stays in floating point: " + candidate.reason());
  }
  for (int n = 0; n < rewriter.nodes(); ++n)  // outputs of the graph are then compared as what they stand for
    if (const auto step = step_of(graph, rewriter.node(n)); step && graph::quantizes(rewriter.node(n)))
      (void)mark(rewriter, rewriter.node(n).outputs[0], *step);
  while (spread_steps(rewriter)) {
  }
  rewriter.finish();
}

}  // namespace

void quantize(Model& model, PassLog& log) {
  for (Graph& graph : model.graphs) quantize_graph(graph, log);
}

}  // namespace lithe::passes
