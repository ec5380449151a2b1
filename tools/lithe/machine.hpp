// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <span>

#include "lithe/runtime/threads.hpp"
#include "lithe/session.hpp"
#include "tools/lithe/open_model.hpp"
#include "tools/lithe/options.hpp"

namespace lithe::cli {

/// Kernels, threads and streaming as the common options say, and what --cpu-mask left of the CPU.
class Machine {
 public:
  explicit Machine(const Common& common);
  SessionOptions options() const;

 private:
  Threads threads_;
  std::span<const KernelEntry> kernels_;
  bool streaming_;
};

/// Throws report::Failure with the sentence that says why not.
Session create(const OpenModel& model, const SessionOptions& options);

}  // namespace lithe::cli
