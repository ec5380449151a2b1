// SPDX-License-Identifier: Apache-2.0
#include "tools/lithe/precision.hpp"

#include "tools/graph/operators.hpp"

namespace lithe::cli {

bool is_quantized(const Session& session) {
  for (const auto v : session.inspect().values())
    if (v.quantization() != nullptr) return true;
  for (const auto node : session.inspect().nodes()) {
    const Coding coding = graph::facts_of(*node.op().spec).coding;
    if (coding == Coding::quantizes || coding == Coding::dequantizes) return true;
  }
  return false;
}

bool is_half_precision(const Session& session) {
  for (const auto v : session.inspect().values())
    if (v.file_dtype() == DType::f16 || v.file_dtype() == DType::bf16) return true;
  return false;
}

}  // namespace lithe::cli
