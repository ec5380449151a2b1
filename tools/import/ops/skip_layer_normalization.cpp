// SPDX-License-Identifier: Apache-2.0
#include <cstdint>
#include <vector>

#include "lithe/ops/constant_of_shape.hpp"
#include "lithe/ops/layer_normalization.hpp"
#include "lithe/ops/unary.hpp"
#include "tools/import/domains.hpp"
#include "tools/import/importer.hpp"
#include "tools/import/ops/compose.hpp"
#include "tools/import/ops/row.hpp"

/// Normalizations as ONNX Runtime's optimizations write them.
namespace lithe::import {
namespace {

using graph::ValueId;

/// Makes the normalization of `sum` outputs 0 (and 1, 2: mean and inverse deviation) of the node.
void normalize(Compose& compose, ValueId sum, std::vector<ValueId> parameters,
               const ops::TrailingAxesAttributes& attributes) {
  NodeImport& node = compose.node;
  const DType dtype = node.dtype(sum);
  std::vector<ValueId> inputs{sum};
  inputs.insert(inputs.end(), parameters.begin(), parameters.end());
  if (!node.wants(1) && !node.wants(2))
    return node.output(0, compose.apply<ops::LayerNormalization>(inputs, attributes));
  const std::vector<ValueId> outputs =
      node.emit_several<ops::LayerNormalization>(attributes, inputs, {dtype, DType::f32, DType::f32});
  for (int o = 0; o < 3; ++o)
    if (node.wants(o)) node.output(o, outputs[static_cast<std::size_t>(o)]);
}

/// 1 / sqrt(mean of x^2 + epsilon) over the axes from `axis` on.
ValueId inverse_deviation(Compose& compose, ValueId x, const ops::TrailingAxesAttributes& attributes) {
  NodeImport& node = compose.node;
  const int rank = node.required_rank(x), first = normalize_axis(attributes.axis, rank);
  if (first < 0) node.refuse("attribute axis lies outside of the input");
  std::vector<std::int64_t> axes;
  for (int axis = first; axis < rank; ++axis) axes.push_back(axis);
  const ValueId wide = compose.cast(x, DType::f32);
  const ValueId mean = compose.reduce<ops::ReduceMean>(compose.mul(wide, wide), axes, true);
  const ValueId deviation =
      compose.apply<ops::Sqrt>({compose.add(mean, node.scalar(attributes.epsilon, DType::f32))});
  return compose.apply<ops::Reciprocal>({deviation});
}

ops::TrailingAxesAttributes read_epsilon(NodeImport& node, float fallback) {
  ops::TrailingAxesAttributes attributes;
  attributes.epsilon = node.attribute_float("epsilon", fallback);
  return attributes;
}

/// Input and skip, and the bias of input `bias` where it is given: output 3 of the node.
ValueId skipped(Compose& compose, int bias) {
  NodeImport& node = compose.node;
  ValueId sum = compose.add(node.input(0), node.input(1));
  if (node.has(bias)) sum = compose.add(sum, node.input(bias));
  node.output(3, sum);
  return sum;
}

/// com.microsoft.SkipLayerNormalization-1: input, skip, gamma, beta?, bias?.
void import_skip_layer_normalization(NodeImport& node) {
  Compose compose(node);
  const ops::TrailingAxesAttributes attributes = read_epsilon(node, 1e-12F);
  std::vector<ValueId> parameters{node.input(2)};
  if (node.has(3)) parameters.push_back(node.input(3));
  normalize(compose, skipped(compose, 4), parameters, attributes);
}

/// com.microsoft.SkipSimplifiedLayerNormalization-1: input, skip, gamma, bias?.
void import_skip_simplified_layer_normalization(NodeImport& node) {
  Compose compose(node);
  const ops::TrailingAxesAttributes attributes = read_epsilon(node, 1e-12F);
  const ValueId sum = skipped(compose, 3);
  node.output(0, compose.apply<ops::RMSNormalization>({sum, node.input(2)}, attributes));
  if (node.wants(1))
    node.output(1, compose.reduce<ops::ReduceMean>(compose.cast(sum, DType::f32), {-1}, true));
  if (node.wants(2)) node.output(2, inverse_deviation(compose, sum, attributes));
}

/// SimplifiedLayerNormalization-1, which ONNX Runtime writes in ONNX's own domain: RMSNormalization.
void import_simplified_layer_normalization(NodeImport& node) {
  Compose compose(node);
  ops::TrailingAxesAttributes attributes = read_epsilon(node, 1e-5F);
  read_attribute(node, "axis", attributes.axis);
  node.attribute_int("stash_type", 1);  // sums are kept in f32 or better
  const ValueId x = node.input(0), scale = node.input(1);
  const DType from = node.dtype(x), to = node.dtype(scale);
  node.output(
      0, from == to
             ? compose.apply<ops::RMSNormalization>({x, scale}, attributes)
             : compose.mul(compose.cast(compose.apply<ops::RMSNormalization>({x}, attributes), to), scale));
  if (node.wants(1)) node.output(1, inverse_deviation(compose, x, attributes));
}

/// The number of ones of each row of a mask [B, S], or 0 where there is none.
ValueId mask_index(Compose& compose, ValueId mask, ValueId ids) {
  if (mask != graph::absent)
    return compose.reduce<ops::ReduceSum>(compose.cast(mask, DType::s32), {1}, false);
  NodeImport& node = compose.node;
  return compose.apply<ops::ConstantOfShape>(
      {compose.vector({compose.size(ids, 0)}), zero(node, DType::s32)});
}

/// com.microsoft.EmbedLayerNormalization-1: words [B, S], segments?, tables of words, positions and segments?, gamma,
/// beta, mask?, positions?.
void import_embed_layer_normalization(NodeImport& node) {
  Compose compose(node);
  const ops::TrailingAxesAttributes attributes = read_epsilon(node, 1e-12F);
  node.attribute_int("mask_index_type", 0);
  const ValueId ids = node.input(0);
  const auto rows = [&](ValueId table, ValueId which) { return compose.apply<ops::Gather>({table, which}); };
  const ValueId positions = node.has(8) ? node.input(8) : compose.numbers(compose.size(ids, 1));
  ValueId sum = compose.add(rows(node.input(2), ids), rows(node.input(3), positions));
  if (node.has(1) && node.has(4)) sum = compose.add(sum, rows(node.input(4), node.input(1)));
  node.output(0, compose.apply<ops::LayerNormalization>({sum, node.input(5), node.input(6)}, attributes));
  if (node.wants(1)) node.output(1, mask_index(compose, node.input(7), ids));
  node.output(2, sum);
}

}  // namespace

void register_skip_layer_normalization(ImporterTable& table) {
  table.add("EmbedLayerNormalization", import_embed_layer_normalization, 1, microsoft);
  table.add("SimplifiedLayerNormalization", import_simplified_layer_normalization, 1, microsoft);
  table.add("SkipLayerNormalization", import_skip_layer_normalization, 1, microsoft);
  table.add("SkipSimplifiedLayerNormalization", import_skip_simplified_layer_normalization, 1, microsoft);
}

}  // namespace lithe::import
