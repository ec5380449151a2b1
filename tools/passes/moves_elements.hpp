// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>

#include "tools/passes/node.hpp"

namespace lithe::passes {

/// Whether the operator gives the same elements on stored and on real numbers.
bool moves_elements(const Node& node);
/// The attribute `mode` of a Pad or Resize; its default if it is not written.
std::string mode_of(const Node& node, const char* fallback);

}  // namespace lithe::passes
