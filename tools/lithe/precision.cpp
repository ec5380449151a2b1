// SPDX-License-Identifier: Apache-2.0
#include "tools/lithe/precision.hpp"

#include <string_view>

namespace lithe::cli {

bool is_quantized(const Session& session) {
  for (const auto& v : session.plan().values)
    if (v.quantization != nullptr) return true;
  for (const auto& n : session.plan().nodes)
    if (const std::string_view op = n.op->spec->name; op == "QuantizeLinear" || op == "DequantizeLinear")
      return true;
  return false;
}

bool is_half_precision(const Session& session) {
  for (const auto& v : session.plan().values)
    if (v.file_dtype == DType::f16 || v.file_dtype == DType::bf16) return true;
  return false;
}

}  // namespace lithe::cli
