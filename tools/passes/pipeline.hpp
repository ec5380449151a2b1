// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <span>

#include "tools/graph/graph.hpp"
#include "tools/passes/pass_log.hpp"

namespace lithe::passes {

struct Pass {
  const char* name;
  void (*run)(graph::Model&, PassLog&);
};
/// The passes in the order in which a conversion runs them.
std::span<const Pass> pipeline();
/// Runs the pipeline. `after` may be empty; else it is called after each pass.
void run_pipeline(graph::Model& model, PassLog& log,
                  void (*after)(void*, const Pass&, const graph::Model&) = nullptr, void* context = nullptr);

}  // namespace lithe::passes
