// SPDX-License-Identifier: Apache-2.0
#include "lithe/ops/batch_normalization.hpp"

#include <vector>

#include "lithe/ops/cast.hpp"
#include "tools/import/importer.hpp"
#include "tools/import/ops/channels.hpp"

namespace lithe::import {
namespace {

using graph::ValueId;

ValueId as(NodeImport& node, ValueId value, DType dtype) {
  return node.dtype(value) == dtype ? value : node.emit<ops::Cast>({}, {value}, dtype);
}

/// The dtype to compute in: the inputs' own where they agree (but not bf16), else f32, or f64 where one is
/// f64.
DType computed_in(const NodeImport& node) {
  DType common = node.dtype(node.input(0));
  bool agree = true, doubles = false;
  for (int i = 0; i < 5; ++i) {
    agree = agree && node.dtype(node.input(i)) == common;
    doubles = doubles || node.dtype(node.input(i)) == DType::f64;
  }
  return agree && common != DType::bf16 ? common : doubles ? DType::f64 : DType::f32;
}

/// BatchNormalization-7 to 15 in inference: input [N, C, ...], parameters [C].
void import_batch_normalization(NodeImport& node) {
  constexpr const char* eval = "export it in inference mode: call model.eval() first";
  if (node.attribute_int("training_mode", 0) != 0)
    node.refuse("BatchNormalization was exported in training mode", eval);
  for (int o = 1; o < node.outputs(); ++o)
    if (node.wants(o))
      node.refuse("BatchNormalization was exported in training mode: it returns running statistics", eval);
  if (node.attribute_int("spatial", 1) == 0)
    node.refuse("BatchNormalization with spatial = 0 is not supported");
  node.attribute_float("momentum", 0.9F);  // for training
  ops::BatchNormalization::Attributes attributes;
  attributes.epsilon = node.attribute_float("epsilon", 1e-5F);

  const int rank = channels_rank(node);
  const DType dtype = computed_in(node);
  std::vector<ValueId> inputs{channels_to_last(node, as(node, node.input(0), dtype), rank)};
  for (int i = 1; i < 5; ++i) inputs.push_back(as(node, node.input(i), dtype));
  const ValueId output =
      channels_from_last(node, node.emit<ops::BatchNormalization>(attributes, inputs, dtype), rank);
  node.output(0, as(node, output, node.dtype(node.input(0))));
}

}  // namespace

void register_batch_normalization(ImporterTable& table) {
  table.add("BatchNormalization", import_batch_normalization, 7);
}

}  // namespace lithe::import
