// SPDX-License-Identifier: Apache-2.0
#include "lithe/ops/rnn.hpp"

#include "tools/import/importer.hpp"
#include "tools/import/ops/recurrent.hpp"
#include "tools/import/ops/row.hpp"

namespace lithe::import {
namespace {

/// RNN-1 to 22.
void import_rnn(NodeImport& node) {
  ops::RNN::Attributes attributes;
  read_attribute(node, "hidden_size", attributes.hidden_size);
  read_attribute(node, "direction", attributes.direction);
  attributes.activation = read_activations(node, attributes.direction, {"tanh"})[0];
  read_attribute(node, "clip", attributes.clip);
  emit_recurrent<ops::RNN>(node, attributes, 1);
}

}  // namespace

void register_rnn(ImporterTable& table) { table.add("RNN", import_rnn); }

}  // namespace lithe::import
