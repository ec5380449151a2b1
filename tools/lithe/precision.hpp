// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "lithe/session.hpp"

/// How coarse a session computes: for default tolerances.
namespace lithe::cli {

/// Whether some value of the plan is quantized.
bool is_quantized(const Session& session);
/// Whether some value is of half precision in the file.
bool is_half_precision(const Session& session);

}  // namespace lithe::cli
