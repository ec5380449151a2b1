// SPDX-License-Identifier: Apache-2.0
#include <onnx/onnx_pb.h>

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include "tools/import/domains.hpp"
#include "tools/import/expansion.hpp"

namespace lithe::import {
namespace {

constexpr std::int64_t f32 = onnx::TensorProto::FLOAT, s32 = onnx::TensorProto::INT32;

/// `stored` less its zero point, as numbers of type `to`. A vector of zero points belongs to the rows where
/// `by_row`.
std::string centered(Expansion& e, const std::string& stored, std::string zero_point, std::int64_t to,
                     bool by_row = false) {
  std::string numbers = e.add("Cast", {stored}, {{"to", to}});
  if (zero_point.empty()) return numbers;
  const auto dims = e.dims(zero_point);
  if (by_row && dims && dims->size() == 1 && (*dims)[0] > 1) {
    const std::array<std::int64_t, 2> column{-1, 1};
    zero_point = e.add("Reshape", {zero_point, e.ints(column)});
  }
  return e.add("Sub", {numbers, e.add("Cast", {zero_point}, {{"to", to}})});
}

std::string product(Expansion& e, const std::string& a, const std::string& b, const std::string& a_zero,
                    const std::string& b_zero) {
  const std::string left = centered(e, a, a_zero, s32, true);
  return e.add("MatMul", {left, centered(e, b, b_zero, s32)});
}

/// MatMulInteger-10: (A - its zero points) times (B - its zero points), in s32.
bool expand_matmul_integer(Expansion& e) {
  product(e, e.input(0), e.input(1), e.input(2), e.input(3));
  e.finish();
  return true;
}

/// s32 in steps of both scales, as real numbers, plus a bias that may be missing.
void finish_real(Expansion& e, const std::string& integers, const std::string& a_scale,
                 const std::string& b_scale, const std::string& bias) {
  const std::string real = e.add("Cast", {integers}, {{"to", f32}});
  const std::string scaled = e.add("Mul", {real, e.add("Mul", {a_scale, b_scale})});
  if (!bias.empty()) e.add("Add", {scaled, bias});
  e.finish();
}

/// com.microsoft's MatMulIntegerToFloat-1: A, B, scales, zero points?, bias?.
bool expand_matmul_integer_to_float(Expansion& e) {
  finish_real(e, product(e, e.input(0), e.input(1), e.input(4), e.input(5)), e.input(2), e.input(3),
              e.input(6));
  return true;
}

/// com.microsoft's DynamicQuantizeMatMul-1: real A, B, its scales, zero points?, bias?.
bool expand_dynamic_quantize_matmul(Expansion& e) {
  const onnx::NodeProto quantized = e.add_node("DynamicQuantizeLinear", e.inputs(0, 1), 3);
  finish_real(e, product(e, quantized.output(0), e.input(1), quantized.output(2), e.input(3)),
              quantized.output(1), e.input(2), e.input(4));
  return true;
}

/// ConvInteger-10: sums of products of 8-bit numbers. Convolutions of real numbers are exact as long as every
/// sum is below 2^24; weights of sums with more than 258 products go in two parts, 16 * high + low.
bool expand_conv_integer(Expansion& e) {
  const auto weights = e.dims(e.input(1));
  if (!weights || weights->empty()) return false;
  std::int64_t products = 1;
  for (std::size_t d = 1; d < weights->size(); ++d)
    products =
        std::min<std::int64_t>(products * std::clamp<std::int64_t>((*weights)[d], 0, 1 << 24), 1 << 24);
  constexpr std::int64_t exact = (1 << 24) / (255 * 255), exact_in_parts = (1 << 24) / (255 * 16);
  if (products > exact_in_parts) return false;
  const std::string x = centered(e, e.input(0), e.input(2), f32);
  const auto convolution = [&](const std::string& w) {
    onnx::NodeProto& conv = e.add_node("Conv", {x, w}, 1);
    e.copy_attributes(conv);
    return e.add("Cast", {conv.output(0)}, {{"to", s32}});
  };
  std::string zero_point = e.input(3);
  if (const auto dims = e.dims(zero_point); dims && dims->size() == 1) {
    std::vector<std::int64_t> column(weights->size(), 1);
    column[0] = -1;  // one for each output channel
    zero_point = e.add("Reshape", {zero_point, e.ints(column)});
  }
  const std::string w = centered(e, e.input(1), zero_point, f32);
  if (products <= exact) {
    convolution(w);
  } else {
    const std::string sixteen = e.scalar(16);
    const std::string high = e.add("Floor", {e.add("Div", {w, sixteen})});
    const std::string low = e.add("Sub", {w, e.add("Mul", {high, sixteen})});
    const std::string high_sums = convolution(high), low_sums = convolution(low);
    e.add("Add", {e.add("Mul", {high_sums, e.add("Cast", {sixteen}, {{"to", s32}})}), low_sums});
  }
  e.finish();
  return true;
}

/// Weights [D, I, 4 * H] with a scale for each direction, or for each direction and column, as LSTM's real
/// ones [D, 4 * H, I].
std::string recurrent_weights(Expansion& e, int weights, int scale) {
  const std::array<std::int64_t, 3> by_direction{-1, 1, 1}, by_column{0, 1, -1};
  const bool columns = e.dims(e.input(scale))->size() == 2;
  const std::string shape = columns ? e.ints(by_column) : e.ints(by_direction);
  std::string real = e.add("Cast", {e.input(weights)}, {{"to", f32}});
  if (e.has(scale + 1)) {
    const std::string zero_point = e.add("Reshape", {e.input(scale + 1), shape});
    real = e.add("Sub", {real, e.add("Cast", {zero_point}, {{"to", f32}})});
  }
  return e.transpose(e.add("Mul", {real, e.add("Reshape", {e.input(scale), shape})}), {0, 2, 1});
}

/// com.microsoft's DynamicQuantizeLSTM-1: an LSTM with 8-bit weights, computed in real numbers here.
bool expand_dynamic_quantize_lstm(Expansion& e) {
  constexpr int weight_scale = 8, recurrence_scale = 10;
  if (!e.dims(e.input(weight_scale)) || !e.dims(e.input(recurrence_scale))) return false;
  std::vector<std::string> inputs{e.input(0), recurrent_weights(e, 1, weight_scale),
                                  recurrent_weights(e, 2, recurrence_scale)};
  const std::vector<std::string> others = e.inputs(3, weight_scale);
  inputs.insert(inputs.end(), others.begin(), others.end());
  e.copy_attributes(e.add_node("LSTM", inputs, e.node().output_size()));
  e.finish();
  return true;
}

}  // namespace

std::span<const Expandable> integer_operators() {
  static constexpr std::array table{
      Expandable{"", "ConvInteger", expand_conv_integer},
      Expandable{"", "MatMulInteger", expand_matmul_integer},
      Expandable{microsoft, "DynamicQuantizeLSTM", expand_dynamic_quantize_lstm},
      Expandable{microsoft, "DynamicQuantizeMatMul", expand_dynamic_quantize_matmul},
      Expandable{microsoft, "MatMulIntegerToFloat", expand_matmul_integer_to_float}};
  return table;
}

}  // namespace lithe::import
