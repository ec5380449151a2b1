// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "lithe/session.hpp"
#include "tools/lithe/options.hpp"

namespace lithe::cli {

/// With -v: one line on stderr for each node of a planned session, with its operator, its kernel, the code
/// path and the ONNX nodes it came from; bodies of control flow follow their node. Says so where shapes that
/// nobody gave keep the session from being planned.
void say_kernels(const Common& common, const Session& session);

}  // namespace lithe::cli
