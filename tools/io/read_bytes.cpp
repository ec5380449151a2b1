// SPDX-License-Identifier: Apache-2.0
#include "tools/io/read_bytes.hpp"

#include <cstdint>
#include <fstream>
#include <system_error>

#include "tools/report/error.hpp"

namespace lithe::io {

namespace {
constexpr std::uintmax_t limit = std::uintmax_t{2} << 30;
}  // namespace

std::string read_bytes(const std::filesystem::path& path) {
  std::error_code error;
  const auto size = std::filesystem::file_size(path, error);
  std::ifstream file(path, std::ios::binary);
  if (error || !file) report::system_refused(path.string() + ": cannot be read; does it exist?");
  if (size > limit) report::bad_input(path.string() + ": is larger than 2 GiB");
  std::string bytes(static_cast<std::size_t>(size), '\0');
  file.read(bytes.data(), static_cast<std::streamsize>(size));
  if (!file) report::system_refused(path.string() + ": could not be read to its end");
  return bytes;
}

}  // namespace lithe::io
