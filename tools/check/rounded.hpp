// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "tools/check/random.hpp"
#include "tools/graph/graph.hpp"

namespace lithe::check {

/// The model as other kernels might round it: whatever a node makes in f32 is off by up to `by` of itself, by
/// one factor for the whole tensor, and what is below the smallest normal number becomes 0.
graph::Model rounded(graph::Model model, float by, Random& random);

}  // namespace lithe::check
