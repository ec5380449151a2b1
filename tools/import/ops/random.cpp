// SPDX-License-Identifier: Apache-2.0
#include "lithe/ops/random.hpp"

#include <bit>
#include <cstdint>
#include <span>

#include "lithe/ops/arg_max.hpp"
#include "lithe/ops/unary.hpp"
#include "tools/graph/hash.hpp"
#include "tools/import/importer.hpp"
#include "tools/import/ops/compose.hpp"
#include "tools/io/tensor_proto.hpp"

namespace lithe::import {
namespace {

using graph::ValueId;

/// The node's seed; where it has none, one of its own, which is the same in each conversion: the hash of the name of
/// `own`, a value that the node made.
std::int64_t seed(NodeImport& node, ValueId own) {
  if (node.has_attribute("seed")) return std::bit_cast<std::int32_t>(node.attribute_float("seed", 0));
  return static_cast<std::int64_t>(graph::hash(std::as_bytes(std::span(node.value(own).name)))[0]);
}

/// The dtype that attribute `dtype` names, or `fallback`.
DType wanted(NodeImport& node, DType fallback) {
  const DType dtype = node.has_attribute("dtype")
                          ? io::dtype_from_onnx(static_cast<int>(node.attribute_int("dtype", 0)))
                          : fallback;
  if (!is_float(dtype) && node.op_type().starts_with("Random"))
    node.refuse("random numbers of this type are not supported");
  return dtype;
}

ValueId shape(NodeImport& node, bool like) {
  if (like) return node.emit<ops::ShapeOf>({}, {node.input(0)}, DType::s64);
  return node.ints(node.attribute_ints("shape"));
}

/// Numbers of the distribution `Op`.
template <class Op>
ValueId drawn(NodeImport& node, typename Op::Attributes attributes, ValueId shape, DType dtype) {
  attributes.seed = seed(node, shape);
  return node.emit<Op>(attributes, {shape}, dtype);
}

/// A tensor of the input's shape and dtype if `like` is set, of those that the attributes say otherwise.
template <class Op, bool like>
void import_random(NodeImport& node, const typename Op::Attributes& attributes) {
  const DType dtype = wanted(node, like ? node.dtype(node.input(0)) : DType::f32);
  node.output(0, drawn<Op>(node, attributes, shape(node, like), dtype));
}

template <bool like>
void import_random_uniform(NodeImport& node) {
  import_random<ops::RandomUniform, like>(
      node, {.low = node.attribute_float("low", 0), .high = node.attribute_float("high", 1)});
}

template <bool like>
void import_random_normal(NodeImport& node) {
  import_random<ops::RandomNormal, like>(
      node, {.mean = node.attribute_float("mean", 0), .scale = node.attribute_float("scale", 1)});
}

/// Bernoulli-15, 22: 1 with the probability that the input says.
void import_bernoulli(NodeImport& node) {
  Compose compose(node);
  const DType dtype = node.dtype(node.input(0)), wide = dtype == DType::f64 ? dtype : DType::f32;
  const ValueId numbers = drawn<ops::RandomUniform>(node, {}, shape(node, true), wide);
  node.output(0, compose.cast(compose.apply<ops::Less>({numbers, compose.cast(node.input(0), wide)}),
                              wanted(node, dtype)));
}

/// Multinomial-7, 22: input [B, C], the logarithms of what is in proportion to the probabilities. The largest of
/// them after noise of Gumbel's distribution was added has these probabilities.
void import_multinomial(NodeImport& node) {
  Compose compose(node);
  const ValueId logits = compose.cast(node.input(0), DType::f32);
  const std::int64_t samples = node.attribute_int("sample_size", 1);
  if (samples < 1) node.refuse("attribute sample_size must be at least 1");
  const ValueId sizes = compose.vector({compose.size(logits, 0), samples, compose.size(logits, 1)});
  const auto minus_log = [&](ValueId v) { return compose.apply<ops::Neg>({compose.apply<ops::Log>({v})}); };
  const ValueId noise = minus_log(minus_log(drawn<ops::RandomUniform>(node, {}, sizes, DType::f32)));
  ops::ArgMax::Attributes last;
  last.axis = -1;
  last.keepdims = false;
  const ValueId chosen =
      compose.apply<ops::ArgMax>({compose.add(noise, compose.unsqueeze(logits, {1}))}, last);
  node.output(0, compose.cast(chosen, wanted(node, DType::s32)));
}

}  // namespace

void register_random(ImporterTable& table) {
  table.add("Bernoulli", import_bernoulli, 15);
  table.add("Multinomial", import_multinomial, 7);
  table.add("RandomNormal", import_random_normal<false>);
  table.add("RandomNormalLike", import_random_normal<true>);
  table.add("RandomUniform", import_random_uniform<false>);
  table.add("RandomUniformLike", import_random_uniform<true>);
}

}  // namespace lithe::import
