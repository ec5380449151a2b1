// SPDX-License-Identifier: Apache-2.0
#include "lithe/ops/cum_sum.hpp"

#include "tools/import/importer.hpp"
#include "tools/import/ops/row.hpp"

namespace lithe::import {

/// CumSum-11, 14 and CumProd-26 are lithe's.
void register_cum_sum(ImporterTable& table) {
  table.add("CumProd", import_row<ops::CumProd>);
  table.add("CumSum", import_row<ops::CumSum>);
}

}  // namespace lithe::import
