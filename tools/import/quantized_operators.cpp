// SPDX-License-Identifier: Apache-2.0
#include <onnx/onnx_pb.h>

#include <algorithm>
#include <array>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "tools/import/domains.hpp"
#include "tools/import/expansion.hpp"

namespace lithe::import {
namespace {

constexpr int missing = -1, every_third = -2;
constexpr int first_axes_as_input = 18;  ///< the opset

/// Inputs `first`, scale and zero point are one quantized tensor; several scales lie along `axis`.
struct Operand {
  int first;
  int axis = 0;
};

/// A quantized operator's inputs. `plain` ones in front are not quantized; `output` is where the output's
/// scale and zero point stand; the bias has the product of the operands' scales.
struct Form {
  const char *name, *op;
  std::vector<Operand> operands;
  int output;
  int bias = missing;
  int plain = 0;
};

const Form& form_of(const std::string& name) {
  static const std::vector<Form> forms = {{"QLinearConv", "Conv", {{0}, {3}}, 6, 8},
                                          {"QLinearMatMul", "MatMul", {{0, -2}, {3, -1}}, 6},
                                          {"QGemm", "Gemm", {{0}, {3, 1}}, 7, 6},
                                          {"QLinearAdd", "Add", {{0}, {3}}, 6},
                                          {"QLinearAveragePool", "AveragePool", {{0}}, 3},
                                          {"QLinearConcat", "Concat", {{every_third}}, 0},
                                          {"QLinearGlobalAveragePool", "GlobalAveragePool", {{0}}, 3},
                                          {"QLinearLeakyRelu", "LeakyRelu", {{0}}, 3},
                                          {"QLinearMul", "Mul", {{0}, {3}}, 6},
                                          {"QLinearReduceMean", "ReduceMean", {{0}}, 3},
                                          {"QLinearSigmoid", "Sigmoid", {{0}}, 3},
                                          {"QLinearSoftmax", "Softmax", {{0}}, 3},
                                          {"QLinearWhere", "Where", {{1}, {4}}, 7, missing, 1}};
  return *std::find_if(forms.begin(), forms.end(), [&](const Form& form) { return name == form.name; });
}

bool expressible(const Expansion& e, const Form& form) {
  const bool real_output = form.op == std::string("Gemm");
  if (e.node().output_size() != 1 || (!real_output && e.inputs() <= form.output)) return false;
  if (e.int_attribute("channels_last", 0) != 0) return false;
  if (e.attribute("opset") == nullptr) return true;
  // Softmax changed its meaning with opset 13, except along the last axis.
  return (e.int_attribute("opset", 0) < 13) == (e.opset() < 13) || e.int_attribute("axis", 0) == -1;
}

/// s32 in steps of the first operand's scale times the second's; Gemm's also times alpha.
std::string bias(Expansion& e, const Form& form) {
  const int a = form.operands[0].first, b = form.operands[1].first;
  std::string scale = e.add("Mul", {e.input(a + 1), e.input(b + 1)});
  if (const float alpha = e.float_attribute("alpha", 1); alpha != 1)
    scale = e.add("Mul", {scale, e.scalar(alpha)});
  return e.add("DequantizeLinear", {e.input(form.bias), scale}, {{"axis", 0}});
}

/// 0 of the type of the first zero point that the node has, u8 where it has none.
std::string zero(Expansion& e, const Form& form) {
  int type = onnx::TensorProto::UINT8;
  for (const Operand& operand : form.operands)
    if (const auto* t = e.constant(e.input((operand.first == every_third ? 2 : operand.first) + 2)))
      type = t->data_type();
  return e.zero(type);
}

bool expand(Expansion& e) {
  const Form& form = form_of(e.node().op_type());
  if (!expressible(e, form)) return false;
  std::vector<std::string> inputs = e.inputs(0, form.plain);
  std::vector<Operand> operands = form.operands;
  if (operands[0].first == every_third) {
    operands.clear();
    for (int i = 2; i < e.inputs(); i += 3) operands.push_back({i});
  }
  for (const Operand& operand : operands) {
    const int axis = operand.first == 3 && e.int_attribute("transB", 0) != 0 ? 0 : operand.axis;
    inputs.push_back(e.add("DequantizeLinear", e.inputs(operand.first, operand.first + 3), {{"axis", axis}}));
  }
  if (e.has(form.bias)) inputs.push_back(bias(e, form));
  std::vector<std::string_view> left_out{"channels_last", "opset"};
  if (const auto* axes = e.attribute("axes"); axes != nullptr && e.opset() >= first_axes_as_input) {
    inputs.push_back(e.ints(std::vector<std::int64_t>(axes->ints().begin(), axes->ints().end())));
    left_out.push_back("axes");
  }
  onnx::NodeProto& inner = e.add_node(form.op, inputs, 1);
  e.copy_attributes(inner, left_out);
  const std::string real = inner.output(0), scale = e.input(form.output);
  if (!scale.empty())  // QGemm may give real numbers
    e.add("QuantizeLinear", {real, scale, e.has(form.output + 1) ? e.input(form.output + 1) : zero(e, form)});
  e.finish();
  return true;
}

}  // namespace

std::span<const Expandable> quantized_operators() {
  static constexpr std::array table{Expandable{"", "QLinearConv", expand},
                                    Expandable{"", "QLinearMatMul", expand},
                                    Expandable{microsoft, "QGemm", expand},
                                    Expandable{microsoft, "QLinearAdd", expand},
                                    Expandable{microsoft, "QLinearAveragePool", expand},
                                    Expandable{microsoft, "QLinearConcat", expand},
                                    Expandable{microsoft, "QLinearConv", expand},
                                    Expandable{microsoft, "QLinearGlobalAveragePool", expand},
                                    Expandable{microsoft, "QLinearLeakyRelu", expand},
                                    Expandable{microsoft, "QLinearMul", expand},
                                    Expandable{microsoft, "QLinearReduceMean", expand},
                                    Expandable{microsoft, "QLinearSigmoid", expand},
                                    Expandable{microsoft, "QLinearSoftmax", expand},
                                    Expandable{microsoft, "QLinearWhere", expand}};
  return table;
}

}  // namespace lithe::import
