// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <map>
#include <string>
#include <vector>

#include "tools/graph/graph.hpp"
#include "tools/quantize/ranges.hpp"
#include "tools/quantize/select.hpp"

namespace lithe::quantize {

/// What calibration says of a float graph, by names.
struct Calibration {
  std::map<std::string, Range> values;  ///< the ranges of what is stored: inputs, and the roots of groups
  std::map<std::string, std::vector<double>>
      means;  ///< the means of the channels that a layer reads, by key_of the layer
  friend bool operator==(const Calibration&, const Calibration&) = default;
};

/// Puts QuantizeLinear and DequantizeLinear nodes around the selected nodes of a float graph, from which
/// passes::quantize makes int8: s8 with one step for each group of values, and weights symmetric in [-127,
/// 127] with a scale for each output channel. A layer's bias takes back what the rounding of its weights adds
/// to the mean of each output channel (Nagel et al., "Data-Free Quantization Through Weight Equalization and
/// Bias Correction", 2019, with measured means).
void insert_quantizers(graph::Graph& graph, const Selection& selection, const Calibration& calibration);

}  // namespace lithe::quantize
