// SPDX-License-Identifier: Apache-2.0
#include "tools/io/write_file.hpp"

#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <cstdlib>
#include <string>
#include <system_error>

#include "tools/report/error.hpp"

namespace lithe::io {

namespace {

std::string system_text() { return std::error_code(errno, std::generic_category()).message(); }

[[noreturn]] void refuse_to_write(const std::filesystem::path& path, const std::string& reason) {
  report::system_refused(path.string() + ": cannot be written (" + reason +
                         "); make room or choose another name or folder");
}

/// What `path` names once symbolic links are followed: a regular file, or nothing yet.
std::filesystem::path target_of(const std::filesystem::path& path) {
  std::error_code error;
  const std::filesystem::file_status found = std::filesystem::status(path, error);
  if (found.type() == std::filesystem::file_type::none) refuse_to_write(path, error.message());
  if (exists(found) && !is_regular_file(found))
    report::system_refused(path.string() + ": is no regular file, so nothing is written there; choose " +
                           "another name");
  std::filesystem::path target = path;
  while (is_symlink(symlink_status(target, error)))
    target = target.parent_path() / read_symlink(target, error);
  return target;
}

}  // namespace

void check_output(const std::filesystem::path& output, const std::filesystem::path& input) {
  std::error_code error;  // where one of them does not exist
  if (equivalent(output, input, error))
    report::bad_usage(output.string() + ": is the input itself, which would be lost; choose another name");
  const std::filesystem::path folder = target_of(output).parent_path();
  if (access(folder.empty() ? "." : folder.c_str(), W_OK) != 0) refuse_to_write(output, system_text());
}

void write_file(const std::filesystem::path& path, std::span<const std::byte> bytes) {
  const std::filesystem::path target = target_of(path);
  std::string temporary = target.string() + ".XXXXXX";
  const int descriptor = mkstemp(temporary.data());
  if (descriptor < 0) refuse_to_write(path, system_text());
  bool ok = fchmod(descriptor, 0644) == 0;
  for (std::size_t done = 0; ok && done < bytes.size();) {
    const ssize_t n = ::write(descriptor, bytes.data() + done, bytes.size() - done);
    if (n < 0 && errno == EINTR) continue;
    ok = n > 0;
    if (ok) done += static_cast<std::size_t>(n);
  }
  ok = ok && fsync(descriptor) == 0;
  ok = close(descriptor) == 0 && ok;
  ok = ok && std::rename(temporary.c_str(), target.c_str()) == 0;
  if (ok) return;
  const std::string reason = system_text();
  unlink(temporary.c_str());
  refuse_to_write(path, reason);
}

void write_file(const std::filesystem::path& path, std::string_view text) {
  write_file(path, std::as_bytes(std::span(text)));
}

}  // namespace lithe::io
