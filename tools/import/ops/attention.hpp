// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cmath>
#include <cstdint>
#include <limits>
#include <vector>

#include "lithe/ops/attention.hpp"
#include "lithe/ops/unary.hpp"
#include "tools/import/ops/compose.hpp"

/// Attention as one operator, or as products of matrices and a softmax where its scores are wanted, or more than it has.
namespace lithe::import {

/// What keeps a query from seeing a key: a boolean that is true where it sees it, a number that is added to
/// the score, or both; each broadcasts to [B, heads, S, T]. Absent: every query sees every key.
struct Masks {
  graph::ValueId allowed = graph::absent, bias = graph::absent;
};

class Attention {
 public:
  using ValueId = graph::ValueId;

  explicit Attention(NodeImport& node) : compose(node), node_(node) {}

  float scale = 0;              ///< the scores are multiplied by it; 0: 1 / sqrt(D)
  float softcap = 0;            ///< the scores are softcap * tanh(scores / softcap); 0: as they are
  DType softmax = DType::none;  ///< in which the softmax is computed; none: that of the scores
  float minus_infinity = -std::numeric_limits<float>::infinity();  ///< added where a key is not seen
  ops::Causal causal_mask = ops::Causal::none;                     ///< what `whole` hides beside `masks`
  Masks masks;

  /// Whether `whole` can say it for query and key of this dtype.
  bool in_one(DType query, DType value) const {
    return query == value && (query == DType::f32 || query == DType::f16 || query == DType::f64) &&
           (softmax == DType::none || softmax == query || (softmax == DType::f32 && query == DType::f16));
  }
  /// The whole attention. Each of query, key and value is [B, S, heads * D] or [B, heads, S, D]; the result is
  /// [B, S, heads * V], or [B, heads, S, V] if `heads_apart`.
  ValueId whole(ValueId query, ValueId key, ValueId value, std::int64_t heads, std::int64_t groups,
                bool heads_apart) {
    ops::Attention::Attributes a;
    const auto number = [&](std::int64_t n) {
      if (n < 1 || n > std::numeric_limits<std::int32_t>::max())
        node_.refuse("a number of heads is out of range");
      return static_cast<std::int32_t>(n);
    };
    if (node_.required_rank(query) == 3) {
      a.heads = number(heads);
      const Size width = compose.size(query, -1);
      if (width.known() && width.number % heads != 0)
        node_.refuse("the hidden size is not a multiple of the number of heads");
    }
    if (groups > 0 && groups != heads) a.kv_heads = number(groups);
    a.scale = scale;
    a.softcap = softcap;
    a.fill = minus_infinity;
    a.causal = causal_mask;
    a.heads_apart = heads_apart;
    const bool only_allowed = masks.allowed != graph::absent && masks.bias == graph::absent;
    const ValueId mask = only_allowed ? masks.allowed : added(node_.dtype(query));
    std::vector<ValueId> inputs{query, key, value};
    if (mask != graph::absent) inputs.push_back(mask);
    return compose.apply<ops::Attention>(std::move(inputs), a);
  }

  /// The stages of one attention, each [B, heads, S, T].
  struct Scores {
    ValueId raw, capped, masked, weights;
  };

  /// [B, S, heads * D] as [B, heads, S, D].
  ValueId split_heads(ValueId value, std::int64_t heads) {
    const std::int64_t width = compose.known_size(value, -1, "a hidden size");
    if (heads < 1 || width % heads != 0)
      node_.refuse("the hidden size is not a multiple of the number of heads");
    return node_.transpose(compose.reshape(value, {0, 0, heads, width / heads}), {0, 2, 1, 3});
  }
  /// [B, heads, S, V], as `weighted` gives it, as [B, S, heads * V].
  ValueId join_heads(ValueId value) {
    return compose.reshape(node_.transpose(value, {0, 2, 1, 3}), {0, 0, heads_ * depth_});
  }

  /// Query i sees key j where j <= i + `past`.
  void causal(const Size& queries, const Size& keys, const Size& past) {
    allow(compose.apply<ops::LessOrEqual>({compose.numbers(keys), rows(queries, past)}));
  }
  /// The numbers of the queries, from `past` on, as a column [S, 1].
  ValueId rows(const Size& queries, const Size& past) {
    ValueId rows = compose.unsqueeze(compose.numbers(queries), {1});
    return past.known() && past.number == 0 ? rows : compose.add(rows, compose.scalar(past));
  }
  void allow(ValueId mask) {
    masks.allowed = masks.allowed == graph::absent ? mask : compose.apply<ops::And>({masks.allowed, mask});
  }
  void bias(ValueId added) {
    masks.bias = masks.bias == graph::absent ? added : compose.add(masks.bias, added);
  }

  /// query [B, heads, S, D], key [B, groups, T, D]; heads is a multiple of groups, and heads in a row share a
  /// group. Of the key no more need be known than what is said here.
  Scores scores(ValueId query, ValueId key, std::int64_t groups, const Size& keys) {
    const std::int64_t depth = compose.known_size(query, 3, "a head size");
    if (scale == 0) scale = static_cast<float>(1 / std::sqrt(static_cast<double>(depth)));
    heads_ = compose.known_size(query, 1, "a number of heads");
    groups_ = groups;
    queries_ = compose.size(query, 2);
    if (groups_ < 1 || heads_ % groups_ != 0)
      node_.refuse("the number of heads is not a multiple of the number of key heads");
    Scores s{};
    s.raw = ungrouped(compose.matmul(grouped(compose.scaled(query, scale), depth), key, true), keys);
    s.capped = s.raw;
    if (softcap != 0)
      s.capped = compose.scaled(compose.apply<ops::Tanh>({compose.scaled(s.raw, 1 / softcap)}), softcap);
    const DType dtype = node_.dtype(query);
    const ValueId mask = added(dtype);
    s.masked = mask == graph::absent ? s.capped : compose.add(s.capped, mask);
    s.weights = compose.softmax(compose.cast(s.masked, softmax == DType::none ? dtype : softmax));
    return s;
  }
  /// weights [B, heads, S, T], value [B, groups, T, V]; the result is [B, heads, S, V].
  ValueId weighted(ValueId weights, ValueId value, const Size& keys, std::int64_t depth) {
    depth_ = depth;
    return ungrouped(compose.matmul(grouped(compose.cast(weights, node_.dtype(value)), keys), value), depth);
  }

  Compose compose;

 private:
  /// [B, heads, S, width] as [B, groups, heads / groups * S, width]: heads of a group are rows of one matrix.
  ValueId grouped(ValueId value, const Size& width) {
    if (heads_ == groups_) return value;
    return compose.reshape(value, {0, groups_, compose.times(queries_, heads_ / groups_), width});
  }
  ValueId ungrouped(ValueId value, const Size& width) {
    if (heads_ == groups_) return value;
    return compose.reshape(value, {0, heads_, queries_, width});
  }
  /// The masks as one number to add; absent where there are none.
  ValueId added(DType dtype) {
    if (masks.allowed == graph::absent) return masks.bias;
    const ValueId seen = masks.bias == graph::absent ? node_.scalar(0, dtype) : masks.bias;
    return compose.where(masks.allowed, seen, node_.scalar(minus_infinity, dtype));
  }

  NodeImport& node_;
  std::int64_t heads_ = 0, groups_ = 0, depth_ = 0;  ///< heads of query and key, and the value's head size
  Size queries_ = 0;
};

}  // namespace lithe::import
