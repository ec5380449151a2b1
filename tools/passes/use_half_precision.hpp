// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "tools/graph/graph.hpp"

namespace lithe::passes {

/// Operators that take f16 compute in f16. The others stay f32, between casts, and so do inputs, outputs, what
/// keeps a divisor from 0 by a number that is too small for f16, and sums with a constant that is too large for what
/// is left to have digits.
void use_half_precision(graph::Model& model);

}  // namespace lithe::passes
