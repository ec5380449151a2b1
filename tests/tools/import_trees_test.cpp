// SPDX-License-Identifier: Apache-2.0
// Forests of ai.onnx.ml: random ones of every version, mode and transform against plain recursion, and refusals.
#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <cstdint>
#include <limits>
#include <random>
#include <string>
#include <utility>
#include <vector>

#include "tests/tools/import_running.hpp"

namespace lithe::test {
namespace {

constexpr std::array mode_names{"BRANCH_LEQ", "BRANCH_LT", "BRANCH_GTE",
                                "BRANCH_GT",  "BRANCH_EQ", "BRANCH_NEQ"};
constexpr std::array aggregate_names{"AVERAGE", "SUM", "MIN", "MAX"};
constexpr int member = 6, features = 5;

/// A node by ONNX's words; a leaf has weights.
struct Node {
  int mode = 0, feature = 0, when_true = -1, when_false = -1;
  bool missing_is_true = false;
  double threshold = 0;
  std::vector<double> members{};
  std::vector<std::pair<int, double>> weights{};  ///< targets and weights

  bool leaf() const { return when_true < 0; }
  bool goes_true(double x) const {
    if (std::isnan(x) && missing_is_true) return true;
    switch (mode) {
      case 0:
        return x <= threshold;
      case 1:
        return x < threshold;
      case 2:
        return x >= threshold;
      case 3:
        return x > threshold;
      case 4:
        return x == threshold;
      case 5:
        return x != threshold;
      default:
        return std::find(members.begin(), members.end(), x) != members.end();
    }
  }
};

/// What random forests may have.
struct Kind {
  std::uint32_t seed = 0;
  int trees = 5, depth = 5, targets = 1, weights = 1;  ///< weights of a leaf, at most
  int modes = member;                                  ///< so many of the first
  bool one_target_each = false, quarters = true;  ///< a target for each tree; thresholds that halves can hold
};

struct Trees {
  std::vector<std::vector<Node>> trees;

  explicit Trees(const Kind& kind) : kind_(kind), generator_(kind.seed) {
    for (int t = 0; t < kind.trees; ++t) {
      trees.emplace_back();
      target_ = below(kind.targets);
      grow(trees.back(), 0);
    }
  }

  /// The aggregated weights of each target for a row.
  std::vector<double> evaluate(const double* row, int targets, const std::string& how) const {
    std::vector<double> sums(static_cast<std::size_t>(targets));
    std::vector<bool> any(static_cast<std::size_t>(targets));
    for (const std::vector<Node>& tree : trees) {
      const Node* n = &tree[0];
      while (!n->leaf())
        n = &tree[static_cast<std::size_t>(n->goes_true(row[n->feature]) ? n->when_true : n->when_false)];
      for (const auto& [target, weight] : n->weights) {
        const auto t = static_cast<std::size_t>(target);
        sums[t] = how == "MIN" && any[t]   ? std::min(sums[t], weight)
                  : how == "MAX" && any[t] ? std::max(sums[t], weight)
                                           : sums[t] + weight;
        any[t] = true;
      }
    }
    for (double& s : sums)
      if (how == "AVERAGE") s /= static_cast<double>(trees.size());
    return sums;
  }

 private:
  int below(int n) { return static_cast<int>(generator_() % static_cast<std::uint32_t>(n)); }
  double number() {
    const double v = (below(17) - 8) / 4.0;
    return kind_.quarters ? v : static_cast<double>(static_cast<float>(v * 1.1));
  }

  int grow(std::vector<Node>& tree, int depth) {
    const auto at = tree.size();
    tree.emplace_back();
    Node n;
    if (depth == kind_.depth || (depth > 0 && below(4) == 0)) {
      for (int w = 0; w < 1 + below(kind_.weights); ++w)
        n.weights.emplace_back(kind_.one_target_each ? target_ : below(kind_.targets),
                               (below(64) - 31) / 8.0);
    } else {
      n.mode = below(kind_.modes);
      n.feature = below(features);
      n.missing_is_true = below(2) == 0;
      n.threshold = number();
      for (int m = 0; n.mode == member && m < below(6); ++m) n.members.push_back(number());
      n.when_true = grow(tree, depth + 1);
      n.when_false = grow(tree, depth + 1);
    }
    tree[at] = std::move(n);
    return static_cast<int>(at);
  }

  Kind kind_;
  std::mt19937 generator_;
  int target_ = 0;
};

/// An ONNX model of one node with input x [R, features].
class TreeModel {
 public:
  TreeModel(const std::string& op, int version, DType dtype, bool is_classifier = false) {
    model_.set_ir_version(10);
    for (const auto& [domain, number] :
         {std::pair(std::string(), 18), std::pair(std::string("ai.onnx.ml"), version)}) {
      auto& opset = *model_.add_opset_import();
      opset.set_domain(domain);
      opset.set_version(number);
    }
    auto& graph = *model_.mutable_graph();
    graph.set_name("g");
    const int type = dtype == DType::f64   ? onnx::TensorProto::DOUBLE
                     : dtype == DType::f16 ? onnx::TensorProto::FLOAT16
                     : dtype == DType::s64 ? onnx::TensorProto::INT64
                                           : onnx::TensorProto::FLOAT;
    declare(*graph.add_input(), "x", type, features);
    if (is_classifier) declare(*graph.add_output(), "label", onnx::TensorProto::INT64, 0);
    declare(*graph.add_output(), "y", version == 5 ? type : onnx::TensorProto::FLOAT, -1);
    node_ = graph.add_node();
    node_->set_op_type(op);
    node_->set_domain("ai.onnx.ml");
    node_->add_input("x");
    if (is_classifier) node_->add_output("label");
    node_->add_output("y");
  }

  void add(const char* name, const std::vector<std::int64_t>& values) {
    auto& a = attribute(name, onnx::AttributeProto::INTS);
    for (const std::int64_t v : values) a.add_ints(v);
  }
  void add(const char* name, const std::vector<std::string>& values) {
    auto& a = attribute(name, onnx::AttributeProto::STRINGS);
    for (const std::string& v : values) a.add_strings(v);
  }
  void add(const char* name, const std::vector<double>& values) {
    auto& a = attribute(name, onnx::AttributeProto::FLOATS);
    for (const double v : values) a.add_floats(static_cast<float>(v));
  }
  void add(const char* name, const std::string& value) {
    attribute(name, onnx::AttributeProto::STRING).set_s(value);
  }
  void add(const char* name, std::int64_t value) { attribute(name, onnx::AttributeProto::INT).set_i(value); }
  void add_tensor(const char* name, DType dtype, const std::vector<double>& values) {
    auto& t = *attribute(name, onnx::AttributeProto::TENSOR).mutable_t();
    t.add_dims(static_cast<std::int64_t>(values.size()));
    t.set_data_type(dtype == DType::f64   ? onnx::TensorProto::DOUBLE
                    : dtype == DType::f16 ? onnx::TensorProto::FLOAT16
                    : dtype == DType::u8  ? onnx::TensorProto::UINT8
                                          : onnx::TensorProto::FLOAT);
    const auto constant = of_doubles(dtype, {static_cast<index_t>(values.size())}, values);
    t.set_raw_data(constant->bytes.data(), constant->bytes.size());
  }

  std::string bytes() const { return model_.SerializeAsString(); }

 private:
  static void declare(onnx::ValueInfoProto& info, const std::string& name, int type, int columns) {
    info.set_name(name);
    auto& tensor = *info.mutable_type()->mutable_tensor_type();
    tensor.set_elem_type(type);
    tensor.mutable_shape()->add_dim()->set_dim_param("rows");
    if (columns > 0) tensor.mutable_shape()->add_dim()->set_dim_value(columns);
    if (columns < 0) tensor.mutable_shape()->add_dim()->set_dim_param("columns");
  }
  onnx::AttributeProto& attribute(const char* name, onnx::AttributeProto::AttributeType type) {
    auto& a = *node_->add_attribute();
    a.set_name(name);
    a.set_type(type);
    return a;
  }

  onnx::ModelProto model_;
  onnx::NodeProto* node_;
};

/// The nodes and weights by the attributes of versions 1 to 3; `kind` is "class" or "target".
void add_lists(TreeModel& model, const Trees& trees, const std::string& kind, DType dtype) {
  std::vector<std::int64_t> tree_ids, ids, feature_ids, yes, no, missing, weight_trees, weight_nodes, targets;
  std::vector<std::string> modes;
  std::vector<double> thresholds, weights;
  for (std::size_t t = 0; t < trees.trees.size(); ++t)
    for (std::size_t i = 0; i < trees.trees[t].size(); ++i) {
      const Node& n = trees.trees[t][i];
      tree_ids.push_back(static_cast<std::int64_t>(t) + 10);
      ids.push_back(static_cast<std::int64_t>(i));
      feature_ids.push_back(n.feature);
      yes.push_back(n.leaf() ? 0 : n.when_true);
      no.push_back(n.leaf() ? 0 : n.when_false);
      missing.push_back(n.missing_is_true ? 1 : 0);
      modes.emplace_back(n.leaf() ? "LEAF" : mode_names.at(static_cast<std::size_t>(n.mode)));
      thresholds.push_back(n.threshold);
      for (const auto& [target, weight] : n.weights) {
        weight_trees.push_back(tree_ids.back());
        weight_nodes.push_back(ids.back());
        targets.push_back(target);
        weights.push_back(weight);
      }
    }
  model.add("nodes_treeids", tree_ids);
  model.add("nodes_nodeids", ids);
  model.add("nodes_featureids", feature_ids);
  model.add("nodes_truenodeids", yes);
  model.add("nodes_falsenodeids", no);
  model.add("nodes_missing_value_tracks_true", missing);
  model.add("nodes_modes", modes);
  model.add((kind + "_treeids").c_str(), weight_trees);
  model.add((kind + "_nodeids").c_str(), weight_nodes);
  model.add((kind + "_ids").c_str(), targets);
  if (dtype == DType::f64) {
    model.add_tensor("nodes_values_as_tensor", dtype, thresholds);
    model.add_tensor((kind + "_weights_as_tensor").c_str(), dtype, weights);
  } else {
    model.add("nodes_values", thresholds);
    model.add((kind + "_weights").c_str(), weights);
  }
}

/// The same by the attributes of TreeEnsemble-5, whose leaves have one weight.
void add_ensemble(TreeModel& model, const Trees& trees, DType dtype) {
  std::vector<std::int64_t> feature_ids, yes, no, yes_leaf, no_leaf, missing, roots, targets;
  std::vector<double> modes, splits, weights, members;
  for (const std::vector<Node>& tree : trees.trees) {
    std::vector<std::int64_t> places;  // among the branches, or among the leaves
    for (const Node& n : tree) {
      places.push_back(static_cast<std::int64_t>(n.leaf() ? targets.size() : feature_ids.size()));
      if (n.leaf()) {
        targets.push_back(n.weights[0].first);
        weights.push_back(n.weights[0].second);
      } else {
        feature_ids.push_back(n.feature);
        modes.push_back(n.mode);
        splits.push_back(n.threshold);
        missing.push_back(n.missing_is_true ? 1 : 0);
        members.insert(members.end(), n.members.begin(), n.members.end());
        if (n.mode == member) members.push_back(std::nan(""));
      }
    }
    roots.push_back(places[0]);
    for (const Node& n : tree) {
      if (n.leaf()) continue;
      const auto t = static_cast<std::size_t>(n.when_true), f = static_cast<std::size_t>(n.when_false);
      yes.push_back(places[t]);
      no.push_back(places[f]);
      yes_leaf.push_back(tree[t].leaf() ? 1 : 0);
      no_leaf.push_back(tree[f].leaf() ? 1 : 0);
    }
  }
  model.add("nodes_featureids", feature_ids);
  model.add("nodes_truenodeids", yes);
  model.add("nodes_falsenodeids", no);
  model.add("nodes_trueleafs", yes_leaf);
  model.add("nodes_falseleafs", no_leaf);
  model.add("nodes_missing_value_tracks_true", missing);
  model.add("tree_roots", roots);
  model.add("leaf_targetids", targets);
  model.add_tensor("nodes_modes", DType::u8, modes);
  model.add_tensor("nodes_splits", dtype, splits);
  model.add_tensor("leaf_weights", dtype, weights);
  if (!members.empty()) model.add_tensor("membership_values", dtype, members);
}

/// Rows near the thresholds, NaN and infinities among them; integers where the dtype is.
std::vector<double> random_rows(DType dtype, int rows, std::uint32_t seed) {
  std::mt19937 generator(seed);
  std::vector<double> numbers;
  for (int i = 0; i < rows * features; ++i) {
    const int quarter = static_cast<int>(generator() % 21) - 10;
    const double v = dtype == DType::s64 ? quarter / 4 : quarter / 4.0 * (generator() % 2 == 0 ? 1 : 1.1);
    const std::uint32_t kind = dtype == DType::s64 ? 9 : generator() % 10;
    numbers.push_back(kind == 0   ? std::nan("")
                      : kind == 1 ? INFINITY
                      : kind == 2 ? -INFINITY
                      : dtype == DType::f16
                          ? static_cast<double>(static_cast<float>(half(static_cast<float>(v))))
                          : static_cast<double>(static_cast<float>(v)));
  }
  return numbers;
}

void expect_rows(const std::vector<double>& got, const std::vector<double>& wanted, double tolerance = 1e-5) {
  ASSERT_EQ(got.size(), wanted.size());
  for (std::size_t i = 0; i < got.size(); ++i)
    ASSERT_NEAR(got[i], wanted[i], tolerance * std::max(1.0, std::abs(wanted[i]))) << "element " << i;
}

std::vector<double> evaluate(const Trees& trees, const std::vector<double>& x, int targets,
                             const std::string& how) {
  std::vector<double> all;
  for (std::size_t row = 0; row < x.size() / features; ++row) {
    const auto one = trees.evaluate(&x[row * features], targets, how);
    all.insert(all.end(), one.begin(), one.end());
  }
  return all;
}

constexpr int some_rows = 43;  // blocks of rows, and some left over

TEST(ImportTrees, RandomEnsembles) {
  std::uint32_t seed = 0;
  for (const DType dtype : {DType::f32, DType::f64, DType::f16})
    for (const int targets : {1, 3})
      for (std::size_t how = 0; how < aggregate_names.size(); ++how)
        for (const bool quarters : {false, true})
          for (const bool each : {false, true}) {
            if (dtype == DType::f16 && !quarters) continue;  // thresholds are halves
            SCOPED_TRACE("seed " + std::to_string(++seed));
            const Trees trees({.seed = seed,
                               .targets = targets,
                               .modes = member + 1,
                               .one_target_each = each,
                               .quarters = quarters});
            TreeModel onnx("TreeEnsemble", 5, dtype);
            add_ensemble(onnx, trees, dtype);
            onnx.add("n_targets", targets);
            onnx.add("aggregate_function", static_cast<std::int64_t>(how));
            RunningModel model(onnx.bytes());
            const auto x = random_rows(dtype, some_rows, seed);
            expect_rows(model.run({of_doubles(dtype, {some_rows, features}, x)})[0],
                        evaluate(trees, x, targets, aggregate_names[how]), dtype == DType::f16 ? 2e-3 : 1e-5);
          }
}

TEST(ImportTrees, RandomRegressors) {
  std::uint32_t seed = 1000;
  for (const DType dtype : {DType::f32, DType::f64, DType::s64})
    for (const int targets : {1, 3})
      for (const char* how : aggregate_names)
        for (const int weights : {1, 3}) {
          SCOPED_TRACE("seed " + std::to_string(++seed));
          const Trees trees(
              {.seed = seed, .targets = targets, .weights = weights, .quarters = seed % 2 == 0});
          TreeModel onnx("TreeEnsembleRegressor", 3, dtype);
          add_lists(onnx, trees, "target", dtype);
          onnx.add("n_targets", targets);
          onnx.add("aggregate_function", std::string(how));
          const std::vector<double> base{0.5, -1, 2};
          onnx.add("base_values", std::vector<double>(base.begin(), base.begin() + targets));
          RunningModel model(onnx.bytes());
          const auto x = random_rows(dtype, some_rows, seed);
          auto wanted = evaluate(trees, x, targets, how);
          for (std::size_t i = 0; i < wanted.size(); ++i)
            wanted[i] += base[i % static_cast<std::size_t>(targets)];
          expect_rows(model.run({of_doubles(dtype, {some_rows, features}, x)})[0], wanted);
        }
}

/// Many levels and nodes: steps of 16 bits and more, one row and many.
TEST(ImportTrees, LargeTrees) {
  for (const int depth : {9, 20}) {
    const Trees trees(
        {.seed = static_cast<std::uint32_t>(depth), .trees = 2, .depth = depth, .quarters = false});
    TreeModel onnx("TreeEnsembleRegressor", 3, DType::f32);
    add_lists(onnx, trees, "target", DType::f32);
    RunningModel model(onnx.bytes());
    for (const int rows : {1, some_rows}) {
      const auto x = random_rows(DType::f32, rows, 7);
      expect_rows(model.run({of_doubles(DType::f32, {rows, features}, x)})[0], evaluate(trees, x, 1, "SUM"));
    }
  }
}

TEST(ImportTrees, RandomClassifiers) {
  std::uint32_t seed = 2000;
  for (const int classes : {2, 3, 5})
    for (const bool each : {false, true}) {
      SCOPED_TRACE("seed " + std::to_string(++seed));
      const Trees trees(
          {.seed = seed, .trees = 7, .targets = classes, .weights = classes, .one_target_each = each});
      TreeModel onnx("TreeEnsembleClassifier", 3, DType::f32, true);
      add_lists(onnx, trees, "class", DType::f32);
      std::vector<std::int64_t> labels;
      for (int c = 0; c < classes; ++c) labels.push_back(10 - c);
      onnx.add("classlabels_int64s", labels);
      onnx.add("post_transform", std::string("SOFTMAX"));
      RunningModel model(onnx.bytes());
      const auto x = random_rows(DType::f32, some_rows, seed);
      const auto got = model.run({of_doubles(DType::f32, {some_rows, features}, x)});
      std::vector<double> scores = evaluate(trees, x, classes, "SUM"), places;
      for (auto row = scores.begin(); row != scores.end(); row += classes) {
        places.push_back(static_cast<double>(10 - (std::max_element(row, row + classes) - row)));
        double sum = 0;
        for (int c = 0; c < classes; ++c) sum += std::exp(row[c]);
        for (int c = 0; c < classes; ++c) row[c] = std::exp(row[c]) / sum;
      }
      expect_rows(got[0], places);
      expect_rows(got[1], scores);
    }
}

/// One weight for two classes: a probability where none is negative, else a score.
TEST(ImportTrees, TwoClassesOfOneWeight) {
  const auto run = [](const std::vector<double>& weights, const std::string& transform,
                      const std::vector<double>& base) {
    TreeModel onnx("TreeEnsembleClassifier", 1, DType::f32, true);
    onnx.add("nodes_treeids", std::vector<std::int64_t>{0, 0, 0});
    onnx.add("nodes_nodeids", std::vector<std::int64_t>{0, 1, 2});
    onnx.add("nodes_featureids", std::vector<std::int64_t>{1, 0, 0});
    onnx.add("nodes_truenodeids", std::vector<std::int64_t>{1, 0, 0});
    onnx.add("nodes_falsenodeids", std::vector<std::int64_t>{2, 0, 0});
    onnx.add("nodes_modes", std::vector<std::string>{"BRANCH_LT", "LEAF", "LEAF"});
    onnx.add("nodes_values", std::vector<double>{0.5, 0, 0});
    onnx.add("class_treeids", std::vector<std::int64_t>{0, 0});
    onnx.add("class_nodeids", std::vector<std::int64_t>{1, 2});
    onnx.add("class_ids", std::vector<std::int64_t>{0, 0});
    onnx.add("class_weights", weights);
    onnx.add("classlabels_int64s", std::vector<std::int64_t>{4, 9});
    onnx.add("post_transform", transform);
    if (!base.empty()) onnx.add("base_values", base);
    RunningModel model(onnx.bytes());
    std::vector<double> x(2 * features);
    x[1] = 0.25;  // row 0 goes to the first leaf
    x[features + 1] = 0.5;
    return model.run({of_doubles(DType::f32, {2, features}, x)});
  };
  using Numbers = std::vector<double>;
  const auto logistic = [](double v) { return 1 / (1 + std::exp(-v)); };
  auto got = run({0.25, 0.75}, "NONE", {});
  expect_rows(got[0], {4, 9});
  expect_rows(got[1], {0.75, 0.25, 0.25, 0.75});
  got = run({-1, 2}, "NONE", {});
  expect_rows(got[0], {4, 9});
  expect_rows(got[1], {1, -1, -2, 2});
  got = run({-1, 2}, "LOGISTIC", {0.5});
  expect_rows(got[0], {4, 9});
  expect_rows(got[1], {logistic(0.5), logistic(-0.5), logistic(-2.5), logistic(2.5)});
  got = run({0.25, 0.75}, "NONE", {0, -0.5});
  expect_rows(got[0], {4, 9});
  expect_rows(got[1], Numbers{0.25, -0.25, -0.25, 0.25});
}

TEST(ImportTrees, RefusesWhatIsNoForest) {
  struct Change {
    const char* attribute;
    std::vector<std::int64_t> values;
    const char* word;
  };
  const auto refused = [](const Change& change) {
    TreeModel onnx("TreeEnsembleRegressor", 3, DType::f32);
    const auto add = [&](const char* name, std::vector<std::int64_t> values) {
      onnx.add(name, std::string(name) == change.attribute ? change.values : values);
    };
    add("nodes_treeids", {0, 0, 0});
    add("nodes_nodeids", {0, 1, 2});
    add("nodes_featureids", {0, 0, 0});
    add("nodes_truenodeids", {1, 0, 0});
    add("nodes_falsenodeids", {2, 0, 0});
    add("target_treeids", {0, 0});
    add("target_nodeids", {1, 2});
    add("target_ids", {0, 0});
    onnx.add("nodes_modes", std::string(change.attribute) == "mode"
                                ? std::vector<std::string>{"BRANCH_XX", "LEAF", "LEAF"}
                                : std::vector<std::string>{"BRANCH_LEQ", "LEAF", "LEAF"});
    onnx.add("nodes_values", std::string(change.attribute) == "nan" ? std::vector<double>{std::nan(""), 0, 0}
                                                                    : std::vector<double>{0, 0, 0});
    onnx.add("target_weights", std::vector<double>{1, 2});
    onnx.add("n_targets", std::int64_t{1});
    try {
      const std::string bytes = onnx.bytes();
      import::import_model(import::parse(std::as_bytes(std::span(bytes)), "test.onnx", {}));
    } catch (const report::Failure& failure) {
      return failure.line + (failure.details.empty() ? "" : failure.details[0]);
    }
    return std::string();
  };
  EXPECT_EQ(refused({"", {}, ""}), "");
  for (const Change& change : {Change{"nodes_truenodeids", {7, 0, 0}, "has no node 7"},
                               {"nodes_truenodeids", {0, 0, 0}, "leads back to itself"},
                               {"nodes_nodeids", {0, 1, 1}, "stands twice"},
                               {"nodes_featureids", {-1, 0, 0}, "feature -1"},
                               {"nodes_featureids", {0, 0}, "nodes_featureids has 2 numbers, not 3"},
                               {"target_ids", {0, 1}, "target that is none"},
                               {"target_nodeids", {1, 5}, "has no node 5"},
                               {"mode", {}, "BRANCH_XX"},
                               {"nan", {}, "NaN"}})
    EXPECT_TRUE(mentions(refused(change), change.word));
}

}  // namespace
}  // namespace lithe::test
