// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <map>
#include <span>
#include <string>
#include <vector>

#include "lithe/session.hpp"
#include "tools/lithe/open_model.hpp"

/// What the file says of a session's inputs.
namespace lithe::cli {

/// Whether the contents of an input decide shapes.
bool is_host_input(const Session& session, int input);
/// An input's dims as the file has them: numbers, -1 or symbols.
std::span<const std::int64_t> input_dims(const Session& session, int input);
/// The symbol that stands for a dimension, or null.
const format::Symbol* symbol_at(const Model& model, std::int64_t dim);
/// Whether a dimension has no upper bound.
bool has_no_bound(const Model& model, std::int64_t dim);
/// Names on stderr the inputs whose sizes nobody gave, neither when converting nor in `given`, with the shape
/// that they have now: what is measured there may mean little.
void note_open_shapes(Session& session, const OpenModel& model,
                      const std::map<std::string, std::vector<std::int64_t>>& given);

}  // namespace lithe::cli
