// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <vector>

#include "tools/passes/permutation.hpp"

/// The numbers in constants.
namespace lithe::passes {

std::optional<std::vector<std::int64_t>> ints_of(const Constant* constant);
/// Elements widened to double; nullopt for dtypes that are not numbers of at least a byte.
std::optional<std::vector<double>> doubles_of(const Constant* constant);
std::optional<double> scalar_of(const Constant* constant);
/// Constant axes of input `i`, normalized to [0, rank); nullopt where they are computed.
std::optional<std::vector<std::int64_t>> constant_axes(const Graph& graph, const Node& node, int i, int rank);
/// Elements rounded once to a floating-point or integer dtype.
ConstantPtr make_numbers(DType dtype, const Shape& shape, std::span<const double> elements);
ConstantPtr make_ints(std::span<const std::int64_t> values);
ConstantPtr reshaped(const Constant& constant, const Shape& shape);
/// Axis i of the result is axis p[i]; null for sub-byte dtypes.
ConstantPtr transposed(const Constant& constant, const Permutation& p);
bool same_contents(const ConstantPtr& a, const ConstantPtr& b);

}  // namespace lithe::passes
