// SPDX-License-Identifier: Apache-2.0
#include "lithe/ops/lstm.hpp"

#include "tools/import/importer.hpp"
#include "tools/import/ops/recurrent.hpp"
#include "tools/import/ops/row.hpp"

namespace lithe::import {
namespace {

/// LSTM-7, 14, 22.
void import_lstm(NodeImport& node) {
  ops::LSTM::Attributes attributes;
  read_attribute(node, "hidden_size", attributes.hidden_size);
  read_attribute(node, "direction", attributes.direction);
  const auto kinds = read_activations(node, attributes.direction, {"sigmoid", "tanh", "tanh"});
  attributes.gate_activation = kinds[0];
  attributes.cell_activation = kinds[1];
  attributes.hidden_activation = kinds[2];
  read_attribute(node, "clip", attributes.clip);
  read_attribute(node, "input_forget", attributes.input_forget);
  emit_recurrent<ops::LSTM>(node, attributes, 2);
}

}  // namespace

void register_lstm(ImporterTable& table) { table.add("LSTM", import_lstm); }

}  // namespace lithe::import
