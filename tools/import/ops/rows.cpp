// SPDX-License-Identifier: Apache-2.0
#include "lithe/ops/col2im.hpp"
#include "lithe/ops/concat.hpp"
#include "lithe/ops/det.hpp"
#include "lithe/ops/expand.hpp"
#include "lithe/ops/flatten.hpp"
#include "lithe/ops/gather.hpp"
#include "lithe/ops/gather_elements.hpp"
#include "lithe/ops/gather_nd.hpp"
#include "lithe/ops/non_zero.hpp"
#include "lithe/ops/range.hpp"
#include "lithe/ops/reverse_sequence.hpp"
#include "lithe/ops/scatter_elements.hpp"
#include "lithe/ops/scatter_nd.hpp"
#include "lithe/ops/size.hpp"
#include "lithe/ops/tensor_scatter.hpp"
#include "lithe/ops/tile.hpp"
#include "lithe/ops/where.hpp"
#include "tools/import/importer.hpp"
#include "tools/import/ops/row.hpp"

namespace lithe::import {

/// The other operators that lithe shares with ONNX, name, inputs, attributes and defaults, in every opset
/// since `oldest`.
void register_rows(ImporterTable& table) {
  table.add("Col2Im", import_row<ops::Col2Im>, 18);
  table.add("Concat", import_row<ops::Concat>, 4);
  table.add("Det", import_row<ops::Det>, 11);
  table.add("Expand", import_row<ops::Expand>, 8);
  table.add("Flatten", import_row<ops::Flatten>);
  table.add("Gather", import_row<ops::Gather>);
  table.add("GatherElements", import_row<ops::GatherElements>, 11);
  table.add("GatherND", import_row<ops::GatherND>, 11);
  table.add("NonZero", import_row<ops::NonZero>, 9);
  table.add("Range", import_row<ops::Range>, 11);
  table.add("ReverseSequence", import_row<ops::ReverseSequence>, 10);
  table.add("Scatter", import_row<ops::ScatterElements>, 9);
  table.add("ScatterElements", import_row<ops::ScatterElements>, 11);
  table.add("ScatterND", import_row<ops::ScatterND>, 11);
  table.add("Size", import_row<ops::Size>);
  table.add("TensorScatter", import_row<ops::TensorScatter>, 24);
  table.add("Tile", import_row<ops::Tile>, 6);
  table.add("Where", import_row<ops::Where>, 9);
}

}  // namespace lithe::import
