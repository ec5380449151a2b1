// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <vector>

#include "tools/import/convert.hpp"

namespace lithe::import {

/// Throws report::Failure (exit 2) for a range with which the model cannot run: no size in it fits the model's constants,
/// or the largest does not, for which memory is planned, while others do. Called before apply_ranges.
void check_ranges(const graph::Model& model, const std::vector<Range>& ranges);

}  // namespace lithe::import
