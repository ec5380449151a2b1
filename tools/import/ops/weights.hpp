// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <optional>
#include <string_view>

#include "tools/import/importer.hpp"

namespace lithe::import {

/// Whether `value` is a constant, or one that was reshaped, transposed, converted or dequantized on its way.
inline bool constant_weights(const NodeImport& node, graph::ValueId value) {
  constexpr std::string_view followed[] = {"Reshape", "Transpose", "Cast",   "DequantizeLinear",
                                           "Squeeze", "Unsqueeze", "Flatten"};
  constexpr int longest = 16;  // nodes followed
  for (int steps = 0; steps <= longest; ++steps) {
    if (value == graph::absent) return false;
    if (node.constant(value) != nullptr) return true;
    const graph::Node* producer = node.producer(value);
    if (producer == nullptr || producer->inputs.empty()) return false;
    bool follow = false;
    for (const std::string_view op : followed) follow = follow || op == producer->op;
    if (!follow) return false;
    for (std::size_t i = 1; i < producer->inputs.size(); ++i)
      if (producer->inputs[i] != graph::absent && node.constant(producer->inputs[i]) == nullptr) return false;
    value = producer->inputs[0];
  }
  return false;
}

/// Whether [.., K] x [K, N] becomes FullyConnected: constant matrices of the dtypes that operator packs.
inline bool fully_connected(const NodeImport& node, graph::ValueId matrix) {
  const DType dtype = node.dtype(matrix);
  return (dtype == DType::f32 || dtype == DType::f16) && node.rank(matrix) == std::optional<int>(2) &&
         constant_weights(node, matrix);
}

}  // namespace lithe::import
