// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <vector>

#include "lithe/model.hpp"
#include "tools/graph/graph.hpp"

namespace lithe::graph {

/// The bytes of a .lithe file: tables, then the data segment (schema/README.md). The same model gives the
/// same bytes. Subgraphs that no signature reaches and values that nobody mentions are left out. Throws
/// std::logic_error for a model that breaks its own rules (an id out of range, a value used before it is
/// made, two values of one name): that is a bug of the converter.
std::vector<std::byte> write(const Model& model);

/// What the id of an open file must be by its buffers and tables; bytes between them do not count.
std::array<std::uint64_t, 2> content_id(const lithe::Model& file);

}  // namespace lithe::graph
