// SPDX-License-Identifier: Apache-2.0
#include <onnx/onnx_pb.h>

#include <array>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "tools/import/domains.hpp"
#include "tools/import/expansion.hpp"

namespace lithe::import {
namespace {

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
    std::vector<Expansion::Attribute> attributes;
    for (std::size_t i = 0; !limits_are_inputs && i < parameters.size() && i < 2; ++i)
      if (activation.attributes[i] != nullptr)
        attributes.push_back({activation.attributes[i], parameters[i]});
    e.add_node(name, inputs, 1, attributes);
    return true;
  }
  return false;
}

/// Ends with the activation that attribute `activation` names, if any. False: it is not known.
bool finish_with_activation(Expansion& e, const std::string& input, const std::vector<float>& parameters) {
  const std::string activation = text_attribute(e, "activation");
  if (!activation.empty() && !activate(e, input, activation, parameters)) return false;
  e.finish();
  return true;
}

/// com.microsoft's FusedConv-1: X, W, bias?, a summand?; then an activation. NhwcConv-1 and NhwcFusedConv-1 are the
/// same for images [N, H, W, C], with weights [O, C, KH, KW] as ever.
template <bool channels_last>
bool expand_conv(Expansion& e) {
  std::vector<std::string> inputs = e.inputs(0, 3);
  if (channels_last) inputs[0] = e.transpose(inputs[0], {0, 3, 1, 2});
  onnx::NodeProto& conv = e.add_node("Conv", inputs, 1);
  e.copy_attributes(conv, {"activation", "activation_params"});
  std::string result = conv.output(0);
  if (channels_last) result = e.transpose(result, {0, 2, 3, 1});
  if (e.has(3)) result = e.add("Add", {result, e.input(3)});
  std::vector<float> parameters;
  if (const auto* a = e.attribute("activation_params"))
    parameters.assign(a->floats().begin(), a->floats().end());
  return finish_with_activation(e, result, parameters);
}

/// com.microsoft's FusedGemm-1: a Gemm and an activation.
bool expand_fused_gemm(Expansion& e) {
  onnx::NodeProto& gemm = e.add_node("Gemm", e.inputs(0, e.inputs()), 1);
  e.copy_attributes(gemm, {"activation", "activation_alpha", "activation_beta", "activation_gamma"});
  const std::string result = gemm.output(0);
  std::vector<float> parameters;
  for (const char* name : {"activation_alpha", "activation_beta"})
    if (e.attribute(name) != nullptr) parameters.push_back(e.float_attribute(name, 0));
  return finish_with_activation(e, result, parameters);
}

/// com.microsoft's NhwcMaxPool-1: a MaxPool of images [N, H, W, C].
bool expand_nhwc_max_pool(Expansion& e) {
  onnx::NodeProto& pool = e.add_node("MaxPool", {e.transpose(e.input(0), {0, 3, 1, 2})}, 1);
  e.copy_attributes(pool);
  e.transpose(pool.output(0), {0, 2, 3, 1});
  e.finish();
  return true;
}

/// com.microsoft's QuantizeLinear-1 and DequantizeLinear-1: ONNX's own, with more types.
bool expand_as_in_onnx(Expansion& e) {
  e.copy_attributes(e.add_node(e.node().op_type(), e.inputs(0, e.inputs()), e.node().output_size()));
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
  onnx::NodeProto& attention =
      e.add_node("Attention", {input, weights, e.input(2), e.input(5), e.input(8)}, e.node().output_size());
  attention.set_domain(microsoft);
  e.copy_attributes(attention);
  e.finish();
  return true;
}

}  // namespace

std::span<const Expandable> fused_operators() {
  static constexpr std::array table{Expandable{microsoft, "DequantizeLinear", expand_as_in_onnx},
                                    Expandable{microsoft, "FusedConv", expand_conv<false>},
                                    Expandable{microsoft, "FusedGemm", expand_fused_gemm},
                                    Expandable{microsoft, "NhwcConv", expand_conv<true>},
                                    Expandable{microsoft, "NhwcFusedConv", expand_conv<true>},
                                    Expandable{microsoft, "NhwcMaxPool", expand_nhwc_max_pool},
                                    Expandable{microsoft, "QAttention", expand_q_attention},
                                    Expandable{microsoft, "QuantizeLinear", expand_as_in_onnx}};
  return table;
}

}  // namespace lithe::import
