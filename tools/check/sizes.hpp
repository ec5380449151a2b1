// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "tools/graph/graph.hpp"

namespace lithe::check {

/// A size for each symbol of the model.
using Sizes = std::vector<std::uint64_t>;

/// Min, opt and max of every symbol, 1, 2 and 7 where there is no max; each setting once.
std::vector<Sizes> settings(const graph::Model& model);
/// For models that take none of the small sizes (windows larger than 7): sizes to try until one runs.
std::vector<Sizes> larger_settings(const graph::Model& model);
/// Whether all sizes are what the user asked for.
bool has_bounds(const graph::Model& model);
/// "N=1, H=64".
std::string sizes_text(const graph::Model& model, const Sizes& sizes);

}  // namespace lithe::check
