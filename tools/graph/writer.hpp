// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <span>
#include <string_view>
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

/// Refuses, before long work, what write_file would refuse (exit 4), and an output that is the input, also by
/// another name or through links (exit 2).
void check_output(const std::filesystem::path& output, const std::filesystem::path& input);

/// Writes beside the file and renames, so that no half-written file stays. A symbolic link stays, and what it
/// points to is written. Throws report::Failure (exit 4), also for a folder, a device or a pipe at `path`.
void write_file(const std::filesystem::path& path, std::span<const std::byte> bytes);
void write_file(const std::filesystem::path& path, std::string_view text);

}  // namespace lithe::graph
