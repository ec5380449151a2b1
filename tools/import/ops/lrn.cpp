// SPDX-License-Identifier: Apache-2.0
#include "lithe/ops/lrn.hpp"

#include <string>

#include "tools/import/importer.hpp"
#include "tools/import/ops/channels.hpp"
#include "tools/import/ops/row.hpp"

namespace lithe::import {
namespace {

/// LRN-1 and 13.
void import_lrn(NodeImport& node) {
  const int rank = channels_rank(node);
  ops::LRN::Attributes attributes;
  attributes.size = narrow(node, node.attribute_int("size", 0), "size");
  if (attributes.size < 1) node.refuse("LRN needs a size of at least 1");
  read_attribute(node, "alpha", attributes.alpha);
  read_attribute(node, "beta", attributes.beta);
  read_attribute(node, "bias", attributes.bias);
  const graph::ValueId input = node.input(0), last = channels_to_last(node, input, rank);
  const graph::ValueId output = node.emit<ops::LRN>(attributes, {last}, node.dtype(input));
  node.output(0, channels_from_last(node, output, rank));
}

}  // namespace

void register_lrn(ImporterTable& table) { table.add("LRN", import_lrn); }

}  // namespace lithe::import
