// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "lithe/core/kernel.hpp"

namespace lithe::inline v0 {

namespace runtime {

class NodeView;

/// Sees every node run, for profiling and comparison: `before` right before it, `after` right after it, each null where
/// it is not wanted. Nodes of a row-streaming chain are seen once for each strip, with the rows that are computed and
/// the tensors of that strip; `strip` is null elsewhere. The functions must not throw, and the view is valid during the
/// call. Costs one test of a pointer where no observer is set. See inspect.hpp for what a view tells.
struct RunObserver {
  void (*before)(void* self, const NodeView& node, const Strip* strip) = nullptr;
  void (*after)(void* self, const NodeView& node, const Strip* strip) = nullptr;
  void* self = nullptr;
};

}  // namespace runtime

using runtime::RunObserver;

}  // namespace lithe::inline v0
