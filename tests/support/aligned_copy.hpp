// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdlib>
#include <cstring>
#include <new>
#include <span>

#include "lithe/core/services.hpp"

namespace lithe::test {

/// A copy of a model file's bytes at a multiple of 64, as Model::open wants them.
inline Storage aligned_copy(std::span<const std::byte> bytes) {
  auto* memory = static_cast<std::byte*>(std::aligned_alloc(64, (bytes.size() / 64 + 1) * 64));
  if (memory == nullptr) throw std::bad_alloc();
  if (!bytes.empty()) std::memcpy(memory, bytes.data(), bytes.size());
  return Storage(memory, bytes.size(), [](void* data, std::size_t) { std::free(data); });
}

}  // namespace lithe::test
