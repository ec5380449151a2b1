// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "tools/graph/graph.hpp"
#include "tools/passes/pass_log.hpp"

namespace lithe::passes {

/// Fully connected layers with fewer weights stay: quantizing their input costs more than it saves.
inline constexpr index_t fewest_weights = 1024;
/// Not of the pipeline: fully connected layers with so many constant weights get weights of 8 bits, or of 4
/// in blocks of 32 where these divide K, over rows that are quantized at run time. Returns how many.
int quantize_weights(graph::Model& model, int bits, PassLog& log);

}  // namespace lithe::passes
