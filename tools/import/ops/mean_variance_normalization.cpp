// SPDX-License-Identifier: Apache-2.0
#include "lithe/ops/binary.hpp"
#include "lithe/ops/cast.hpp"
#include "lithe/ops/reduce.hpp"
#include "lithe/ops/unary.hpp"
#include "tools/import/importer.hpp"

namespace lithe::import {
namespace {

using graph::ValueId;

/// MeanVarianceNormalization-9 and 13: (x - mean) / (sqrt(variance) + 1e-9) over axes; 16-bit floats in f32.
void import_mean_variance_normalization(NodeImport& node) {
  const DType dtype = node.dtype(node.input(0)), wide = dtype == DType::f64 ? dtype : DType::f32;
  const ValueId axes = node.ints(node.attribute_ints("axes", {0, 2, 3}));
  const ValueId input = dtype == wide ? node.input(0) : node.emit<ops::Cast>({}, {node.input(0)}, wide);
  const auto mean = [&](ValueId x) { return node.emit<ops::ReduceMean>({}, {x, axes}, wide); };
  const ValueId centered = node.emit<ops::Sub>({}, {input, mean(input)}, wide);
  const ValueId variance = mean(node.emit<ops::Mul>({}, {centered, centered}, wide));
  const ValueId deviation =
      node.emit<ops::Add>({}, {node.emit<ops::Sqrt>({}, {variance}, wide), node.scalar(1e-9F, wide)}, wide);
  const ValueId output = node.emit<ops::Div>({}, {centered, deviation}, wide);
  node.output(0, dtype == wide ? output : node.emit<ops::Cast>({}, {output}, dtype));
}

}  // namespace

void register_mean_variance_normalization(ImporterTable& table) {
  table.add("MeanVarianceNormalization", import_mean_variance_normalization, 9);
}

}  // namespace lithe::import
