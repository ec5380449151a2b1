// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <algorithm>
#include <cctype>
#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include "lithe/ops/detail/recurrent.hpp"
#include "tools/import/importer.hpp"
#include "tools/import/ops/row.hpp"

/// What the importers of GRU, LSTM and RNN share.
namespace lithe::import {

/// The activations of one direction, the same for both: ONNX's names in lower case are lithe's, but for hard_sigmoid.
inline std::vector<ops::RecurrentActivation> read_activations(NodeImport& node,
                                                              ops::RecurrentDirection direction,
                                                              const std::vector<std::string>& defaults) {
  std::vector<std::string> names = node.attribute_strings("activations");
  const std::size_t each = defaults.size(),
                    directions = direction == ops::RecurrentDirection::bidirectional ? 2 : 1;
  if (names.empty())
    for (std::size_t d = 0; d < directions; ++d) names.insert(names.end(), defaults.begin(), defaults.end());
  if (names.size() != each * directions)
    node.refuse("activations must name " + std::to_string(each) + " functions a direction");
  for (std::string& name : names) {
    for (char& c : name) c = static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
    if (name == "hardsigmoid") name = "hard_sigmoid";
  }
  for (std::size_t i = each; i < names.size(); ++i)
    if (names[i] != names[i - each])
      node.refuse(node.op_type() + " with different activations for its two directions is not supported");
  std::vector<ops::RecurrentActivation> kinds;
  for (std::size_t i = 0; i < each; ++i)
    kinds.push_back(named<ops::RecurrentActivation>(node, names[i], "activations"));
  const std::vector<float> alphas = node.attribute_floats("activation_alpha"),
                           betas = node.attribute_floats("activation_beta");
  const auto other = [](const std::vector<float>& given, float usual) {
    return std::ranges::any_of(given, [usual](float v) { return v != usual; });
  };
  if (std::ranges::find(kinds, ops::RecurrentActivation::hard_sigmoid) != kinds.end() &&
      (other(alphas, ops::hard_sigmoid_slope) || other(betas, ops::hard_sigmoid_middle)))
    node.refuse(node.op_type() +
                " with a HardSigmoid other than that of alpha = 0.2, beta = 0.5 is not supported");
  return kinds;
}

/// Emits the node. layout = 1 (since opset 14) puts the batch first in input, states and outputs: [B, T, I],
/// [B, D, H], [B, T, D, H].
template <class Op>
void emit_recurrent(NodeImport& node, const typename Op::Attributes& attributes, int states) {
  constexpr int first_without_output_sequence = 7;  // before, it says whether output 0 is wanted
  if (node.opset() < first_without_output_sequence) node.attribute_int("output_sequence", 0);
  const std::int64_t layout = node.attribute_int("layout", 0);
  std::vector<graph::ValueId> inputs = all_inputs(node);
  if (layout == 0) return node.emit_outputs<Op>(attributes, inputs);
  if (layout != 1) node.refuse(node.op_type() + " with layout = " + std::to_string(layout) + " is not known");
  inputs[0] = node.transpose(inputs[0], {1, 0, 2});
  for (int i = 5; i < 5 + states; ++i)
    if (node.has(i)) inputs[static_cast<std::size_t>(i)] = node.transpose(node.input(i), {1, 0, 2});
  const std::vector<DType> dtypes(static_cast<std::size_t>(states) + 1, node.dtype(node.input(0)));
  const std::vector<graph::ValueId> outputs = node.emit_several<Op>(attributes, inputs, dtypes);
  if (node.wants(0)) node.output(0, node.transpose(outputs[0], {2, 0, 1, 3}));
  for (int o = 1; o <= states; ++o)
    if (node.wants(o)) node.output(o, node.transpose(outputs[static_cast<std::size_t>(o)], {1, 0, 2}));
}

}  // namespace lithe::import
