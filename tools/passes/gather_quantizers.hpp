// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "tools/passes/node.hpp"
#include "tools/passes/pass_log.hpp"

namespace lithe::passes {

/// Moves DequantizeLinear down and QuantizeLinear up through nodes that only move data, until they meet.
void gather_quantizers(Graph& graph, PassLog& log);

}  // namespace lithe::passes
