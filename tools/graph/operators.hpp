// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "tools/graph/graph.hpp"

namespace lithe::graph {

/// The portable kernel (and through it the contract) of an operator, or null.
const KernelEntry* find_kernel(std::string_view op, std::uint16_t version = 1);

/// Operators that the model uses and lithe does not run here: custom ones, whose kernels live in the
/// application.
std::vector<std::string> custom_operators(const Model& model);

}  // namespace lithe::graph
