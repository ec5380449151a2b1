// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <map>
#include <string>
#include <vector>

#include "tools/graph/graph.hpp"
#include "tools/quantize/observer.hpp"

namespace lithe::quantize {

/// The factors by which each channel of a layer's result is divided; the key is key_of the layer.
using Equalization = std::map<std::string, std::vector<float>>;

/// Factors for pairs of layers with nothing or a Relu between them, if nobody else reads the first one's
/// result. The channels of the first layer are divided by the factors, the weights of the second one are
/// multiplied by them, and the network computes the same. Source: Nagel et al., "Data-Free Quantization
/// Through Weight Equalization and Bias Correction", 2019. Weights have a scale for each output channel here,
/// so the tensor between the layers gains. Channel i has the measured range a[i], and w[i] is the largest
/// weight that reads it: it is divided by sqrt(a[i] / w[i]), or by a[i] if the second layer is depthwise,
/// whose weights then lose nothing. Both are relative to the largest channel.
Equalization equalization(const graph::Graph& graph, const Observations& seen);

/// Multiplies the factors into weights and biases. Layers that the graph does not have are passed over.
void equalize(graph::Graph& graph, const Equalization& factors);

}  // namespace lithe::quantize
