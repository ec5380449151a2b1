// SPDX-License-Identifier: Apache-2.0
#include <cstdint>
#include <numeric>
#include <vector>

#include "lithe/ops/unary.hpp"
#include "tools/import/domains.hpp"
#include "tools/import/importer.hpp"
#include "tools/import/ops/compose.hpp"

namespace lithe::import {
namespace {

using graph::ValueId;

/// [d0, d1, ..., M, K] as [d1, ..., M, d0, K]: com.microsoft's transBatchA and transBatchB.
ValueId batch_moved(NodeImport& node, ValueId value) {
  const int rank = node.required_rank(value);
  if (rank < 3) return value;
  std::vector<std::int32_t> order(static_cast<std::size_t>(rank));
  std::iota(order.begin(), order.end(), 1);
  order[static_cast<std::size_t>(rank) - 2] = 0;
  order[static_cast<std::size_t>(rank) - 1] = rank - 1;
  return node.transpose(value, order);
}

/// com.microsoft.FusedMatMul-1 and TransposeMatMul-1: alpha * op(A) * op(B).
void import_fused_matmul(NodeImport& node) {
  Compose compose(node);
  ops::MatMul::Attributes attributes;
  attributes.transpose_a = node.attribute_int("transA", 0) != 0;
  attributes.transpose_b = node.attribute_int("transB", 0) != 0;
  const float alpha = node.attribute_float("alpha", 1);
  ValueId a = node.input(0), b = node.input(1);
  if (node.attribute_int("transBatchA", 0) != 0) a = batch_moved(node, a);
  if (node.attribute_int("transBatchB", 0) != 0) b = batch_moved(node, b);
  // A vector has nothing to transpose.
  attributes.transpose_a = attributes.transpose_a && node.required_rank(a) > 1;
  attributes.transpose_b = attributes.transpose_b && node.required_rank(b) > 1;
  if (!attributes.transpose_a && node.required_rank(a) >= 2 && fully_connected(node, b))
    return node.output(
        0, compose.scaled(compose.linear(a, attributes.transpose_b ? node.transpose(b, {1, 0}) : b), alpha));
  node.output(0, compose.scaled(compose.apply<ops::MatMul>({a, b}, attributes), alpha));
}

ops::Gelu::Attributes by_tanh() {
  ops::Gelu::Attributes attributes;
  attributes.approximate = ops::GeluApproximation::tanh;
  return attributes;
}

/// Input 0 plus the bias of input 1, where there is one.
ValueId biased(Compose& compose) {
  NodeImport& node = compose.node;
  return node.has(1) ? compose.add(node.input(0), node.input(1)) : node.input(0);
}

/// com.microsoft.Gelu-1 and BiasGelu-1.
void import_bias_gelu(NodeImport& node) {
  Compose compose(node);
  node.output(0, compose.apply<ops::Gelu>({biased(compose)}));
}

/// com.microsoft.FastGelu-1.
void import_fast_gelu(NodeImport& node) {
  Compose compose(node);
  node.output(0, compose.apply<ops::Gelu>({biased(compose)}, by_tanh()));
}

/// com.microsoft.QuickGelu-1: x * sigmoid(alpha * x).
void import_quick_gelu(NodeImport& node) {
  Compose compose(node);
  const ValueId x = node.input(0);
  const ValueId gate =
      compose.apply<ops::Sigmoid>({compose.scaled(x, node.attribute_float("alpha", 1.702F))});
  node.output(0, compose.mul(x, gate));
}

}  // namespace

void register_fused_matmul(ImporterTable& table) {
  table.add("BiasGelu", import_bias_gelu, 1, microsoft);
  table.add("FastGelu", import_fast_gelu, 1, microsoft);
  table.add("FusedMatMul", import_fused_matmul, 1, microsoft);
  table.add("Gelu", import_bias_gelu, 1, microsoft);
  table.add("QuickGelu", import_quick_gelu, 1, microsoft);
  table.add("TransposeMatMul", import_fused_matmul, 1, microsoft);
}

}  // namespace lithe::import
