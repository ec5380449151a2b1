// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>

namespace lithe::test {

/// What the whole process has asked the system's allocators for; every thread counts.
struct Usage {
  std::int64_t allocations = 0;  ///< calls of malloc and its family that gave memory, and of mmap
  std::int64_t releases = 0;     ///< calls of free and munmap
  std::int64_t bytes = 0;        ///< alive: what malloc's callers asked for, and mapped bytes in whole pages
};
Usage usage();

/// Sanitizers bring allocators of their own: nothing is counted under them.
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
inline constexpr bool counting = false;
#elif defined(__has_feature)
#if __has_feature(address_sanitizer) || __has_feature(thread_sanitizer)
inline constexpr bool counting = false;
#else
inline constexpr bool counting = true;
#endif
#else
inline constexpr bool counting = true;
#endif

}  // namespace lithe::test
