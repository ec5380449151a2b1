// SPDX-License-Identifier: Apache-2.0
#include "lithe/ops/max_unpool.hpp"

#include "tools/import/importer.hpp"
#include "tools/import/ops/row.hpp"

namespace lithe::import {
namespace {

/// MaxUnpool-9, 11, 22.
void import_max_unpool(NodeImport& node) { import_row<ops::MaxUnpool>(node); }

}  // namespace

void register_max_unpool(ImporterTable& table) { table.add("MaxUnpool", import_max_unpool, 9); }

}  // namespace lithe::import
