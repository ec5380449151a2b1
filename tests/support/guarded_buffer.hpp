// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <sys/mman.h>
#include <unistd.h>

#include <cstddef>
#include <cstring>
#include <new>
#include <span>
#include <utility>

#include "lithe/core/align.hpp"

namespace lithe::test {

/// Bytes whose end touches an unreadable page, `slack` readable bytes apart (XNNPACK reads up to 16 past its
/// inputs). A page of canaries lies in front of them; everything but the contents is 0xFF, a NaN in every
/// float type.
class GuardedBuffer {
 public:
  explicit GuardedBuffer(std::size_t bytes, std::size_t slack = 0) : bytes_(bytes), slack_(slack) {
    const auto page = static_cast<std::size_t>(sysconf(_SC_PAGESIZE));
    const std::size_t usable = align_up(bytes + slack, page) + page;
    mapped_ = usable + page;
    base_ = static_cast<std::byte*>(
        mmap(nullptr, mapped_, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0));
    if (base_ == MAP_FAILED || mprotect(base_ + usable, page, PROT_NONE) != 0) throw std::bad_alloc();
    data_ = base_ + usable - slack - bytes;
    std::memset(base_, 0xFF, usable);
  }
  GuardedBuffer(std::span<const std::byte> contents, std::size_t slack = 0)
      : GuardedBuffer(contents.size(), slack) {
    if (!contents.empty()) std::memcpy(data_, contents.data(), contents.size());
  }
  GuardedBuffer(GuardedBuffer&& other) noexcept
      : base_(std::exchange(other.base_, nullptr)),
        data_(other.data_),
        bytes_(other.bytes_),
        slack_(other.slack_),
        mapped_(other.mapped_) {}
  GuardedBuffer& operator=(GuardedBuffer&&) = delete;
  ~GuardedBuffer() {
    if (base_ != nullptr) munmap(base_, mapped_);
  }

  std::byte* data() const { return data_; }
  std::span<const std::byte> bytes() const { return {data_, bytes_}; }
  /// Nothing was written in front of the contents or into the slack.
  bool intact() const {
    for (const std::byte* p = base_; p != data_; ++p)
      if (*p != std::byte{0xFF}) return false;
    for (std::size_t i = 0; i < slack_; ++i)
      if (data_[bytes_ + i] != std::byte{0xFF}) return false;
    return true;
  }

 private:
  std::byte* base_ = nullptr;
  std::byte* data_ = nullptr;
  std::size_t bytes_, slack_, mapped_ = 0;
};

}  // namespace lithe::test
