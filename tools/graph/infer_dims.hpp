// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "lithe/core/status.hpp"
#include "tools/graph/graph.hpp"

namespace lithe::graph {

/// Sets the dims of all values, as far as they follow from those of the graph's inputs (sampled_shapes.hpp).
void infer_dims(Graph& graph);
/// The same for the outputs of one node, from the dims of its inputs. The status is that of `infer` where all inputs
/// have fixed dims, except that Code::needs_value counts as ok.
Status infer_dims(Graph& graph, const Node& node);

}  // namespace lithe::graph
