// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <algorithm>
#include <array>
#include <cmath>
#include <concepts>
#include <cstdint>
#include <limits>

#include "lithe/core/kernel.hpp"
#include "lithe/ops/detail/element_type.hpp"
#include "lithe/ops/detail/gemm.hpp"
#include "lithe/ops/detail/parallel.hpp"

namespace lithe::inline v0::ops {

/// Which keys query i does not see because they come later than it.
enum class Causal : std::uint8_t {
  none,
  from_first,  ///< those after key i
  from_last,   ///< those after key i + T - S: the last query sees all
};
constexpr std::array<const char*, 3> enum_names(Causal) { return {"none", "from_first", "from_last"}; }

/// Softmax(query * key^T * scale) * value for each head, without a tensor of the scores.
///   query [B, S, heads * D] or [B, heads, S, D]    key [B, T, kv_heads * D] or [B, kv_heads, T, D]
///   value [B, T, kv_heads * V] or [B, kv_heads, T, V]
///   mask optional, broadcasts to [B, heads, S, T]: a number that is added to the score, or a boolean
///   output [B, S, heads * V], or [B, heads, S, V] with heads_apart
/// Heads i * heads / kv_heads and those after it share head i of key and value. Where a boolean mask is false, the
/// score becomes `fill`. A score of -infinity has no weight; a query whose scores all are -infinity, or of which one
/// is NaN or infinity, gives NaN, with nan_is_zero 0. Without keys (T = 0) the output is 0. f16 is computed in f32.
/// Units: scale 0 means 1 / sqrt(D); softcap c makes c * tanh(score / c) of a score before the mask, 0 leaves it.
/// Errors: Code::invalid_model for attributes out of range, or for numbers of heads that do not fit; Code::shape where
/// shapes disagree.
/// Source: ONNX Attention-24, com.microsoft.MultiHeadAttention-1.
struct Attention {
  struct Attributes {
    std::int32_t heads = 0;     ///< a query of three axes needs it; one of four axes says it
    std::int32_t kv_heads = 0;  ///< a key or value of three axes has so many; 0: as many as heads
    float scale = 0;
    float softcap = 0;
    float fill = -std::numeric_limits<float>::infinity();
    Causal causal = Causal::none;
    bool heads_apart = false;
    bool nan_is_zero = false;
    static constexpr auto fields() {
      return Fields{field("heads", &Attributes::heads),
                    field("kv_heads", &Attributes::kv_heads),
                    field("scale", &Attributes::scale),
                    field("softcap", &Attributes::softcap),
                    field("fill", &Attributes::fill),
                    field("causal", &Attributes::causal),
                    field("heads_apart", &Attributes::heads_apart),
                    field("nan_is_zero", &Attributes::nan_is_zero)};
    }
  };
  using enum DType;
  static constexpr OpSpec spec{.name = "Attention",
                               .inputs = {"query", "key", "value", "mask?"},
                               .outputs = {"output"},
                               .accuracy = Accuracy::rounding};
  static constexpr TypeRow types[] = {{{f32, f32, f32, f32}, {f32}}, {{f32, f32, f32, boolean}, {f32}},
                                      {{f16, f16, f16, f16}, {f16}}, {{f16, f16, f16, boolean}, {f16}},
                                      {{f64, f64, f64, f64}, {f64}}, {{f64, f64, f64, boolean}, {f64}}};

  /// The sizes of one attention.
  struct Sizes {
    index_t batch, heads, kv_heads, queries, keys, depth, value_depth;
  };
  /// Precondition: `infer` accepts the shapes, or they have three or four axes.
  static Sizes sizes(const Attributes& a, const Shape& query, const Shape& key, const Shape& value) {
    const bool flat = query.rank() == 3, flat_key = key.rank() == 3, flat_value = value.rank() == 3;
    Sizes s{};
    s.batch = query[0];
    s.heads = flat ? a.heads : query[1];
    s.kv_heads = flat_key ? (a.kv_heads == 0 ? s.heads : a.kv_heads) : key[1];
    s.queries = query[flat ? 1 : 2];
    s.keys = key[flat_key ? 1 : 2];
    s.depth = flat ? query[2] / std::max<index_t>(s.heads, 1) : query[3];
    s.value_depth = flat_value ? value[2] / std::max<index_t>(s.kv_heads, 1) : value[3];
    return s;
  }
  static std::uint64_t multiply_adds(const Attributes& a, const NodeInfo& node) {
    const Sizes s = sizes(a, node.input(0).shape, node.input(1).shape, node.input(2).shape);
    return static_cast<std::uint64_t>(s.batch * s.heads * s.queries) *
           static_cast<std::uint64_t>(s.keys * (s.depth + s.value_depth));
  }

  static Status infer(const Attributes& a, InferContext& context) {
    if (a.heads < 0 || a.kv_heads < 0) return {Code::invalid_model, "a number of heads is negative"};
    if (!std::isfinite(a.scale) || !(a.softcap >= 0) || !std::isfinite(a.softcap) || std::isnan(a.fill))
      return {Code::invalid_model, "scale, softcap or fill is out of range"};
    for (int i = 0; i < 3; ++i)
      if (context.rank(i) != 3 && context.rank(i) != 4)
        return {Code::shape, "query, key and value have three or four axes"};
    const Shape &query = context.shape(0), &key = context.shape(1), &value = context.shape(2);
    const Sizes s = sizes(a, query, key, value);
    if (s.heads < 1 || s.kv_heads < 1 || s.heads % s.kv_heads != 0)
      return {Code::invalid_model, "the number of heads is not a multiple of the number of key heads"};
    if (!holds(query, s.heads, s.depth) || !holds(key, s.kv_heads, s.depth) ||
        !holds(value, s.kv_heads, s.value_depth))
      return {Code::shape, "query, key and value disagree on heads or their sizes"};
    if (key[0] != s.batch || value[0] != s.batch || value[value.rank() == 3 ? 1 : 2] != s.keys)
      return {Code::shape, "query, key and value disagree on the batch or the number of keys"};
    if (context.has(3)) {
      const Shape& mask = context.shape(3);
      const Shape scores{s.batch, s.heads, s.queries, s.keys};
      if (mask.rank() > 4) return {Code::shape, "the mask has more than four axes"};
      for (int i = 0; i < mask.rank(); ++i)
        if (mask[i] != 1 && mask[i] != scores[4 - mask.rank() + i])
          return {Code::shape, "the mask does not broadcast to [batch, heads, queries, keys]"};
    }
    return context.output(0, a.heads_apart ? Shape{s.batch, s.heads, s.queries, s.value_depth}
                                           : Shape{s.batch, s.queries, s.heads * s.value_depth});
  }

 private:
  static bool holds(const Shape& shape, index_t heads, index_t depth) {
    return shape.rank() == 3 ? shape[2] == heads * depth : shape[1] == heads && shape[3] == depth;
  }
};
static_assert(Operator<Attention>);

}  // namespace lithe::inline v0::ops

namespace lithe::inline v0::ops::detail {

/// Where the rows of the heads of a tensor lie: [B, n, heads * D] or [B, heads, n, D].
struct HeadRows {
  index_t batch, head, row;  ///< elements from one to the next

  template <class Void>
  HeadRows(const BasicTensor<Void>& tensor, index_t heads) {
    const Shape& shape = tensor.shape;
    row = tensor.pitch;
    head = shape.rank() == 3 ? shape[2] / heads : shape[2] * row;
    batch = shape[1] * (shape.rank() == 3 ? row : head);
  }
  index_t at(index_t b, index_t h, index_t i) const { return b * batch + h * head + i * row; }
};

/// The mask of an Attention; where an axis broadcasts, its step is 0.
struct AttentionMask {
  const void* data = nullptr;  ///< null: none
  bool boolean = false;
  index_t batch = 0, head = 0, row = 0, key = 0;  ///< elements from one to the next

  explicit AttentionMask(const RunContext& context) {
    if (!context.has(3)) return;
    const TensorView& mask = context.input(3);
    data = mask.data;
    boolean = mask.dtype == DType::boolean;
    const int missing = 4 - mask.shape.rank();
    index_t next = 1;
    for (index_t* step : {&key, &row, &head, &batch}) {
      const int axis = (step == &key ? 3 : step == &row ? 2 : step == &head ? 1 : 0) - missing;
      const index_t size = axis < 0 ? 1 : mask.shape[axis];
      *step = size == 1 ? 0 : next;
      next = step == &key ? mask.pitch : next * size;
    }
  }
  index_t at(index_t b, index_t h, index_t i) const { return b * batch + h * head + i * row; }
};

/// The factor of the scores.
inline double attention_scale(const Attention::Attributes& a, index_t depth) {
  return a.scale != 0 ? static_cast<double>(a.scale)
         : depth == 0 ? 1
                      : 1 / std::sqrt(static_cast<double>(depth));
}

/// How many keys query `i` may see, counted from the first.
inline index_t keys_seen(Causal causal, const Attention::Sizes& s, index_t i) {
  if (causal == Causal::none) return s.keys;
  return std::clamp<index_t>(i + 1 + (causal == Causal::from_last ? s.keys - s.queries : 0), 0, s.keys);
}

}  // namespace lithe::inline v0::ops::detail

namespace lithe::inline v0::portable {

/// Each task has memory for the scores of one query.
template <std::same_as<ops::Attention> Op>
struct Kernel<Op> {
  using Attributes = ops::Attention::Attributes;
  static constexpr bool strided_inputs = true, strided_outputs = true;

  static Status reshape(const Attributes& a, ReshapeContext& context) {
    const auto s =
        ops::Attention::sizes(a, context.inputs[0].shape, context.inputs[1].shape, context.inputs[2].shape);
    const index_t tasks = ops::detail::tasks_with_memory(context.threads, rows(s));
    const std::size_t score = context.outputs[0].dtype == DType::f64 ? sizeof(double) : sizeof(float);
    return ops::detail::ask_workspace(
        context, static_cast<std::uint64_t>(tasks) * static_cast<std::uint64_t>(s.keys) * score);
  }
  template <TypeSet types = every_type>
  static Status run(const Attributes& a, RunContext& context) {
    return ops::detail::for_element_type<types, float, half, double>(
        context.output().dtype, [&]<class T>() { Attend<T>(a, context).run(context); });
  }

 private:
  static index_t rows(const ops::Attention::Sizes& s) { return s.batch * s.heads * s.queries; }

  template <class T>
  class Attend {
   public:
    using Acc = ops::detail::Accumulator<T>;

    Attend(const Attributes& a, const RunContext& context)
        : attributes_(a),
          sizes_(ops::Attention::sizes(a, context.input(0).shape, context.input(1).shape,
                                       context.input(2).shape)),
          query_(context.input(0), sizes_.heads),
          key_(context.input(1), sizes_.kv_heads),
          value_(context.input(2), sizes_.kv_heads),
          output_(context.output(), sizes_.heads),
          mask_(context),
          scale_(static_cast<Acc>(ops::detail::attention_scale(a, sizes_.depth))) {}

    void run(RunContext& context) const {
      auto* scores = reinterpret_cast<Acc*>(context.workspace().data());
      const index_t room =
          static_cast<index_t>(context.workspace().size() / sizeof(Acc)) / std::max<index_t>(sizes_.keys, 1);
      ops::detail::in_tasks(context.threads(), rows(sizes_), room,
                            [&](index_t task, index_t first, index_t last) {
                              for (index_t r = first; r < last; ++r)
                                attend(context, r, scores + task * sizes_.keys);
                            });
    }

   private:
    /// Row `r` of all queries of all heads.
    void attend(const RunContext& context, index_t r, Acc* scores) const {
      const index_t i = r % sizes_.queries, h = r / sizes_.queries % sizes_.heads,
                    b = r / sizes_.queries / sizes_.heads, group = h / (sizes_.heads / sizes_.kv_heads);
      const index_t seen = ops::detail::keys_seen(attributes_.causal, sizes_, i);
      const T* query = static_cast<const T*>(context.input(0).data) + query_.at(b, h, i);
      const T* keys = static_cast<const T*>(context.input(1).data) + key_.at(b, group, 0);
      const T* values = static_cast<const T*>(context.input(2).data) + value_.at(b, group, 0);
      Acc max = -std::numeric_limits<Acc>::infinity(), sum = 0;
      for (index_t j = 0; j < seen; ++j) {
        Acc score = ops::detail::dot(query, keys + j * key_.row, sizes_.depth) * scale_;
        if (attributes_.softcap != 0) {
          const auto cap = static_cast<Acc>(attributes_.softcap);
          score = cap * std::tanh(score / cap);
        }
        scores[j] = masked(score, mask_.at(b, h, i) + j * mask_.key);
        max = std::max(max, scores[j]);
      }
      for (index_t j = 0; j < seen; ++j) {
        scores[j] = std::exp(scores[j] - max);
        sum += scores[j];
      }
      const bool zero = sizes_.keys == 0 || (attributes_.nan_is_zero && !(sum > 0));
      T* output = static_cast<T*>(context.output().data) + output_.at(b, h, i);
      for (index_t first = 0; first < sizes_.value_depth; first += ops::detail::channel_block) {
        const index_t count = std::min(ops::detail::channel_block, sizes_.value_depth - first);
        Acc sums[ops::detail::channel_block] = {};
        for (index_t j = 0; j < seen; ++j) {
          const T* value = values + j * value_.row + first;
          const Acc weight = scores[j];
          ops::detail::for_block(count, [&](index_t e) { sums[e] += weight * static_cast<Acc>(value[e]); });
        }
        for (index_t e = 0; e < count; ++e) output[first + e] = static_cast<T>(zero ? Acc{0} : sums[e] / sum);
      }
    }

    Acc masked(Acc score, index_t at) const {
      if (mask_.data == nullptr) return score;
      if (mask_.boolean)
        return static_cast<const std::uint8_t*>(mask_.data)[at] != 0 ? score
                                                                     : static_cast<Acc>(attributes_.fill);
      return score + static_cast<Acc>(static_cast<const T*>(mask_.data)[at]);
    }

    const Attributes& attributes_;
    ops::Attention::Sizes sizes_;
    ops::detail::HeadRows query_, key_, value_, output_;
    ops::detail::AttentionMask mask_;
    Acc scale_;
  };
};

}  // namespace lithe::inline v0::portable
