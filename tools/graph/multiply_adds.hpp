// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>

#include "lithe/runtime/inspect.hpp"

namespace lithe::graph {

/// Multiply-adds of a session's node at its current shapes, as its operator counts them; 0 for operators that
/// do them in passing only, and for custom ones.
std::uint64_t multiply_adds(const runtime::NodeView& node);

}  // namespace lithe::graph
