// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <gtest/gtest.h>

#include <utility>

#include "lithe/runtime/cpu.hpp"
#include "tests/support/op_run.hpp"
#include "tests/support/portable_kernel.hpp"
#include "tools/kernels/kernels.hpp"

/// One node on the kernel that a session takes unless told otherwise, and on the portable one.
namespace lithe::test {

/// The first kernel of the default lists that takes the case on this processor; null: the portable one runs it.
inline const KernelEntry* default_kernel(const Case& c, const InferResult& inferred) {
  for (const KernelEntry& kernel : all_kernels().first(all_kernels().size() - portable_kernels().size()))
    if (kernel.op == c.op && NodeRun(c, kernel, cpu(), inferred, {}).supported()) return &kernel;
  return nullptr;
}

/// Output 0.
inline StoredTensor run_on(const KernelEntry& kernel, const Case& c, const InferResult& inferred,
                           const Cpu& on = cpu()) {
  const Variation how;
  RunResult result = NodeRun(c, kernel, on, inferred, how).run();
  EXPECT_TRUE(result.status.ok()) << result.status.text();
  return std::move(result.outputs[0]);
}
inline StoredTensor run_portable(const Case& c, const InferResult& inferred) {
  return run_on(portable_kernel(*c.op), c, inferred, Cpu{});
}

}  // namespace lithe::test
