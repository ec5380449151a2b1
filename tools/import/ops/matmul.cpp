// SPDX-License-Identifier: Apache-2.0
#include "lithe/ops/matmul.hpp"

#include "lithe/ops/fully_connected.hpp"
#include "tools/import/importer.hpp"
#include "tools/import/ops/weights.hpp"

namespace lithe::import {
namespace {

/// MatMul-1, 9, 13. A constant matrix on the right [K, N] is the filter [N, K] of a fully connected layer.
void import_matmul(NodeImport& node) {
  const graph::ValueId a = node.input(0), b = node.input(1);
  if (node.rank(a).value_or(0) >= 2 && fully_connected(node, b))
    node.emit_outputs<ops::FullyConnected>({}, {a, node.transpose(b, {1, 0})});
  else
    node.emit_outputs<ops::MatMul>({}, {a, b});
}

}  // namespace

void register_matmul(ImporterTable& table) { table.add("MatMul", import_matmul); }

}  // namespace lithe::import
