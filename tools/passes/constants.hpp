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
/// The elements as doubles; nullopt for dtypes that are not numbers of at least a byte.
std::optional<std::vector<double>> doubles_of(const Constant* constant);
std::optional<double> scalar_of(const Constant* constant);
/// The axes that constant input `i` holds, normalized to [0, rank); nullopt if the input is computed.
std::optional<std::vector<std::int64_t>> constant_axes(const Graph& graph, const Node& node, int i, int rank);
/// A constant of these elements, each rounded once to a floating-point or integer dtype.
ConstantPtr make_numbers(DType dtype, const Shape& shape, std::span<const double> elements);
/// Whether the largest of these numbers is within the range of a floating-point type, and 0 or of full precision in it.
bool fits(DType dtype, std::span<const double> elements);
/// Whether some are 0 and all others one number, as in what is added to mask elements.
bool is_mask(std::span<const double> elements);
ConstantPtr make_ints(std::span<const std::int64_t> values);
ConstantPtr reshaped(const Constant& constant, const Shape& shape);
/// The transposed constant: axis i of the result is axis p[i]. Null for dtypes of less than a byte.
ConstantPtr transposed(const Constant& constant, const Permutation& p);
bool same_contents(const ConstantPtr& a, const ConstantPtr& b);

}  // namespace lithe::passes
