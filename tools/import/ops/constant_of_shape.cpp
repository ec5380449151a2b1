// SPDX-License-Identifier: Apache-2.0
#include "lithe/ops/constant_of_shape.hpp"

#include <memory>

#include "tools/import/importer.hpp"

namespace lithe::import {
namespace {

/// ConstantOfShape-9 to 25: the attribute `value` [1], by default an f32 zero, is lithe's second input.
void import_constant_of_shape(NodeImport& node) {
  graph::ValueId value;
  if (const graph::ConstantPtr given = node.attribute_tensor("value")) {
    if (given->view().elements() != 1)
      node.refuse("attribute value of ConstantOfShape must hold one element");
    auto scalar = std::make_shared<graph::Constant>(*given);
    scalar->shape = {};
    value = node.constant(scalar, "value");
  } else {
    value = node.scalar(0);
  }
  node.emit_outputs<ops::ConstantOfShape>({}, {node.input(0), value});
}

}  // namespace

void register_constant_of_shape(ImporterTable& table) {
  table.add("ConstantOfShape", import_constant_of_shape, 9);
}

}  // namespace lithe::import
