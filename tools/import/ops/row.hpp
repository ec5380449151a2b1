// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>
#include <limits>
#include <string>
#include <string_view>
#include <type_traits>
#include <vector>

#include "tools/import/importer.hpp"

namespace lithe::import {

/// The node's inputs in order, absent ones included.
inline std::vector<graph::ValueId> all_inputs(const NodeImport& node) {
  std::vector<graph::ValueId> inputs;
  inputs.reserve(static_cast<std::size_t>(node.inputs()));
  for (int i = 0; i < node.inputs(); ++i) inputs.push_back(node.input(i));
  return inputs;
}

/// `value` as a 32-bit attribute; refuses the node, naming the attribute, where it does not fit.
inline std::int32_t narrow(const NodeImport& node, std::int64_t value, std::string_view attribute) {
  if (value < std::numeric_limits<std::int32_t>::min() || value > std::numeric_limits<std::int32_t>::max())
    node.refuse("attribute " + std::string(attribute) + " = " + std::to_string(value) +
                " does not fit 32 bits");
  return static_cast<std::int32_t>(value);
}

/// Integers as an attribute; refuses more than an attribute holds.
inline IntList int_list(const NodeImport& node, const std::vector<std::int64_t>& values,
                        std::string_view attribute) {
  if (values.size() > static_cast<std::size_t>(IntList::capacity))
    node.refuse("attribute " + std::string(attribute) + " has " + std::to_string(values.size()) +
                " numbers; at most 64 are supported");
  IntList list;
  for (const std::int64_t v : values) list.push_back(v);
  return list;
}

/// The enumerator called `text`; refuses the node, naming the attribute, where lithe has none of that name.
template <NamedEnum E>
E named(const NodeImport& node, std::string_view text, std::string_view attribute) {
  int i = 0;
  for (const std::string_view candidate : enum_names(E{})) {
    if (candidate == text) return static_cast<E>(i);
    ++i;
  }
  node.refuse("attribute " + std::string(attribute) + " = \"" + std::string(text) + "\" is not supported");
}

/// Reads one attribute from the ONNX attribute of the same name and type; `member` holds the default.
template <class T>
void read_attribute(NodeImport& node, const char* name, T& member) {
  if constexpr (std::is_same_v<T, float>) {
    member = node.attribute_float(name, member);
  } else if constexpr (std::is_same_v<T, bool>) {
    member = node.attribute_int(name, member ? 1 : 0) != 0;
  } else if constexpr (std::is_same_v<T, std::int64_t>) {
    member = node.attribute_int(name, member);
  } else if constexpr (std::is_same_v<T, std::int32_t>) {
    member = narrow(node, node.attribute_int(name, member), name);
  } else if constexpr (std::is_same_v<T, IntList>) {
    member = int_list(node, node.attribute_ints(name), name);
  } else if constexpr (NamedEnum<T>) {
    member = named<T>(node, node.attribute_string(name, enum_names(member)[static_cast<std::size_t>(member)]),
                      name);
  } else {
    static_assert(
        std::is_same_v<T, Clamp>,
        "a row reads numbers, IntList and named enums; everything else needs an importer of its own");
  }
}

/// The importer of an ONNX operator whose name, inputs, outputs, attributes and defaults are lithe's own.
/// `clamp`, which ONNX does not have, keeps its default.
template <class Op>
void import_row(NodeImport& node) {
  typename Op::Attributes attributes;
  Op::Attributes::fields().each(
      [&](const auto& field) { read_attribute(node, field.name, attributes.*field.member); });
  node.emit_outputs<Op>(attributes, all_inputs(node));
}

}  // namespace lithe::import
