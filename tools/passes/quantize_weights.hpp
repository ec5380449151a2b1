// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "tools/graph/graph.hpp"
#include "tools/passes/pass_log.hpp"

namespace lithe::passes {

/// Fully connected layers with fewer weights stay as they are: quantizing their input costs more than it
/// saves.
inline constexpr index_t fewest_weights = 1024;
/// Gives fully connected layers with at least so many constant weights 8-bit weights, or 4-bit weights in
/// blocks of 32 if these divide K; their input rows are quantized at run time. Returns how many layers. Not
/// in the pipeline.
int quantize_weights(graph::Model& model, int bits, PassLog& log);

}  // namespace lithe::passes
