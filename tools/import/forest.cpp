// SPDX-License-Identifier: Apache-2.0
#include "tools/import/forest.hpp"

#include <algorithm>
#include <bit>
#include <cmath>
#include <cstddef>
#include <cstring>
#include <limits>
#include <map>
#include <optional>
#include <span>
#include <string>
#include <type_traits>
#include <utility>

#include "tools/report/error.hpp"

namespace lithe::import {
namespace {

using report::Unsupported;

constexpr double infinity = std::numeric_limits<double>::infinity();

[[noreturn]] void refuse(const std::string& reason) { throw Unsupported{reason, "export the model again"}; }

/// Nodes that all ask whether a feature is at most a threshold.
class Simplifier {
 public:
  Simplifier(Forest forest, DType dtype) : forest_(std::move(forest)), dtype_(dtype) {}

  Forest simplified() {
    const std::size_t given = forest_.nodes.size();
    for (std::size_t i = 0; i < given; ++i) {
      check(forest_.nodes[i]);
      if (!forest_.nodes[i].leaf) simplify(static_cast<int>(i));
    }
    return std::move(forest_);
  }

 private:
  using Node = Forest::Node;

  void check(const Node& n) const {
    if (n.leaf) {
      for (const auto& [target, weight] : n.weights)
        if (target < 0 || target >= forest_.targets || std::isnan(weight))
          refuse("a leaf has a target that is none, or a weight that is NaN");
      return;
    }
    const auto count = static_cast<int>(forest_.nodes.size());
    if (n.when_true < 0 || n.when_true >= count || n.when_false < 0 || n.when_false >= count)
      refuse("a node leads to none");
    if (n.feature < 0 || n.feature > std::numeric_limits<std::int32_t>::max() / 4)
      refuse("feature " + std::to_string(n.feature) + " cannot be");
    if (n.mode != TreeMode::member && (std::isnan(n.threshold) || n.threshold == -infinity))
      refuse("a threshold is NaN or minus infinity");
    for (const double v : n.members)
      if (std::isnan(v) || v == -infinity) refuse("a set holds NaN or minus infinity");
  }

  /// The largest number below `v` that a feature can be.
  double below(double v) const {
    if (dtype_ == DType::f64) return std::nextafter(v, -infinity);
    const auto near = static_cast<float>(v);
    if (static_cast<double>(near) < v) return static_cast<double>(near);
    return static_cast<double>(std::nextafter(near, -std::numeric_limits<float>::infinity()));
  }

  int at_most(std::int64_t feature, double threshold, bool missing_is_true, int when_true, int when_false) {
    Node n;
    n.feature = feature;
    n.threshold = threshold;
    n.missing_is_true = missing_is_true;
    n.when_true = when_true;
    n.when_false = when_false;
    forest_.nodes.push_back(std::move(n));
    return static_cast<int>(forest_.nodes.size()) - 1;
  }
  void become(int node, int other) {
    forest_.nodes[static_cast<std::size_t>(node)] = forest_.nodes[static_cast<std::size_t>(other)];
  }

  /// Whether the feature is `v`; a NaN goes where `missing_is_true` says.
  int equal(std::int64_t feature, double v, bool missing_is_true, int when_true, int when_false) {
    return at_most(feature, v, missing_is_true, at_most(feature, below(v), false, when_false, when_true),
                   when_false);
  }

  /// Whether the feature is one of the sorted values; a NaN is none.
  int one_of(std::int64_t feature, std::span<const double> values, int when_true, int when_false) {
    if (values.empty()) return when_false;
    if (values.size() == 1) return equal(feature, values[0], false, when_true, when_false);
    const std::size_t half = values.size() / 2;
    const int low = one_of(feature, values.first(half), when_true, when_false),
              high = one_of(feature, values.subspan(half), when_true, when_false);
    return at_most(feature, values[half - 1], false, low, high);
  }

  void simplify(int i) {
    const Node n = forest_.nodes[static_cast<std::size_t>(i)];
    const bool missing = n.missing_is_true;
    switch (n.mode) {
      case TreeMode::leq:
        return;
      case TreeMode::lt:
        return become(i, at_most(n.feature, below(n.threshold), missing, n.when_true, n.when_false));
      case TreeMode::gte:
        return become(i, at_most(n.feature, below(n.threshold), !missing, n.when_false, n.when_true));
      case TreeMode::gt:
        return become(i, at_most(n.feature, n.threshold, !missing, n.when_false, n.when_true));
      case TreeMode::eq:
        return become(i, equal(n.feature, n.threshold, missing, n.when_true, n.when_false));
      case TreeMode::neq:  // a NaN is unequal to everything
        return become(i, equal(n.feature, n.threshold, false, n.when_false, n.when_true));
      case TreeMode::member:
        break;
    }
    std::vector<double> values = n.members;
    std::sort(values.begin(), values.end());
    values.erase(std::unique(values.begin(), values.end()), values.end());
    const int member = one_of(n.feature, values, n.when_true, n.when_false);
    // Every number is at most infinity, a NaN is not.
    become(i, at_most(n.feature, infinity, false, member, missing ? n.when_true : n.when_false));
  }

  Forest forest_;
  DType dtype_;
};

/// Nodes in breadth-first order, trees after each other; the two that a node leads to lie beside each other.
class Layout {
 public:
  struct Place {
    int node = -1;          ///< its number in the simplified forest
    std::int64_t step = 0;  ///< to where it leads if true
    bool jumps = false;  ///< always leads there: the node lies further on, where another node leads to it too
  };

  explicit Layout(const Forest& forest)
      : forest_(forest), readers_(forest.nodes.size()), at_(forest.nodes.size(), -1) {
    count_readers();
    for (const int root : forest.roots) {
      roots.push_back(static_cast<std::int32_t>(places.size()));
      std::size_t next = places.size();
      add(root);
      for (; next < places.size(); ++next) branch(next);
    }
    for (std::size_t p = 0; p < places.size(); ++p)
      if (places[p].jumps)
        places[p].step = at_[static_cast<std::size_t>(places[p].node)] - static_cast<std::int64_t>(p);
  }

  std::vector<Place> places;
  std::vector<std::int32_t> roots;

 private:
  const Forest::Node& node(int n) const { return forest_.nodes[static_cast<std::size_t>(n)]; }

  /// Counts who leads to each node that a root reaches; refuses circles.
  void count_readers() {
    enum : std::uint8_t { fresh, open, done };
    std::vector<std::uint8_t> state(forest_.nodes.size(), fresh);
    std::vector<std::pair<int, int>> path;  // a node, and how many of its branches were followed
    for (const int root : forest_.roots) {
      if (root < 0 || static_cast<std::size_t>(root) >= forest_.nodes.size())
        refuse("a tree begins at no node");
      const auto enter = [&](int n) {
        ++readers_[static_cast<std::size_t>(n)];
        if (state[static_cast<std::size_t>(n)] == open) refuse("a tree leads back to itself");
        if (state[static_cast<std::size_t>(n)] == done) return;
        state[static_cast<std::size_t>(n)] = open;
        path.emplace_back(n, 0);
      };
      enter(root);
      while (!path.empty()) {
        auto& [n, followed] = path.back();
        if (node(n).leaf || followed == 2) {
          state[static_cast<std::size_t>(n)] = done;
          path.pop_back();
        } else {
          enter(followed++ == 0 ? node(n).when_true : node(n).when_false);
        }
      }
    }
  }

  /// The last place that leads to a node is followed by it, the earlier ones jump there. A leaf is as small as a jump.
  void add(int n) {
    const bool last = --readers_[static_cast<std::size_t>(n)] == 0;
    if (last) at_[static_cast<std::size_t>(n)] = static_cast<std::int64_t>(places.size());
    places.push_back({.node = n, .step = 0, .jumps = !last && !node(n).leaf});
  }

  void branch(std::size_t p) {
    const Forest::Node& n = node(places[p].node);
    if (n.leaf || places[p].jumps) return;
    places[p].step = static_cast<std::int64_t>(places.size() - p);
    add(n.when_true);
    add(n.when_false);
  }

  const Forest& forest_;
  std::vector<int> readers_;
  std::vector<std::int64_t> at_;
};

/// Weights for `width` targets from the first of a tree on, for each leaf; equal ones are one row.
class Leaves {
 public:
  Leaves(const Forest& forest, const Layout& layout) : forest_(forest), seen_by_(forest.nodes.size(), -1) {
    none_ = forest.aggregate == ops::TreeAggregate::sum   ? 0
            : forest.aggregate == ops::TreeAggregate::min ? infinity
                                                          : -infinity;
    for (std::size_t t = 0; t < layout.roots.size(); ++t)
      firsts.push_back(single_target(layout.roots[t], layout));
    one_each = std::none_of(firsts.begin(), firsts.end(), [](const auto& f) { return !f; });
    width = one_each ? 1 : forest.targets;
  }

  /// The only weight of a leaf, where each tree has one target.
  double weight(const Forest::Node& leaf) const {
    double sum = none_;
    for (const auto& [target, w] : leaf.weights) sum = joined(sum, w);
    return sum;
  }
  std::int64_t row(const Forest::Node& leaf) {
    std::vector<double> weights(static_cast<std::size_t>(width), none_);
    for (const auto& [target, w] : leaf.weights) {
      double& to = weights[one_each ? 0 : static_cast<std::size_t>(target)];
      to = joined(to, w);
    }
    const auto [found, fresh] = rows_.emplace(weights, static_cast<std::int64_t>(rows_.size()));
    if (fresh) table.insert(table.end(), weights.begin(), weights.end());
    return found->second;
  }

  std::vector<std::optional<std::int64_t>> firsts;  ///< the only target of each tree
  bool one_each = false;
  std::int64_t width = 1;
  std::vector<double> table;

 private:
  double joined(double a, double b) const {
    return forest_.aggregate == ops::TreeAggregate::sum   ? a + b
           : forest_.aggregate == ops::TreeAggregate::min ? std::min(a, b)
                                                          : std::max(a, b);
  }
  /// The target of all leaves of the tree at place `root`, nullopt where there are several.
  std::optional<std::int64_t> single_target(std::int32_t root, const Layout& layout) {
    std::optional<std::int64_t> target;
    std::vector<int> path{layout.places[static_cast<std::size_t>(root)].node};
    while (!path.empty()) {
      const int at = path.back();
      const Forest::Node& n = forest_.nodes[static_cast<std::size_t>(at)];
      path.pop_back();
      if (std::exchange(seen_by_[static_cast<std::size_t>(at)], root) == root) continue;
      for (const auto& [t, weight] : n.weights) {
        if (target && *target != t) return std::nullopt;
        target = t;
      }
      if (n.leaf) continue;
      path.push_back(n.when_true);
      path.push_back(n.when_false);
    }
    return target.value_or(0);
  }

  const Forest& forest_;
  std::vector<std::int32_t> seen_by_;  ///< the last root from which each node was reached
  double none_ = 0;
  std::map<std::vector<double>, std::int64_t> rows_;
};

template <class Node>
Node packed(std::int64_t place, std::int64_t step, double threshold) {
  Node n{};
  n.feature = static_cast<decltype(n.feature)>(place);
  n.step = static_cast<decltype(n.step)>(step);
  if constexpr (std::is_same_v<Node, ops::detail::NarrowTreeNode>)
    n.threshold = ops::detail::tree_key(threshold);
  else
    n.threshold = static_cast<decltype(n.threshold)>(threshold);
  return n;
}
void name_row(ops::detail::NarrowTreeNode& n, std::int64_t row) {
  n.threshold = static_cast<std::int16_t>(static_cast<std::uint16_t>(row));
}
void name_row(ops::detail::TreeNode& n, std::int64_t row) {
  n.threshold = std::bit_cast<float>(static_cast<std::uint32_t>(row));
}
void name_row(ops::detail::WideTreeNode& n, std::int64_t row) { n.threshold = std::bit_cast<double>(row); }

/// The place of a prepared row that a node reads.
std::int64_t place_of(const Forest::Node& n) { return 1 + 2 * n.feature + (n.missing_is_true ? 1 : 0); }

template <class T>
bool holds(double v) {
  return static_cast<double>(static_cast<T>(v)) == v;
}
bool is_half(double v) {
  return holds<float>(v) && static_cast<double>(static_cast<float>(half(static_cast<float>(v)))) == v;
}

/// The largest numbers of a forest, which decide how wide its nodes are.
struct Extent {
  bool halves = true, floats = true;  ///< all thresholds are such numbers
  bool float_weights = true;
  std::int64_t place = 0, step = 0;

  Extent(const Forest& forest, const Layout& layout) {
    for (const Layout::Place& p : layout.places) {
      const Forest::Node& n = forest.nodes[static_cast<std::size_t>(p.node)];
      step = std::max(step, p.step);
      for (const auto& [target, weight] : n.weights) float_weights = float_weights && holds<float>(weight);
      if (n.leaf || p.jumps) continue;
      halves = halves && is_half(n.threshold);
      floats = floats && holds<float>(n.threshold);
      place = std::max(place, place_of(n));
    }
  }
  template <class Integer>
  bool fits() const {
    constexpr auto most = static_cast<std::int64_t>(std::numeric_limits<Integer>::max());
    return place <= most && step <= most;
  }
};

template <class Node>
graph::ConstantPtr packed_nodes(const Forest& forest, const Layout& layout, Leaves& leaves, bool has_table) {
  std::vector<std::uint8_t> bytes(layout.places.size() * sizeof(Node));
  std::uint8_t* to = bytes.data();
  for (const Layout::Place& p : layout.places) {
    const Forest::Node& n = forest.nodes[static_cast<std::size_t>(p.node)];
    Node out = p.jumps  ? packed<Node>(0, p.step, 0)
               : n.leaf ? packed<Node>(0, 0, has_table ? 0 : leaves.weight(n))
                        : packed<Node>(place_of(n), p.step, n.threshold);
    if (n.leaf && has_table) name_row(out, leaves.row(n));
    std::memcpy(to, &out, sizeof out);
    to += sizeof out;
  }
  return graph::make_constant<std::uint8_t>(
      Shape{static_cast<index_t>(layout.places.size()), static_cast<index_t>(sizeof(Node))}, bytes);
}

graph::ConstantPtr table_of(const Leaves& leaves, DType dtype) {
  const Shape shape{static_cast<index_t>(leaves.table.size()) / static_cast<index_t>(leaves.width),
                    static_cast<index_t>(leaves.width)};
  if (dtype == DType::f64) return graph::make_constant<double>(shape, leaves.table);
  return graph::make_constant<float>(shape, std::vector<float>(leaves.table.begin(), leaves.table.end()));
}

}  // namespace

PackedForest pack(const Forest& given, DType dtype) {
  if (given.roots.empty()) refuse("it has no trees");
  const Forest forest = Simplifier(given, dtype).simplified();
  const Layout layout(forest);
  if (layout.places.size() > std::size_t{1} << 31) refuse("it has more than 2^31 nodes");
  Leaves leaves(forest, layout);
  const Extent extent(forest, layout);
  PackedForest result;
  constexpr std::int64_t most_narrow_rows = 1 << 16;
  if (extent.halves && extent.fits<std::uint8_t>()) {
    result.nodes = packed_nodes<ops::detail::NarrowTreeNode>(forest, layout, leaves, true);
    if (static_cast<std::int64_t>(leaves.table.size()) > most_narrow_rows * leaves.width)
      result.nodes = nullptr;
  }
  const bool has_table = result.nodes != nullptr || !leaves.one_each;
  if (result.nodes == nullptr && extent.floats && (has_table || extent.float_weights) &&
      extent.fits<std::uint16_t>())
    result.nodes = packed_nodes<ops::detail::TreeNode>(forest, layout, leaves, has_table);
  if (result.nodes == nullptr)
    result.nodes = packed_nodes<ops::detail::WideTreeNode>(forest, layout, leaves, has_table);
  if (has_table) result.leaves = table_of(leaves, dtype);
  std::vector<std::int32_t> trees;
  for (std::size_t t = 0; t < layout.roots.size(); ++t) {
    trees.push_back(layout.roots[t]);
    trees.push_back(leaves.one_each ? static_cast<std::int32_t>(*leaves.firsts[t]) : 0);
  }
  result.trees =
      graph::make_constant<std::int32_t>(Shape{static_cast<index_t>(layout.roots.size()), 2}, trees);
  return result;
}

}  // namespace lithe::import
