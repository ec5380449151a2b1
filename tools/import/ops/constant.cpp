// SPDX-License-Identifier: Apache-2.0
#include <vector>

#include "tools/import/importer.hpp"

namespace lithe::import {
namespace {

template <class T>
graph::ConstantPtr vector(const std::vector<T>& elements) {
  return graph::make_constant<T>(Shape{static_cast<index_t>(elements.size())}, elements);
}
template <class T>
graph::ConstantPtr scalar(T element) {
  return graph::make_constant<T>(Shape{}, std::vector<T>{element});
}

/// Constant-1 to 25: `value`, or since 12 numbers in one of the other attributes.
void import_constant(NodeImport& node) {
  if (node.has_attribute("sparse_value")) node.refuse("sparse constants are not supported");
  if (node.has_attribute("value_string") || node.has_attribute("value_strings"))
    node.refuse("string constants are not supported");
  graph::ConstantPtr constant;
  if (node.has_attribute("value"))
    constant = node.attribute_tensor("value");
  else if (node.has_attribute("value_float"))
    constant = scalar(node.attribute_float("value_float", 0));
  else if (node.has_attribute("value_floats"))
    constant = vector(node.attribute_floats("value_floats"));
  else if (node.has_attribute("value_int"))
    constant = scalar(node.attribute_int("value_int", 0));
  else if (node.has_attribute("value_ints"))
    constant = vector(node.attribute_ints("value_ints"));
  if (constant == nullptr) node.refuse("Constant has no value");
  node.output(0, node.constant(constant, "value"));
}

}  // namespace

void register_constant(ImporterTable& table) { table.add("Constant", import_constant); }

}  // namespace lithe::import
