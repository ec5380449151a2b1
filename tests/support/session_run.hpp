// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "tests/support/op_run.hpp"

namespace lithe::test {

/// Writes the case as a model file of one node, opens and verifies it, and runs it in a session on one
/// kernel. Needs the converter's file writer (session_run.cpp); for nodes without subgraphs.
RunResult run_through_session(const Case& c, const KernelEntry& entry, const Cpu& cpu);

}  // namespace lithe::test
