// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <stdexcept>
#include <string>

#include "lithe/core/kernel.hpp"
#include "tools/kernels/kernels.hpp"

namespace lithe::test {

/// The operator's entry of portable_kernels(): tests that look it up do not compile it.
/// Throws std::logic_error if the list has none.
inline const KernelEntry& portable_kernel(const OperatorEntry& op) {
  for (const KernelEntry& kernel : portable_kernels())
    if (kernel.op == &op) return kernel;
  throw std::logic_error("portable_kernels() has none for " + std::string(op.spec->name));
}
template <Operator Op>
const KernelEntry& portable_kernel() {
  return portable_kernel(operator_entry<Op>);
}

}  // namespace lithe::test
