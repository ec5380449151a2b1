// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>

#include "lithe/runtime/inspect.hpp"

namespace lithe::cli {

/// The ONNX nodes that a node came from, joined by " + "; "-> VALUE" with its output if a pass made it.
std::string node_title(const runtime::NodeView& node);

}  // namespace lithe::cli
