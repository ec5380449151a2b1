// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <optional>
#include <vector>

#include "lithe/runtime/inspect.hpp"
#include "tools/check/random.hpp"

namespace lithe::check {

/// Random contents for each input of a planned graph, from what the graph tells of it: the size of a table bounds
/// indices, a factor of -1e9 takes a mask of 0 and 1, a divisor is not 0, a logarithm takes positive numbers, and
/// what is normalized by constants lies around their mean. What stands at an input is moved back through the
/// operators between. nullopt: nothing is told.
std::vector<std::optional<std::vector<double>>> told(const runtime::PlanView& plan, Random& random);

}  // namespace lithe::check
