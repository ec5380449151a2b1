// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <optional>
#include <vector>

#include "tools/passes/node.hpp"
#include "tools/passes/rewriter.hpp"

/// Orders of axes, and the Transpose nodes that make them.
namespace lithe::passes {

using Permutation = std::vector<std::int32_t>;

bool is_identity(const Permutation& p);
Permutation inverse(const Permutation& p);
/// `second` after `first`: axis i of the result is axis first[second[i]].
Permutation compose(const Permutation& first, const Permutation& second);
bool is_transpose(const Node& node);
/// The index of the Transpose that produces `v`; -1 where none does.
int transpose_above(Rewriter& rewriter, ValueId v);
/// The permutation of a Transpose node; nullopt where the rank is unknown.
std::optional<Permutation> permutation_of(const Graph& graph, const Node& node);
Dims permuted(const Dims& dims, const Permutation& p);
/// Whether `node`, a Transpose, moves no data: all axes that change their order have one element.
bool is_free_transpose(const Graph& graph, const Node& node);
/// Gives the ONNX name of `from` to a value that channels-last rewriting reached through permutation `p`:
/// axis i of `from` is axis p[i] of that value.
void take_name(Value& to, const Value& from, const Permutation& p);

}  // namespace lithe::passes
