// SPDX-License-Identifier: Apache-2.0
#include "lithe/ops/concat.hpp"
#include "lithe/ops/expand.hpp"
#include "lithe/ops/flatten.hpp"
#include "lithe/ops/gather.hpp"
#include "lithe/ops/non_zero.hpp"
#include "lithe/ops/where.hpp"
#include "tools/import/importer.hpp"
#include "tools/import/ops/row.hpp"

namespace lithe::import {

/// The other operators that lithe shares with ONNX, name, inputs, attributes and defaults, in every opset
/// since `oldest`.
void register_rows(ImporterTable& table) {
  table.add("Concat", import_row<ops::Concat>, 4);
  table.add("Expand", import_row<ops::Expand>, 8);
  table.add("Flatten", import_row<ops::Flatten>);
  table.add("Gather", import_row<ops::Gather>);
  table.add("NonZero", import_row<ops::NonZero>, 9);
  table.add("Where", import_row<ops::Where>, 9);
}

}  // namespace lithe::import
