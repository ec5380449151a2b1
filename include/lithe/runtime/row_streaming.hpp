// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "lithe/runtime/chains.hpp"
#include "lithe/runtime/services.hpp"
#include "lithe/runtime/strips.hpp"

namespace lithe::inline v0 {

/// For SessionOptions::streaming. A program that does not name it links nothing of row streaming.
inline constexpr runtime::RowStreaming row_streaming{.mark = runtime::mark_chains,
                                                     .cut = runtime::cut_chains,
                                                     .reshape = runtime::reshape_chains,
                                                     .run = runtime::run_chain};

}  // namespace lithe::inline v0
