// SPDX-License-Identifier: Apache-2.0
#include "tools/graph/multiply_adds.hpp"

#include <vector>

#include "lithe/ops/matmul.hpp"

namespace lithe::graph {

std::uint64_t multiply_adds(std::string_view op, std::span<const Shape> inputs, const Shape& output,
                            bool transpose_a) {
  const auto elements = [](const Shape& shape) { return static_cast<std::uint64_t>(shape.elements()); };
  const auto divided = [](std::uint64_t n, index_t by) {
    return by == 0 ? 0 : n / static_cast<std::uint64_t>(by);
  };
  if (inputs.size() < 2) return 0;
  const Shape &first = inputs[0], &second = inputs[1];
  if (op == "Conv2D" || op == "Conv3D" || op == "FullyConnected" || op == "DynamicFullyConnected")
    return elements(output) * divided(elements(second), second[0]);
  if (op == "DepthwiseConv2D")
    return elements(output) * divided(divided(elements(second), second[2]), second[3]);
  if (op == "ConvTranspose2D" || op == "ConvTranspose3D")
    return elements(first) * divided(elements(second), first.back());
  if (op == "MatMul")
    return elements(output) *
           static_cast<std::uint64_t>(first[first.rank() - (transpose_a && first.rank() > 1 ? 2 : 1)]);
  if (op == "LSTM" || op == "GRU" || op == "RNN")
    return inputs.size() < 3
               ? 0
               : static_cast<std::uint64_t>(first[0] * first[1]) * (elements(second) + elements(inputs[2]));
  return 0;
}

std::uint64_t multiply_adds(const runtime::NodeView& node) {
  if (node.outputs().empty()) return 0;
  const std::string_view op = node.op_name();
  std::vector<Shape> shapes;
  for (const TensorView& input : node.inputs()) shapes.push_back(input.shape);
  const bool transposed = op == "MatMul" && node.attributes_of<ops::MatMul>().transpose_a;
  return multiply_adds(op, shapes, node.outputs()[0].shape, transposed);
}

}  // namespace lithe::graph
