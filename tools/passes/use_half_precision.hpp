// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "tools/graph/graph.hpp"

namespace lithe::passes {

/// Computes in f16 whatever operators take it; the rest, inputs and outputs, and what keeps a divisor from 0
/// by a number too small for f16 stay f32, between casts.
void use_half_precision(graph::Model& model);

}  // namespace lithe::passes
