// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "lithe/runtime/inspect.hpp"

namespace lithe::cli {

/// Multiply-adds of a planned session, by the nodes that were created; bodies of control flow count once.
struct MultiplyAdds {
  std::uint64_t total = 0;
  std::uint64_t quantized = 0;  ///< those on s8 or u8 numbers with weights of at most 8 bits
  struct Other {
    std::string node, op, reason;
    std::uint64_t count = 0;
  };
  std::vector<Other> others;  ///< nodes with multiply-adds on other numbers, in running order

  double share() const {
    return total == 0 ? 0 : static_cast<double>(quantized) / static_cast<double>(total);
  }
};

MultiplyAdds multiply_adds(const runtime::PlanView& plan);

}  // namespace lithe::cli
