// SPDX-License-Identifier: Apache-2.0
#include "tools/passes/quantized.hpp"

#include <algorithm>
#include <cmath>
#include <utility>

#include "tools/graph/operators.hpp"
#include "tools/passes/constants.hpp"
#include "tools/passes/moves_elements.hpp"
#include "tools/passes/node.hpp"
#include "tools/passes/rewriter.hpp"
#include "tools/passes/value.hpp"

namespace lithe::passes {

std::optional<Step> step_of(const Graph& graph, const Node& node) {
  if (!is_quantizing(node) || int_attribute(node, "block_size", 0) != 0) return std::nullopt;
  const DType dtype = graph.value(graph::quantizes(node) ? node.outputs[0] : node.inputs[0]).dtype;
  const Constant *scale = graph.constant(node.inputs[1]), *zero_point = graph.constant(input(node, 2));
  if (!is_quantized8(dtype) || scale == nullptr || (zero_point == nullptr && input(node, 2) >= 0))
    return std::nullopt;
  const auto s = scalar_of(scale), z = zero_point == nullptr ? std::optional(0.0) : scalar_of(zero_point);
  if (!s || !z || !(*s > 0) || !std::isfinite(*s)) return std::nullopt;
  return Step{dtype, static_cast<float>(*s), static_cast<int>(*z)};
}

std::optional<Step> step_of(const Value& value) {
  if (!value.quantization || !is_quantized8(value.dtype) || value.quantization->block != 0)
    return std::nullopt;
  const auto scale = scalar_of(value.quantization->scale.get());
  const auto zero_point =
      value.quantization->zero_point ? scalar_of(value.quantization->zero_point.get()) : std::optional(0.0);
  if (!scale || !zero_point) return std::nullopt;
  return Step{value.dtype, static_cast<float>(*scale), static_cast<int>(*zero_point)};
}

ValueQuantization quantization_of(const Step& step) {
  const double scale = step.scale, zero_point = step.zero_point;
  return {make_numbers(DType::f32, {1}, {&scale, 1}), make_numbers(step.dtype, {1}, {&zero_point, 1}), -1, 0};
}

namespace {

/// Node `n` reads stored numbers as such: it would give something else if it knew that they are quantized.
bool reads_plain_numbers(Rewriter& rewriter, int n) {
  const Node& node = rewriter.node(n);
  if (is_quantizing(node) || moves_elements(node) || graph::spec_of(node).reads_shapes_only) return false;
  return std::any_of(node.outputs.begin(), node.outputs.end(),
                     [&](ValueId v) { return v >= 0 && !rewriter.value(v).quantization; });
}

}  // namespace

bool mark(Rewriter& rewriter, ValueId v, const Step& step) {
  Value& value = rewriter.graph().value(v);
  if (value.quantization) return step_of(value) == step;
  for (const auto& reader : rewriter.readers(v))
    if (reads_plain_numbers(rewriter, reader.node)) return false;
  value.quantization = quantization_of(step);
  return true;
}

int dequantizer(Rewriter& rewriter, ValueId v) {
  const int n = rewriter.producer(v, Coding::dequantizes);
  return n >= 0 && step_of(rewriter.graph(), rewriter.node(n)) ? n : -1;
}

Node make_quantizer(Rewriter& rewriter, std::string_view op, ValueId from, ValueId to, const Step& step) {
  const double scale = step.scale, zero_point = step.zero_point;
  const ValueId real = graph::facts_of(op).coding == Coding::quantizes ? from : to;
  const DType dtype = rewriter.value(real).dtype == DType::f16 ? DType::f16 : DType::f32;
  return make_node(op,
                   {from, rewriter.add_constant(make_numbers(dtype, {}, {&scale, 1}), "scale"),
                    rewriter.add_constant(make_numbers(step.dtype, {}, {&zero_point, 1}), "zero_point")},
                   {to});
}

std::pair<ValueId, ValueId> quantize_rows(Rewriter& rewriter, ValueId x, int near) {
  const ValueId rows = rewriter.like(x, "/rows"), steps = rewriter.like(x, "/steps");
  rewriter.graph().value(rows).dtype = DType::s8;
  if (auto& dims = rewriter.graph().value(steps).dims) dims->back() = 2;
  rewriter.add_node(make_node("DynamicQuantize", {x}, {rows, steps}, rewriter.node(near).onnx_names), near);
  return {rows, steps};
}

void make_dynamic(Rewriter& rewriter, int n, Value filter) {
  const Node layer = rewriter.node(n);
  const auto [rows, steps] = quantize_rows(rewriter, layer.inputs[0], n);
  Node dynamic = make_node("DynamicFullyConnected",
                           {rows, rewriter.add_value(std::move(filter)), input(layer, 2), steps},
                           layer.outputs, layer.onnx_names);
  set_clamp(dynamic, clamp_attribute(layer));
  rewriter.remove_node(n);
  rewriter.add_node(std::move(dynamic), n);
}

}  // namespace lithe::passes
