// SPDX-License-Identifier: Apache-2.0
#include "lithe/ops/gru.hpp"

#include "tools/import/importer.hpp"
#include "tools/import/ops/recurrent.hpp"
#include "tools/import/ops/row.hpp"

namespace lithe::import {
namespace {

/// GRU-7, 14, 22.
void import_gru(NodeImport& node) {
  ops::GRU::Attributes attributes;
  read_attribute(node, "hidden_size", attributes.hidden_size);
  read_attribute(node, "direction", attributes.direction);
  const auto kinds = read_activations(node, attributes.direction, {"sigmoid", "tanh"});
  attributes.gate_activation = kinds[0];
  attributes.hidden_activation = kinds[1];
  read_attribute(node, "clip", attributes.clip);
  read_attribute(node, "linear_before_reset", attributes.linear_before_reset);
  emit_recurrent<ops::GRU>(node, attributes, 1);
}

}  // namespace

void register_gru(ImporterTable& table) { table.add("GRU", import_gru); }

}  // namespace lithe::import
