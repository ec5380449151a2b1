// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "lithe/core/facts.hpp"
#include "tools/graph/graph.hpp"

namespace lithe::graph {

/// The portable kernel (and through it the contract) of an operator, or null.
const KernelEntry* find_kernel(std::string_view op, std::uint16_t version = 1);

/// What an operator says of itself; nothing for one that is not known here (a custom one).
const OperatorFacts& facts_of(std::string_view op, std::uint16_t version = 1);
inline const OperatorFacts& facts_of(const Node& node) { return facts_of(node.op, node.version); }
inline const OperatorFacts& facts_of(const OpSpec& spec) { return facts_of(spec.name, spec.version); }
/// The spec of a node's operator; without name, inputs and outputs where it is not known here.
const OpSpec& spec_of(const Node& node);
/// Whether a node makes stored numbers of real ones, or real numbers of stored ones, by a given scale.
inline bool quantizes(const Node& node) { return facts_of(node).coding == Coding::quantizes; }
inline bool dequantizes(const Node& node) { return facts_of(node).coding == Coding::dequantizes; }
/// What a node does with the elements of input 0, by its attributes.
Movement movement_of(const Node& node);
/// The bounds of a node that does nothing but bound its input; nullopt for others.
std::optional<Clamp> limits_of(const Node& node);

/// Operators that the model uses and lithe does not run here: custom ones, whose kernels live in the
/// application.
std::vector<std::string> custom_operators(const Model& model);

}  // namespace lithe::graph
