// SPDX-License-Identifier: Apache-2.0
#include "lithe/ops/tree_ensemble.hpp"

#include <bit>
#include <cmath>
#include <cstring>
#include <limits>
#include <random>
#include <vector>

#include "tests/support/op_test.hpp"
#include "tests/support/reversed_threads.hpp"

namespace lithe::test {
namespace {

using ops::TreeAggregate;
using ops::TreeEnsemble;
using ops::detail::NarrowTreeNode;
using ops::detail::TreeNode;
using ops::detail::WideTreeNode;

/// A node before it is packed; a leaf has a step of 0 and a row of weights.
struct Branch {
  int feature = 0;
  bool missing_is_true = false;
  double threshold = 0;
  int step = 0, row = 0;
};

/// Trees, and weights [rows, width] of their leaves.
struct Trees {
  std::vector<Branch> nodes;
  std::vector<std::pair<int, int>> roots;  ///< the first node, the first target
  int width = 1, targets = 1;
  std::vector<double> weights;

  /// The weights of the leaf where a row ends.
  std::vector<double> walk(int root, const double* row) const {
    int i = root;
    while (nodes[static_cast<std::size_t>(i)].step != 0) {
      const Branch& b = nodes[static_cast<std::size_t>(i)];
      const double x = row[b.feature];
      i += b.step + ((std::isnan(x) ? b.missing_is_true : x <= b.threshold) ? 0 : 1);
    }
    const auto first = static_cast<std::ptrdiff_t>(nodes[static_cast<std::size_t>(i)].row) * width;
    return {weights.begin() + first, weights.begin() + first + width};
  }
};

/// Full trees of random depths over 6 features; thresholds are multiples of 1/4, as inputs are, so that ties happen.
Trees random_trees(int count, int width, int targets, std::uint32_t seed) {
  std::mt19937 generator(seed);
  const auto below = [&](int n) { return static_cast<int>(generator() % static_cast<std::uint32_t>(n)); };
  Trees trees;
  trees.width = width;
  trees.targets = targets;
  for (int t = 0; t < count; ++t) {
    const int depth = below(6), inner = (1 << depth) - 1;
    trees.roots.emplace_back(static_cast<int>(trees.nodes.size()), below(targets - width + 1));
    for (int i = 0; i < 2 * inner + 1; ++i) {
      Branch b{below(6), below(2) == 0, (below(17) - 8) / 4.0, i < inner ? i + 1 : 0, 0};
      if (i >= inner) {
        b.row = static_cast<int>(trees.weights.size()) / width;
        for (int w = 0; w < width; ++w) trees.weights.push_back((below(65) - 32) / 8.0);
      }
      trees.nodes.push_back(b);
    }
  }
  return trees;
}

template <class Node>
Input packed(const Trees& trees, bool table) {
  std::vector<double> bytes;
  for (const Branch& b : trees.nodes) {
    Node n{};
    n.step = static_cast<decltype(n.step)>(b.step);
    if (b.step != 0)
      n.feature = static_cast<decltype(n.feature)>(1 + 2 * b.feature + (b.missing_is_true ? 1 : 0));
    const double number = b.step != 0 ? b.threshold
                          : table     ? 0
                                      : trees.weights[static_cast<std::size_t>(b.row * trees.width)];
    if constexpr (std::is_same_v<Node, NarrowTreeNode>)
      n.threshold = b.step != 0 ? ops::detail::tree_key(number) : static_cast<std::int16_t>(b.row);
    else if constexpr (std::is_same_v<Node, TreeNode>)
      n.threshold = b.step == 0 && table ? std::bit_cast<float>(b.row) : static_cast<float>(number);
    else
      n.threshold = b.step == 0 && table ? std::bit_cast<double>(std::int64_t{b.row}) : number;
    std::uint8_t raw[sizeof(Node)];
    std::memcpy(raw, &n, sizeof n);
    bytes.insert(bytes.end(), raw, raw + sizeof n);
  }
  const auto count = static_cast<index_t>(trees.nodes.size());
  return Input::values({count, static_cast<index_t>(sizeof(Node))}, std::move(bytes)).constant();
}

Input roots(const Trees& trees) {
  std::vector<double> numbers;
  for (const auto& [first, target] : trees.roots) {
    numbers.push_back(first);
    numbers.push_back(target);
  }
  return Input::values({static_cast<index_t>(trees.roots.size()), 2}, std::move(numbers)).constant();
}

Input leaves(const Trees& trees) {
  return Input::values({static_cast<index_t>(trees.weights.size()) / trees.width, trees.width}, trees.weights)
      .constant();
}

/// Rows of 6 features: multiples of 1/4, some NaN, infinite, or a little beside a threshold.
Input rows(index_t count) {
  std::mt19937 generator(static_cast<std::uint32_t>(count));
  std::vector<double> numbers;
  for (index_t i = 0; i < count * 6; ++i) {
    const double v = (static_cast<int>(generator() % 21) - 10) / 4.0;
    const std::uint32_t kind = generator() % 12;
    numbers.push_back(kind == 0   ? std::nan("")
                      : kind == 1 ? INFINITY
                      : kind == 2 ? -INFINITY
                      : kind == 3 ? std::nextafter(static_cast<float>(v), 9.0f)
                      : kind == 4 ? std::nextafter(static_cast<float>(v), -9.0f)
                                  : v);
  }
  return Input::values({count, 6}, std::move(numbers));
}

auto walking(const Trees& trees, TreeAggregate aggregate) {
  return [&trees, aggregate](const std::vector<ReferenceTensor>& in) {
    const index_t count = in[0].shape[0];
    ReferenceTensor y({count, trees.targets});
    for (index_t n = 0; n < count; ++n) {
      std::vector<bool> any(static_cast<std::size_t>(trees.targets));
      for (const auto& [root, target] : trees.roots) {
        const auto leaf = trees.walk(root, &in[0].values[static_cast<std::size_t>(n * 6)]);
        for (int w = 0; w < trees.width; ++w) {
          double& to = y.at(n, target + w);
          const double v = leaf[static_cast<std::size_t>(w)];
          const bool first = !any[static_cast<std::size_t>(target + w)];
          any[static_cast<std::size_t>(target + w)] = true;
          to = aggregate == TreeAggregate::sum   ? to + v
               : first                           ? v
               : aggregate == TreeAggregate::min ? std::min(to, v)
                                                 : std::max(to, v);
        }
      }
    }
    return y;
  };
}

constexpr MatchOptions constants_only{.computed = false};

template <class Node>
void expect_walks(const Trees& trees, TreeAggregate aggregate, bool table, index_t count) {
  SCOPED_TRACE("nodes of " + std::to_string(sizeof(Node)) + " bytes, " + std::to_string(count) + " rows");
  std::vector<Input> inputs{rows(count), packed<Node>(trees, table), roots(trees)};
  if (table) inputs.push_back(leaves(trees));
  OpTest<TreeEnsemble>({.targets = trees.targets, .aggregate = aggregate})
      .on(reversed_threads)
      .matches(walking(trees, aggregate), inputs, constants_only);
}

TEST(TreeEnsemble, Values) {
  std::uint32_t seed = 0;
  for (const auto aggregate : {TreeAggregate::sum, TreeAggregate::min, TreeAggregate::max})
    for (const index_t count : {0, 1, 7, 8, 21, 150}) {
      const Trees one = random_trees(19, 1, 1, ++seed), some = random_trees(19, 1, 3, ++seed),
                  all = random_trees(9, 3, 3, ++seed);
      for (const Trees* trees : {&one, &some}) {
        expect_walks<TreeNode>(*trees, aggregate, false, count);
        expect_walks<WideTreeNode>(*trees, aggregate, false, count);
      }
      for (const Trees* trees : {&one, &some, &all}) {
        expect_walks<NarrowTreeNode>(*trees, aggregate, true, count);
        expect_walks<TreeNode>(*trees, aggregate, true, count);
        expect_walks<WideTreeNode>(*trees, aggregate, true, count);
      }
    }
}

TEST(TreeEnsemble, WeightsThatAreNoneGiveZero) {
  Trees trees = random_trees(1, 2, 2, 5);
  trees.nodes = {{.row = 0}};
  trees.roots = {{0, 0}};
  trees.weights = {3, INFINITY};
  const auto wanted = [](const std::vector<ReferenceTensor>&) { return ReferenceTensor({1, 2}, {3, 0}); };
  OpTest<TreeEnsemble>({.targets = 2, .aggregate = TreeAggregate::min})
      .matches(wanted, {rows(1), packed<TreeNode>(trees, true), roots(trees), leaves(trees)}, constants_only);
}

TEST(TreeEnsemble, KeysOfHalvesKeepTheOrder) {
  using ops::detail::tree_key;
  std::int16_t last = std::numeric_limits<std::int16_t>::min();
  for (const float v : {-INFINITY, -65504.0f, -1.0f, -6e-8f, 0.0f, 6e-8f, 1.0f, 65504.0f, INFINITY}) {
    EXPECT_LT(last, tree_key(v)) << v;
    last = tree_key(v);
  }
  EXPECT_EQ(tree_key(-0.0f), tree_key(0.0f));
  EXPECT_EQ(tree_key(-1e9f), tree_key(-65504.0f));
  for (const float v : {-3.5f, 0.0f, 0.1f, 2049.0f}) {
    const float half_of_v = half(v);
    const auto key = tree_key(half_of_v);
    EXPECT_EQ(tree_key(std::nextafter(half_of_v, -INFINITY)), key) << v;
    EXPECT_EQ(tree_key(std::nextafter(half_of_v, INFINITY)), key + 1) << v;
  }
  EXPECT_EQ(tree_key(1e300), tree_key(INFINITY));
  EXPECT_EQ(tree_key(1 + 1e-12), tree_key(1.0) + 1);
}

TEST(TreeEnsemble, NodesThatLeadOutAreRefused) {
  const auto code = [](std::vector<Branch> nodes, std::vector<std::pair<int, int>> begins, bool table) {
    Trees trees;
    trees.nodes = std::move(nodes);
    trees.roots = std::move(begins);
    trees.weights = {1, 2};
    std::vector<Input> inputs{rows(1), packed<TreeNode>(trees, table), roots(trees)};
    if (table) inputs.push_back(leaves(trees));
    return OpTest<TreeEnsemble>{}.run_code(inputs);
  };
  const Branch leaf{}, other{.row = 1};
  EXPECT_EQ(code({{.step = 1}, leaf, other}, {{0, 0}}, false), Code::ok);
  EXPECT_EQ(code({{.step = 1}, leaf, other}, {{0, 0}}, true), Code::ok);
  EXPECT_EQ(code({{.step = 2}, leaf, other}, {{0, 0}}, false), Code::invalid_model);
  EXPECT_EQ(code({{.threshold = std::nan(""), .step = 1}, leaf, other}, {{0, 0}}, false),
            Code::invalid_model);
  EXPECT_EQ(code({{.step = 1}, leaf, {.row = 2}}, {{0, 0}}, true), Code::invalid_model);
  EXPECT_EQ(code({leaf}, {{1, 0}}, false), Code::invalid_model);
  EXPECT_EQ(code({leaf}, {{-1, 0}}, false), Code::invalid_model);
  EXPECT_EQ(code({leaf}, {{0, 1}}, false), Code::invalid_model);
  EXPECT_EQ(code({leaf}, {{0, -1}}, false), Code::invalid_model);
  EXPECT_EQ(code({{.feature = 6, .step = 1}, leaf, other}, {{0, 0}}, false), Code::shape);
}

TEST(TreeEnsemble, Refuses) {
  const Input trees = Input({5, 2});
  OpTest<TreeEnsemble>{}.refuses({{{{6}, {9, 8}, trees}, Code::shape},
                                  {{{2, 6}, {9, 7}, trees}, Code::shape},
                                  {{{2, 6}, {9, 8}, {5}}, Code::shape},
                                  {{{2, 6}, {9, 4}, trees}, Code::shape},
                                  {{{2, 6}, {9, 8}, trees, {4}}, Code::shape},
                                  {{{2, 6}, {9, 8}, trees, {4, 0}}, Code::shape}});
  EXPECT_EQ(OpTest<TreeEnsemble>({.targets = 0}).infer({{2, 6}, {9, 8}, trees}).code(), Code::invalid_model);
  EXPECT_EQ(OpTest<TreeEnsemble>({.targets = 3}).infer({{2, 6}, {9, 16}, trees}), (Shape{2, 3}));
}

}  // namespace
}  // namespace lithe::test
