// SPDX-License-Identifier: Apache-2.0
#include <cstdint>
#include <vector>

#include "lithe/ops/split.hpp"
#include "tools/import/domains.hpp"
#include "tools/import/importer.hpp"
#include "tools/import/ops/attention.hpp"

/// com.microsoft's Attention and MultiHeadAttention.
namespace lithe::import {
namespace {

using graph::ValueId;

struct Parts {
  ValueId query, key, value;
};

/// Pieces of these sizes along the last axis.
std::vector<ValueId> split(Compose& compose, ValueId value, const std::vector<std::int64_t>& sizes) {
  ops::Split::Attributes last;
  last.axis = -1;
  return compose.node.emit_several<ops::Split>(last, {value, compose.node.ints(sizes)},
                                               std::vector<DType>(sizes.size(), compose.node.dtype(value)));
}

/// What a mask of com.microsoft says: 1 where a key is seen. [B] are numbers of keys, [2 * B] those and then the first
/// keys; [B, T], [B, S, T] and [B, 1, M, M] with M >= T say it of each key.
ValueId seen_keys(Compose& compose, ValueId mask, ValueId query, const Size& keys, const Size& past) {
  NodeImport& node = compose.node;
  const int rank = node.required_rank(mask);
  if (rank == 1) {
    const ValueId numbers = compose.numbers(keys);
    const Size batch = compose.size(query, 0), count = compose.size(mask, 0);
    const auto column = [&](ValueId v) { return compose.unsqueeze(compose.cast(v, DType::s64), {1, 2, 3}); };
    if (!batch.known() || !count.known() || count.number == batch.number)
      return compose.apply<ops::Less>({numbers, column(mask)});
    if (count.number != 2 * batch.number) node.refuse("a mask of one axis must have B or 2 * B numbers");
    const ValueId ends = compose.slice(mask, 0, 0, batch), starts = compose.slice(mask, 0, batch, count);
    return compose.apply<ops::And>({compose.apply<ops::Less>({numbers, column(ends)}),
                                    compose.apply<ops::GreaterOrEqual>({numbers, column(starts)})});
  }
  if (rank > 4) node.refuse("a mask of more than 4 axes is not supported");
  if (rank == 4) {
    mask = compose.slice(mask, 2, past, compose.plus(past, compose.size(query, -2)));
    mask = compose.slice(mask, 3, 0, keys);
  }
  if (rank == 2) mask = compose.unsqueeze(mask, {1, 2});
  if (rank == 3) mask = compose.unsqueeze(mask, {1});
  return compose.cast(mask, DType::boolean);
}

/// Reads what both operators have: scale, mask_filter_value, unidirectional; adds the masks of inputs `mask` and
/// `bias`; computes output 0 [B, S, heads * V] from parts [B, heads, ., .], or [B, ., heads * .] where the scores are not
/// wanted. `self`: there are as many new keys as queries.
void attend(NodeImport& node, const Parts& parts, std::int64_t heads, int mask, int bias, const Size& past,
            bool self, int scores_output) {
  Attention attention(node);
  Compose& compose = attention.compose;
  attention.scale = node.attribute_float("scale", 0);
  const float filter = node.attribute_float("mask_filter_value", -10000);
  const DType dtype = node.dtype(parts.query);
  const bool whole = !node.wants(scores_output) && attention.in_one(dtype, node.dtype(parts.value));
  const Size keys = compose.size(parts.key, -2);
  if (node.attribute_int("unidirectional", 0) != 0) {
    const bool none_past = past.known() && past.number == 0;
    if (whole && (none_past || self))
      attention.causal_mask = none_past ? ops::Causal::from_first : ops::Causal::from_last;
    else
      attention.causal(compose.size(parts.query, -2), keys, past);
  }
  if (node.has(mask)) {
    const ValueId seen = seen_keys(compose, node.input(mask), parts.query, keys, past);
    attention.bias(compose.where(seen, node.scalar(0, dtype), node.scalar(filter, dtype)));
  }
  if (node.has(bias)) attention.bias(node.input(bias));
  if (whole) return node.output(0, attention.whole(parts.query, parts.key, parts.value, heads, heads, false));
  const Attention::Scores scores = attention.scores(
      parts.query, parts.key, compose.known_size(parts.key, 1, "a number of key heads"), keys);
  node.output(0, attention.join_heads(attention.weighted(scores.weights, parts.value, keys,
                                                         compose.known_size(parts.value, 3, "a head size"))));
  node.output(scores_output, scores.raw);
}

/// Attention-1: input [B, S, I], weights [I, 2 * D + V], bias, mask?, past [2, B, heads, P, D]?, what is added?.
void import_microsoft_attention(NodeImport& node) {
  Attention attention(node);
  Compose& compose = attention.compose;
  if (node.attribute_int("do_rotary", 0) != 0) node.refuse("Attention with do_rotary is not supported");
  node.attribute_int("rotary_embedding_dim", 0);
  if (node.attribute_int("past_present_share_buffer", 0) != 0 || node.has(6))
    node.refuse("Attention whose past and present share a buffer is not supported",
                "export the model without past_present_share_buffer");
  const std::int64_t heads = node.attribute_int("num_heads", 0);
  std::vector<std::int64_t> sizes = node.attribute_ints("qkv_hidden_sizes");
  if (sizes.empty()) sizes.assign(3, compose.known_size(node.input(1), 1, "a hidden size") / 3);
  if (sizes.size() != 3) node.refuse("attribute qkv_hidden_sizes must have three numbers");
  const std::vector<ValueId> flat =
      split(compose, compose.linear(node.input(0), node.input(1), node.input(2)), sizes);
  Parts parts{flat[0], flat[1], flat[2]};
  Size past = 0;
  if (node.has(4) || node.wants(1) || !attention.in_one(node.dtype(flat[0]), node.dtype(flat[2]))) {
    parts.query = attention.split_heads(flat[0], heads);
    parts.key = attention.split_heads(flat[1], heads);
    parts.value = attention.split_heads(flat[2], heads);
  }
  if (node.has(4)) {
    const auto half = [&](std::int64_t i) {
      return compose.apply<ops::Gather>({node.input(4), integer(node, i)});
    };
    past = compose.size(node.input(4), 3);
    parts.key = compose.concat({half(0), parts.key}, 2);
    parts.value = compose.concat({half(1), parts.value}, 2);
  }
  constexpr int none = -1;
  attend(node, parts, heads, 3, 5, past, true, none);
  if (node.wants(1))
    node.output(1,
                compose.concat({compose.unsqueeze(parts.key, {0}), compose.unsqueeze(parts.value, {0})}, 0));
}

/// Element `i` of the fourth of five axes [B, S, heads, ., D], as [B, S, heads * D].
ValueId unpacked(Compose& compose, ValueId packed, std::int64_t i) {
  ops::Gather::Attributes axis;
  axis.axis = 3;
  const std::int64_t width =
      compose.known_size(packed, 2, "a number of heads") * compose.known_size(packed, 4, "a head size");
  return compose.reshape(compose.apply<ops::Gather>({packed, integer(compose.node, i)}, axis), {0, 0, width});
}

/// Query, key and value of MultiHeadAttention: apart, or packed into one tensor of five axes; a key of four axes has its
/// heads apart already.
Parts read_parts(Compose& compose) {
  NodeImport& node = compose.node;
  const ValueId query = node.input(0), key = node.input(1);
  if (node.required_rank(query) == 5)
    return {unpacked(compose, query, 0), unpacked(compose, query, 1), unpacked(compose, query, 2)};
  if (key == graph::absent) node.refuse("MultiHeadAttention has no key");
  if (node.required_rank(key) == 5) return {query, unpacked(compose, key, 0), unpacked(compose, key, 1)};
  return {query, key, node.input(2)};
}

/// MultiHeadAttention-1: query, key, value, bias?, mask of the keys?, what is added?, past key?, past value?.
void import_multi_head_attention(NodeImport& node) {
  Attention attention(node);
  Compose& compose = attention.compose;
  const std::int64_t heads = node.attribute_int("num_heads", 0);
  if (node.has(8) || node.has(9)) node.refuse("MultiHeadAttention with a cache of beams is not supported");
  Parts parts = read_parts(compose);
  if (node.has(3)) {  // biases of query, key and value, one after the other
    const std::int64_t width = compose.known_size(parts.query, -1, "a hidden size"),
                       all = compose.known_size(node.input(3), 0, "a size of the bias");
    const std::vector<ValueId> biases = split(compose, node.input(3), {width, width, all - 2 * width});
    parts.query = compose.add(parts.query, biases[0]);
    if (node.required_rank(parts.key) == 3) parts.key = compose.add(parts.key, biases[1]);
    if (node.required_rank(parts.value) == 3) parts.value = compose.add(parts.value, biases[2]);
  }
  const bool apart = node.has(6) || node.wants(1) || node.wants(2) || node.wants(3) ||
                     !attention.in_one(node.dtype(parts.query), node.dtype(parts.value));
  const Size queries = compose.size(parts.query, 1), new_keys = compose.size(parts.key, -2);
  const bool self = queries.known() && new_keys.known() && queries.number == new_keys.number;
  for (ValueId* part : {&parts.query, &parts.key, &parts.value})
    if (apart && node.required_rank(*part) == 3) *part = attention.split_heads(*part, heads);
  Size past = 0;
  if (node.has(6)) {
    past = compose.size(node.input(6), 2);
    parts.key = compose.concat({node.input(6), parts.key}, 2);
    parts.value = compose.concat({node.input(7), parts.value}, 2);
  }
  attend(node, parts, heads, 4, 5, past, self, 3);
  node.output(1, parts.key);
  node.output(2, parts.value);
}

}  // namespace

void register_multi_head_attention(ImporterTable& table) {
  table.add("Attention", import_microsoft_attention, 1, microsoft);
  table.add("MultiHeadAttention", import_multi_head_attention, 1, microsoft);
}

}  // namespace lithe::import
