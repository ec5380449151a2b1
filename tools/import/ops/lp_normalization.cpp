// SPDX-License-Identifier: Apache-2.0
#include <cstdint>

#include "lithe/ops/binary.hpp"
#include "lithe/ops/reduce.hpp"
#include "lithe/ops/where.hpp"
#include "tools/import/importer.hpp"

namespace lithe::import {
namespace {

/// LpNormalization-1, 22: x / norm, and 0 where the norm is 0.
void import_lp_normalization(NodeImport& node) {
  using graph::ValueId;
  const ValueId input = node.input(0), axis = node.ints({node.attribute_int("axis", -1)});
  const DType dtype = node.dtype(input);
  const std::int64_t p = node.attribute_int("p", 2);
  if (p != 1 && p != 2) node.refuse("LpNormalization of a norm other than 1 and 2 is not supported");
  const ValueId norm = p == 1 ? node.emit<ops::ReduceL1>({}, {input, axis}, dtype)
                              : node.emit<ops::ReduceL2>({}, {input, axis}, dtype);
  const ValueId zero = node.emit<ops::Equal>({}, {norm, node.scalar(0, dtype)});
  const ValueId divisor = node.emit<ops::Where>({}, {zero, node.scalar(1, dtype), norm}, dtype);
  node.emit_outputs<ops::Div>({}, {input, divisor});
}

}  // namespace

void register_lp_normalization(ImporterTable& table) {
  table.add("LpNormalization", import_lp_normalization);
}

}  // namespace lithe::import
