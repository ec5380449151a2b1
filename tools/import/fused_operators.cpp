// SPDX-License-Identifier: Apache-2.0
#include <onnx/onnx_pb.h>

#include <algorithm>
#include <array>
#include <cstdint>
#include <initializer_list>
#include <string>
#include <string_view>
#include <vector>

#include "tools/import/domains.hpp"
#include "tools/import/expansion.hpp"

namespace lithe::import {
namespace {

/// The node's attributes but those that `left_out` names.
void copy_attributes(const Expansion& e, std::initializer_list<std::string_view> left_out,
                     onnx::NodeProto& to) {
  for (const auto& a : e.node().attribute())
    if (std::find(left_out.begin(), left_out.end(), a.name()) == left_out.end()) *to.add_attribute() = a;
}

void add_float(onnx::NodeProto& node, const char* name, float value) {
  auto& attribute = *node.add_attribute();
  attribute.set_name(name);
  attribute.set_type(onnx::AttributeProto::FLOAT);
  attribute.set_f(value);
}

std::string transposed(Expansion& e, const std::string& input, std::initializer_list<std::int64_t> order) {
  onnx::NodeProto& node = e.add_node("Transpose", std::array{input}, 1);
  auto& permutation = *node.add_attribute();
  permutation.set_name("perm");
  permutation.set_type(onnx::AttributeProto::INTS);
  for (const std::int64_t axis : order) permutation.add_ints(axis);
  return node.output(0);
}

std::string text_attribute(const Expansion& e, std::string_view name) {
  const auto* a = e.attribute(name);
  return a == nullptr ? std::string() : a->s();
}

/// Applies the activation called `name`; `parameters` are what the operator takes, in the order of ONNX's
/// attributes. False: it is not known.
bool activate(Expansion& e, const std::string& input, const std::string& name,
              const std::vector<float>& parameters) {
  constexpr int first_clip_with_inputs = 11;
  struct Known {
    const char* name;
    std::array<const char*, 2> attributes;
  };
  constexpr Known known[] = {{"Relu", {}},
                             {"Tanh", {}},
                             {"Sigmoid", {}},
                             {"Softplus", {}},
                             {"Softsign", {}},
                             {"HardSwish", {}},
                             {"LeakyRelu", {"alpha"}},
                             {"Elu", {"alpha"}},
                             {"ThresholdedRelu", {"alpha"}},
                             {"HardSigmoid", {"alpha", "beta"}},
                             {"Clip", {"min", "max"}}};
  for (const Known& activation : known) {
    if (name != activation.name) continue;
    std::vector<std::string> inputs{input};
    const bool limits_are_inputs = name == "Clip" && e.opset() >= first_clip_with_inputs;
    if (limits_are_inputs)
      for (const float limit : parameters) inputs.push_back(e.scalar(limit));
    onnx::NodeProto& node = e.add_node(name, inputs, 1);
    for (std::size_t i = 0; !limits_are_inputs && i < parameters.size() && i < 2; ++i)
      if (activation.attributes[i] != nullptr) add_float(node, activation.attributes[i], parameters[i]);
    return true;
  }
  return false;
}

/// com.microsoft's FusedConv-1: X, W, bias?, a summand?; then an activation.
bool expand_fused_conv(Expansion& e) {
  std::vector<std::string> inputs;
  for (int i = 0; i < std::min(e.inputs(), 3); ++i) inputs.push_back(e.input(i));
  onnx::NodeProto& conv = e.add_node("Conv", inputs, 1);
  copy_attributes(e, {"activation", "activation_params"}, conv);
  std::string result = conv.output(0);
  if (e.has(3)) result = e.add("Add", {result, e.input(3)});
  std::vector<float> parameters;
  if (const auto* a = e.attribute("activation_params"))
    parameters.assign(a->floats().begin(), a->floats().end());
  const std::string activation = text_attribute(e, "activation");
  if (!activation.empty() && !activate(e, result, activation, parameters)) return false;
  e.finish();
  return true;
}

/// com.microsoft's FusedGemm-1: a Gemm and an activation.
bool expand_fused_gemm(Expansion& e) {
  std::vector<std::string> inputs;
  for (int i = 0; i < e.inputs(); ++i) inputs.push_back(e.input(i));
  onnx::NodeProto& gemm = e.add_node("Gemm", inputs, 1);
  copy_attributes(e, {"activation", "activation_alpha", "activation_beta", "activation_gamma"}, gemm);
  const std::string result = gemm.output(0);
  std::vector<float> parameters;
  for (const char* name : {"activation_alpha", "activation_beta"})
    if (e.attribute(name) != nullptr) parameters.push_back(e.float_attribute(name, 0));
  const std::string activation = text_attribute(e, "activation");
  if (!activation.empty() && !activate(e, result, activation, parameters)) return false;
  e.finish();
  return true;
}

/// com.microsoft's NhwcConv-1 and NhwcFusedConv-1: images [N, H, W, C], weights [O, C, KH, KW] as ever.
bool expand_nhwc_conv(Expansion& e) {
  std::vector<std::string> inputs{transposed(e, e.input(0), {0, 3, 1, 2})};
  for (int i = 1; i < std::min(e.inputs(), 3); ++i) inputs.push_back(e.input(i));
  onnx::NodeProto& conv = e.add_node("Conv", inputs, 1);
  copy_attributes(e, {"activation", "activation_params"}, conv);
  std::string result = transposed(e, conv.output(0), {0, 2, 3, 1});
  if (e.has(3)) result = e.add("Add", {result, e.input(3)});
  std::vector<float> parameters;
  if (const auto* a = e.attribute("activation_params"))
    parameters.assign(a->floats().begin(), a->floats().end());
  const std::string activation = text_attribute(e, "activation");
  if (!activation.empty() && !activate(e, result, activation, parameters)) return false;
  e.finish();
  return true;
}

/// com.microsoft's NhwcMaxPool-1: a MaxPool of images [N, H, W, C].
bool expand_nhwc_max_pool(Expansion& e) {
  const std::array image{transposed(e, e.input(0), {0, 3, 1, 2})};
  onnx::NodeProto& pool = e.add_node("MaxPool", image, 1);
  copy_attributes(e, {}, pool);
  transposed(e, pool.output(0), {0, 2, 3, 1});
  e.finish();
  return true;
}

/// com.microsoft's QuantizeLinear-1 and DequantizeLinear-1: ONNX's own, with more types.
bool expand_as_in_onnx(Expansion& e) {
  std::vector<std::string> inputs;
  for (int i = 0; i < e.inputs(); ++i) inputs.push_back(e.input(i));
  copy_attributes(e, {}, e.add_node(e.node().op_type(), inputs, e.node().output_size()));
  e.finish();
  return true;
}

/// com.microsoft's QAttention-1: Attention with 8-bit input and weights (a scale, or one for each column), in real
/// numbers here: input, weights, bias, their scales, mask?, their zero points?, past?.
bool expand_q_attention(Expansion& e) {
  const auto real = [&](int value, int scale, int zero_point, std::int64_t axis) {
    return e.add("DequantizeLinear", {e.input(value), e.input(scale), e.input(zero_point)}, {{"axis", axis}});
  };
  const std::string input = real(0, 3, 6, 0), weights = real(1, 4, 7, 1);
  const std::vector<std::string> inputs{input, weights, e.input(2), e.input(5), e.input(8)};
  onnx::NodeProto& attention = e.add_node("Attention", inputs, e.node().output_size());
  attention.set_domain(microsoft);
  copy_attributes(e, {}, attention);
  e.finish();
  return true;
}

}  // namespace

std::span<const Expandable> fused_operators() {
  static constexpr std::array table{Expandable{microsoft, "DequantizeLinear", expand_as_in_onnx},
                                    Expandable{microsoft, "FusedConv", expand_fused_conv},
                                    Expandable{microsoft, "FusedGemm", expand_fused_gemm},
                                    Expandable{microsoft, "NhwcConv", expand_nhwc_conv},
                                    Expandable{microsoft, "NhwcFusedConv", expand_nhwc_conv},
                                    Expandable{microsoft, "NhwcMaxPool", expand_nhwc_max_pool},
                                    Expandable{microsoft, "QAttention", expand_q_attention},
                                    Expandable{microsoft, "QuantizeLinear", expand_as_in_onnx}};
  return table;
}

}  // namespace lithe::import
