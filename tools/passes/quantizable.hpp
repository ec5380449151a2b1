// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "tools/passes/node.hpp"

namespace lithe::passes {

/// How many quantized tensors an operator without weights takes; 0 if it has no quantized form.
int quantizable_inputs(const Node& node);

}  // namespace lithe::passes
