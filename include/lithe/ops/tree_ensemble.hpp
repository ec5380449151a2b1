// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <algorithm>
#include <array>
#include <bit>
#include <cmath>
#include <concepts>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <type_traits>

#include "lithe/core/half.hpp"
#include "lithe/core/kernel.hpp"
#include "lithe/ops/detail/element_type.hpp"
#include "lithe/ops/detail/parallel.hpp"

namespace lithe::inline v0::ops {

/// What becomes of the weights of all trees for one target.
enum class TreeAggregate : std::uint8_t { sum, min, max };
constexpr auto enum_names(TreeAggregate) { return std::array{"sum", "min", "max"}; }

namespace detail {

/// A node of a tree: where place `feature` of a prepared row is at most `threshold` the walk goes on `step` nodes
/// further, else at the node after that. Place 0 is below every number, places 2 f + 1 and 2 f + 2 are feature f: a NaN
/// lies above every threshold in the first and below in the second. A step of 0 marks a leaf, which reads place 0; its
/// threshold is its weight, or the bits of its row in the table of leaves.
struct TreeNode {
  float threshold;
  std::uint16_t feature, step;
};
/// The same with thresholds that are half-precision numbers, and for few features.
struct NarrowTreeNode {
  std::int16_t threshold;  ///< as tree_key gives it; a leaf's row in the table of leaves
  std::uint8_t feature, step;
};
/// The same with thresholds in double precision, or for many nodes.
struct WideTreeNode {
  double threshold;
  std::uint32_t feature, step;
};

/// The number, in order, of the smallest half-precision number that is not below `x`, which is no NaN.
template <class X>
std::int16_t tree_key(X x) {
  const half nearest(static_cast<float>(x));
  const auto bits = std::bit_cast<std::uint16_t>(nearest);
  const int key = (bits & 0x8000) != 0 ? -(bits & 0x7FFF) : bits;
  return static_cast<std::int16_t>(key + (static_cast<X>(static_cast<float>(nearest)) < x ? 1 : 0));
}

/// The row of the table of leaves that a leaf names.
inline std::uint64_t tree_leaf(const TreeNode& n) { return std::bit_cast<std::uint32_t>(n.threshold); }
inline std::uint64_t tree_leaf(const NarrowTreeNode& n) { return static_cast<std::uint16_t>(n.threshold); }
inline std::uint64_t tree_leaf(const WideTreeNode& n) { return std::bit_cast<std::uint64_t>(n.threshold); }

}  // namespace detail

/// Walks each row through every tree, and joins the weights of the leaves where it arrives.
///   input [N, F]    nodes u8 [nodes, bytes]: detail::TreeNode of 8 bytes, NarrowTreeNode of 4 or WideTreeNode of 16,
///   little-endian    trees s32 [T, 2]: the first node and the first target of each    leaves [L, W] optional: the
///   weights of leaves for W targets, one after the other; without it a leaf has one    output [N, targets]
/// A weight of infinity, positive for min and negative for max, stands for none; a target without any becomes 0.
/// Nodes, trees and leaves must be constants.
/// Errors: Code::shape for shapes that do not fit; Code::invalid_model for attributes out of range, and from create for
/// a node that leads out of the tables.
/// Source: ONNX ai.onnx.ml TreeEnsemble-5, TreeEnsembleClassifier-3 and TreeEnsembleRegressor-3, whose other modes,
/// sets, averages, base values and transforms the converter expresses.
struct TreeEnsemble {
  struct Attributes {
    std::int32_t targets = 1;
    TreeAggregate aggregate = TreeAggregate::sum;
    static constexpr auto fields() {
      return Fields{field("targets", &Attributes::targets), field("aggregate", &Attributes::aggregate)};
    }
  };
  using enum DType;
  static constexpr OpSpec spec{.name = "TreeEnsemble",
                               .inputs = {"input", "nodes", "trees", "leaves?"},
                               .outputs = {"output"},
                               .accuracy = Accuracy::rounding};
  static constexpr TypeRow types[] = {{{f32, u8, s32, f32}, {f32}}, {{f64, u8, s32, f64}, {f64}}};
  static constexpr bool rounds = true;

  static Status infer(const Attributes& a, InferContext& context) {
    if (a.targets < 1) return {Code::invalid_model, "a TreeEnsemble has fewer than one target"};
    const Shape &input = context.shape(0), &nodes = context.shape(1), &trees = context.shape(2);
    if (input.rank() != 2) return {Code::shape, "the input of a TreeEnsemble must be [N, F]"};
    if (nodes.rank() != 2 ||
        (nodes[1] != sizeof(detail::NarrowTreeNode) && nodes[1] != sizeof(detail::TreeNode) &&
         nodes[1] != sizeof(detail::WideTreeNode)))
      return {Code::shape, "the nodes of a TreeEnsemble must be [nodes, 4], [nodes, 8] or [nodes, 16]"};
    if (trees.rank() != 2 || trees[1] != 2)
      return {Code::shape, "the trees of a TreeEnsemble must be [T, 2]"};
    if (context.has(3) && (context.shape(3).rank() != 2 || context.shape(3)[1] < 1))
      return {Code::shape, "the leaves of a TreeEnsemble must be [L, W]"};
    if (!context.has(3) && nodes[1] == sizeof(detail::NarrowTreeNode))
      return {Code::shape, "a TreeEnsemble with nodes of 4 bytes needs leaves"};
    return context.output(0, {input[0], a.targets});
  }
};
static_assert(Operator<TreeEnsemble>);

}  // namespace lithe::inline v0::ops

namespace lithe::inline v0::portable {

template <std::same_as<ops::TreeEnsemble> Op>
struct Kernel<Op> {
  using Attributes = ops::TreeEnsemble::Attributes;

  static bool supports(const Attributes&, const NodeInfo& node) {
    return node.input(1).constant() && node.input(2).constant() && (!node.has(3) || node.input(3).constant());
  }

  Status create(const Attributes& a, CreateContext& context) {
    const NodeInfo& node = context.node;
    const index_t count = node.input(1).shape[0], leaves = node.has(3) ? node.input(3).shape[0] : -1,
                  width = node.has(3) ? node.input(3).shape[1] : 1;
    const auto* trees = static_cast<const std::int32_t*>(node.input(2).data);
    for (index_t t = 0; t < node.input(2).shape[0]; ++t)
      if (trees[2 * t] < 0 || trees[2 * t] >= count || trees[2 * t + 1] < 0 ||
          trees[2 * t + 1] > a.targets - width)
        return {Code::invalid_model, "a tree of a TreeEnsemble begins at no node, or has no such targets"};
    return with_nodes(node.input(1).shape[1], [&]<class Node>() {
      return check(static_cast<const Node*>(node.input(1).data), count, leaves);
    });
  }

  Status reshape(const Attributes&, ReshapeContext& context) const {
    const Shape& input = context.inputs[0].shape;
    if (last_place_ >= places(input))
      return {Code::shape, "a TreeEnsemble reads more features than its input has"};
    const index_t rows = tasks(input[0]).count * std::min<index_t>(walks, input[0]);
    context.workspace(
        static_cast<std::size_t>(rows * places(input) * element_bytes(context.inputs[0].dtype)));
    return {};
  }

  template <TypeSet types = every_type>
  static Status run(const Attributes& a, RunContext& context) {
    return ops::detail::for_element_type<types, float, double>(context.input(0).dtype, [&]<class X>() {
      return with_nodes(context.input(1).shape[1], [&]<class Node>() {
        const Forest<Node, X> forest(a, context);
        const index_t rows = context.input(0).shape[0];
        const ops::detail::Ranges ranges = tasks(rows);
        ops::detail::in_parallel(context.threads(), ranges.count, [&](index_t t) {
          forest.walk(ranges.first(t), ranges.length(t), t * std::min<index_t>(walks, rows));
        });
        return Status{};
      });
    });
  }

 private:
  /// Walks that a thread interleaves, so that they need not wait for each other's loads; a small core waits for none.
  static constexpr int walks = sizeof(void*) < 8 ? 1 : 8;

  static index_t places(const Shape& input) { return 2 * input[1] + 1; }
  static ops::detail::Ranges tasks(index_t rows) { return {rows, 1, 64, 16}; }

  template <class F>
  static Status with_nodes(index_t bytes, F f) {
    if (bytes == sizeof(ops::detail::NarrowTreeNode))
      return f.template operator()<ops::detail::NarrowTreeNode>();
    if (bytes == sizeof(ops::detail::TreeNode)) return f.template operator()<ops::detail::TreeNode>();
    return f.template operator()<ops::detail::WideTreeNode>();
  }

  /// Whether every walk stays within `count` nodes and ends at a leaf with a weight; `leaves` is -1 without a table.
  template <class Node>
  Status check(const Node* nodes, index_t count, index_t leaves) {
    for (index_t i = 0; i < count; ++i) {
      const Node& n = nodes[i];
      const bool is_leaf = n.step == 0, branches = n.feature != 0, is_number = n.threshold == n.threshold;
      const auto next = static_cast<std::uint64_t>(i) + n.step + (branches ? 1 : 0);
      if (next >= static_cast<std::uint64_t>(count) || (is_leaf && branches) ||
          (is_leaf && leaves >= 0 ? ops::detail::tree_leaf(n) >= static_cast<std::uint64_t>(leaves)
                                  : !is_number))
        return {Code::invalid_model, "a node of a TreeEnsemble leads out of its tables, or is NaN"};
      last_place_ = std::max(last_place_, static_cast<index_t>(n.feature));
    }
    return {};
  }

  index_t last_place_ = 0;

  template <class Node, class X>
  struct Forest {
    static constexpr bool narrow = std::is_same_v<Node, ops::detail::NarrowTreeNode>;
    using Place = std::conditional_t<narrow, std::int16_t, X>;
    using Limits = std::numeric_limits<Place>;

    const Node* nodes;
    const std::int32_t* trees;
    const X *input, *leaves;
    X* output;
    Place* scratch;
    index_t count, features, width, targets;
    ops::TreeAggregate aggregate;

    Forest(const Attributes& a, RunContext& context)
        : nodes(static_cast<const Node*>(context.input(1).data)),
          trees(static_cast<const std::int32_t*>(context.input(2).data)),
          input(static_cast<const X*>(context.input(0).data)),
          leaves(context.has(3) ? static_cast<const X*>(context.input(3).data) : nullptr),
          output(static_cast<X*>(context.output().data)),
          scratch(reinterpret_cast<Place*>(context.workspace().data())),
          count(context.input(2).shape[0]),
          features(context.input(0).shape[1]),
          width(context.has(3) ? context.input(3).shape[1] : 1),
          targets(a.targets),
          aggregate(a.aggregate) {}

    /// Walks `rows` rows from `first` on; prepared rows lie in the scratch memory from row `slot` on.
    void walk(index_t first, index_t rows, index_t slot) const {
      const index_t places = 2 * features + 1;
      Place* prepared = scratch + slot * places;
      for (index_t done = 0; done < rows; done += walks) {
        const index_t block = std::min<index_t>(walks, rows - done);
        X* to = output + (first + done) * targets;
        for (index_t r = 0; r < block; ++r)
          prepare(input + (first + done + r) * features, prepared + r * places);
        std::fill_n(to, block * targets, neutral());
        if (block == walks && walks > 1)
          walk_rows(prepared, places, to);
        else
          for (index_t r = 0; r < block; ++r) walk_trees(prepared + r * places, to + r * targets);
        if (aggregate != ops::TreeAggregate::sum) std::replace(to, to + block * targets, neutral(), X{0});
      }
    }

   private:
    static constexpr Place below = Limits::has_infinity ? -Limits::infinity() : Limits::min();

    X neutral() const {
      constexpr X infinity = std::numeric_limits<X>::infinity();
      return aggregate == ops::TreeAggregate::sum   ? X{0}
             : aggregate == ops::TreeAggregate::min ? infinity
                                                    : -infinity;
    }

    void prepare(const X* x, Place* row) const {
      *row++ = below;
      for (index_t f = 0; f < features; ++f, row += 2) {
        const bool is_nan = x[f] != x[f];
        if constexpr (narrow) {
          row[0] = is_nan ? Limits::max() : ops::detail::tree_key(x[f]);
        } else {
          row[0] = x[f];
        }
        row[1] = is_nan ? below : row[0];
      }
    }

    static const Node* next(const Node* at, const Place* row) {
      using T = std::common_type_t<Place, decltype(Node::threshold)>;
      return at + at->step + (static_cast<T>(row[at->feature]) <= static_cast<T>(at->threshold) ? 0 : 1);
    }

    /// Leads all walks to their leaves; walk k reads row(k). It looks only now and then whether all have arrived.
    template <class Row>
    static void descend(const Node* (&at)[walks], Row row) {
      constexpr int unseen = 3;
      unsigned moving = 1;
      while (moving != 0) {
        for (int i = 0; i < unseen; ++i)
          for (int k = 0; k < walks; ++k) at[k] = next(at[k], row(k));
        moving = 0;
        for (int k = 0; k < walks; ++k) {
          moving |= at[k]->step;
          at[k] = next(at[k], row(k));
        }
      }
    }

    void join(X& total, X weight) const {
      total = aggregate == ops::TreeAggregate::sum   ? total + weight
              : aggregate == ops::TreeAggregate::min ? std::min(total, weight)
                                                     : std::max(total, weight);
    }
    void join_leaf(const Node& leaf, index_t target, X* to) const {
      if (leaves == nullptr) return join(to[target], static_cast<X>(leaf.threshold));
      const X* from = leaves + static_cast<index_t>(ops::detail::tree_leaf(leaf)) * width;
      for (index_t w = 0; w < width; ++w) join(to[target + w], from[w]);
    }

    /// One row through all trees, several at a time.
    void walk_trees(const Place* row, X* to) const {
      for (index_t t = 0; t < count; t += walks) {
        const Node* at[walks];
        for (int k = 0; k < walks; ++k) at[k] = nodes + trees[2 * std::min<index_t>(t + k, count - 1)];
        descend(at, [&](int) { return row; });
        for (index_t k = 0; k < std::min<index_t>(walks, count - t); ++k)
          join_leaf(*at[k], trees[2 * (t + k) + 1], to);
      }
    }

    /// As many rows as there are walks through each tree.
    void walk_rows(const Place* rows, index_t places, X* to) const {
      for (index_t t = 0; t < count; ++t) {
        const Node* at[walks];
        std::fill_n(at, walks, nodes + trees[2 * t]);
        descend(at, [&](int k) { return rows + k * places; });
        for (int k = 0; k < walks; ++k) join_leaf(*at[k], trees[2 * t + 1], to + k * targets);
      }
    }
  };
};

}  // namespace lithe::inline v0::portable
