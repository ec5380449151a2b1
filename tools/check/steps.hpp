// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "tools/graph/graph.hpp"

/// Steps of quantization at the ends of a graph.
namespace lithe::check {

/// The scale of the QuantizeLinear that reads an input; 1 for 8-bit integers; 0 where there is none.
double input_step(const graph::Graph& g, graph::ValueId input);
/// The scale by which an output was just quantized or dequantized; 0 where it was not.
double output_step(const graph::Graph& g, graph::ValueId output);

}  // namespace lithe::check
