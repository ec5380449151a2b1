// SPDX-License-Identifier: Apache-2.0
#include "lithe/ops/reduce_mean.hpp"

#include <cstdint>
#include <optional>
#include <vector>

#include "tools/import/importer.hpp"
#include "tools/import/ops/row.hpp"

namespace lithe::import {
namespace {

/// ReduceMean-1 to 13 (axes an attribute), 18 (an input, which must be constant). No axes: all of them, or
/// none.
void import_reduce_mean(NodeImport& node) {
  ops::ReduceMean::Attributes attributes;
  read_attribute(node, "keepdims", attributes.keepdims);
  std::vector<std::int64_t> axes;
  if (node.opset() < 18) {
    axes = node.attribute_ints("axes");
  } else if (node.has(1)) {
    const std::optional<std::vector<std::int64_t>> known = node.constant_ints(1);
    if (!known) node.refuse("ReduceMean whose axes are computed at run time is not supported");
    axes = *known;
  }
  const bool nothing =
      node.opset() >= 18 && node.attribute_int("noop_with_empty_axes", 0) != 0 && axes.empty();
  if (nothing) return node.output(0, node.input(0));
  attributes.axes = int_list(node, axes, "axes");
  node.emit_outputs<ops::ReduceMean>(attributes, {node.input(0)});
}

}  // namespace

void register_reduce_mean(ImporterTable& table) { table.add("ReduceMean", import_reduce_mean); }

}  // namespace lithe::import
