// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <functional>
#include <string>
#include <vector>

#include "tools/graph/graph.hpp"

namespace lithe::check {

/// How often guess_shape_contents has another idea.
inline constexpr int shape_attempts = 6;

/// Contents for an input that decides shapes: what the operator that reads it takes there, by the name that its
/// contract gives that input and the shape of its first input (sizes of a Split add up, axes exist); later
/// attempts are numbers that operators usually take. `shape_of` gives the shape of a value, as far as it is
/// known before contents are.
std::vector<double> guess_shape_contents(const graph::Graph& g, graph::ValueId input, int attempt,
                                         const std::function<Shape(graph::ValueId)>& shape_of);

/// Who reads an input of which only the right contents can be run, as "input 'axes' (s64 [2]), read by
/// ReduceSum of 'node'".
std::string reader_text(const graph::Graph& g, graph::ValueId input);

}  // namespace lithe::check
