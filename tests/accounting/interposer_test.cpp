// SPDX-License-Identifier: Apache-2.0
// Stands between the program (lithe, XNNPACK, the C++ library) and glibc's allocator: the program's own
// definitions of these names win over the shared library's. Each block carries its size in a header in front
// of it.
#include "tests/accounting/interposer.hpp"

#include <gtest/gtest.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <atomic>
#include <cerrno>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <memory>

namespace lithe::test {
namespace {
std::atomic<std::int64_t> allocations{0}, releases{0}, bytes{0};
}  // namespace

Usage usage() { return {allocations.load(), releases.load(), bytes.load()}; }

}  // namespace lithe::test

#if !defined(__SANITIZE_ADDRESS__) && !defined(__SANITIZE_THREAD__) && defined(__GLIBC__)

extern "C" {
void* __libc_memalign(std::size_t alignment,
                      std::size_t size);  // NOLINT(bugprone-reserved-identifier): glibc's names
void __libc_free(void* block);            // NOLINT(bugprone-reserved-identifier)
}

namespace {

using lithe::test::allocations;
using lithe::test::bytes;
using lithe::test::releases;

/// Just in front of the caller's memory.
struct Header {
  std::size_t size;
  void* block;
};

void* give(std::size_t alignment, std::size_t size) {
  if (alignment < 16) alignment = 16;
  const std::size_t before = alignment < sizeof(Header) ? sizeof(Header) : alignment;
  if (size > SIZE_MAX - before) {
    errno = ENOMEM;
    return nullptr;
  }
  auto* block = static_cast<std::byte*>(__libc_memalign(alignment, before + size));
  if (block == nullptr) return nullptr;
  const Header header{size, block};
  std::memcpy(block + before - sizeof header, &header, sizeof header);
  allocations += 1;
  bytes += static_cast<std::int64_t>(size);
  return block + before;
}

Header header_of(const void* memory) {
  Header header;
  std::memcpy(&header, static_cast<const std::byte*>(memory) - sizeof header, sizeof header);
  return header;
}

}  // namespace

extern "C" {

void* malloc(std::size_t size) { return give(16, size); }
void free(void* memory) {
  if (memory == nullptr) return;
  const Header header = header_of(memory);
  releases += 1;
  bytes -= static_cast<std::int64_t>(header.size);
  __libc_free(header.block);
}
void* calloc(std::size_t count, std::size_t size) {
  std::size_t total = 0;
  if (__builtin_mul_overflow(count, size, &total)) {
    errno = ENOMEM;
    return nullptr;
  }
  void* memory = give(16, total);
  return memory == nullptr ? nullptr : std::memset(memory, 0, total);
}
void* realloc(void* memory, std::size_t size) {
  if (memory == nullptr) return give(16, size);
  void* moved = give(16, size);
  if (moved == nullptr) return nullptr;
  const std::size_t old = header_of(memory).size;
  std::memcpy(moved, memory, old < size ? old : size);
  free(memory);
  return moved;
}
void* aligned_alloc(std::size_t alignment, std::size_t size) { return give(alignment, size); }
void* memalign(std::size_t alignment, std::size_t size) { return give(alignment, size); }
int posix_memalign(void** memory, std::size_t alignment, std::size_t size) {
  *memory = give(alignment, size);
  return *memory == nullptr ? ENOMEM : 0;
}
std::size_t malloc_usable_size(void* memory) { return memory == nullptr ? 0 : header_of(memory).size; }

void* mmap(void* address, std::size_t length, int protection, int flags, int descriptor,
           off_t offset) noexcept {
  const auto result = syscall(SYS_mmap, address, length, protection, flags, descriptor, offset);
  if (result == -1) return MAP_FAILED;
  allocations += 1;
  bytes += static_cast<std::int64_t>((length + 4095) / 4096 * 4096);
  return reinterpret_cast<void*>(result);  // NOLINT(performance-no-int-to-ptr): what the system call gives
}
int munmap(void* address, std::size_t length) noexcept {
  const auto result = static_cast<int>(syscall(SYS_munmap, address, length));
  if (result == 0) {
    releases += 1;
    bytes -= static_cast<std::int64_t>((length + 4095) / 4096 * 4096);
  }
  return result;
}

}  // extern "C"

#endif

namespace lithe::test {
namespace {

TEST(Interposer, SeesEveryKindOfMemory) {
  if (!counting) GTEST_SKIP() << "sanitizers bring their own allocator: run it in the dev preset";
  const Usage before = usage();
  void* volatile a = std::malloc(1000);
  void* volatile b = std::aligned_alloc(4096, 8192);
  a = std::realloc(a, 3000);
  auto c = std::make_unique<std::byte[]>(500);
  void* volatile page = mmap(nullptr, 100, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  const Usage during = usage();
  EXPECT_EQ(during.allocations - before.allocations, 5);
  EXPECT_EQ(during.bytes - before.bytes, 3000 + 8192 + 500 + 4096);
  EXPECT_EQ(reinterpret_cast<std::uintptr_t>(b) % 4096, 0u);
  std::free(a);
  std::free(b);
  c.reset();
  EXPECT_EQ(munmap(page, 100), 0);
  EXPECT_EQ(usage().bytes, before.bytes);
}

}  // namespace
}  // namespace lithe::test
