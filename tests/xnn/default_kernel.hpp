// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <gtest/gtest.h>

#include <span>
#include <utility>

#include "lithe/lithe.hpp"
#include "tests/support/op_run.hpp"

/// One node on the kernel that a session takes unless told otherwise, and on the portable one.
namespace lithe::test {

/// The first kernel of the default lists that takes the case on this processor; null: the portable one runs it.
inline const KernelEntry* default_kernel(const Case& c, const InferResult& inferred) {
  static constexpr std::span<const KernelEntry> kernels = KernelList<simd::all, xnn::all>::entries;
  for (const KernelEntry& kernel : kernels)
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
template <Operator Op>
StoredTensor run_portable(const Case& c, const InferResult& inferred) {
  static constexpr KernelEntry portable = lithe::detail::make_kernel<portable::Kernel<Op>>();
  return run_on(portable, c, inferred, Cpu{});
}

}  // namespace lithe::test
