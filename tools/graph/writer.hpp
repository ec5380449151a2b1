// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <filesystem>
#include <span>
#include <vector>

#include "tools/graph/graph.hpp"

namespace lithe::graph {

/// The bytes of a .lithe file: tables, then the data segment (schema/README.md). The same model gives the
/// same bytes. Subgraphs that no signature reaches and values that nobody mentions are left out. Throws
/// std::logic_error for a model that breaks its own rules (an id out of range, a value used before it is
/// made, two values of one name): that is a bug of the converter.
std::vector<std::byte> write(const Model& model);

/// Writes beside `path` and renames, so that no half-written file stays; throws report::Failure (exit 4).
void write_file(const std::filesystem::path& path, std::span<const std::byte> bytes);

}  // namespace lithe::graph
