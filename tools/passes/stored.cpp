// SPDX-License-Identifier: Apache-2.0
#include "tools/passes/stored.hpp"

#include <algorithm>
#include <utility>

#include "tools/passes/constants.hpp"
#include "tools/passes/node.hpp"
#include "tools/passes/rewriter.hpp"

namespace lithe::passes {

bool is_dequantized_constant(Rewriter& rewriter, ValueId v) {
  const int n = rewriter.producer(v, Coding::dequantizes);
  if (n < 0) return false;
  const auto& inputs = rewriter.node(n).inputs;
  return std::all_of(inputs.begin(), inputs.end(),
                     [&](ValueId i) { return i < 0 || rewriter.value(i).constant != nullptr; });
}

ConstantPtr stored_constant(Rewriter& rewriter, ValueId v) {
  if (v < 0) return nullptr;
  if (rewriter.value(v).constant) return rewriter.value(v).constant;
  if (!is_dequantized_constant(rewriter, v)) return nullptr;
  const Node& node = rewriter.node(rewriter.producer(v));
  const ConstantPtr scale = rewriter.value(node.inputs[1]).constant;
  if (int_attribute(node, "block_size", 0) != 0 || scale->shape.rank() > 1) return nullptr;
  return rewriter.value(node.inputs[0]).constant;
}

int stored_axis(Rewriter& rewriter, ValueId v) {
  const int n = rewriter.producer(v, Coding::dequantizes);
  if (n < 0) return -1;
  const Node& node = rewriter.node(n);
  if (rewriter.value(node.inputs[1]).constant->shape.elements() == 1) return -1;
  return normalize_axis(int_attribute(node, "axis", 1),
                        rewriter.value(node.inputs[0]).constant->shape.rank());
}

ValueId with_stored(Rewriter& rewriter, ValueId v, ConstantPtr elements, int axis, int near) {
  const Dims dims(elements->shape.dims().begin(), elements->shape.dims().end());
  const std::string name = rewriter.value(v).name;
  const int n = rewriter.producer(v, Coding::dequantizes);
  if (n < 0) {
    const auto quantization = rewriter.value(v).quantization;
    const ValueId constant = rewriter.add_constant(std::move(elements), name);
    rewriter.graph().value(constant).quantization = quantization;
    return constant;
  }
  Node copy = rewriter.node(n);
  const ValueId output = rewriter.like(v, "");
  rewriter.graph().value(output).dims = dims;
  copy.inputs[0] = rewriter.add_constant(std::move(elements), rewriter.value(copy.inputs[0]).name);
  copy.outputs = {output};
  set_int(copy, "axis", axis < 0 ? 1 : axis, 1);
  rewriter.add_node(std::move(copy), near);
  return output;
}

ValueId as_channel_vector(Rewriter& rewriter, ValueId v, int rank, index_t n, int near) {
  const ConstantPtr stored = stored_constant(rewriter, v);
  if (!stored || stored->shape.rank() > rank || stored->shape.elements() != stored->shape.back())
    return absent;
  if (stored->shape.rank() == 1 && stored->shape[0] == n) return v;
  if (stored->shape.elements() == n)
    return with_stored(rewriter, v, reshaped(*stored, {n}), stored_axis(rewriter, v) < 0 ? -1 : 0, near);
  if (stored->shape.elements() != 1 || stored_axis(rewriter, v) >= 0) return absent;
  auto repeated = std::make_shared<Constant>();
  repeated->dtype = stored->dtype;
  repeated->shape = {n};
  for (index_t i = 0; i < n; ++i)
    repeated->bytes.insert(repeated->bytes.end(), stored->bytes.begin(), stored->bytes.end());
  return with_stored(rewriter, v, std::move(repeated), -1, near);
}

}  // namespace lithe::passes
