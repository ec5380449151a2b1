// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "tools/graph/graph.hpp"

namespace lithe::check {

/// The model computed in double precision: every f32, f16 and bf16 value becomes f64, a Cast to a narrower
/// float still rounds, and what constants alone decide is computed once. Operators that have no row of f64
/// (quantized ones) keep their types between two casts. Inputs keep their types; outputs of these types
/// become f64.
graph::Model in_double(graph::Model model);

}  // namespace lithe::check
