// SPDX-License-Identifier: Apache-2.0
// The forests of ai.onnx.ml.
#include <algorithm>
#include <array>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <map>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "tools/import/domains.hpp"
#include "tools/import/forest.hpp"
#include "tools/import/ops/tabular.hpp"
#include "tools/passes/constants.hpp"

namespace lithe::import {
namespace {

using graph::ValueId;

constexpr std::array post_transforms{"NONE", "SOFTMAX", "LOGISTIC", "SOFTMAX_ZERO", "PROBIT"};
constexpr std::array aggregates{"AVERAGE", "SUM", "MIN", "MAX"};
constexpr std::array modes{"BRANCH_LEQ", "BRANCH_LT", "BRANCH_GTE", "BRANCH_GT", "BRANCH_EQ", "BRANCH_NEQ"};

std::vector<double> doubles(const NodeImport& node, const graph::Constant& tensor, const std::string& name) {
  if (auto numbers = passes::doubles_of(&tensor)) return *std::move(numbers);
  node.refuse("attribute " + name + " holds no numbers");
}

/// The numbers of an attribute of reals, or of the tensor that stands in its place since version 3.
std::vector<double> reals(NodeImport& node, const std::string& name) {
  const std::vector<float> floats = node.attribute_floats(name);
  const graph::ConstantPtr tensor = node.attribute_tensor(name + "_as_tensor");
  if (tensor == nullptr) return {floats.begin(), floats.end()};
  return doubles(node, *tensor, name);
}

template <class List>
void same_length(const NodeImport& node, const List& list, std::size_t length, const char* name) {
  if (list.size() != length)
    node.refuse("attribute " + std::string(name) + " has " + std::to_string(list.size()) + " numbers, not " +
                std::to_string(length));
}

/// The nodes of a forest as versions 1 to 3 have them; `kind` is "class" or "target".
class NodeList {
 public:
  NodeList(NodeImport& node, const std::string& kind, std::int64_t targets) : node_(node) {
    forest.targets = targets;
    read_nodes();
    read_weights(kind);
  }

  Forest forest;
  std::set<std::int64_t> weighted;  ///< targets that a leaf has weights for
  bool any_negative = false;        ///< weights

 private:
  using Id = std::pair<std::int64_t, std::int64_t>;  // the tree's, and the node's in it

  void read_nodes() {
    const auto trees = node_.attribute_ints("nodes_treeids"), ids = node_.attribute_ints("nodes_nodeids"),
               features = node_.attribute_ints("nodes_featureids"),
               yes = node_.attribute_ints("nodes_truenodeids"),
               no = node_.attribute_ints("nodes_falsenodeids"),
               missing = node_.attribute_ints("nodes_missing_value_tracks_true");
    const auto kinds = node_.attribute_strings("nodes_modes");
    const auto thresholds = reals(node_, "nodes_values");
    (void)reals(node_, "nodes_hitrates");
    const std::size_t count = ids.size();
    for (const auto& [list, name] :
         {std::pair(&trees, "nodes_treeids"), std::pair(&features, "nodes_featureids"),
          std::pair(&yes, "nodes_truenodeids"), std::pair(&no, "nodes_falsenodeids")})
      same_length(node_, *list, count, name);
    same_length(node_, kinds, count, "nodes_modes");
    same_length(node_, thresholds, count, "nodes_values");
    if (!missing.empty()) same_length(node_, missing, count, "nodes_missing_value_tracks_true");
    number(trees, ids);
    std::set<std::int64_t> begun;
    for (std::size_t i = 0; i < count; ++i) {
      if (begun.insert(trees[i]).second) forest.roots.push_back(static_cast<int>(i));
      Forest::Node n;
      n.leaf = kinds[i] == "LEAF";
      if (!n.leaf) {
        n.mode = mode_of(kinds[i]);
        n.missing_is_true = !missing.empty() && missing[i] != 0;
        n.feature = features[i];
        n.threshold = thresholds[i];
        n.when_true = number_of({trees[i], yes[i]});
        n.when_false = number_of({trees[i], no[i]});
      }
      forest.nodes.push_back(std::move(n));
    }
  }

  void number(const std::vector<std::int64_t>& trees, const std::vector<std::int64_t>& ids) {
    for (std::size_t i = 0; i < ids.size(); ++i)
      if (!numbers_.emplace(Id{trees[i], ids[i]}, static_cast<int>(i)).second)
        node_.refuse("node " + std::to_string(ids[i]) + " of tree " + std::to_string(trees[i]) +
                     " stands twice");
  }

  void read_weights(const std::string& kind) {
    const auto trees = node_.attribute_ints(kind + "_treeids"), ids = node_.attribute_ints(kind + "_nodeids"),
               targets = node_.attribute_ints(kind + "_ids");
    const auto weights = reals(node_, kind + "_weights");
    same_length(node_, trees, weights.size(), (kind + "_treeids").c_str());
    same_length(node_, ids, weights.size(), (kind + "_nodeids").c_str());
    same_length(node_, targets, weights.size(), (kind + "_ids").c_str());
    for (std::size_t i = 0; i < weights.size(); ++i) {
      Forest::Node& leaf = forest.nodes[static_cast<std::size_t>(number_of({trees[i], ids[i]}))];
      if (!leaf.leaf) continue;  // nobody ends there
      leaf.weights.emplace_back(targets[i], weights[i]);
      weighted.insert(targets[i]);
      any_negative = any_negative || weights[i] < 0;
    }
  }

  TreeMode mode_of(const std::string& text) const {
    const auto found = std::find(modes.begin(), modes.end(), text);
    if (found == modes.end()) node_.refuse("attribute nodes_modes has \"" + text + "\"");
    return static_cast<TreeMode>(found - modes.begin());
  }
  int number_of(const Id& id) const {
    const auto found = numbers_.find(id);
    if (found == numbers_.end())
      node_.refuse("tree " + std::to_string(id.first) + " has no node " + std::to_string(id.second));
    return found->second;
  }

  NodeImport& node_;
  std::map<Id, int> numbers_;
};

/// The rows of features of `x` in the type that the forest computes in: f64 stays, everything else becomes f32.
ValueId comparable(Compose& c) {
  const ValueId x = rows_of_features(c);
  return c.cast(x, c.node.dtype(x) == DType::f64 ? DType::f64 : DType::f32);
}

/// The weights of the leaves, aggregated: [N, targets].
ValueId evaluated(Compose& c, ValueId x, Forest forest, const std::string& aggregate) {
  forest.aggregate = aggregate == "MIN"   ? ops::TreeAggregate::min
                     : aggregate == "MAX" ? ops::TreeAggregate::max
                                          : ops::TreeAggregate::sum;
  if (std::find(aggregates.begin(), aggregates.end(), aggregate) == aggregates.end())
    c.node.refuse("attribute aggregate_function = \"" + aggregate + "\" is not known");
  const PackedForest packed = pack(forest, c.node.dtype(x));
  ops::TreeEnsemble::Attributes attributes;
  attributes.targets = static_cast<std::int32_t>(forest.targets);
  attributes.aggregate = forest.aggregate;
  std::vector<ValueId> inputs{x, c.node.constant(packed.nodes, "nodes"),
                              c.node.constant(packed.trees, "trees")};
  if (packed.leaves != nullptr) inputs.push_back(c.node.constant(packed.leaves, "leaves"));
  const ValueId sums = c.apply<ops::TreeEnsemble>(std::move(inputs), attributes);
  if (aggregate != "AVERAGE") return sums;
  return c.div(sums, c.node.scalar(static_cast<float>(forest.roots.size()), c.node.dtype(sums)));
}

/// `scores` plus the base values, of which there is one for each target or none.
ValueId with_base(Compose& c, ValueId scores, const std::vector<double>& base) {
  if (base.empty()) return scores;
  return c.add(scores, c.cast(numbers(c.node, base), c.node.dtype(scores)));
}

std::int64_t targets_of(NodeImport& node) {
  const std::int64_t targets = node.attribute_int("n_targets", 1);
  if (targets < 1 || targets > std::numeric_limits<std::int32_t>::max())
    node.refuse("n_targets is out of range");
  return targets;
}

/// TreeEnsembleRegressor-1 and 3.
void import_regressor(NodeImport& node) {
  Compose c(node);
  const std::int64_t targets = targets_of(node);
  NodeList list(node, "target", targets);
  const std::vector<double> base = reals(node, "base_values");
  if (!base.empty()) same_length(node, base, static_cast<std::size_t>(targets), "base_values");
  const ValueId y = with_base(
      c,
      evaluated(c, comparable(c), std::move(list.forest), node.attribute_string("aggregate_function", "SUM")),
      base);
  node.output(0, c.cast(transformed(c, y, node.attribute_string("post_transform", "NONE")), DType::f32));
}

/// Scores and the label of two classes where leaves have weights of one. As ONNX Runtime does, weights that are all
/// positive are the probability of the second class; else they are its score.
ValueId two_classes(Compose& c, const ClassLabels& labels, ValueId score, bool probability,
                    const std::string& transform) {
  if (!probability || transform != "NONE") {
    labels.output(c.node, second_class(c, score, 0));
    return transformed(c, both_classes(c, score), transform);
  }
  labels.output(c.node, second_class(c, score, 0.5f));
  return c.concat({c.sub(c.node.scalar(1, c.node.dtype(score)), score), score}, 1);
}

/// TreeEnsembleClassifier-1 and 3.
void import_classifier(NodeImport& node) {
  Compose c(node);
  const ClassLabels labels(node, "classlabels_int64s", "classlabels_strings");
  const std::size_t classes = labels.count();
  if (classes < 2) node.refuse("it has one class");
  NodeList list(node, "class", static_cast<std::int64_t>(classes));
  const std::vector<double> base = reals(node, "base_values");
  const std::string transform = node.attribute_string("post_transform", "NONE");
  const bool single = classes == 2 && list.weighted.size() == 1;
  if (single) {
    list.forest.targets = 1;
    for (Forest::Node& n : list.forest.nodes)
      for (auto& [target, weight] : n.weights) target = 0;
  }
  ValueId scores = evaluated(c, comparable(c), std::move(list.forest), "SUM");
  if (single) {
    if (base.size() > 2)
      node.refuse("it has " + std::to_string(base.size()) + " base values for two classes");
    if (!base.empty()) scores = with_base(c, scores, {base.back()});
    scores = two_classes(c, labels, scores, !list.any_negative && base.size() < 2, transform);
  } else {
    if (!base.empty()) same_length(node, base, classes, "base_values");
    scores = with_base(c, scores, base);
    labels.output(node, best_class(c, scores));
    scores = transformed(c, scores, transform);
  }
  node.output(1, c.cast(scores, DType::f32));
}

/// The forest of TreeEnsemble-5, whose branches and leaves stand in lists of their own: the leaves come after the
/// branches here.
class EnsembleList {
 public:
  explicit EnsembleList(NodeImport& node) : node_(node) {
    forest.targets = targets_of(node);
    read_branches();
    for (std::size_t i = 0; i < targets_.size(); ++i) {
      Forest::Node leaf;
      leaf.leaf = true;
      leaf.weights.emplace_back(targets_[i], weights_[i]);
      forest.nodes.push_back(std::move(leaf));
    }
    for (const std::int64_t root : node.attribute_ints("tree_roots"))
      forest.roots.push_back(number_of(root, false));
  }

  Forest forest;

 private:
  std::vector<double> tensor(const char* name) {
    const graph::ConstantPtr t = node_.attribute_tensor(name);
    return t == nullptr ? std::vector<double>() : doubles(node_, *t, name);
  }
  /// An attribute with an integer for each branch, or none.
  std::vector<std::int64_t> ints(const char* name, bool required = true) {
    std::vector<std::int64_t> list = node_.attribute_ints(name);
    if (required || !list.empty()) same_length(node_, list, count_, name);
    return list;
  }

  void read_branches() {
    const auto features = node_.attribute_ints("nodes_featureids");
    count_ = features.size();
    const auto yes = ints("nodes_truenodeids"), no = ints("nodes_falsenodeids"),
               yes_leaf = ints("nodes_trueleafs"), no_leaf = ints("nodes_falseleafs"),
               missing = ints("nodes_missing_value_tracks_true", false);
    const auto modes = tensor("nodes_modes"), splits = tensor("nodes_splits");
    same_length(node_, modes, count_, "nodes_modes");
    same_length(node_, splits, count_, "nodes_splits");
    targets_ = node_.attribute_ints("leaf_targetids");
    weights_ = tensor("leaf_weights");
    same_length(node_, weights_, targets_.size(), "leaf_weights");
    members_ = tensor("membership_values");
    (void)tensor("nodes_hitrates");
    for (std::size_t i = 0; i < count_; ++i) {
      Forest::Node n;
      if (!(modes[i] >= 0 && modes[i] <= static_cast<double>(TreeMode::member)))
        node_.refuse("attribute nodes_modes has a number that is none");
      n.mode = static_cast<TreeMode>(static_cast<int>(modes[i]));
      n.missing_is_true = !missing.empty() && missing[i] != 0;
      n.feature = features[i];
      n.threshold = splits[i];
      n.when_true = number_of(yes[i], yes_leaf[i] != 0);
      n.when_false = number_of(no[i], no_leaf[i] != 0);
      if (n.mode == TreeMode::member) n.members = next_set();
      forest.nodes.push_back(std::move(n));
    }
  }

  /// Each set ends with a NaN.
  std::vector<double> next_set() {
    std::vector<double> set;
    for (; member_ < members_.size() && !std::isnan(members_[member_]); ++member_)
      set.push_back(members_[member_]);
    if (member_++ >= members_.size())
      node_.refuse("attribute membership_values has fewer sets than nodes need");
    return set;
  }

  int number_of(std::int64_t id, bool is_leaf) const {
    if (id < 0 || static_cast<std::size_t>(id) >= (is_leaf ? targets_.size() : count_))
      node_.refuse("a node leads to none");
    return static_cast<int>(id) + (is_leaf ? static_cast<int>(count_) : 0);
  }

  NodeImport& node_;
  std::size_t count_ = 0, member_ = 0;
  std::vector<std::int64_t> targets_;
  std::vector<double> weights_, members_;
};

/// TreeEnsemble-5.
void import_ensemble(NodeImport& node) {
  Compose c(node);
  const std::int64_t transform = node.attribute_int("post_transform", 0),
                     aggregate = node.attribute_int("aggregate_function", 1);
  if (transform < 0 || transform >= static_cast<std::int64_t>(post_transforms.size()) || aggregate < 0 ||
      aggregate >= static_cast<std::int64_t>(aggregates.size()))
    node.refuse("post_transform or aggregate_function is out of range");
  const ValueId y =
      evaluated(c, comparable(c), EnsembleList(node).forest, aggregates[static_cast<std::size_t>(aggregate)]);
  node.output(0, c.cast(transformed(c, y, post_transforms[static_cast<std::size_t>(transform)]),
                        node.dtype(node.input(0))));
}

}  // namespace

void register_tree_ensemble(ImporterTable& table) {
  table.add("TreeEnsemble", import_ensemble, 5, tabular);
  table.add("TreeEnsembleClassifier", import_classifier, 1, tabular);
  table.add("TreeEnsembleRegressor", import_regressor, 1, tabular);
}

}  // namespace lithe::import
