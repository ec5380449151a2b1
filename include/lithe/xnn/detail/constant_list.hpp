// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "lithe/core/operator.hpp"

namespace lithe::inline v0::xnn {

/// Whether input `i` of a node is absent, or a constant vector of at most IntList::capacity integers.
inline bool constant_list(const NodeInfo& node, int i) {
  if (!node.has(i)) return true;
  const ValueInfo& value = node.input(i);
  return value.constant() && value.shape.rank() <= 1 && value.shape.elements() <= IntList::capacity &&
         (value.dtype == DType::s32 || value.dtype == DType::s64);
}

/// The integers of such an input; empty where it is absent.
inline IntList int_list(const NodeInfo& node, int i) {
  IntList list;
  if (!node.has(i)) return list;
  const TensorView view(node.input(i).data, node.input(i).dtype, node.input(i).shape);
  for (index_t k = 0; k < view.elements(); ++k) list.push_back(integer_at(view, k));
  return list;
}

}  // namespace lithe::inline v0::xnn
