// SPDX-License-Identifier: Apache-2.0
#include "lithe/ops/binary.hpp"
#include "tools/import/importer.hpp"

namespace lithe::import {
namespace {

/// All inputs of the node, joined from the left by a binary operator.
template <class Op>
graph::ValueId fold(NodeImport& node) {
  graph::ValueId result = node.input(0);
  for (int i = 1; i < node.inputs(); ++i)
    result = node.emit<Op>({}, {result, node.input(i)}, node.dtype(result));
  return result;
}

/// Max, Min and Sum: 1 and 6 (one shape), 8 (broadcasting) to 13.
template <class Op>
void import_folded(NodeImport& node) {
  node.output(0, fold<Op>(node));
}

/// Mean-1 to 13: the sum divided by the number of inputs.
void import_mean(NodeImport& node) {
  graph::ValueId sum = fold<ops::Add>(node);
  const DType dtype = node.dtype(node.input(0));
  if (node.inputs() > 1)
    sum = node.emit<ops::Div>({}, {sum, node.scalar(static_cast<float>(node.inputs()), dtype)}, dtype);
  node.output(0, sum);
}

}  // namespace

void register_variadic(ImporterTable& table) {
  table.add("Max", import_folded<ops::Max>);
  table.add("Mean", import_mean);
  table.add("Min", import_folded<ops::Min>);
  table.add("Sum", import_folded<ops::Add>);
}

}  // namespace lithe::import
