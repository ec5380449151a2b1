// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "lithe/core/kernel.hpp"

namespace lithe::inline v0 {

namespace runtime {

class NodeView;

/// Sees every node run, for profiling and comparison. `before` is called right before a node, `after` right
/// after it, on the thread that called run(); either may be null. A node of a row-streaming chain is seen
/// once for each strip, with the tensors of that strip and the rows that it computes; `strip` is null for
/// other nodes. `self` is passed on. The functions must not throw and must not call the session; the view is
/// valid during the call (inspect.hpp says what it tells). A node that nobody observes costs one test of a
/// pointer.
struct RunObserver {
  void (*before)(void* self, const NodeView& node, const Strip* strip) = nullptr;
  void (*after)(void* self, const NodeView& node, const Strip* strip) = nullptr;
  void* self = nullptr;
};

}  // namespace runtime

using runtime::RunObserver;

}  // namespace lithe::inline v0
