// SPDX-License-Identifier: Apache-2.0
#include <string>

#include "tools/import/domains.hpp"
#include "tools/import/ops/tabular.hpp"

namespace lithe::import {
namespace {

/// ZipMap-1: the scores stay a tensor; the keys of the maps are the classes of its columns.
void import_zip_map(NodeImport& node) {
  const ClassLabels labels(node, "classlabels_int64s", "classlabels_strings");
  std::string columns;
  for (std::size_t i = 0; i < labels.count(); ++i)
    columns +=
        (i == 0 ? "" : ", ") + (labels.texts.empty() ? std::to_string(labels.numbers[i]) : labels.texts[i]);
  node.note("the maps are left out, the output is the tensor of scores; its columns are the classes " +
            columns);
  node.output(0, node.input(0));
}

}  // namespace

void register_zip_map(ImporterTable& table) { table.add("ZipMap", import_zip_map, 1, tabular); }

}  // namespace lithe::import
