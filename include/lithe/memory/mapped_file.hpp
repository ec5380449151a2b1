// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cstddef>
#include <cstdlib>

#include "lithe/core/align.hpp"
#include "lithe/core/services.hpp"
#include "lithe/core/status.hpp"

namespace lithe::inline v0 {

/// How the bytes of a file are held. A mapped file must not be cut short while it is in use: copy files that
/// others can write to.
enum class Access { map, copy };

namespace detail {

inline Result<Storage> map_descriptor(int descriptor, std::size_t size) {
  void* p = mmap(nullptr, size, PROT_READ, MAP_PRIVATE, descriptor, 0);
  if (p == MAP_FAILED) return Status{Code::io, "the system refused to map the file"};
  return Storage(static_cast<const std::byte*>(p), size, [](void* data, std::size_t n) { munmap(data, n); });
}

inline Result<Storage> copy_descriptor(int descriptor, std::size_t size) {
  auto* memory = static_cast<std::byte*>(std::aligned_alloc(64, align_up(size, 64)));
  if (memory == nullptr) return Status{Code::out_of_memory, "no memory for a copy of the file"};
  for (std::size_t done = 0; done < size;) {
    const ssize_t n = read(descriptor, memory + done, size - done);
    if (n <= 0) {
      std::free(memory);
      return Status{Code::io, "the file could not be read to its end"};
    }
    done += static_cast<std::size_t>(n);
  }
  return Storage(memory, size, [](void* data, std::size_t) { std::free(data); });
}

}  // namespace detail

/// Reads or maps a regular file.
/// Errors: Code::io if it is missing, unreadable, empty or not a regular file.
inline Result<Storage> read_file(const char* path, Access access = Access::map) {
  const int descriptor =
      ::open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);  // a pipe is refused, not waited for
  if (descriptor < 0)
    return Status{Code::io, "the file cannot be opened: does it exist, and may this user read it?"};
  struct stat facts{};
  Result<Storage> result = Status{Code::io, "not a regular file with contents"};
  if (fstat(descriptor, &facts) == 0 && S_ISREG(facts.st_mode) && facts.st_size > 0) {
    const auto size = static_cast<std::size_t>(facts.st_size);
    result = access == Access::map ? detail::map_descriptor(descriptor, size)
                                   : detail::copy_descriptor(descriptor, size);
  }
  close(descriptor);
  return result;
}

}  // namespace lithe::inline v0
