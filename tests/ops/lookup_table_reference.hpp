// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <vector>

#include "tests/support/reference_tensor.hpp"

namespace lithe::test {

inline ReferenceTensor reference_lookup_table(const std::vector<ReferenceTensor>& in) {
  ReferenceTensor out(in[0].shape);
  for (index_t i = 0; i < out.shape.elements(); ++i)
    out[i] = in[1][static_cast<std::uint8_t>(static_cast<std::int64_t>(in[0][i]))];
  return out;
}

}  // namespace lithe::test
