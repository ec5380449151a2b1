// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "tools/import/convert.hpp"

/// Steps between import and passes; they change what the model's inputs and outputs are, not what it
/// computes.
namespace lithe::import {

/// Sets bounds of symbols; one whose min equals its max becomes a number everywhere. Throws report::Failure
/// (exit 2) for an input or axis that is not there or has no symbol.
void apply_ranges(graph::Model& model, const std::vector<Range>& ranges);
/// Pairs inputs with outputs by name. Throws report::Failure (exit 2) unless both exist, once, with equal
/// dtype and dims.
void apply_states(graph::Model& model, const std::vector<std::pair<std::string, std::string>>& states);
/// Inputs and outputs of rank 4 become [N, H, W, C], with transposes that the passes push inwards.
void use_nhwc(graph::Model& model);
/// Marks graph inputs whose contents decide shapes (Value::host).
void mark_host_inputs(graph::Model& model);
}  // namespace lithe::import
