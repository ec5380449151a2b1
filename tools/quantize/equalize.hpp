// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <map>
#include <string>
#include <vector>

#include "tools/graph/graph.hpp"
#include "tools/quantize/observer.hpp"

namespace lithe::quantize {

/// By what each channel of a layer's result is divided, by key_of the layer.
using Equalization = std::map<std::string, std::vector<float>>;

/// Factors for pairs of layers with nothing or a Relu between, whose first result nobody else reads: what the
/// first one's channels are divided by, the second one's weights are multiplied with, and the network
/// computes the same. Source: Nagel et al., "Data-Free Quantization Through Weight Equalization and Bias
/// Correction", 2019. Weights have a scale for each output channel here, so that it is the tensor between
/// that gains: channel i, of measured range a[i], is divided by sqrt(a[i] / w[i]) with w[i] the largest
/// weight that reads it; and by a[i] alone where the second layer is depthwise, whose weights then lose
/// nothing. Both are relative to the largest channel.
Equalization equalization(const graph::Graph& graph, const Observations& seen);

/// Puts the factors into weights and biases. Layers that the graph does not have are passed over.
void equalize(graph::Graph& graph, const Equalization& factors);

}  // namespace lithe::quantize
