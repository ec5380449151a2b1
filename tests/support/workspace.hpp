// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <gtest/gtest.h>

#include <cstdint>
#include <limits>
#include <vector>

#include "lithe/core/kernel.hpp"

namespace lithe::test {

/// Whether the portable kernel of `Op` asks for `bytes` of workspace for tensors without contents, which may
/// be larger than memory; or refuses them, where the address space is too small for so many bytes.
template <class Op>
void expect_workspace(std::uint64_t bytes, const typename Op::Attributes& attributes,
                      const std::vector<TensorView>& inputs, const std::vector<TensorView>& outputs) {
  ReshapeContext context;
  context.inputs = inputs;
  context.outputs = outputs;
  const Status status = portable::Kernel<Op>::reshape(attributes, context);
  if (bytes > std::numeric_limits<std::size_t>::max() / 2)
    EXPECT_EQ(status.code(), Code::out_of_memory);
  else
    EXPECT_TRUE(status.ok() && context.workspace_bytes == bytes) << context.workspace_bytes;
}

}  // namespace lithe::test
