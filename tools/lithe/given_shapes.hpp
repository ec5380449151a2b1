// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <functional>
#include <span>
#include <string>
#include <vector>

#include "lithe/core/status.hpp"
#include "lithe/runtime/options.hpp"
#include "tools/lithe/open_model.hpp"

/// What is wrong with shapes that a user gives the inputs of a model, by name, with what the model wants.
namespace lithe::cli {

/// The names of the inputs of a signature; of the first where it has no name.
std::vector<std::string> input_names(const Model& model, const std::string& signature = {});

/// Throws report::Failure with this exit code for the first shape that its input does not take: another rank, another
/// size of a fixed dimension, one out of its bounds, or dimensions of one name that differ.
void check_shapes(const OpenModel& model, const std::string& signature, std::span<const InputShape> shapes,
                  int exit);

/// Throws report::Failure for what a session says of shapes that passed check_shapes. `works` tells whether it takes
/// others: if it does with the axes of an input exchanged, that is named.
[[noreturn]] void fail_with_shapes(const Status& status, const OpenModel& model, const std::string& signature,
                                   std::span<const InputShape> shapes,
                                   const std::function<bool(std::span<const InputShape>)>& works);

}  // namespace lithe::cli
