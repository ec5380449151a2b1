// SPDX-License-Identifier: Apache-2.0
#include "lithe/ops/binary.hpp"
#include "lithe/ops/unary.hpp"
#include "tools/import/importer.hpp"

namespace lithe::import {
namespace {

/// Swish-24: x * sigmoid(alpha * x).
void import_swish(NodeImport& node) {
  const graph::ValueId x = node.input(0);
  const DType dtype = node.dtype(x);
  const float alpha = node.attribute_float("alpha", 1);
  const graph::ValueId scaled =
      alpha == 1 ? x : node.emit<ops::Mul>({}, {x, node.scalar(alpha, dtype)}, dtype);
  node.emit_outputs<ops::Mul>({}, {x, node.emit<ops::Sigmoid>({}, {scaled}, dtype)});
}

}  // namespace

void register_swish(ImporterTable& table) { table.add("Swish", import_swish, 24); }

}  // namespace lithe::import
