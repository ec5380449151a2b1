// SPDX-License-Identifier: Apache-2.0
#include <cstdint>
#include <vector>

#include "lithe/ops/expand.hpp"
#include "lithe/ops/pad.hpp"
#include "lithe/ops/tensor_scatter.hpp"
#include "tools/import/domains.hpp"
#include "tools/import/importer.hpp"
#include "tools/import/ops/attention.hpp"
#include "tools/import/ops/rotary.hpp"

namespace lithe::import {
namespace {

using graph::ValueId;

enum In {
  query_in,
  key_in,
  value_in,
  past_key_in,
  past_value_in,
  lengths_in,
  total_in,
  cosines_in,
  sines_in,
  positions_in,
  bias_in,
  sink_in
};

/// com.microsoft.GroupQueryAttention-1. S queries and keys of each sequence come after those of its past, of which
/// there are `lengths` + 1 - S.
class GroupQuery {
 public:
  explicit GroupQuery(NodeImport& node) : node_(node), attention_(node), c_(attention_.compose) {}

  void import() {
    read_heads();
    const bool rotary = node_.attribute_int("do_rotary", 0) != 0;
    RotaryPairs pairs;
    pairs.interleaved = node_.attribute_int("rotary_interleaved", 0) != 0;
    attention_.scale = node_.attribute_float("scale", 0);
    attention_.softcap = node_.attribute_float("softcap", 0);
    const std::int64_t window = node_.attribute_int("local_window_size", -1);
    const bool smooth = node_.attribute_int("smooth_softmax", 0) > 0;
    if (node_.attribute_int("qk_output", 0) != 0)
      node_.refuse("GroupQueryAttention with qk_output is not supported");
    if (rotary) turn(pairs);
    const std::int64_t groups = c_.known_size(key_, 1, "a number of key heads"),
                       depth = c_.known_size(value_, 3, "a head size");
    const Size keys = count_keys();
    const ValueId key = cached(past_key_in, key_, keys), value = cached(past_value_in, value_, keys);
    node_.output(1, key);
    node_.output(2, value);
    const bool sinks = smooth || node_.has(sink_in),
               whole = !sinks && attention_.in_one(node_.dtype(query_), node_.dtype(value));
    if (whole && window <= 0 && !node_.has(past_key_in))
      attention_.causal_mask = ops::Causal::from_first;
    else
      mask(keys, window);
    if (node_.has(bias_in)) attention_.bias(node_.input(bias_in));
    if (whole) return node_.output(0, attention_.whole(query_, key, value, 0, groups, false));
    Attention::Scores scores = attention_.scores(query_, key, groups, keys);
    if (sinks) scores.weights = with_sink(scores.masked, keys);
    node_.output(0, attention_.join_heads(attention_.weighted(scores.weights, value, keys, depth)));
  }

 private:
  /// Query, key and value [B, heads, S, D], apart or side by side in one tensor.
  void read_heads() {
    const std::int64_t heads = node_.attribute_int("num_heads", 0),
                       groups = node_.attribute_int("kv_num_heads", 0);
    if (heads < 1 || groups < 1) node_.refuse("GroupQueryAttention needs num_heads and kv_num_heads");
    ValueId query = node_.input(query_in), key = node_.input(key_in), value = node_.input(value_in);
    if (key == graph::absent) {
      const std::int64_t depth = c_.known_size(query, 2, "a hidden size") / (heads + 2 * groups);
      const std::int64_t first = heads * depth, second = first + groups * depth;
      const ValueId all = query;
      query = c_.slice(all, 2, 0, first);
      key = c_.slice(all, 2, first, second);
      value = c_.slice(all, 2, second, second + groups * depth);
    }
    query_ = attention_.split_heads(query, heads);
    key_ = attention_.split_heads(key, groups);
    value_ = attention_.split_heads(value, groups);
    const ValueId total = c_.add(c_.cast(node_.input(lengths_in), DType::s64), integer(node_, 1));
    const ValueId before = c_.sub(total, c_.scalar(c_.size(query_, 2)));
    before_ = c_.apply<ops::Max>({before, integer(node_, 0)});  // a shorter sequence of a first call
  }

  /// Rotary embedding of query and key, whose places are after the past where `positions` does not say them.
  void turn(const RotaryPairs& given) {
    const ValueId positions = node_.has(positions_in)
                                  ? node_.input(positions_in)
                                  : c_.add(c_.unsqueeze(before_, {1}), c_.numbers(c_.size(query_, 2)));
    const std::int64_t half = c_.known_size(node_.input(cosines_in), 1, "a width of the cosines");
    RotaryPairs pairs = given;
    pairs.rotated = 2 * half;
    const auto rows = [&](int i) {
      return c_.unsqueeze(rotary_rows(c_, node_.input(i), positions, half), {1});
    };
    const ValueId cosines = rows(cosines_in), sines = rows(sines_in);
    query_ = rotate(c_, query_, cosines, sines, pairs);
    key_ = rotate(c_, key_, cosines, sines, pairs);
  }

  /// T: as long as the longest sequence, or P where the past has room for it.
  Size count_keys() {
    if (!node_.has(past_key_in)) return c_.size(query_, 2);
    const ValueId total = c_.reshape(c_.cast(node_.input(total_in), DType::s64), {});
    return Size::of(c_.apply<ops::Max>({total, c_.scalar(c_.size(node_.input(past_key_in), 2))}));
  }

  /// The past [B, groups, P, D], filled up to T keys, with `now` written after what each sequence has of it.
  ValueId cached(int past, ValueId now, const Size& keys) {
    if (!node_.has(past)) return now;
    const ValueId before = node_.input(past);
    const ValueId missing = c_.sub(c_.scalar(keys), c_.scalar(c_.size(before, 2)));
    const ValueId room = c_.apply<ops::Pad>(
        {before, c_.vector({0, Size::of(missing)}), zero(node_, node_.dtype(before)), node_.ints({2})});
    ops::TensorScatter::Attributes along;
    along.axis = 2;
    return c_.apply<ops::TensorScatter>({room, now, before_}, along);
  }

  /// Query i of a sequence sees the keys up to its own, and of them the last `window`, where that is set.
  void mask(const Size& keys, std::int64_t window) {
    const Size queries = c_.size(query_, 2);
    const ValueId key = c_.numbers(keys);
    const ValueId own = node_.has(past_key_in)
                            ? c_.add(c_.unsqueeze(before_, {1, 2, 3}), c_.unsqueeze(c_.numbers(queries), {1}))
                            : attention_.rows(queries, 0);
    attention_.allow(c_.apply<ops::LessOrEqual>({key, own}));
    if (window > 0) attention_.allow(c_.apply<ops::Greater>({key, c_.sub(own, integer(node_, window))}));
  }

  /// A softmax over the scores [B, heads, S, T] and one more, which takes a part of it: `sink`, or 0.
  ValueId with_sink(ValueId scores, const Size& keys) {
    const DType dtype = node_.dtype(scores);
    const std::int64_t heads = c_.known_size(query_, 1, "a number of heads");
    ValueId sink = node_.has(sink_in) ? c_.reshape(c_.cast(node_.input(sink_in), dtype), {1, heads, 1, 1})
                                      : c_.reshape(node_.scalar(0, dtype), {1, 1, 1, 1});
    sink = c_.apply<ops::Expand>({sink, c_.vector({c_.size(query_, 0), heads, c_.size(query_, 2), 1})});
    return c_.slice(c_.softmax(c_.concat({scores, sink}, 3)), 3, 0, keys);
  }

  NodeImport& node_;
  Attention attention_;
  Compose& c_;
  ValueId query_ = graph::absent, key_ = graph::absent, value_ = graph::absent;
  ValueId before_ = graph::absent;  ///< [B]: how many keys of each sequence are past
};

void import_group_query_attention(NodeImport& node) { GroupQuery(node).import(); }

}  // namespace

void register_group_query_attention(ImporterTable& table) {
  table.add("GroupQueryAttention", import_group_query_attention, 1, microsoft);
}

}  // namespace lithe::import
