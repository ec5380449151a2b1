// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <filesystem>
#include <span>
#include <string_view>

namespace lithe::io {

/// Called before long work: throws report::Failure for what write_file would refuse (exit 4), and if `output`
/// is the file `input`, also by another name or through links (exit 2).
void check_output(const std::filesystem::path& output, const std::filesystem::path& input);

/// Writes a temporary file beside `path` and renames it, so that no half-written file stays. A symbolic link
/// stays, and what it points to is written. Throws report::Failure (exit 4), also for a folder, a device or a
/// pipe at `path`.
void write_file(const std::filesystem::path& path, std::span<const std::byte> bytes);
void write_file(const std::filesystem::path& path, std::string_view text);

}  // namespace lithe::io
