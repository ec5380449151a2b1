// SPDX-License-Identifier: Apache-2.0
#include "lithe/ops/dynamic_quantize_linear.hpp"

#include "tools/import/importer.hpp"
#include "tools/import/ops/row.hpp"

namespace lithe::import {

/// DynamicQuantizeLinear-11.
void register_dynamic_quantize_linear(ImporterTable& table) {
  table.add("DynamicQuantizeLinear", import_row<ops::DynamicQuantizeLinear>, 11);
}

}  // namespace lithe::import
