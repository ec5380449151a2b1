// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <set>
#include <utility>

#include "tools/graph/operators.hpp"
#include "tools/passes/constants.hpp"
#include "tools/passes/layout_rules.hpp"
#include "tools/passes/node.hpp"
#include "tools/passes/pass_log.hpp"
#include "tools/passes/passes.hpp"
#include "tools/passes/rewriter.hpp"
#include "tools/passes/value.hpp"

namespace lithe::passes {
namespace {

/// How Squeeze or Unsqueeze leads from one shape to another: the axes that one of them has more, all of one
/// element.
struct Ones {
  std::vector<std::int64_t> axes;  ///< the axes of the wider side, ascending
  int wide = 0;                    ///< its rank
  bool squeezes = false;

  int before() const { return squeezes ? wide : wide - static_cast<int>(axes.size()); }
  int after() const { return squeezes ? wide - static_cast<int>(axes.size()) : wide; }
  bool extra(std::int64_t axis) const { return std::find(axes.begin(), axes.end(), axis) != axes.end(); }
  /// The axis before that becomes `axis`; -1: none.
  int source(int axis) const {
    std::int64_t at = axis;
    if (squeezes) {
      for (const std::int64_t gone : axes) at += gone <= at ? 1 : 0;
      return static_cast<int>(at);
    }
    if (extra(axis)) return -1;
    return axis - static_cast<int>(std::count_if(axes.begin(), axes.end(), [&](auto a) { return a < axis; }));
  }
  friend bool operator==(const Ones&, const Ones&) = default;
};

std::optional<Ones> ones_of(const Graph& graph, const Node& node) {
  if (!is_any(node, {"Squeeze", "Unsqueeze"}) || input(node, 1) < 0) return std::nullopt;
  const auto rank = rank_of(graph.value(node.inputs[0]));
  const auto count = ints_of(graph.constant(node.inputs[1]));
  if (!rank || !count) return std::nullopt;
  Ones ones;
  ones.squeezes = is(node, "Squeeze");
  ones.wide = ones.squeezes ? *rank : *rank + static_cast<int>(count->size());
  const auto axes = constant_axes(graph, node, 1, ones.wide);
  if (!axes || ones.wide > max_rank) return std::nullopt;
  ones.axes = *axes;
  std::sort(ones.axes.begin(), ones.axes.end());
  return ones;
}

/// A Squeeze or Unsqueeze feeds node `n`: the node is made to work on what comes before it, and one like it
/// appears after each of the outputs instead. False, and nothing changed, where it is not possible.
class SinkOnes {
 public:
  SinkOnes(Rewriter& rewriter, int n, Ones ones) : rewriter_(rewriter), n_(n), ones_(std::move(ones)) {}

  bool run() {
    const Node& node = rewriter_.node(n_);
    if (is_elementwise(node)) return all_inputs() && move();
    const LayoutRule* rule = layout_rule(node);
    if (rule == nullptr || !rule->ones) return false;
    switch (rule->layout) {
      case Layout::axis:
        return along_axis(rule->axis);
      case Layout::last_axis:
        return ones_.source(ones_.after() - 1) == ones_.before() - 1 && first_input() && move();
      case Layout::slice:
        return axes_input(3, 1) && move();
      case Layout::pad:
        return pads() && move();
      default:
        return false;
    }
  }

 private:
  /// Attribute `axis` is `fallback` where it is absent.
  bool along_axis(std::int64_t fallback) {
    const int axis = normalize_axis(int_attribute(rewriter_.node(n_), "axis", fallback), ones_.after());
    if (axis < 0 || ones_.source(axis) < 0) return false;
    const bool joins = graph::spec_of(rewriter_.node(n_)).joins;
    if (!(joins ? all_inputs(false) : first_input()) || !move()) return false;
    set_int(rewriter_.node(n_), "axis", ones_.source(axis), fallback);
    return true;
  }

  /// Input `v` as it comes before the alias, if it can be had so; `broadcast`: it may be smaller.
  std::optional<ValueId> restored(ValueId v, bool broadcast) {
    if (v < 0) return v;
    const Graph& graph = rewriter_.graph();
    const int above = rewriter_.producer(v);
    if (above >= 0 && ones_of(graph, rewriter_.node(above)) == ones_) return rewriter_.node(above).inputs[0];
    if (broadcast && rewriter_.value(v).constant) return constant(v);
    if (broadcast && rank_of(rewriter_.value(v)) == 0) return v;
    if (!ones_.squeezes) return std::nullopt;          // the way back in both directions would go on for ever
    for (const auto& reader : rewriter_.readers(v)) {  // the way back is there already
      const auto back = reader.input == 0 ? ones_of(graph, rewriter_.node(reader.node)) : std::nullopt;
      if (back && !back->squeezes && back->wide == ones_.wide && back->axes == ones_.axes)
        return rewriter_.node(reader.node).outputs[0];
    }
    return std::nullopt;
  }

  std::optional<ValueId> constant(ValueId v) {
    const Constant& c = *rewriter_.graph().constant(v);
    if (c.shape.rank() == 0) return v;
    if (c.shape.rank() > ones_.after() || element_bytes(c.dtype) == 0) return std::nullopt;
    const int missing = ones_.after() - c.shape.rank();
    Shape shape = Shape::of_rank(ones_.before());
    for (int axis = missing; axis < ones_.after(); ++axis) {
      const int from = ones_.source(axis);
      if (from >= 0)
        shape[from] = c.shape[axis - missing];
      else if (c.shape[axis - missing] != 1)
        return std::nullopt;
    }
    Shape stripped;
    for (const index_t d : shape.dims())
      if (stripped.rank() > 0 || d != 1) stripped.push_back(d);
    if (stripped == c.shape) return v;
    const auto quantization = rewriter_.value(v).quantization;
    if (quantization && quantization->axis >= 0) return std::nullopt;
    const ValueId moved = rewriter_.add_constant(reshaped(c, stripped), rewriter_.value(v).name);
    rewriter_.graph().value(moved).quantization = quantization;
    return moved;
  }

  bool all_inputs(bool broadcast = true) {
    inputs_ = rewriter_.node(n_).inputs;
    for (ValueId& v : inputs_) {
      const auto before = restored(v, broadcast);
      if (!before) return false;
      v = *before;
    }
    return true;
  }
  bool first_input() {
    inputs_ = rewriter_.node(n_).inputs;
    const auto before = restored(inputs_[0], false);
    if (before) inputs_[0] = *before;
    return before.has_value();
  }
  /// Input `i` holds axes, or all of the first ones where it is absent, as many as input `counted` has.
  bool axes_input(int i, int counted) {
    if (!first_input()) return false;
    std::vector<std::int64_t> axes;
    if (input(rewriter_.node(n_), i) >= 0) {
      const auto given = constant_axes(rewriter_.graph(), rewriter_.node(n_), i, ones_.after());
      if (!given) return false;
      axes = *given;
    } else {
      const auto& dims = rewriter_.value(inputs_[static_cast<std::size_t>(counted)]).dims;
      if (!dims || dims->size() != 1 || (*dims)[0] < 0 || (*dims)[0] > ones_.after()) return false;
      for (std::int64_t a = 0; a < (*dims)[0]; ++a) axes.push_back(a);
    }
    std::vector<double> moved;
    for (const std::int64_t axis : axes) {
      moved.push_back(ones_.source(static_cast<int>(axis)));
      if (moved.back() < 0) return false;
    }
    const auto at = static_cast<std::size_t>(i);
    if (inputs_.size() <= at) inputs_.resize(at + 1, absent);
    const DType dtype = rewriter_.value(inputs_[inputs_[at] < 0 ? 1 : at]).dtype;
    inputs_[at] =
        rewriter_.add_constant(make_numbers(dtype, {static_cast<index_t>(moved.size())}, moved), "axes");
    return true;
  }
  bool pads() {
    if (input(rewriter_.node(n_), 3) >= 0) return axes_input(3, 1);
    if (!first_input()) return false;
    const auto given = ints_of(rewriter_.graph().constant(inputs_[1]));
    const auto rank = static_cast<std::size_t>(ones_.after()),
               before = static_cast<std::size_t>(ones_.before());
    if (!given || given->size() != 2 * rank) return false;
    std::vector<std::int64_t> moved(2 * before, 0);
    for (std::size_t axis = 0; axis < rank; ++axis) {
      const int from = ones_.source(static_cast<int>(axis));
      if (from < 0 && ((*given)[axis] != 0 || (*given)[axis + rank] != 0)) return false;
      if (from < 0) continue;
      moved[static_cast<std::size_t>(from)] = (*given)[axis];
      moved[static_cast<std::size_t>(from) + before] = (*given)[axis + rank];
    }
    inputs_[1] = rewriter_.add_constant(make_ints(moved), "pads");
    return true;
  }

  /// The node takes inputs_, and each of its outputs comes through an alias.
  bool move() {
    const std::vector<ValueId> outputs = rewriter_.node(n_).outputs;
    for (const ValueId y : outputs)
      if (y >= 0 && (rank_of(rewriter_.value(y)) != ones_.after() || per_axis(rewriter_.value(y))))
        return false;
    rewriter_.set_inputs(n_, inputs_);
    for (std::size_t o = 0; o < outputs.size(); ++o) {
      const ValueId y = outputs[o];
      if (y < 0) continue;
      const ValueId before = rewriter_.like(y, ones_.squeezes ? "/unsqueezed" : "/squeezed");
      Value& value = rewriter_.graph().value(before);
      value.dims = Dims(static_cast<std::size_t>(ones_.before()), 1);
      for (int axis = 0; axis < ones_.after(); ++axis)
        if (const int from = ones_.source(axis); from >= 0)
          (*value.dims)[static_cast<std::size_t>(from)] =
              (*rewriter_.value(y).dims)[static_cast<std::size_t>(axis)];
      rewriter_.set_output(n_, static_cast<int>(o), before);
      const ValueId axes = rewriter_.add_constant(make_ints(ones_.axes), "axes");
      rewriter_.add_node(make_node(ones_.squeezes ? "Squeeze" : "Unsqueeze", {before, axes}, {y}), n_);
    }
    return true;
  }
  static bool per_axis(const Value& value) { return value.quantization && value.quantization->axis >= 0; }

  Rewriter& rewriter_;
  int n_;
  Ones ones_;
  std::vector<ValueId> inputs_;
};

/// A Reshape that only takes ones away, or adds some, as Squeeze or Unsqueeze.
void name_reshape(Rewriter& rewriter, int n) {
  const Node& node = rewriter.node(n);
  if (!is(node, "Reshape")) return;
  const auto &from = rewriter.value(node.inputs[0]).dims, &to = rewriter.value(node.outputs[0]).dims;
  if (!from || !to || from->size() == to->size()) return;
  const bool squeezes = from->size() > to->size();
  const Dims &wide = squeezes ? *from : *to, &narrow = squeezes ? *to : *from;
  std::vector<std::int64_t> axes;
  std::size_t k = 0;
  for (std::size_t i = 0; i < wide.size(); ++i) {
    const bool more = wide.size() - i > narrow.size() - k;
    if (k < narrow.size() && wide[i] == narrow[k] && wide[i] != -1)
      ++k;
    else if (more && wide[i] == 1)
      axes.push_back(static_cast<std::int64_t>(i));
    else
      return;
  }
  if (k != narrow.size()) return;
  Node alias = node;
  rewriter.set_inputs(n, {alias.inputs[0], rewriter.add_constant(make_ints(axes), "axes")});
  rewriter.node(n).op = squeezes ? "Squeeze" : "Unsqueeze";
  rewriter.node(n).attributes.clear();
}

bool sink_once(Graph& graph, PassLog& log) {
  Rewriter rewriter(graph);
  bool any = false;
  for (int a = 0; a < rewriter.nodes(); ++a) {  // the nodes that sinking adds are looked at too
    if (rewriter.removed(a)) continue;
    const auto ones = ones_of(graph, rewriter.node(a));
    if (!ones) continue;
    std::set<int> readers;
    for (const auto& reader : rewriter.readers(rewriter.node(a).outputs[0])) readers.insert(reader.node);
    for (const int n : readers) {
      const std::string name = graph::node_title(graph, rewriter.node(n));
      if (!SinkOnes(rewriter, n, *ones).run()) continue;
      log.changed(rewriter.node(a).op + " moved behind " + name);
      any = true;
    }
    rewriter.remove_unread(a);
  }
  rewriter.finish();
  return any;
}

}  // namespace

void sink_squeezes(Model& model, PassLog& log) {
  for (Graph& graph : model.graphs) {
    Rewriter rewriter(graph);
    for (int n = 0; n < rewriter.nodes(); ++n) name_reshape(rewriter, n);
    rewriter.finish();
    while (sink_once(graph, log)) {
    }
  }
}

}  // namespace lithe::passes
