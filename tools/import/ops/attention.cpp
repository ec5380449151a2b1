// SPDX-License-Identifier: Apache-2.0
#include "tools/import/ops/attention.hpp"

#include "lithe/ops/pad.hpp"
#include "tools/import/importer.hpp"
#include "tools/io/tensor_proto.hpp"

namespace lithe::import {
namespace {

using graph::ValueId;

enum In { query_in, key_in, value_in, mask_in, past_key_in, past_value_in, lengths_in };
enum Out { output_out, present_key_out, present_value_out, scores_out };

/// `past` and what comes after it, along the sequence.
ValueId extended(Compose& compose, ValueId past, ValueId now) {
  return past == graph::absent ? now : compose.concat({past, now}, 2);
}

/// A mask [.., S or 1, M] for T keys: keys from M on are not seen.
ValueId padded_mask(Compose& compose, ValueId mask, const Size& keys, ValueId fill) {
  NodeImport& node = compose.node;
  const Size own = compose.size(mask, -1);
  if (own.known() && keys.known() && own.number == keys.number) return mask;
  const Size missing = Size::of(compose.sub(compose.scalar(keys), compose.scalar(own)));
  return compose.apply<ops::Pad>({mask, compose.vector({0, missing}), fill, node.ints({-1})});
}

/// Input attn_mask: a boolean or a number to add.
void read_mask(Attention& attention, const Size& keys, DType dtype) {
  Compose& compose = attention.compose;
  NodeImport& node = compose.node;
  ValueId mask = node.input(mask_in);
  const bool boolean = node.dtype(mask) == DType::boolean;
  constexpr int first_padded = 24;  // before, a mask broadcasts
  if (boolean) {
    if (node.opset() >= first_padded) mask = padded_mask(compose, mask, keys, zero(node, DType::boolean));
    return attention.allow(mask);
  }
  mask = compose.cast(mask, dtype);
  if (node.opset() >= first_padded)
    mask = padded_mask(compose, mask, keys, node.scalar(attention.minus_infinity, dtype));
  attention.bias(mask);
}

ValueId four_axes(Attention& attention, ValueId value, std::int64_t heads) {
  return attention.compose.node.required_rank(value) == 3 ? attention.split_heads(value, heads) : value;
}

/// The dtype that products are computed in.
DType computed_in(DType dtype) { return dtype == DType::bf16 ? DType::f32 : dtype; }

void read_attributes(NodeImport& node, Attention& attention) {
  attention.scale = node.attribute_float("scale", 0);
  attention.softcap = node.attribute_float("softcap", 0);
  attention.softmax =
      computed_in(io::dtype_from_onnx(static_cast<int>(node.attribute_int("softmax_precision", 0))));
}

/// Attention-23, 24. Q [B, heads, S, D], K [B, groups, T, D], V [B, groups, T, E], or each with its heads side by
/// side [B, S, heads * D].
void import_attention(NodeImport& node) {
  Attention attention(node);
  Compose& compose = attention.compose;
  read_attributes(node, attention);
  const std::int64_t heads = node.attribute_int("q_num_heads", 0),
                     groups = node.attribute_int("kv_num_heads", 0),
                     mode = node.attribute_int("qk_matmul_output_mode", 0);
  const bool causal = node.attribute_int("is_causal", 0) != 0;
  const DType given = node.dtype(node.input(query_in)), dtype = computed_in(given);
  const bool flat = node.required_rank(node.input(query_in)) == 3, cached = node.has(past_key_in),
             whole = !node.wants(scores_out) &&
                     attention.in_one(dtype, computed_in(node.dtype(node.input(value_in))));
  // Heads are split where they are wanted apart.
  const bool apart = !whole || cached || node.wants(present_key_out) || node.wants(present_value_out);
  const auto part = [&](int i, std::int64_t n) {
    return apart ? four_axes(attention, node.input(i), n) : node.input(i);
  };
  const ValueId query = whole ? node.input(query_in) : four_axes(attention, node.input(query_in), heads);
  const ValueId new_key = part(key_in, groups), new_value = part(value_in, groups);
  const ValueId key = extended(compose, node.input(past_key_in), new_key),
                value = extended(compose, node.input(past_value_in), new_value);
  const Size past = cached ? compose.size(node.input(past_key_in), 2) : Size(0),
             queries = compose.size(query, -2), new_keys = compose.size(new_key, -2),
             keys = compose.plus(past, new_keys);
  if (node.has(mask_in)) read_mask(attention, keys, dtype);
  if (causal) {
    if (whole && !cached)
      attention.causal_mask = ops::Causal::from_first;
    else if (whole && queries.known() && new_keys.known() && queries.number == new_keys.number)
      attention.causal_mask = ops::Causal::from_last;
    else
      attention.causal(queries, keys, past);
  }
  if (node.has(lengths_in)) {  // [B]: keys from there on are padding
    const ValueId lengths = compose.unsqueeze(node.input(lengths_in), {1, 2, 3});
    attention.allow(compose.apply<ops::Less>({compose.numbers(keys), lengths}));
  }
  node.output(present_key_out, key);
  node.output(present_value_out, value);
  if (whole) {
    const ValueId output = attention.whole(compose.cast(query, dtype), compose.cast(key, dtype),
                                           compose.cast(value, dtype), heads, groups, !flat);
    return node.output(output_out, compose.cast(output, given));
  }
  const Attention::Scores scores =
      attention.scores(compose.cast(query, dtype), compose.cast(key, dtype),
                       compose.known_size(new_key, 1, "a number of key heads"), keys);
  ValueId output = attention.weighted(scores.weights, compose.cast(value, computed_in(node.dtype(value))),
                                      keys, compose.known_size(new_value, 3, "a head size"));
  if (flat) output = attention.join_heads(output);
  node.output(output_out, compose.cast(output, given));
  if (!node.wants(scores_out)) return;
  const ValueId stages[] = {scores.raw, scores.capped, scores.masked, scores.weights};
  if (mode < 0 || mode > 3) node.refuse("qk_matmul_output_mode must lie between 0 and 3");
  node.output(scores_out, compose.cast(stages[mode], given));
}

}  // namespace

void register_attention(ImporterTable& table) { table.add("Attention", import_attention, 23); }

}  // namespace lithe::import
