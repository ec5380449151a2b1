// SPDX-License-Identifier: Apache-2.0
#include "lithe/ops/arg_max.hpp"

#include "tools/import/importer.hpp"
#include "tools/import/ops/row.hpp"

namespace lithe::import {

/// ArgMax-1 to 13 and ArgMin-1 to 13 are lithe's.
void register_arg_max(ImporterTable& table) {
  table.add("ArgMax", import_row<ops::ArgMax>);
  table.add("ArgMin", import_row<ops::ArgMin>);
}

}  // namespace lithe::import
