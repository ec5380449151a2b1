// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <sys/mman.h>

#include <cstddef>

#include "lithe/core/services.hpp"

namespace lithe::inline v0 {

/// Address ranges from the operating system; a page costs memory only once it is touched.
inline constexpr ArenaSource system_arena{
    .reserve = [](std::size_t bytes) -> void* {
      void* p =
          mmap(nullptr, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
      return p == MAP_FAILED ? nullptr : p;
    },
    .trim = [](void* base, std::size_t reserved,
               std::size_t used) { munmap(static_cast<char*>(base) + used, reserved - used); },
    .release = [](void* base, std::size_t bytes) { munmap(base, bytes); }};

}  // namespace lithe::inline v0
