// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>

#include "lithe/runtime/inspect.hpp"

namespace lithe::cli {

/// The ONNX nodes that a node came from, or "-> VALUE" with what it writes where a pass made it.
std::string node_title(const runtime::NodeView& node);

}  // namespace lithe::cli
