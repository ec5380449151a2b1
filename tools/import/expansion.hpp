// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <set>
#include <string>

namespace onnx {
class ModelProto;
}  // namespace onnx

namespace lithe::import {

/// Writes operators on quantized tensors (ONNX's QLinearConv and QLinearMatMul, com.microsoft's QLinearAdd
/// and its like, QGemm) as DequantizeLinear, the operator on real numbers, QuantizeLinear, in the node's
/// place and under its name: what the quantize pass makes quantized operators of. Those that `kept` names
/// ("domain::Operator") and forms that this cannot say stay as they are.
void expand_quantized_operators(onnx::ModelProto& model, const std::set<std::string>& kept);

}  // namespace lithe::import
