// SPDX-License-Identifier: Apache-2.0
#include "lithe/ops/lstm.hpp"

#include <cctype>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "tools/import/importer.hpp"
#include "tools/import/ops/row.hpp"

namespace lithe::import {
namespace {

using graph::ValueId;

/// ONNX's names of activations in lower case, as lithe writes them.
std::vector<std::string> activations(NodeImport& node, int directions) {
  std::vector<std::string> names = node.attribute_strings("activations");
  if (names.empty())
    for (int d = 0; d < directions; ++d) names.insert(names.end(), {"sigmoid", "tanh", "tanh"});
  if (names.size() != 3 * static_cast<std::size_t>(directions))
    node.refuse("activations must name three functions a direction");
  for (std::string& name : names)
    for (char& c : name) c = static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
  for (std::size_t i = 3; i < names.size(); ++i)
    if (names[i] != names[i - 3])
      node.refuse("LSTM with different activations for its two directions is not supported");
  return names;
}

ops::LSTM::Attributes read_attributes(NodeImport& node) {
  ops::LSTM::Attributes attributes;
  read_attribute(node, "hidden_size", attributes.hidden_size);
  read_attribute(node, "direction", attributes.direction);
  const std::vector<std::string> names =
      activations(node, attributes.direction == ops::LstmDirection::bidirectional ? 2 : 1);
  attributes.gate_activation = named<ops::LstmActivation>(node, names[0], "activations");
  attributes.cell_activation = named<ops::LstmActivation>(node, names[1], "activations");
  attributes.hidden_activation = named<ops::LstmActivation>(node, names[2], "activations");
  node.attribute_floats("activation_alpha");  // for functions that `named` has just refused
  node.attribute_floats("activation_beta");
  read_attribute(node, "clip", attributes.clip);
  read_attribute(node, "input_forget", attributes.input_forget);
  return attributes;
}

/// LSTM-7, 14, 22. layout = 1 (since 14) puts the batch first in input, states and outputs: [B, T, I], [B, D,
/// H], [B, T, D, H].
void import_lstm(NodeImport& node) {
  const ops::LSTM::Attributes attributes = read_attributes(node);
  const std::int64_t layout = node.attribute_int("layout", 0);
  std::vector<ValueId> inputs = all_inputs(node);
  if (layout == 0) return node.emit_outputs<ops::LSTM>(attributes, inputs);
  if (layout != 1) node.refuse("LSTM with layout = " + std::to_string(layout) + " is not known");
  for (const std::size_t i : {std::size_t{0}, std::size_t{5}, std::size_t{6}})
    if (node.has(static_cast<int>(i))) inputs[i] = node.transpose(inputs[i], {1, 0, 2});
  const DType dtype = node.dtype(node.input(0));
  const std::vector<ValueId> outputs =
      node.emit_several<ops::LSTM>(attributes, inputs, {dtype, dtype, dtype});
  if (node.wants(0)) node.output(0, node.transpose(outputs[0], {2, 0, 1, 3}));
  for (const int o : {1, 2})
    if (node.wants(o)) node.output(o, node.transpose(outputs[static_cast<std::size_t>(o)], {1, 0, 2}));
}

}  // namespace

void register_lstm(ImporterTable& table) { table.add("LSTM", import_lstm); }

}  // namespace lithe::import
