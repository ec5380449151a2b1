// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "tools/graph/graph.hpp"

namespace lithe::graph {

/// Fills in the dims of values whose producers' inputs have fixed dims. Where only the ranks of the inputs
/// are known, it fills in the dimensions that do not depend on the open ones, and the rank of values that
/// have none; symbols that contradict the operator's rule become unknown. Outputs of nodes that cannot be
/// inferred keep what they have.
void infer_dims(Graph& graph);
/// The same for the outputs of one node; its inputs must be up to date. The status is that of `infer` where
/// all inputs have fixed dims, except that Code::needs_value counts as ok.
Status infer_dims(Graph& graph, const Node& node);

}  // namespace lithe::graph
