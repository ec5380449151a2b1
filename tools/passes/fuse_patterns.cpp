// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <cmath>
#include <limits>
#include <string>
#include <utility>

#include "tools/graph/operators.hpp"
#include "tools/passes/constants.hpp"
#include "tools/passes/node.hpp"
#include "tools/passes/pass_log.hpp"
#include "tools/passes/passes.hpp"
#include "tools/passes/pattern.hpp"
#include "tools/passes/rewriter.hpp"
#include "tools/passes/stored.hpp"
#include "tools/passes/value.hpp"

namespace lithe::passes {
namespace {

/// What a rule works on.
struct Found {
  Rewriter& rewriter;
  const Match& match;

  const Node& node(const std::string& label) const {
    return rewriter.node(rewriter.producer(match.value(label)));
  }
};

/// The node that takes the place of a match, or nullopt where its attributes do not fit. Its outputs and
/// names are filled in.
using Build = std::optional<Node> (*)(const Found&);

Node node_of(std::string_view op, std::vector<ValueId> inputs) {
  return make_node(op, std::move(inputs), {});
}

void set_float(Node& node, const char* name, double value, float fallback) {
  if (static_cast<float>(value) != fallback) node.attributes[name].floats = {static_cast<float>(value)};
}
double float_attribute(const Node& node, const char* name, float fallback) {
  const auto found = node.attributes.find(name);
  return found == node.attributes.end() || found->second.floats.empty() ? fallback : found->second.floats[0];
}
bool near(double have, double want) { return std::fabs(have - want) <= 1e-5 * std::fabs(want); }

// activations

std::optional<Node> gelu(const Found& found) { return node_of("Gelu", {found.match.value("x")}); }
std::optional<Node> mish(const Found& found) { return node_of("Mish", {found.match.value("x")}); }
std::optional<Node> softplus(const Found& found) { return node_of("Softplus", {found.match.value("x")}); }
std::optional<Node> softsign(const Found& found) { return node_of("Softsign", {found.match.value("x")}); }
std::optional<Node> square_root(const Found& found) { return node_of("Sqrt", {found.match.value("x")}); }
std::optional<Node> tanh_gelu(const Found& found) {
  Node node = node_of("Gelu", {found.match.value("x")});
  node.attributes["approximate"].text = "tanh";
  return node;
}
std::optional<Node> hard_swish_of_sigmoid(const Found& found) {
  const Node& sigmoid = found.node("h");
  if (!near(float_attribute(sigmoid, "alpha", 0.2F), 1.0 / 6) ||
      !near(float_attribute(sigmoid, "beta", 0.5F), 0.5))
    return std::nullopt;
  return node_of("HardSwish", {found.match.value("x")});
}
std::optional<Node> hard_swish_of_clip(const Found& found) {
  if (clamp_attribute(found.node("c")) != Clamp{.min = 0, .max = 6}) return std::nullopt;
  return node_of("HardSwish", {found.match.value("x")});
}
std::optional<Node> leaky_relu(const Found& found) {
  const double alpha = found.match.number("a");
  if (!(alpha > 0 && alpha < 1)) return std::nullopt;
  Node node = node_of("LeakyRelu", {found.match.value("x")});
  set_float(node, "alpha", alpha, 0.01F);
  return node;
}

// limits and powers

/// Nullopt where a float does not hold the limits of a double.
std::optional<Node> limited(const Found& found, double min, double max) {
  Node node = node_of("Clip", {found.match.value("x")});
  const Clamp clamp{static_cast<float>(min), static_cast<float>(max)};
  if (!(clamp.min <= clamp.max) || clamp.min != min || clamp.max != max) return std::nullopt;
  set_clamp(node, clamp);
  return node;
}
constexpr double infinity = std::numeric_limits<double>::infinity();

std::optional<Node> at_least(const Found& found) { return limited(found, found.match.number("a"), infinity); }
std::optional<Node> at_most(const Found& found) { return limited(found, -infinity, found.match.number("a")); }
/// One limit after another: the second one's of the first one's.
std::optional<Node> limited_twice(const Found& found) {
  const Clamp inner = *graph::limits_of(found.node("i"));
  const Clamp outer = *graph::limits_of(found.rewriter.node(found.match.nodes[0]));
  return limited(found, outer(inner.min), outer(inner.max));
}

std::optional<Node> square(const Found& found) {
  return node_of("Mul", {found.match.value("x"), found.match.value("x")});
}

// normalizations

/// The axes of a mean, in order, where they stay as ones; nullopt where they are not known.
std::optional<std::vector<std::int64_t>> mean_axes(const Found& found, const std::string& label) {
  const Node& mean = found.node(label);
  const auto rank = rank_of(found.rewriter.value(mean.inputs[0]));
  if (!rank || int_attribute(mean, "keepdims", 1) == 0) return std::nullopt;
  auto axes = constant_axes(found.rewriter.graph(), mean, 1, *rank);
  if (!axes || axes->empty()) return std::nullopt;
  std::sort(axes->begin(), axes->end());
  for (std::size_t i = 1; i < axes->size(); ++i)
    if ((*axes)[i] != (*axes)[i - 1] + 1) return std::nullopt;
  return axes;
}
/// The attributes that a normalization over neighbouring axes needs: an axis where they are the last, none
/// where they are all between the first and the last.
std::optional<Node> normalization(const Found& found, const char* trailing, const char* between) {
  const double epsilon = found.match.number("e");
  const auto axes = mean_axes(found, "m");
  if (!axes || !(epsilon >= 0) || !std::isfinite(static_cast<float>(epsilon))) return std::nullopt;
  const std::int64_t rank = *rank_of(found.rewriter.value(found.match.value("x")));
  Node node = node_of(trailing, {found.match.value("x")});
  set_float(node, "epsilon", epsilon, 1e-5F);
  if (axes->back() == rank - 1) {
    set_int(node, "axis", axes->size() == 1 ? -1 : axes->front(), -1);
  } else if (between != nullptr && axes->front() == 1 && axes->back() == rank - 2) {
    node.op = between;
  } else {
    return std::nullopt;
  }
  return node;
}
std::optional<Node> layer_normalization(const Found& found) {
  if (mean_axes(found, "m") != mean_axes(found, "v")) return std::nullopt;
  return normalization(found, "LayerNormalization", "GroupNormalization");
}
std::optional<Node> rms_normalization(const Found& found) {
  return normalization(found, "RMSNormalization", nullptr);
}

/// `v` as a parameter of a normalization: a constant of the normalized axes' shape with any number of ones
/// before it, or, of channels, a vector; else absent.
ValueId as_parameter(const Found& found, const Node& node, ValueId v) {
  const Constant* constant = found.rewriter.graph().constant(v);
  const auto& dims = found.rewriter.value(node.inputs[0]).dims;
  if (constant == nullptr || !dims || constant->shape.rank() > static_cast<int>(dims->size())) return absent;
  const int rank = static_cast<int>(dims->size()), missing = rank - constant->shape.rank();
  if (is(node, "GroupNormalization")) {
    if (dims->back() < 0) return absent;
    return as_channel_vector(found.rewriter, v, rank, static_cast<index_t>(dims->back()),
                             found.match.nodes[0]);
  }
  const int axis = normalize_axis(int_attribute(node, "axis", -1), rank);
  for (int a = 0; a < rank; ++a) {
    const std::int64_t have = a < missing ? 1 : constant->shape[a - missing];
    if (have != (a < axis ? 1 : (*dims)[static_cast<std::size_t>(a)])) return absent;
  }
  return v;
}
std::optional<Node> with_parameter(const Found& found, std::size_t position) {
  Node node = found.node("l");
  const bool taken = input(node, static_cast<int>(position)) >= 0 || input(node, 2) >= 0;
  const bool more =
      std::count_if(node.outputs.begin(), node.outputs.end(), [](ValueId v) { return v >= 0; }) > 1;
  const ValueId vector = taken || more ? absent : as_parameter(found, node, found.match.value("w"));
  if (vector < 0) return std::nullopt;
  node.inputs.resize(std::max(node.inputs.size(), position + 1), absent);
  node.inputs[position] = vector;
  node.onnx_names.clear();
  return node;
}
std::optional<Node> with_scale(const Found& found) { return with_parameter(found, 1); }
std::optional<Node> with_bias(const Found& found) { return with_parameter(found, 2); }

// the table

struct Rule {
  Pattern pattern;
  Build build;
};

class Rules {
 public:
  Rules() {
    activations();
    normalizations();
    limits_and_powers();
  }
  const std::vector<Rule>& all() const { return rules_; }

 private:
  void add(const std::string& pattern, Build build) { rules_.push_back({Pattern::parse(pattern), build}); }

  /// x / 2 * `factor`, as it is written.
  void half_of(const std::string& factor, Build build) {
    add("Scale(Mul(x, " + factor + "), 0.5)", build);
    add("Mul(Scale(x, 0.5), " + factor + ")", build);
    add("Mul(x, Scale(" + factor + ", 0.5))", build);
  }
  void activations() {
    half_of("Add(Erf(Scale(x, 0.70710678)), 1)", gelu);
    const std::string square = "{Mul(x, x)|Pow(x, 2)}", cube = "{Pow(x, 3)|Mul(x, " + square + ")}";
    half_of("Add(Tanh({Scale(Add(x, Scale(" + cube + ", 0.044715)), 0.79788456)|Scale(Mul(x, Add(Scale(" +
                square + ", 0.044715), 1)), 0.79788456)|Mul(Scale(x, 0.79788456), Add(Scale(" + square +
                ", 0.044715), 1))}), 1)",
            tanh_gelu);
    add("Mul(x, h=HardSigmoid(x))", hard_swish_of_sigmoid);
    const std::string ramp = "c=Clip(Add(x, 3))";
    add("Scale(Mul(x, " + ramp + "), 0.16666667)", hard_swish_of_clip);
    add("Mul(x, Scale(" + ramp + ", 0.16666667))", hard_swish_of_clip);
    add("Mul(Scale(x, 0.16666667), " + ramp + ")", hard_swish_of_clip);
    add("Log(Add(Exp(x), 1))", softplus);
    add("Mul(x, Tanh(Softplus(x)))", mish);
    add("Div(x, Add(Abs(x), 1))", softsign);
    add("Max(x, Scale(x, $a))", leaky_relu);
  }
  /// x divided by the root of a mean of squares.
  void over_root(const std::string& x, const std::string& mean_square, Build build) {
    const std::string root = "{Sqrt(" + mean_square + ")|Pow(" + mean_square + ", 0.5)}";
    add("Div(" + x + ", " + root + ")", build);
    add("Mul(" + x + ", {Reciprocal(" + root + ")|Div(1, " + root + ")|Pow(" + mean_square + ", -0.5)})",
        build);
  }
  void normalizations() {
    over_root("d=Sub(x, m=ReduceMean(x, p))", "Add(v=ReduceMean({Mul(d, d)|Pow(d, 2)}, q), $e)",
              layer_normalization);
    over_root("x", "Add(m=ReduceMean({Mul(x, x)|Pow(x, 2)}, p), $e)", rms_normalization);
    for (const char* op : {"LayerNormalization", "RMSNormalization", "GroupNormalization"})
      add(std::string("Mul(l=") + op + ", w)", with_scale);
    for (const char* op : {"LayerNormalization", "GroupNormalization"})
      add(std::string("Add(l=") + op + ", w)", with_bias);
  }
  void limits_and_powers() {
    add("Max(x, $a)", at_least);
    add("Min(x, $a)", at_most);
    for (const char* both : {"Clip(i=Clip(x))", "Clip(i=Relu(x))", "Relu(i=Clip(x))", "Relu(i=Relu(x))"})
      add(both, limited_twice);
    add("Pow(x, 2)", square);
    add("Pow(x, 0.5)", square_root);
  }

  std::vector<Rule> rules_;
};

/// A number may have more axes than what it is combined with: then the result has too.
bool same_rank(Rewriter& rewriter, const Match& match) {
  const auto x = match.values.find("x");
  const ValueId from = x != match.values.end() ? x->second : match.value("l");
  const auto a = rank_of(rewriter.value(from)),
             b = rank_of(rewriter.value(rewriter.node(match.nodes[0]).outputs[0]));
  return a && a == b;
}

/// Whether node `n` was the root of a match and is gone.
bool fuse(Rewriter& rewriter, const Rule& rule, int n, PassLog& log) {
  const auto match = find(rewriter, rule.pattern, n);
  if (!match || !same_rank(rewriter, *match)) return false;
  auto replacement = rule.build(Found{rewriter, *match});
  if (!replacement) return false;
  std::string text;
  std::vector<int> nodes = match->nodes;
  std::reverse(nodes.begin(), nodes.end());
  for (const int node : nodes)
    text += (text.empty() ? "" : " + ") + graph::node_title(rewriter.graph(), rewriter.node(node));
  if (const ValueId open = read_outside(rewriter, *match); open >= 0) {
    log.near_miss(text + " not fused into " + replacement->op +
                  ": an inner value has another reader: " + rewriter.value(open).name);
    return false;
  }
  log.changed(text + " became " + replacement->op);
  replace(rewriter, *match, std::move(*replacement));
  return true;
}

bool fuse_once(Graph& graph, const Rules& rules, PassLog& log) {
  Rewriter rewriter(graph);
  bool any = false;
  for (int n = 0; n < rewriter.nodes(); ++n) {
    if (rewriter.removed(n) || rewriter.node(n).outputs.empty()) continue;
    const ValueId y = rewriter.node(n).outputs[0];
    if (y < 0 || !is_floating(rewriter.value(y).dtype)) continue;
    any = std::any_of(rules.all().begin(), rules.all().end(),
                      [&](const Rule& rule) { return fuse(rewriter, rule, n, log); }) ||
          any;
  }
  rewriter.finish();
  return any;
}

}  // namespace

void fuse_patterns(Model& model, PassLog& log) {
  const Rules rules;
  for (Graph& graph : model.graphs)
    while (fuse_once(graph, rules, log)) {  // what came of one rule may be part of another's pattern
    }
}

}  // namespace lithe::passes
