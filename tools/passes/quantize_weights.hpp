// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>
#include <vector>

#include "tools/graph/graph.hpp"
#include "tools/passes/pass_log.hpp"

namespace lithe::passes {

/// Layers with fewer weights stay as they are: quantizing the input of fully connected ones costs more than it
/// saves.
inline constexpr index_t fewest_weights = 1024;
/// 4-bit weights share a scale with those around them in blocks of so many.
inline constexpr index_t weights_per_block = 32;
struct WeightedLayers {
  int all = 0;
  std::vector<std::string> wider;  ///< those with 8 bits where 4 were asked for
};
/// Gives layers with at least so many constant weights 8-bit weights. Fully connected ones quantize their input rows at
/// run time, and get 4-bit weights if asked and if blocks divide K; recurrent ones compute in f32. Not in the pipeline.
WeightedLayers quantize_weights(graph::Model& model, int bits, PassLog& log);

}  // namespace lithe::passes
