// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "tools/graph/graph.hpp"

namespace lithe::check {

/// The scale by which an output was just quantized or dequantized; 0 where it was not.
double output_step(const graph::Graph& g, graph::ValueId output);

}  // namespace lithe::check
