// SPDX-License-Identifier: Apache-2.0
#include "lithe/ops/layer_normalization.hpp"

#include <cstddef>
#include <cstdint>
#include <vector>

#include "lithe/ops/binary.hpp"
#include "lithe/ops/cast.hpp"
#include "tools/import/domains.hpp"
#include "tools/import/importer.hpp"
#include "tools/import/ops/row.hpp"

namespace lithe::import {
namespace {

using graph::ValueId;

ops::TrailingAxesAttributes read_attributes(NodeImport& node) {
  ops::TrailingAxesAttributes attributes;
  read_attribute(node, "axis", attributes.axis);
  read_attribute(node, "epsilon", attributes.epsilon);
  return attributes;
}

/// Whether input `i` may be broadcast in another way than over all axes before `axis`: the operators want the
/// shape of the normalized axes. What is not known at conversion counts as that shape, unless it is 1.
bool broadcasts_otherwise(const NodeImport& node, int i, int axis) {
  const auto &input = node.value(node.input(0)).dims, &given = node.value(node.input(i)).dims;
  if (!input || !given || given->size() > input->size()) return false;
  const std::size_t missing = input->size() - given->size();
  const int first = normalize_axis(axis, static_cast<int>(input->size()));
  for (std::size_t a = 0; a < input->size(); ++a) {
    const std::int64_t have = a < missing ? 1 : (*given)[a - missing];
    const std::int64_t want = static_cast<int>(a) < first ? 1 : (*input)[a];
    if (have >= 0 && have != want && (want >= 0 || have == 1)) return true;
  }
  return false;
}

/// The dtype of the statistics; sums are kept in f32 or better, whatever it asks for.
DType stash_dtype(NodeImport& node) { return node.attribute_dtype("stash_type", DType::f32); }

/// LayerNormalization-17.
void import_layer_normalization(NodeImport& node) {
  const ops::TrailingAxesAttributes attributes = read_attributes(node);
  const DType stash = stash_dtype(node);
  const DType dtype = node.dtype(node.input(0));
  bool apart = false;
  for (int i = 1; i < node.inputs(); ++i)
    apart = apart || (node.has(i) && broadcasts_otherwise(node, i, attributes.axis));
  std::vector<DType> dtypes{dtype};
  if (node.wants(1) || node.wants(2)) dtypes.insert(dtypes.end(), {DType::f32, DType::f32});
  const std::vector<ValueId> outputs = node.emit_several<ops::LayerNormalization>(
      attributes, apart ? std::vector{node.input(0)} : all_inputs(node), dtypes);
  ValueId result = outputs[0];
  if (apart) result = node.emit<ops::Mul>({}, {result, node.input(1)}, dtype);
  if (apart && node.has(2)) result = node.emit<ops::Add>({}, {result, node.input(2)}, dtype);
  node.output(0, result);
  for (const int o : {1, 2}) {
    if (!node.wants(o)) continue;
    const ValueId statistic = outputs[static_cast<std::size_t>(o)];
    node.output(o, stash == DType::f32 ? statistic : node.emit<ops::Cast>({}, {statistic}, stash));
  }
}

/// RMSNormalization-23; scale and output may have another dtype than the input.
void import_rms_normalization(NodeImport& node) {
  const ops::TrailingAxesAttributes attributes = read_attributes(node);
  (void)stash_dtype(node);
  const ValueId input = node.input(0), scale = node.input(1);
  const DType from = node.dtype(input), to = node.dtype(scale);
  if (from == to && !broadcasts_otherwise(node, 1, attributes.axis))
    return node.emit_outputs<ops::RMSNormalization>(attributes, {input, scale});
  ValueId result = node.emit<ops::RMSNormalization>(attributes, {input}, from);
  if (from != to) result = node.emit<ops::Cast>({}, {result}, to);
  node.emit_outputs<ops::Mul>({}, {result, scale});
}

}  // namespace

void register_layer_normalization(ImporterTable& table) {
  table.add("LayerNormalization", import_layer_normalization, 17);
  table.add("LayerNormalization", import_layer_normalization, 1, microsoft);
  table.add("RMSNormalization", import_rms_normalization, 23);
}

}  // namespace lithe::import
