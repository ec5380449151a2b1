// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "tools/graph/graph.hpp"

namespace lithe::check {

/// A size for each symbol of the model.
using Sizes = std::vector<std::uint64_t>;

/// Min, opt and max of every symbol, 1, 2 and 7 where there is no max; each setting once. A symbol without max whose name
/// computes its size ("past + 1") has that size.
std::vector<Sizes> settings(const graph::Model& model);
/// For models that take none of the small sizes (windows larger than 7): sizes to try until one runs.
std::vector<Sizes> larger_settings(const graph::Model& model);
/// For models of several symbols that refuse these sizes: the same, but that one is larger than the rest, by 1, by a fixed dimension
/// of an input, or twice as large. A mask of attention is as long as past and present are together.
std::vector<Sizes> variants(const graph::Model& model, const Sizes& sizes);
/// Whether all sizes are what the user asked for.
bool has_bounds(const graph::Model& model);
/// "N=1, H=64".
std::string sizes_text(const graph::Model& model, const Sizes& sizes);

}  // namespace lithe::check
