// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <unistd.h>

#include <cstddef>
#include <cstdio>
#include <string>
#include <utility>

namespace lithe::report {

/// A progress bar on stderr if that is a terminal, else nothing. The destructor wipes it.
class Progress {
 public:
  Progress(std::string what, std::size_t total)
      : what_(std::move(what)), total_(total), shown_(isatty(STDERR_FILENO) != 0) {}
  Progress(const Progress&) = delete;
  Progress& operator=(const Progress&) = delete;
  ~Progress() {
    if (drawn_ >= 0) std::fprintf(stderr, "\r\x1b[K");
  }
  void advance() {
    constexpr int width = 30;
    const int filled = total_ == 0 ? width : static_cast<int>(++done_ * width / total_);
    const int percent = total_ == 0 ? 100 : static_cast<int>(done_ * 100 / total_);
    if (!shown_ || percent == drawn_) return;
    drawn_ = percent;
    std::fprintf(stderr, "\r%s [%s%s] %zu/%zu", what_.c_str(),
                 std::string(static_cast<std::size_t>(filled), '#').c_str(),
                 std::string(static_cast<std::size_t>(width - filled), '.').c_str(), done_, total_);
    std::fflush(stderr);
  }

 private:
  std::string what_;
  std::size_t total_, done_ = 0;
  bool shown_;
  int drawn_ = -1;
};

}  // namespace lithe::report
