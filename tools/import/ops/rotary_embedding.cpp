// SPDX-License-Identifier: Apache-2.0
#include "tools/import/domains.hpp"
#include "tools/import/importer.hpp"
#include "tools/import/ops/rotary.hpp"

namespace lithe::import {
namespace {

using graph::ValueId;

struct Rotary {
  RotaryPairs pairs;
  std::int64_t heads;      ///< 0: not said
  std::int64_t head_size;  ///< 0: not said
};

/// Turns X [B, heads, S, D] or [B, S, heads * D] by cosines and sines [B or 1, S, R / 2].
ValueId embedded(Compose& compose, ValueId x, ValueId cosines, ValueId sines, const Rotary& rotary) {
  NodeImport& node = compose.node;
  if (node.required_rank(x) == 4)
    return rotate(compose, x, compose.unsqueeze(cosines, {1}), compose.unsqueeze(sines, {1}), rotary.pairs);
  const std::int64_t width = compose.known_size(x, -1, "a hidden size");
  const std::int64_t heads =
      rotary.heads != 0 ? rotary.heads : width / std::max<std::int64_t>(rotary.head_size, 1);
  if (heads < 1 || width % heads != 0)
    node.refuse("the hidden size is not a multiple of the number of heads");
  const ValueId apart = compose.reshape(x, {0, 0, heads, width / heads});
  const ValueId turned =
      rotate(compose, apart, compose.unsqueeze(cosines, {2}), compose.unsqueeze(sines, {2}), rotary.pairs);
  return compose.reshape(turned, {0, 0, width});
}

Rotary read_attributes(NodeImport& node) {
  Rotary rotary{};
  rotary.pairs.interleaved = node.attribute_int("interleaved", 0) != 0;
  rotary.pairs.rotated = node.attribute_int("rotary_embedding_dim", 0);
  rotary.heads = node.attribute_int("num_heads", 0);
  return rotary;
}

/// How many columns of the caches are read.
std::int64_t half(Compose& compose, Rotary& rotary, ValueId x, ValueId table) {
  if (rotary.pairs.rotated != 0) return rotary.pairs.rotated / 2;
  if (compose.node.required_rank(x) == 4) return compose.known_size(x, 3, "a head size") / 2;
  if (rotary.heads > 0) return compose.known_size(x, 2, "a hidden size") / rotary.heads / 2;
  const std::int64_t columns = compose.known_size(table, -1, "a width of the cosines");
  rotary.head_size = 2 * columns;
  return columns;
}

/// RotaryEmbedding-23: X, cosines and sines, positions [B, S] where those are tables.
void import_rotary_embedding(NodeImport& node) {
  Compose compose(node);
  Rotary rotary = read_attributes(node);
  const ValueId x = node.input(0);
  const std::int64_t columns = half(compose, rotary, x, node.input(1));
  node.output(0, embedded(compose, x, rotary_rows(compose, node.input(1), node.input(3), columns),
                          rotary_rows(compose, node.input(2), node.input(3), columns), rotary));
}

/// com.microsoft.RotaryEmbedding-1: input, positions [B, S] or the first one, tables of cosines and sines.
void import_microsoft_rotary_embedding(NodeImport& node) {
  Compose compose(node);
  Rotary rotary = read_attributes(node);
  if (node.attribute_int("is_packed_batching", 0) != 0) node.refuse("packed batches are not supported");
  const float scale = node.attribute_float("scale", 1);
  const ValueId x = node.input(0);
  ValueId positions = node.input(1);
  if (node.required_rank(positions) < 2) {
    const Size length = compose.size(x, node.required_rank(x) == 4 ? 2 : 1);
    positions = compose.unsqueeze(compose.add(compose.numbers(length), positions), {0});
  }
  const std::int64_t columns = half(compose, rotary, x, node.input(2));
  node.output(0, compose.scaled(embedded(compose, x, rotary_rows(compose, node.input(2), positions, columns),
                                         rotary_rows(compose, node.input(3), positions, columns), rotary),
                                scale));
}

}  // namespace

void register_rotary_embedding(ImporterTable& table) {
  table.add("RotaryEmbedding", import_rotary_embedding, 23);
  table.add("RotaryEmbedding", import_microsoft_rotary_embedding, 1, microsoft);
}

}  // namespace lithe::import
