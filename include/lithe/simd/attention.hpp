// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <algorithm>
#include <cstdint>
#include <limits>

#include "lithe/core/kernel.hpp"
#include "lithe/ops/attention.hpp"
#include "lithe/ops/detail/parallel.hpp"
#include "lithe/simd/detail/activations.hpp"
#include "lithe/simd/detail/isa.hpp"
#include "lithe/simd/detail/square.hpp"
#include "lithe/simd/detail/stored_floats.hpp"
#include "lithe/simd/detail/vector.hpp"

namespace lithe::inline v0::simd {

/// Attention in f32, and in f16 as f32. A block of queries, one to a lane, meets the keys in blocks: the scores of a block become weights,
/// which multiply the values, before the next scores come. What was summed up is rescaled when a larger score appears
/// (Milakov and Gimelshein, "Online normalizer calculation for softmax", 2018). Keys and values are read where they lie.
/// Queries of heads that share a key are rows of one matrix. Blocks of queries are shared among threads.
template <class Isa>
class AttentionOn {
 public:
  using Op = ops::Attention;
  static constexpr auto full_name = isa::joined("simd::attention_", Isa::name);
  static constexpr const char* name = full_name.data();
  static constexpr bool strided_inputs = true, strided_outputs = true;

  static bool supports(const Op::Attributes&, const NodeInfo& node) {
    return Isa::on(*node.cpu) && Stored::holds(node.input(0).dtype);
  }

  static Status reshape(const Op::Attributes& a, ReshapeContext& context) {
    const Op::Sizes s =
        Op::sizes(a, context.inputs[0].shape, context.inputs[1].shape, context.inputs[2].shape);
    const index_t tasks = ops::detail::tasks_with_memory(context.threads, Blocks(s).count());
    const auto floats = static_cast<std::uint64_t>(task_floats(s, context.inputs[0].dtype));
    return ops::detail::ask_workspace(context, static_cast<std::uint64_t>(tasks) * floats * sizeof(float));
  }

  static Status run(const Op::Attributes& a, RunContext& context) {
    Stored::for_type(context.input(0).dtype, [&]<class T>() { run_as<T>(a, context); });
    return {};
  }

 private:
  template <class T>
  static void run_as(const Op::Attributes& a, RunContext& context) {
    const Problem<T> problem(a, context);
    if (context.output().shape.elements() == 0) return;
    const Blocks blocks(problem.sizes);
    const index_t floats = task_floats(problem.sizes, context.input(0).dtype),
                  room = static_cast<index_t>(context.workspace().size() / sizeof(float)) / floats;
    auto* memory = reinterpret_cast<float*>(context.workspace().data());
    ops::detail::in_tasks(context.threads(), blocks.count(), room,
                          [&](index_t task, index_t first, index_t last) {
                            Isa::enter([&]() __attribute__((always_inline)) {
                              for (index_t i = first; i < last; ++i)
                                problem.run(blocks, i, memory + task * floats);
                            });
                          });
  }

  using Stored = detail::StoredFloats<Isa>;
  using Floats = typename Stored::Floats;
  using Integers = detail::Vector<std::int32_t, Isa::bytes>;
  static constexpr index_t lanes = Stored::lanes, key_block = 64;
  static constexpr int columns = Isa::registers == 32 && lanes == 4 ? 4 : 2;  ///< vectors of queries
  static constexpr int tile =
      Isa::registers == 32 && columns == 2 ? 8 : 6;  ///< rows of a product in registers
  static constexpr index_t most_queries = columns * lanes, few_queries = 3;
  static constexpr float infinity = std::numeric_limits<float>::infinity();

  /// What a task keeps: a block of queries, of scores and of outputs, each transposed; in f16 a block of keys and values.
  static index_t task_floats(const Op::Sizes& s, DType dtype) {
    const index_t rows = s.depth + s.value_depth;
    return (rows + key_block) * most_queries + (dtype == DType::f16 ? rows * key_block : 0);
  }

  /// Rows of floats.
  struct Rows {
    const float* data;
    index_t pitch;
  };
  /// Rows that lie `pitch` apart; others than floats become floats in `room`.
  template <class T>
  [[gnu::always_inline]] static Rows as_floats(const T* from, index_t pitch, index_t rows, index_t width,
                                               float* room) {
    if constexpr (sizeof(T) == sizeof(float)) {
      return {from, pitch};
    } else {
      for (index_t i = 0; i < rows; ++i) {
        index_t d = 0;
        for (; d + lanes <= width; d += lanes) {
          Floats x;
          Stored::load(x, from + i * pitch + d);
          detail::store(room + i * width + d, x);
        }
        for (; d < width; ++d) room[i * width + d] = static_cast<float>(from[i * pitch + d]);
      }
      return {room, width};
    }
  }

  /// The blocks of queries of all heads of the key.
  struct Blocks {
    index_t rows, per_head, heads;

    explicit Blocks(const Op::Sizes& s)
        : rows(s.queries * (s.heads / s.kv_heads)),
          per_head((rows + most_queries - 1) / most_queries),
          heads(s.batch * s.kv_heads) {}
    index_t count() const { return per_head * heads; }
  };

  /// What queries of a block have: where they lie, and how many keys each sees.
  struct Lanes {
    index_t query[most_queries], output[most_queries], mask[most_queries];
    std::int32_t seen[most_queries];
  };

  template <class T>
  struct Problem {
    Op::Attributes attributes;
    Op::Sizes sizes;
    ops::detail::HeadRows queries, keys, values, outputs;
    ops::detail::AttentionMask mask;
    const T *query, *key, *value;
    T* output;
    float scale;

    Problem(const Op::Attributes& a, const RunContext& context)
        : attributes(a),
          sizes(Op::sizes(a, context.input(0).shape, context.input(1).shape, context.input(2).shape)),
          queries(context.input(0), sizes.heads),
          keys(context.input(1), sizes.kv_heads),
          values(context.input(2), sizes.kv_heads),
          outputs(context.output(), sizes.heads),
          mask(context),
          query(static_cast<const T*>(context.input(0).data)),
          key(static_cast<const T*>(context.input(1).data)),
          value(static_cast<const T*>(context.input(2).data)),
          output(static_cast<T*>(context.output().data)),
          scale(static_cast<float>(ops::detail::attention_scale(a, sizes.depth) /
                                   (a.softcap != 0 ? static_cast<double>(a.softcap) : 1))) {}

    /// Block `i`.
    [[gnu::always_inline]] void run(const Blocks& blocks, index_t i, float* memory) const {
      const index_t head = i / blocks.per_head, b = head / sizes.kv_heads, h = head % sizes.kv_heads,
                    first = i % blocks.per_head * most_queries,
                    count = std::min(most_queries, blocks.rows - first);
      Lanes of;
      for (index_t l = 0; l < most_queries; ++l) {
        const index_t r = first + std::min(l, count - 1),
                      own = h * (sizes.heads / sizes.kv_heads) + r / sizes.queries;
        const index_t q = r % sizes.queries;
        of.query[l] = queries.at(b, own, q);
        of.output[l] = outputs.at(b, own, q);
        of.mask[l] = mask.at(b, own, q);
        of.seen[l] = static_cast<std::int32_t>(ops::detail::keys_seen(attributes.causal, sizes, q));
      }
      const T *k = key + keys.at(b, h, 0), *v = value + values.at(b, h, 0);
      if (count <= few_queries) {
        for (index_t l = 0; l < count; ++l) attend_one(of, l, k, v, memory);
      } else if (count <= lanes) {
        attend<1>(of, count, k, v, memory);
      } else if (count <= 2 * lanes) {
        attend<2>(of, count, k, v, memory);
      } else if constexpr (columns > 2) {
        attend<columns>(of, count, k, v, memory);
      }
    }

    // Many queries: lane l of vector n belongs to query n * lanes + l of the block.

    /// Of `count` queries in n vectors, at least one in the last; lanes beyond them repeat the last query.
    template <int n>
    [[gnu::always_inline]] void attend(const Lanes& of, index_t count, const T* k, const T* v,
                                       float* memory) const {
      constexpr index_t width = n * lanes;
      float *packed = memory, *scores = packed + sizes.depth * width, *sums = scores + key_block * width,
            *room = sums + sizes.value_depth * width;
      pack<n>(of, packed);
      const Floats zero{};
      Floats maximum[n], sum[n], shrink[n];
#pragma GCC unroll 4
      for (int i = 0; i < n; ++i) {
        detail::fill(maximum[i], -infinity);
        sum[i] = zero;
      }
      for (index_t e = 0; e < sizes.value_depth * n; ++e) detail::store(sums + e * lanes, zero);
      const auto [least, most] = std::minmax_element(of.seen, of.seen + count);
      for (index_t first = 0; first < *most; first += key_block) {
        const index_t block = std::min<index_t>(key_block, *most - first);
        const Rows k_rows = as_floats(k + first * keys.row, keys.row, block, sizes.depth, room);
        multiply<n, tile, true>(k_rows.data, k_rows.pitch, block, sizes.depth, packed, scores, shrink);
        if (attributes.softcap != 0) cap(scores, block * n);
        if (mask.data != nullptr) add_mask<n>(of, first, block, scores);
        if (first + block > *least) hide_later<n>(of, first, block, scores);
        weigh<n>(scores, block, maximum, sum, shrink);
        const Rows v_rows = as_floats(v + first * values.row, values.row, block, sizes.value_depth, room);
        multiply<n, tile, false>(v_rows.data, v_rows.pitch, sizes.value_depth, block, scores, sums, shrink);
      }
      unpack<n>(of, count, sums, sum);
    }

    /// The queries, times the scale, as [depth, width].
    template <int n>
    [[gnu::always_inline]] void pack(const Lanes& of, float* packed) const {
#pragma GCC unroll 4
      for (int i = 0; i < n; ++i) {
        const index_t* at = of.query + i * lanes;
        index_t d = 0;
        for (; d + lanes <= sizes.depth; d += lanes) {
          Floats square[lanes];
#pragma GCC unroll 16
          for (index_t l = 0; l < lanes; ++l) Stored::load(square[l], query + at[l] + d);
          detail::transpose_square(square);
#pragma GCC unroll 16
          for (index_t l = 0; l < lanes; ++l) {
            square[l] *= scale;
            detail::store(packed + ((d + l) * n + i) * lanes, square[l]);
          }
        }
        for (; d < sizes.depth; ++d)
          for (index_t l = 0; l < lanes; ++l)
            packed[(d * n + i) * lanes + l] = static_cast<float>(query[at[l] + d]) * scale;
      }
    }

    /// The sums over what the weights sum up to, each to the row of its query.
    template <int n>
    [[gnu::always_inline]] void unpack(const Lanes& of, index_t count, const float* sums,
                                       const Floats (&sum)[n]) const {
#pragma GCC unroll 4
      for (int i = 0; i < n; ++i) {
        const index_t* at = of.output + i * lanes;
        const index_t used = std::min(lanes, count - i * lanes);
        const Floats zero{}, inverse = 1.0f / sum[i];
        const bool keep_nan = !attributes.nan_is_zero && sizes.keys > 0;
        const auto scaled = [&](Floats& x) __attribute__((always_inline)) {
          x *= inverse;
          if (!keep_nan) x = sum[i] > 0.0f ? x : zero;
        };
        index_t e = 0;
        for (; e + lanes <= sizes.value_depth; e += lanes) {
          Floats square[lanes];
#pragma GCC unroll 16
          for (index_t l = 0; l < lanes; ++l) {
            detail::load(square[l], sums + ((e + l) * n + i) * lanes);
            scaled(square[l]);
          }
          detail::transpose_square(square);
#pragma GCC unroll 16
          for (index_t l = 0; l < lanes; ++l)
            if (l < used) Stored::store(output + at[l] + e, square[l]);
        }
        for (; e < sizes.value_depth; ++e) {
          Floats x;
          detail::load(x, sums + (e * n + i) * lanes);
          scaled(x);
          float row[lanes];
          detail::store(row, x);
          for (index_t l = 0; l < used; ++l) output[at[l] + e] = static_cast<T>(row[l]);
        }
      }
    }

    /// c [rows, width] = a * b [inner, width], where a is [rows, inner] with its rows `pitch` apart; or, if its rows are
    /// not apart, a is [inner, rows] with `pitch` from one to the next, and the product is added to c * shrink.
    template <int n, int height, bool apart>
    [[gnu::always_inline]] static void multiply(const float* a, index_t pitch, index_t rows, index_t inner,
                                                const float* b, float* c, const Floats (&shrink)[n]) {
      const index_t step = height * (apart ? pitch : 1);
      for (; rows >= height; rows -= height, a += step, c += height * n * lanes)
        multiply_tile<n, height, apart>(a, pitch, inner, b, c, shrink);
      if constexpr (height > 1)
        if (rows > 0) multiply<n, height / 2, apart>(a, pitch, rows, inner, b, c, shrink);
    }
    template <int n, int height, bool apart>
    [[gnu::always_inline]] static void multiply_tile(const float* a, index_t pitch, index_t inner,
                                                     const float* b, float* c, const Floats (&shrink)[n]) {
      Floats sums[height][n];
#pragma GCC unroll 8
      for (int r = 0; r < height; ++r) {
#pragma GCC unroll 4
        for (int i = 0; i < n; ++i) {
          sums[r][i] = Floats{};
          if constexpr (!apart) {
            detail::load(sums[r][i], c + (r * n + i) * lanes);
            sums[r][i] *= shrink[i];
          }
        }
      }
      for (index_t k = 0; k < inner; ++k) {
        Floats row[n];
#pragma GCC unroll 4
        for (int i = 0; i < n; ++i) detail::load(row[i], b + (k * n + i) * lanes);
#pragma GCC unroll 8
        for (int r = 0; r < height; ++r) {
          const float x = apart ? a[r * pitch + k] : a[k * pitch + r];
#pragma GCC unroll 4
          for (int i = 0; i < n; ++i) sums[r][i] += row[i] * x;
        }
      }
#pragma GCC unroll 8
      for (int r = 0; r < height; ++r) {
#pragma GCC unroll 4
        for (int i = 0; i < n; ++i) detail::store(c + (r * n + i) * lanes, sums[r][i]);
      }
    }

    /// Scores over the cap become scores.
    [[gnu::always_inline]] void cap(float* scores, index_t vectors) const {
      for (index_t j = 0; j < vectors; ++j) {
        Floats x;
        detail::load(x, scores + j * lanes);
        detail::HyperbolicTangent<Isa>::apply(x);
        x *= attributes.softcap;
        detail::store(scores + j * lanes, x);
      }
    }

    [[gnu::always_inline]] float masked(float score, index_t at) const {
      if (!mask.boolean) return score + static_cast<float>(static_cast<const T*>(mask.data)[at]);
      return static_cast<const std::uint8_t*>(mask.data)[at] != 0 ? score : attributes.fill;
    }
    /// Masks keys [first, first + block).
    template <int n>
    [[gnu::always_inline]] void add_mask(const Lanes& of, index_t first, index_t block, float* scores) const {
#pragma GCC unroll 4
      for (int i = 0; i < n; ++i) {
        const index_t* at = of.mask + i * lanes;
        index_t j = 0;
        if (mask.key == 1)
          for (; j + lanes <= block; j += lanes) {
            Floats square[lanes];
#pragma GCC unroll 16
            for (index_t l = 0; l < lanes; ++l) load_mask(square[l], at[l] + first + j);
            detail::transpose_square(square);
#pragma GCC unroll 16
            for (index_t l = 0; l < lanes; ++l) {
              float* place = scores + ((j + l) * n + i) * lanes;
              Floats x;
              detail::load(x, place);
              if (mask.boolean) {
                Floats hidden;
                detail::fill(hidden, attributes.fill);
                x = square[l] != 0.0f ? x : hidden;
              } else {
                x += square[l];
              }
              detail::store(place, x);
            }
          }
        for (; j < block; ++j) {
          float* place = scores + (j * n + i) * lanes;
          for (index_t l = 0; l < lanes; ++l) place[l] = masked(place[l], at[l] + (first + j) * mask.key);
        }
      }
    }
    [[gnu::always_inline]] void load_mask(Floats& to, index_t at) const {
      if (!mask.boolean) return Stored::load(to, static_cast<const T*>(mask.data) + at);
      detail::Vector<std::uint8_t, lanes> bytes;
      detail::load(bytes, static_cast<const std::uint8_t*>(mask.data) + at);
      to = __builtin_convertvector(bytes, Floats);
    }
    template <int n>
    [[gnu::always_inline]] static void hide_later(const Lanes& of, index_t first, index_t block,
                                                  float* scores) {
      Floats hidden;
      detail::fill(hidden, -infinity);
      Integers seen[n];
#pragma GCC unroll 4
      for (int i = 0; i < n; ++i) detail::load(seen[i], of.seen + i * lanes);
      for (index_t j = 0; j < block; ++j) {
        Integers number;
        detail::fill(number, static_cast<std::int32_t>(first + j));
#pragma GCC unroll 4
        for (int i = 0; i < n; ++i) {
          float* place = scores + (j * n + i) * lanes;
          Floats x;
          detail::load(x, place);
          x = number < seen[i] ? x : hidden;
          detail::store(place, x);
        }
      }
    }

    /// Scores become weights, relative to the largest score up to here; `shrink` is what earlier ones are worth then.
    template <int n>
    [[gnu::always_inline]] static void weigh(float* scores, index_t block, Floats (&maximum)[n],
                                             Floats (&sum)[n], Floats (&shrink)[n]) {
      Floats largest[n], off[n];
#pragma GCC unroll 4
      for (int i = 0; i < n; ++i) largest[i] = maximum[i];
      for (index_t j = 0; j < block; ++j) {
#pragma GCC unroll 4
        for (int i = 0; i < n; ++i) {
          Floats x;
          detail::load(x, scores + (j * n + i) * lanes);
          largest[i] = x > largest[i] ? x : largest[i];
        }
      }
      const Floats zero{};
#pragma GCC unroll 4
      for (int i = 0; i < n; ++i) {
        off[i] = largest[i] == -infinity ? zero : largest[i];
        shrink[i] = maximum[i] - off[i];
        detail::exp_of<Isa>(shrink[i]);
        maximum[i] = largest[i];
        sum[i] *= shrink[i];
      }
      for (index_t j = 0; j < block; ++j) {
#pragma GCC unroll 4
        for (int i = 0; i < n; ++i) {
          Floats x;
          detail::load(x, scores + (j * n + i) * lanes);
          x -= off[i];
          detail::exp_of<Isa>(x);
          sum[i] += x;
          detail::store(scores + (j * n + i) * lanes, x);
        }
      }
    }

    // Few queries: one after the other, with the keys of a block in the lanes.

    [[gnu::always_inline]] void attend_one(const Lanes& of, index_t l, const T* k, const T* v,
                                           float* memory) const {
      float *scores = memory, *sums = scores + key_block, *room = sums + sizes.value_depth;
      const Rows own = as_floats(query + of.query[l], queries.row, 1, sizes.depth, room);
      room += sizes.depth;
      std::fill_n(sums, sizes.value_depth, 0.0f);
      Floats maximum[1], sum[1]{}, shrink[1];
      float largest = -infinity, total = 0;
      for (index_t first = 0; first < of.seen[l]; first += key_block) {
        const index_t block = std::min<index_t>(key_block, of.seen[l] - first);
        const Rows k_rows = as_floats(k + first * keys.row, keys.row, block, sizes.depth, room);
        for (index_t j = 0; j < block; ++j) {
          float score = 0;
          add_products<Isa::bytes>(own.data, k_rows.data + j * k_rows.pitch, sizes.depth, score);
          scores[j] = score * scale;
        }
        const index_t vectors = (block + lanes - 1) / lanes;
        for (index_t j = block; j < vectors * lanes; ++j) scores[j] = 0;
        if (attributes.softcap != 0) cap(scores, vectors);
        if (mask.data != nullptr)
          for (index_t j = 0; j < block; ++j)
            scores[j] = masked(scores[j], of.mask[l] + (first + j) * mask.key);
        for (index_t j = block; j < vectors * lanes; ++j) scores[j] = -infinity;
        const float before = largest;
        for (index_t j = 0; j < block; ++j) largest = scores[j] > largest ? scores[j] : largest;
        detail::fill(maximum[0], largest);
        sum[0] = Floats{};
        weigh<1>(scores, vectors, maximum, sum, shrink);
        Floats less;
        detail::fill(less, before - (largest == -infinity ? 0.0f : largest));
        detail::exp_of<Isa>(less);
        const float factor = less[0];
        float added = 0;
        detail::add_lanes(sum[0], added);
        total = total * factor + added;
        const Rows v_rows = as_floats(v + first * values.row, values.row, block, sizes.value_depth, room);
        add_values<Isa::bytes>(v_rows, block, scores, factor, 0, sums);
      }
      T* to = output + of.output[l];
      const bool zero = sizes.keys == 0 || (attributes.nan_is_zero && !(total > 0));
      for (index_t e = 0; e < sizes.value_depth; ++e) to[e] = static_cast<T>(zero ? 0 : sums[e] / total);
    }

    /// Adds the products of two rows, in vectors that are not longer than what is left of them.
    template <int bytes>
    [[gnu::always_inline]] static void add_products(const float* a, const float* b, index_t length,
                                                    float& sum) {
      using V = detail::Vector<float, bytes>;
      constexpr index_t step = bytes / sizeof(float);
      index_t d = 0;
      if (length >= step) {
        V products{};
        for (; d + step <= length; d += step) {
          V x, y;
          detail::load(x, a + d);
          detail::load(y, b + d);
          products += x * y;
        }
        float lanes_sum = 0;
        detail::add_lanes(products, lanes_sum);
        sum += lanes_sum;
      }
      if constexpr (bytes > sizeof(float))
        if (d < length) add_products<bytes == 16 ? 4 : bytes / 2>(a + d, b + d, length - d, sum);
    }

    /// sums = sums * factor + weights * values, from column `e` on.
    template <int bytes>
    [[gnu::always_inline]] void add_values(const Rows& v, index_t block, const float* weights, float factor,
                                           index_t e, float* sums) const {
      constexpr index_t step = bytes / sizeof(float);
      for (; e + 4 * step <= sizes.value_depth; e += 4 * step)
        add_columns<bytes, 4>({v.data + e, v.pitch}, block, weights, factor, sums + e);
      for (; e + step <= sizes.value_depth; e += step)
        add_columns<bytes, 1>({v.data + e, v.pitch}, block, weights, factor, sums + e);
      if constexpr (bytes > sizeof(float))
        if (e < sizes.value_depth)
          add_values<bytes == 16 ? 4 : bytes / 2>(v, block, weights, factor, e, sums);
    }
    template <int bytes, int n>
    [[gnu::always_inline]] static void add_columns(const Rows& v, index_t block, const float* weights,
                                                   float factor, float* sums) {
      using V = detail::Vector<float, bytes>;
      constexpr index_t step = bytes / sizeof(float);
      V total[n];
#pragma GCC unroll 4
      for (int i = 0; i < n; ++i) {
        detail::load(total[i], sums + i * step);
        total[i] *= factor;
      }
      for (index_t j = 0; j < block; ++j) {
#pragma GCC unroll 4
        for (int i = 0; i < n; ++i) {
          V x;
          detail::load(x, v.data + j * v.pitch + i * step);
          total[i] += x * weights[j];
        }
      }
#pragma GCC unroll 4
      for (int i = 0; i < n; ++i) detail::store(sums + i * step, total[i]);
    }
  };
};

/// In order of preference.
using Attention = isa::Every::kernels<AttentionOn>;

}  // namespace lithe::inline v0::simd
