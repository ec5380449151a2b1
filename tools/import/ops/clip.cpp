// SPDX-License-Identifier: Apache-2.0
#include "lithe/ops/clip.hpp"

#include <cmath>
#include <limits>

#include "lithe/core/half.hpp"
#include "lithe/ops/binary.hpp"
#include "tools/import/importer.hpp"

namespace lithe::import {
namespace {

using graph::ValueId;

constexpr float infinity = std::numeric_limits<float>::infinity();

/// The bound that a constant holds, where a float can hold it; not a number otherwise.
float bound(const graph::Constant& constant) {
  const float nothing = std::numeric_limits<float>::quiet_NaN();
  if (constant.view().elements() != 1) return nothing;
  switch (constant.dtype) {
    case DType::f32:
      return constant.as<float>()[0];
    case DType::f16:
      return constant.as<half>()[0];
    case DType::bf16:
      return constant.as<bfloat16>()[0];
    case DType::f64: {
      const double v = constant.as<double>()[0];
      const bool in_range = std::isinf(v) || std::fabs(v) <= std::numeric_limits<float>::max();
      return in_range && static_cast<float>(v) == v ? static_cast<float>(v) : nothing;
    }
    default:
      return nothing;
  }
}

/// Clip with attributes (1, 6) or with the inputs min and max (11 to 13). Bounds that are not constant floats,
/// or where min > max (then the result is max everywhere): Max, then Min.
void import_clip(NodeImport& node) {
  const ValueId input = node.input(0);
  Clamp clamp;
  if (node.opset() < 11) {
    clamp = {node.attribute_float("min", -infinity), node.attribute_float("max", infinity)};
  } else {
    const bool low = node.has(1), high = node.has(2);
    const graph::Constant* min = low ? node.constant(node.input(1)) : nullptr;
    const graph::Constant* max = high ? node.constant(node.input(2)) : nullptr;
    if (low) clamp.min = min != nullptr ? bound(*min) : std::numeric_limits<float>::quiet_NaN();
    if (high) clamp.max = max != nullptr ? bound(*max) : std::numeric_limits<float>::quiet_NaN();
  }
  const DType dtype = node.dtype(input);
  if (clamp.min <= clamp.max && is_float(dtype)) {
    ops::Clip::Attributes attributes;
    attributes.clamp = clamp;
    return node.emit_outputs<ops::Clip>(attributes, {input});
  }
  const bool attributes = node.opset() < 11;
  ValueId result = input;
  if (attributes || node.has(1))
    result =
        node.emit<ops::Max>({}, {result, attributes ? node.scalar(clamp.min, dtype) : node.input(1)}, dtype);
  if (attributes || node.has(2))
    result =
        node.emit<ops::Min>({}, {result, attributes ? node.scalar(clamp.max, dtype) : node.input(2)}, dtype);
  node.output(0, result);
}

}  // namespace

void register_clip(ImporterTable& table) { table.add("Clip", import_clip); }

}  // namespace lithe::import
