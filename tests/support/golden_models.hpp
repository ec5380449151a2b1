// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "lithe/ops/all.hpp"
#include "tests/support/model_builder.hpp"

/// The models of schema/golden/, as they were when their files were written.
namespace lithe::test {

inline std::vector<float> ramp(std::size_t n, float first, float step) {
  std::vector<float> v(n);
  for (std::size_t i = 0; i < n; ++i) v[i] = first + step * static_cast<float>(i % 7);
  return v;
}

/// Convolution with clamp, pooling, fully connected and softmax: image [1, 8, 8, 1] -> probabilities [1, 4].
inline ModelBuilder golden_classifier() {
  ModelBuilder b;
  const int image = b.input("image", DType::f32, {1, 8, 8, 1});
  const int convolved = b.node<ops::Conv2D>("convolved", {.pads = {1, 1, 1, 1}, .clamp = {.min = 0}},
                                            {image, b.constant<float>({2, 3, 3, 1}, ramp(18, -0.3f, 0.11f)),
                                             b.constant<float>({2}, {0.1f, -0.2f})});
  const int pooled = b.node<ops::MaxPool2D>("pooled", {.kernel = {2, 2}, .strides = {2, 2}}, {convolved});
  const int flat = b.node<ops::Flatten>("flat", {}, {pooled});
  const int scores =
      b.node<ops::FullyConnected>("scores", {}, {flat, b.constant<float>({4, 32}, ramp(128, -0.2f, 0.07f))});
  b.output(b.node<ops::Softmax>("probabilities", {}, {scores}));
  b.model().producer = "lithe";
  b.model().source_name = "classifier";
  return b;
}

/// Every feature of the format: a bounded symbol, a state, a host input, subgraphs, quantization, names and
/// axes of the source model, metadata, a section and a self-test.
///   image [n, 2, 2, 2] f32, previous [1] f32 (state), negate bool, shape [2] s64 (host) -> answer [shape],
///   count [1]
inline ModelBuilder golden_everything() {
  ModelBuilder b;
  const int n = b.symbol("n", 1, 1, 4);
  const int image = b.input("image", DType::f32, {n, 2, 2, 2});
  const int previous = b.input("previous", DType::f32, {1});
  const int negate = b.input("negate", DType::boolean, {});
  const int shape = b.host_input("shape", DType::s64, {2});

  const int scale = b.constant<float>({}, {0.5f}), zero_point = b.constant<std::int8_t>({}, {3});
  const int quantized = b.node<ops::QuantizeLinear>("quantized", {}, {image, scale, zero_point}, DType::s8);
  const int pooled = b.node<ops::MaxPool2D>("pooled", {.kernel = {2, 2}}, {quantized}, DType::s8);
  b.quantize(quantized, {0.5f}, {3});
  b.quantize(pooled, {0.5f}, {3});
  const int real = b.node<ops::DequantizeLinear>("real", {}, {pooled, scale, zero_point});
  const int count =
      b.node<ops::Add>("count", {.clamp = {.max = 100}}, {previous, b.constant<float>({1}, {1})});
  const int sum = b.node<ops::Add>("sum", {}, {real, count});

  const int then_graph = b.subgraph("then"), else_graph = b.subgraph("else");
  b.output(b.node<ops::Neg>("negated", {}, {b.input("value", DType::f32, {n, 1, 1, 2}, then_graph)},
                            DType::f32, then_graph),
           then_graph);
  const int value = b.input("value", DType::f32, {n, 1, 1, 2}, else_graph);
  b.output(b.node<ops::Mul>("doubled", {}, {value, b.constant<float>({1}, {2}, else_graph)}, DType::f32,
                            else_graph),
           else_graph);
  const int chosen = b.nodes<ops::If>("chosen", {}, {negate, sum}, {DType::f32}, {then_graph, else_graph})[0];

  b.output(b.node<ops::Reshape>("answer", {}, {chosen, shape}));
  b.output(count);
  b.graph().value(image).onnx_name = "input:0";
  b.graph().value(image).permutation = {0, 2, 3, 1};
  b.graph().nodes[0].onnx_names = {"QuantizeLinear_0", "Conv_1"};
  graph::Model& m = b.model();
  m.signatures[0].states.push_back({1, 1});
  m.producer = "lithe";
  m.source_name = "everything";
  m.source_hash = "0123456789abcdef";
  m.metadata = {{"image_layout", "nhwc"}, {"labels", "left right"}};
  m.sections.push_back({"note", "golden", {std::byte{1}, std::byte{2}, std::byte{3}}});
  return b;
}

}  // namespace lithe::test
