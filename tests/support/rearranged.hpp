// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <vector>

#include "tests/support/reference_tensor.hpp"

namespace lithe::test {

using Index = std::vector<index_t>;

/// A reference of `shape` whose element at each index is input.at(source(index)).
template <class Source>
ReferenceTensor rearranged(const ReferenceTensor& input, const Shape& shape, Source source) {
  ReferenceTensor output(shape);
  for (index_t i = 0; i < shape.elements(); ++i) output[i] = input[input.offset(source(output.index_of(i)))];
  return output;
}

}  // namespace lithe::test
