// SPDX-License-Identifier: Apache-2.0
#include <cmath>
#include <cstdint>
#include <vector>

#include "lithe/ops/binary.hpp"
#include "lithe/ops/cast.hpp"
#include "lithe/ops/fully_connected.hpp"
#include "lithe/ops/matmul.hpp"
#include "lithe/ops/reshape.hpp"
#include "tools/import/importer.hpp"
#include "tools/import/ops/weights.hpp"

namespace lithe::import {
namespace {

using graph::ValueId;

/// `factor` * `value`; nothing is emitted for 1.
ValueId scaled(NodeImport& node, ValueId value, float factor) {
  if (factor == 1) return value;
  const DType dtype = node.dtype(value);
  if (is_float(dtype)) return node.emit<ops::Mul>({}, {value, node.scalar(factor, dtype)}, dtype);
  constexpr float limit = 1 << 24;  // whole numbers that float holds
  if (factor != std::floor(factor) || std::fabs(factor) > limit || (factor < 0 && !is_signed_integer(dtype)))
    node.refuse("Gemm of integers is supported with whole numbers as alpha and beta only");
  const graph::ValueId number = node.ints({static_cast<std::int64_t>(factor)});
  return node.emit<ops::Mul>({}, {value, node.emit<ops::Cast>({}, {number}, dtype)}, dtype);
}

/// C as the bias [N] of a fully connected layer with N outputs, where it is one; else absent.
ValueId as_bias(NodeImport& node, ValueId c, std::int64_t outputs) {
  const auto& dims = node.value(c).dims;
  if (!dims || outputs < 0 || !constant_weights(node, c)) return graph::absent;
  if (*dims == graph::Dims{outputs}) return c;
  if (*dims == graph::Dims{1, outputs})
    return node.emit<ops::Reshape>({}, {c, node.ints({outputs})}, node.dtype(c));
  return graph::absent;
}

/// Gemm-1 to 13: alpha * op(A) * op(B) + beta * C, C optional since 11 and broadcast to [M, N], as `broadcast` said before 7.
void import_gemm(NodeImport& node) {
  constexpr int first_that_broadcasts = 7;
  if (node.opset() < first_that_broadcasts) node.attribute_int("broadcast", 0);
  const float alpha = node.attribute_float("alpha", 1), beta = node.attribute_float("beta", 1);
  const bool transpose_a = node.attribute_int("transA", 0) != 0,
             transpose_b = node.attribute_int("transB", 0) != 0;
  const ValueId a = node.input(0), b = node.input(1);
  const DType dtype = node.dtype(a);
  const bool added = node.has(2) && beta != 0;
  ValueId product;
  if (fully_connected(node, b)) {
    std::vector<ValueId> inputs{transpose_a ? node.transpose(a, {1, 0}) : a,
                                scaled(node, transpose_b ? b : node.transpose(b, {1, 0}), alpha)};
    const auto& dims = node.value(b).dims;
    const ValueId bias =
        added ? as_bias(node, node.input(2), dims ? (*dims)[transpose_b ? 0 : 1] : -1) : graph::absent;
    if (bias != graph::absent) inputs.push_back(scaled(node, bias, beta));
    if (bias != graph::absent || !added) return node.emit_outputs<ops::FullyConnected>({}, inputs);
    product = node.emit<ops::FullyConnected>({}, inputs, dtype);
  } else {
    ops::MatMul::Attributes attributes;
    attributes.transpose_a = transpose_a;
    attributes.transpose_b = transpose_b;
    product = scaled(node, node.emit<ops::MatMul>(attributes, {a, b}, dtype), alpha);
  }
  if (added) product = node.emit<ops::Add>({}, {product, scaled(node, node.input(2), beta)}, dtype);
  node.output(0, product);
}

}  // namespace

void register_gemm(ImporterTable& table) { table.add("Gemm", import_gemm); }

}  // namespace lithe::import
