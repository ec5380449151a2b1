// SPDX-License-Identifier: Apache-2.0
#include "lithe/ops/batch_normalization.hpp"

#include <cstdint>
#include <vector>

#include "lithe/ops/cast.hpp"
#include "lithe/ops/unary.hpp"
#include "tools/import/importer.hpp"
#include "tools/import/ops/channels.hpp"
#include "tools/import/ops/compose.hpp"

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

/// Normalizes with the statistics of the input itself, as in training; outputs 1 and 2 are the running statistics,
/// 3 and 4 (before 14) those of the input.
void normalize_by_itself(NodeImport& node, float epsilon, float momentum) {
  Compose compose(node);
  const int rank = channels_rank(node);
  const DType dtype = computed_in(node), given = node.dtype(node.input(0));
  std::vector<std::int64_t> axes{0}, apart;  // all but the channels; those after them
  for (int axis = 2; axis < rank; ++axis) {
    axes.push_back(axis);
    apart.push_back(axis - 1);
  }
  const auto parameter = [&](int i) { return compose.cast(node.input(i), dtype); };
  const auto along_channels = [&](ValueId v) { return apart.empty() ? v : compose.unsqueeze(v, apart); };
  const ValueId x = compose.cast(node.input(0), dtype);
  const ValueId mean = compose.reduce<ops::ReduceMean>(x, axes, false);
  const ValueId centered = compose.sub(x, along_channels(mean));
  const ValueId variance = compose.reduce<ops::ReduceMean>(compose.mul(centered, centered), axes, false);
  const ValueId deviation = compose.apply<ops::Sqrt>({compose.add(variance, node.scalar(epsilon, dtype))});
  const ValueId scaled = compose.mul(centered, along_channels(compose.div(parameter(1), deviation)));
  node.output(0, compose.cast(compose.add(scaled, along_channels(parameter(2))), given));
  const auto running = [&](int i, ValueId now) {
    return compose.add(compose.scaled(parameter(i), momentum), compose.scaled(now, 1 - momentum));
  };
  const ValueId statistics[] = {running(3, mean), running(4, variance), mean, variance};
  for (int o = 1; o < 5; ++o)
    if (node.wants(o))
      node.output(o, compose.cast(statistics[o - 1], node.dtype(node.input(o < 3 ? o + 2 : o))));
}

/// Normalizes each element with parameters of its own [C, D1, ...]: spatial = 0, before 9.
void normalize_elements(NodeImport& node, float epsilon) {
  Compose compose(node);
  const DType dtype = computed_in(node);
  const auto parameter = [&](int i) { return compose.cast(node.input(i), dtype); };
  const ValueId deviation =
      compose.apply<ops::Sqrt>({compose.add(parameter(4), node.scalar(epsilon, dtype))});
  const ValueId centered = compose.sub(parameter(0), parameter(3));
  const ValueId scaled = compose.mul(centered, compose.div(parameter(1), deviation));
  node.output(0, compose.cast(compose.add(scaled, parameter(2)), node.dtype(node.input(0))));
}

/// BatchNormalization-1 to 15: input [N, C, ...], parameters [C]. Training mode is said by the outputs, since 14 by an
/// attribute.
void import_batch_normalization(NodeImport& node) {
  constexpr int first_without_is_test = 7, first_with_training_mode = 14;
  const float epsilon = node.attribute_float("epsilon", 1e-5F),
              momentum = node.attribute_float("momentum", 0.9F);
  const bool is_test = node.opset() < first_without_is_test && node.attribute_int("is_test", 0) != 0;
  bool training = node.attribute_int("training_mode", 0) != 0;
  for (int o = 1; o < node.outputs() && node.opset() < first_with_training_mode; ++o)
    training = training || (node.wants(o) && !is_test);
  const bool elements = node.attribute_int("spatial", 1) == 0;
  if (training && elements)
    node.refuse("BatchNormalization with spatial = 0 in training mode is not supported");
  if (training) {
    node.note(
        "it was exported in training mode: it normalizes with the statistics of its input, not the trained "
        "ones");
    return normalize_by_itself(node, epsilon, momentum);
  }
  for (int o = 1; is_test && o < node.outputs(); ++o)  // the statistics stay what they are
    node.output(o, node.input(o % 2 == 1 ? 3 : 4));
  if (elements) return normalize_elements(node, epsilon);
  ops::BatchNormalization::Attributes attributes;
  attributes.epsilon = epsilon;
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
  table.add("BatchNormalization", import_batch_normalization);
}

}  // namespace lithe::import
