// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <span>

#include "lithe/core/kernel.hpp"
#include "lithe/core/operator.hpp"
#include "lithe/core/status.hpp"

namespace lithe::inline v0 {

/// Whether a list of names has room for `places`: at least the required ones, and no more than there are
/// unless the last one repeats.
constexpr bool takes_places(const NameList& names, std::size_t places) {
  return places >= static_cast<std::size_t>(names.required()) &&
         (names.variadic() || places <= static_cast<std::size_t>(names.size()));
}

/// The one judge of a node before its shapes are looked at: loader and converter both ask it. `input(i)` and
/// `output(i)` give the dtype of place `i` of `inputs` and `outputs` places, DType::none where it is left
/// empty. Rules:
///   - every required place exists; more places than names only where the last name repeats;
///   - a required input is present, and so is every repetition of a required one;
///   - a required output may be left empty: nobody reads it;
///   - the node has as many subgraphs as its operator takes;
///   - a type row fits, of some kernel in `kernels` that runs `spec`: one kernel's rows may be fewer than
///     another's.
/// Errors: Code::invalid_model for a number or a missing input; Code::dtype where no row fits.
template <class Input, class Output>
[[gnu::cold]] Status check_node(const OpSpec& spec, std::span<const KernelEntry> kernels, std::size_t inputs,
                                Input input, std::size_t outputs, Output output, std::size_t subgraphs) {
  if (!takes_places(spec.inputs, inputs))
    return {Code::invalid_model, "a node has another number of inputs than its operator takes"};
  if (!takes_places(spec.outputs, outputs))
    return {Code::invalid_model, "a node has another number of outputs than its operator gives"};
  const auto required = static_cast<std::size_t>(spec.inputs.required());
  const bool all_required = required == static_cast<std::size_t>(spec.inputs.size());
  for (std::size_t i = 0; i < inputs; ++i)
    if ((i < required || all_required) && input(i) == DType::none)
      return {Code::invalid_model, "a node lacks an input that its operator requires"};
  if (subgraphs != static_cast<std::size_t>(spec.subgraphs))
    return {Code::invalid_model, "a node has another number of subgraphs than its operator takes"};
  for (const KernelEntry& kernel : kernels) {
    if (kernel.op->spec != &spec) continue;
    for (const TypeRow& row : kernel.op->types)
      if (matches(row, inputs, input, outputs, output)) return {};
  }
  return {Code::dtype, "no listed kernel takes a node of these element types"};
}

}  // namespace lithe::inline v0
