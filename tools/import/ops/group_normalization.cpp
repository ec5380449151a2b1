// SPDX-License-Identifier: Apache-2.0
#include "lithe/ops/group_normalization.hpp"

#include <vector>

#include "tools/import/importer.hpp"
#include "tools/import/ops/channels.hpp"
#include "tools/import/ops/row.hpp"

namespace lithe::import {
namespace {

void emit(NodeImport& node, const ops::GroupNormalization::Attributes& attributes) {
  const int rank = channels_rank(node);
  std::vector<graph::ValueId> inputs = all_inputs(node);
  inputs[0] = channels_to_last(node, inputs[0], rank);
  const DType dtype = node.dtype(node.input(0));
  node.output(0,
              channels_from_last(node, node.emit<ops::GroupNormalization>(attributes, inputs, dtype), rank));
}

/// GroupNormalization-18 (scale and bias per group) and 21 (per channel). Sums are kept in f32 or better,
/// whatever stash_type asks for.
void import_group_normalization(NodeImport& node) {
  ops::GroupNormalization::Attributes attributes;
  read_attribute(node, "epsilon", attributes.epsilon);
  attributes.groups = narrow(node, node.attribute_int("num_groups", 0), "num_groups");
  if (attributes.groups < 1) node.refuse("GroupNormalization needs num_groups of at least 1");
  node.attribute_int("stash_type", 1);
  emit(node, attributes);
}

/// InstanceNormalization-1, 6 and 22.
void import_instance_normalization(NodeImport& node) {
  ops::GroupNormalization::Attributes attributes;
  read_attribute(node, "epsilon", attributes.epsilon);
  emit(node, attributes);
}

}  // namespace

void register_group_normalization(ImporterTable& table) {
  table.add("GroupNormalization", import_group_normalization, 18);
  table.add("InstanceNormalization", import_instance_normalization);
}

}  // namespace lithe::import
