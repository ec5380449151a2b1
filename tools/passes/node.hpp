// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <initializer_list>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "lithe/core/fields.hpp"
#include "tools/graph/graph.hpp"

/// Small questions about a node, and small changes of one.
namespace lithe::passes {

using graph::absent;
using graph::Attribute;
using graph::Constant;
using graph::ConstantPtr;
using graph::Dims;
using graph::Graph;
using graph::Model;
using graph::Node;
using graph::Value;
using graph::ValueId;
using graph::ValueQuantization;

std::int64_t int_attribute(const Node& node, const char* name, std::int64_t fallback);
std::vector<std::int64_t> ints_attribute(const Node& node, const char* name,
                                         const std::vector<std::int64_t>& fallback = {});
void set_int(Node& node, const char* name, std::int64_t value, std::int64_t fallback);
void set_ints(Node& node, const char* name, std::span<const std::int64_t> values);
Clamp clamp_attribute(const Node& node);
void set_clamp(Node& node, const Clamp& clamp);

Node make_node(std::string_view op, std::vector<ValueId> inputs, std::vector<ValueId> outputs,
               std::vector<std::string> onnx_names = {});
/// Makes `into` also stand for the ONNX nodes of `other`, before or after its own.
void append_names(Node& into, const Node& other);
void prepend_names(Node& into, const Node& other);

inline bool is(const Node& node, std::string_view op) { return node.op == op; }
bool is_any(const Node& node, std::initializer_list<std::string_view> ops);
/// Makes stored numbers of real ones, or real numbers of stored ones, by a given scale.
bool is_quantizing(const Node& node);
/// Whether the operator treats all elements alike, and broadcasts its inputs.
bool is_elementwise(const Node& node);
inline ValueId input(const Node& node, int i) {
  return i < static_cast<int>(node.inputs.size()) ? node.inputs[static_cast<std::size_t>(i)] : absent;
}

}  // namespace lithe::passes
