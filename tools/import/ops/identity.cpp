// SPDX-License-Identifier: Apache-2.0
#include "tools/import/importer.hpp"

namespace lithe::import {
namespace {

void import_identity(NodeImport& node) { node.output(0, node.input(0)); }

}  // namespace

void register_identity(ImporterTable& table) { table.add("Identity", import_identity); }

}  // namespace lithe::import
