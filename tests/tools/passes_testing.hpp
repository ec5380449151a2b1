// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <map>
#include <random>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

#include "tools/graph/bound_node.hpp"
#include "tools/graph/infer_dims.hpp"
#include "tools/graph/operators.hpp"
#include "tools/passes/constants.hpp"
#include "tools/passes/node.hpp"
#include "tools/passes/pass_log.hpp"
#include "tools/passes/passes.hpp"
#include "tools/passes/permutation.hpp"
#include "tools/passes/pipeline.hpp"
#include "tools/passes/quantize_weights.hpp"
#include "tools/passes/value.hpp"

/// Small graphs for passes, and a reference executor that shows that a rewrite keeps what they compute.
namespace lithe::test {

using Attributes = std::map<std::string, graph::Attribute>;

inline graph::Attribute ints(std::vector<std::int64_t> values) { return {std::move(values), {}, {}}; }
inline graph::Attribute floats(std::vector<float> values) { return {{}, std::move(values), {}}; }

/// Builds the main graph of a model; every node and value is traced to an ONNX name, "n0", "n1" ... and "v0",
/// "v1" ...
class Builder {
 public:
  Builder() {
    model.graphs.resize(1);
    model.graphs[0].name = "main";
  }

  graph::ValueId input(graph::Dims dims, DType dtype = DType::f32) {
    const graph::ValueId v = value(std::move(dims), dtype);
    graph().inputs.push_back(v);
    return v;
  }
  template <class T>
  graph::ValueId constant(const Shape& shape, std::vector<T> elements) {
    return graph().add_constant(graph::make_constant<T>(shape, elements), "c");
  }
  graph::ValueId scalar(float x) { return constant<float>({}, {x}); }
  graph::ValueId vector(std::vector<std::int64_t> x) {
    return constant<std::int64_t>({static_cast<index_t>(x.size())}, x);
  }
  /// f32 in [-1, 1], the same for the same shape and seed; `low` and `high` for others.
  graph::ValueId random(const Shape& shape, unsigned seed = 1, float low = -1, float high = 1) {
    std::mt19937 generator(seed);
    std::vector<float> elements(static_cast<std::size_t>(shape.elements()));
    for (float& e : elements) e = low + (high - low) * static_cast<float>(generator() % 4096) / 4096;
    return constant<float>(shape, elements);
  }
  template <class T = std::int8_t>
  graph::ValueId random_integers(const Shape& shape, unsigned seed, int low, int high) {
    std::mt19937 generator(seed);
    std::vector<T> elements(static_cast<std::size_t>(shape.elements()));
    for (T& e : elements)
      e = static_cast<T>(low + static_cast<int>(generator() % static_cast<unsigned>(high - low + 1)));
    return constant<T>(shape, elements);
  }
  std::vector<graph::ValueId> nodes(const std::string& op, std::vector<graph::ValueId> inputs,
                                    const Attributes& attributes, int outputs, DType dtype) {
    graph::Node node =
        passes::make_node(op, std::move(inputs), {}, {"n" + std::to_string(graph().nodes.size())});
    node.attributes = attributes;
    for (int o = 0; o < outputs; ++o) node.outputs.push_back(value(std::nullopt, dtype));
    for (int o = outputs; o < graph::spec_of(node).outputs.required(); ++o)  // nobody reads them
      node.outputs.push_back(graph::absent);
    const Status status = graph::infer_dims(graph(), node);
    if (!status.ok()) throw std::invalid_argument(op + ": " + status.text());
    graph().nodes.push_back(node);
    return node.outputs;
  }
  /// A node with one output, by default of the dtype of its first input.
  graph::ValueId node(const std::string& op, std::vector<graph::ValueId> inputs,
                      const Attributes& attributes = {}, DType dtype = DType::none) {
    if (dtype == DType::none) dtype = graph().value(inputs[0]).dtype;
    return nodes(op, std::move(inputs), attributes, 1, dtype)[0];
  }
  graph::ValueId transpose(graph::ValueId v, std::vector<std::int64_t> permutation) {
    return node("Transpose", {v}, {{"permutation", ints(std::move(permutation))}});
  }
  graph::ValueId to_last(graph::ValueId v) { return transpose(v, {0, 2, 3, 1}); }
  graph::ValueId to_first(graph::ValueId v) { return transpose(v, {0, 3, 1, 2}); }
  graph::ValueId dequantize(graph::ValueId v, float scale, int zero_point) {
    return node("DequantizeLinear", {v, scalar(scale), zero(v, zero_point)}, {}, DType::f32);
  }
  graph::ValueId quantize(graph::ValueId v, float scale, int zero_point, DType dtype = DType::s8) {
    const graph::ValueId zp = dtype == DType::s8
                                  ? constant<std::int8_t>({}, {static_cast<std::int8_t>(zero_point)})
                                  : constant<std::uint8_t>({}, {static_cast<std::uint8_t>(zero_point)});
    return node("QuantizeLinear", {v, scalar(scale), zp}, {}, dtype);
  }
  /// Quantizes and dequantizes: what a QDQ model has between two operators.
  graph::ValueId fake(graph::ValueId v, float scale, int zero_point, DType dtype = DType::s8) {
    return dequantize(quantize(v, scale, zero_point, dtype), scale, zero_point);
  }
  void output(graph::ValueId v) { graph().outputs.push_back(v); }

  graph::Graph& graph() { return model.graphs[0]; }
  graph::Model model;

 private:
  graph::ValueId value(std::optional<graph::Dims> dims, DType dtype) {
    graph::Value v;
    v.name = v.onnx_name = "v" + std::to_string(graph().values.size());
    v.dims = std::move(dims);
    v.dtype = dtype;
    return graph().add_value(std::move(v));
  }
  graph::ValueId zero(graph::ValueId v, int zero_point) {
    switch (graph().value(v).dtype) {
      case DType::u8:
        return constant<std::uint8_t>({}, {static_cast<std::uint8_t>(zero_point)});
      case DType::s32:
        return constant<std::int32_t>({}, {zero_point});
      default:
        return constant<std::int8_t>({}, {static_cast<std::int8_t>(zero_point)});
    }
  }
};

/// Runs a graph node by node on portable kernels; throws where a node is refused.
inline graph::Graph evaluated(const graph::Graph& graph, const std::vector<graph::ConstantPtr>& inputs) {
  graph::Graph work = graph;
  for (std::size_t i = 0; i < inputs.size(); ++i) work.value(work.inputs[i]).constant = inputs[i];
  for (const graph::Node& node : graph.nodes) {
    graph::BoundNode bound(work, node);
    Status status = bound.infer();
    if (!status.ok()) throw std::runtime_error(graph::node_title(graph, node) + ": " + status.text());
    auto results = bound.run();
    if (!results.ok())
      throw std::runtime_error(graph::node_title(graph, node) + ": " + results.status().text());
    for (std::size_t o = 0; o < node.outputs.size(); ++o)
      if (node.outputs[o] >= 0) work.value(node.outputs[o]).constant = (*results)[o];
  }
  return work;
}

/// Values in [-2, 2] for every input of a graph (the whole range for 8-bit ones), unknown dimensions 3.
inline std::vector<graph::ConstantPtr> random_inputs(const graph::Graph& graph, unsigned seed) {
  std::mt19937 generator(seed);
  std::vector<graph::ConstantPtr> inputs;
  for (graph::ValueId v : graph.inputs) {
    Shape shape;
    for (std::int64_t d : *graph.value(v).dims) shape.push_back(d < 0 ? 3 : d);
    std::vector<double> elements(static_cast<std::size_t>(shape.elements()));
    const DType dtype = graph.value(v).dtype;
    const double low = dtype == DType::u8   ? 0
                       : dtype == DType::s8 ? -128
                                            : -2,
                 width = passes::is_quantized8(dtype) ? 255 : 4;
    for (double& e : elements) e = low + width * static_cast<double>(generator() % 65536) / 65535;
    inputs.push_back(passes::make_numbers(dtype, shape, elements));
  }
  return inputs;
}

/// Two graphs give the same outputs, up to `tolerance` times the largest value, and keep name, dtype and dims
/// of their inputs and outputs. Where `after` still holds an ONNX value of `before`, it holds the same
/// elements in its order
/// (`inner`; a deep quantized network multiplies single steps on the way).
inline void expect_same(const graph::Graph& before, const graph::Graph& after, double tolerance = 1e-5,
                        bool inner = true) {
  ASSERT_EQ(before.inputs.size(), after.inputs.size());
  ASSERT_EQ(before.outputs.size(), after.outputs.size());
  for (std::size_t o = 0; o < before.outputs.size(); ++o) {
    const graph::Value &a = before.value(before.outputs[o]), &b = after.value(after.outputs[o]);
    EXPECT_EQ(a.name, b.name);
    EXPECT_EQ(a.dtype, b.dtype);
    if (a.dims && graph::fixed(*a.dims)) {
      EXPECT_EQ(a.dims, b.dims);
    }
  }
  const auto inputs = random_inputs(before, 7);
  const graph::Graph a = evaluated(before, inputs), b = evaluated(after, inputs);
  const auto close = [&](const graph::Constant& x, const graph::Constant& y, const std::string& name) {
    ASSERT_EQ(x.shape, y.shape) << name;
    const auto p = passes::doubles_of(&x), q = passes::doubles_of(&y);
    double largest = 1e-2;
    for (double v : *p) largest = std::max(largest, std::fabs(v));
    for (std::size_t i = 0; i < p->size(); ++i)
      ASSERT_NEAR((*p)[i], (*q)[i], tolerance * largest) << name << " at " << i;
  };
  for (std::size_t o = 0; o < a.outputs.size(); ++o)
    close(*a.value(a.outputs[o]).constant, *b.value(b.outputs[o]).constant, a.value(a.outputs[o]).name);
  std::map<std::string, const graph::Value*> known;
  for (const graph::Value& v : a.values)
    if (!v.onnx_name.empty() && v.constant) known[v.onnx_name] = &v;
  for (const graph::Value& v : b.values) {
    if (!inner) break;
    const auto found = known.find(v.onnx_name);
    if (found == known.end() || !v.constant || v.dtype != found->second->dtype) continue;
    graph::ConstantPtr expected = found->second->constant;
    if (!v.permutation.empty())
      expected =
          passes::transposed(*expected, passes::Permutation(v.permutation.begin(), v.permutation.end()));
    ASSERT_TRUE(expected) << v.onnx_name;
    close(*expected, *v.constant, v.onnx_name);
  }
}

inline int count(const graph::Graph& graph, std::string_view op) {
  return static_cast<int>(std::count_if(graph.nodes.begin(), graph.nodes.end(),
                                        [&](const graph::Node& n) { return n.op == op; }));
}
inline const graph::Node* find(const graph::Graph& graph, std::string_view op) {
  for (const graph::Node& node : graph.nodes)
    if (node.op == op) return &node;
  return nullptr;
}

/// Runs passes on the model, checking that they keep what it computes.
struct Passed {
  Passed(Builder& builder, std::vector<void (*)(graph::Model&, passes::PassLog&)> passes,
         double tolerance = 1e-5)
      : graph(builder.graph()) {
    const graph::Graph before = builder.graph();
    for (auto pass : passes) pass(builder.model, log);
    expect_same(before, graph, tolerance);
  }
  bool missed(const std::string& reason) const {
    return std::any_of(log.lines().begin(), log.lines().end(),
                       [&](const auto& l) { return !l.changed && l.text.find(reason) != std::string::npos; });
  }
  passes::PassLog log;
  graph::Graph& graph;
};

}  // namespace lithe::test
