// SPDX-License-Identifier: Apache-2.0
#include "lithe/ops/non_max_suppression.hpp"

#include "tools/import/importer.hpp"
#include "tools/import/ops/row.hpp"

namespace lithe::import {

/// NonMaxSuppression-10, 11 are lithe's.
void register_non_max_suppression(ImporterTable& table) {
  table.add("NonMaxSuppression", import_row<ops::NonMaxSuppression>);
}

}  // namespace lithe::import
