// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <filesystem>
#include <string>
#include <vector>

#include "tools/graph/graph.hpp"
#include "tools/passes/pass_log.hpp"
#include "tools/quantize/accuracy.hpp"
#include "tools/quantize/ranges.hpp"
#include "tools/quantize/samples.hpp"

/// Post-training quantization: a float model and a folder of samples become an int8 model.
namespace lithe::quantize {

struct Options {
  std::filesystem::path samples;
  PixelOptions pixels{};
  Method method = Method::minmax;
  std::filesystem::path cache{};  ///< empty: none
  double max_drop = -1;  ///< largest error on the samples, in Accuracy::error's measure; negative: any
  std::size_t threads = 1;
};

struct Report {
  std::size_t layers = 0;          ///< those with weights: convolutions and fully connected ones
  std::size_t int8_layers = 0;     ///< how many of these run in int8
  std::vector<std::string> kept;   ///< nodes that max_drop keeps in floating point, in running order
  std::vector<std::string> left;   ///< layers that stay in floating point for other reasons
  std::vector<std::string> notes;  ///< outliers, dead channels, the cache: what the user should know
  Accuracy accuracy;               ///< the int8 model against the float one, on the samples
};

struct Quantized {
  graph::Model reference;  ///< what int8 has to give: the float graph with quantizers in it
  graph::Model model;      ///< the same in int8
  Report report;
};

/// Quantizes the main graph of an optimized float model: calibrates on the samples, equalizes layers, chooses
/// ranges, corrects biases, and leaves in floating point the nodes that matter most until the error is within
/// max_drop. Subgraphs stay as they are. Errors: Failure, exit 2 for a model that is quantized already or has
/// no layer that can be; those of Samples and read_cache.
Quantized quantize_model(const graph::Model& floating, const Options& options, passes::PassLog& log);

}  // namespace lithe::quantize
