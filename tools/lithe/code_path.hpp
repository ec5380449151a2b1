// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>

#include "lithe/session.hpp"

namespace lithe::cli {

/// What a planned node runs on: XNNPACK's microkernel, in whose name stand element types, tile and
/// instruction set ("qs8_qc8w_gemm_minmax_fp32_ukernel_7x16c8__avx512vnni"; several operators: joined by " +
/// "), else the element type that it computes in. XNNPACK does not say what it chose, but an operator holds
/// the addresses of its microkernels, the last of which does the work or its last stage. Their names are in
/// the symbol table of this program. A program without that table shows the element type.
std::string code_path(const Session& session, const runtime::NodeView& node);

}  // namespace lithe::cli
