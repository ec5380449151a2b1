// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <cmath>
#include <utility>

#include "tools/graph/operators.hpp"
#include "tools/passes/constants.hpp"
#include "tools/passes/moves_elements.hpp"
#include "tools/passes/node.hpp"
#include "tools/passes/pass_log.hpp"
#include "tools/passes/passes.hpp"
#include "tools/passes/rewriter.hpp"
#include "tools/passes/value.hpp"
#include "tools/passes/weighted.hpp"

namespace lithe::passes {
namespace {

/// What reads a sum with constants is taken to expect numbers around 1. Where a shift that comes first makes them of
/// larger ones, the input has few digits that matter, and a scale before it, as weights are that take both, rounds them
/// away. Where a scale comes first they are lost in any case, but a filter of fewer bits would lose more.
constexpr double largest_first_shift = 1, largest_shift = 8;

/// y = factor * x + shift by constants of one shape, or of one element each.
struct Affine {
  Shape shape;
  std::vector<double> factor, shift;

  bool scales() const {
    return std::any_of(factor.begin(), factor.end(), [](double f) { return f != 1; });
  }
  bool shifts() const {
    return std::any_of(shift.begin(), shift.end(), [](double s) { return s != 0; });
  }
  bool shifts_by_more_than(double limit) const {
    return std::any_of(shift.begin(), shift.end(), [&](double s) { return std::fabs(s) > limit; });
  }
  /// Whether each is a number of full precision in `dtype`: neither too large nor too small for it.
  bool fits(DType dtype) const {
    const auto all = [&](const std::vector<double>& v) {
      return std::all_of(v.begin(), v.end(), [&](const double& e) { return passes::fits(dtype, {&e, 1}); });
    };
    return all(factor) && all(shift);
  }
};

/// What node `n`, an Add, Sub, Mul or Div by a floating-point constant, does to `x`.
std::optional<Affine> affine_of(Rewriter& rewriter, int n, ValueId& x) {
  const Node& node = rewriter.node(n);
  if (!is_any(node, {"Add", "Sub", "Mul", "Div"}) || !is_floating(rewriter.value(node.outputs[0]).dtype))
    return std::nullopt;
  const bool swapped = rewriter.value(node.inputs[0]).constant != nullptr;
  x = node.inputs[swapped ? 1 : 0];
  const Constant* constant = rewriter.graph().constant(node.inputs[swapped ? 0 : 1]);
  const auto numbers = doubles_of(constant);
  if (!numbers || numbers->empty() || rewriter.value(x).constant || (swapped && is(node, "Div")))
    return std::nullopt;
  const auto rank = rank_of(rewriter.value(x));  // a constant of more axes would add them
  if (!rank || constant->shape.rank() > *rank) return std::nullopt;
  Affine affine{{}, std::vector<double>(numbers->size(), 1), std::vector<double>(numbers->size(), 0)};
  for (const index_t d : constant->shape.dims())
    if (affine.shape.rank() > 0 || d != 1) affine.shape.push_back(d);
  for (std::size_t i = 0; i < numbers->size(); ++i) {
    const double v = (*numbers)[i];
    if (is(node, "Mul")) affine.factor[i] = v;
    if (is(node, "Div")) affine.factor[i] = 1 / v;
    if (is(node, "Add")) affine.shift[i] = v;
    if (is(node, "Sub")) {
      affine.factor[i] = swapped ? -1 : 1;
      affine.shift[i] = swapped ? v : -v;
    }
  }
  return affine.fits(rewriter.value(x).dtype) ? std::optional(affine) : std::nullopt;
}

/// The same with one number for each element of `shape`.
void widen(Affine& affine, const Shape& shape) {
  if (affine.factor.size() != 1 || affine.shape == shape) return;
  const auto n = static_cast<std::size_t>(shape.elements());
  affine.shape = shape;
  affine.factor.assign(n, affine.factor[0]);
  affine.shift.assign(n, affine.shift[0]);
}

/// `second` after `first`; false where their shapes differ.
bool append(Affine& first, Affine second) {
  widen(first, second.shape);
  widen(second, first.shape);
  if (first.shape != second.shape) return false;
  for (std::size_t i = 0; i < first.factor.size(); ++i) {
    first.factor[i] *= second.factor[i];
    first.shift[i] = first.shift[i] * second.factor[i] + second.shift[i];
  }
  return true;
}

/// Whether `v` is rounded to whole numbers, which another last bit could change.
bool is_counted(Rewriter& rewriter, ValueId v) {
  const auto& readers = rewriter.readers(v);
  return std::any_of(readers.begin(), readers.end(),
                     [&](const auto& reader) { return graph::facts_of(rewriter.node(reader.node)).rounds; });
}

/// Adds, Subs, Muls and Divs by constants in a row, read by nobody else between.
struct Sequence {
  std::vector<int> nodes;  ///< the last one first
  Affine whole, first;     ///< what all do, and what the first does
  ValueId x = absent;      ///< what the first reads
};

/// The longest one that ends with node `n` whose function of its x `takes(const Affine&, ValueId)` is true for; node
/// `n` alone is one in any case.
template <class Takes>
std::optional<Sequence> sequence_of(Rewriter& rewriter, int n, Takes takes) {
  ValueId x = absent;
  const auto last = affine_of(rewriter, n, x);
  if (!last) return std::nullopt;
  Sequence found{{n}, *last, *last, x};
  for (;;) {
    const int above = rewriter.producer(found.x);
    if (above < 0 || rewriter.uses(found.x) != 1 || clamp_attribute(rewriter.node(above)).active()) break;
    const auto first = affine_of(rewriter, above, x);
    auto whole = first;
    if (!whole || !append(*whole, found.whole) || !whole->fits(rewriter.value(x).dtype) || !takes(*whole, x))
      break;
    found.nodes.push_back(above);
    found.whole = *whole;
    found.first = *first;
    found.x = x;
  }
  return found;
}

/// Whether one scale and one shift give as many digits as the sequence: what is shifted first may lose all leading
/// ones.
bool keeps_digits(const Sequence& sequence, DType dtype) {
  const Affine& whole = sequence.whole;
  if (!sequence.first.shifts() || !whole.shifts_by_more_than(largest_first_shift)) return true;
  return !whole.scales() && doubles_of(make_numbers(dtype, whole.shape, whole.shift).get()) == whole.shift;
}

/// Rewrites the sequence that ends with node `n` as a Mul, an Add or both, where that is fewer nodes.
void merge(Rewriter& rewriter, int n, PassLog& log) {
  const auto sequence = sequence_of(rewriter, n, [](const Affine&, ValueId) { return true; });
  if (!sequence || is_counted(rewriter, rewriter.node(n).outputs[0])) return;
  const Affine& whole = sequence->whole;
  ValueId x = sequence->x;
  const bool scales = whole.scales(), shifts = whole.shifts();
  const std::size_t needed = (scales ? 1U : 0U) + (shifts ? 1U : 0U);
  if (needed == 0 || needed >= sequence->nodes.size()) return;
  const ValueId y = rewriter.node(n).outputs[0];
  const DType dtype = rewriter.value(y).dtype;
  if (!keeps_digits(*sequence, dtype))
    return log.near_miss(graph::node_title(rewriter.graph(), rewriter.node(n)) +
                         " not merged with what is above: a large shift comes first");
  const auto constant = [&](const std::vector<double>& numbers, const char* name) {
    return rewriter.add_constant(make_numbers(dtype, whole.shape, numbers), name);
  };
  for (std::size_t i = 1; i < sequence->nodes.size(); ++i)
    prepend_names(rewriter.node(n), rewriter.node(sequence->nodes[i]));
  log.changed(graph::node_title(rewriter.graph(), rewriter.node(n)) + " merged: one scale and shift");
  if (scales && shifts) {
    const ValueId scaled = rewriter.like(y, "/scaled");
    rewriter.add_node(
        make_node("Mul", {x, constant(whole.factor, "factor")}, {scaled}, rewriter.node(n).onnx_names), n);
    x = scaled;
  }
  rewriter.node(n).op = shifts ? "Add" : "Mul";
  const int above = rewriter.producer(rewriter.node(n).inputs[0]),
            other = rewriter.producer(input(rewriter.node(n), 1));
  rewriter.set_inputs(n, {x, shifts ? constant(whole.shift, "shift") : constant(whole.factor, "factor")});
  rewriter.remove_unread(above);
  rewriter.remove_unread(other);
}

/// A node with weights whose input comes scaled or shifted.
class ScaledInput {
 public:
  ScaledInput(Rewriter& rewriter, int n)
      : rewriter_(rewriter),
        n_(n),
        weights_(*graph::facts_of(rewriter.node(n)).weights),
        group_(static_cast<index_t>(int_attribute(rewriter.node(n), "group", 1))) {}

  bool fold(PassLog& log) {
    const Node node = rewriter_.node(n_);
    ValueId scaled = node.inputs[0];
    const std::vector<int> reshaped = reshapes_above(scaled);
    const int above = rewriter_.producer(scaled);
    const Constant* filter = rewriter_.graph().constant(node.inputs[1]);
    if (above < 0 || filter == nullptr || filter->shape.rank() < 2) return false;
    const index_t inputs = weights_.inputs(filter->shape, group_);
    const bool moved = !reshaped.empty();
    const auto sequence = sequence_of(rewriter_, above, [&](const Affine& whole, ValueId x) {
      return moved ? is_factor(whole) : by_channel(whole, x, inputs) && (!whole.shifts() || shiftable(node));
    });
    if (!sequence || (moved && !is_factor(sequence->whole))) return false;
    const std::string pair = graph::node_title(rewriter_.graph(), rewriter_.node(above)) + " + " +
                             graph::node_title(rewriter_.graph(), node);
    if (const char* reason = fold(*sequence, scaled, inputs, moved); reason != nullptr) {
      log.near_miss(pair + " not fused: " + reason);
      return false;
    }
    ValueId x = sequence->x;
    for (auto n = reshaped.rbegin(); n != reshaped.rend(); ++n) {  // their values are others now
      rewriter_.set_input(*n, 0, x);
      x = rewriter_.like(rewriter_.node(*n).outputs[0], "/unscaled");
      rewriter_.set_output(*n, 0, x);
    }
    rewriter_.set_input(n_, 0, x);
    for (const int n : sequence->nodes) prepend_names(rewriter_.node(n_), rewriter_.node(n));
    rewriter_.remove_unread(above);
    log.changed(pair + " fused: into its weights");
    return true;
  }

 private:
  /// Folds the sequence, of which `scaled` comes, into weights and bias; or says why not.
  const char* fold(const Sequence& sequence, ValueId scaled, index_t inputs, bool moved) {
    const Node node = rewriter_.node(n_);
    if (rewriter_.uses(scaled) != 1) return "what is scaled has another reader";
    if (clamp_attribute(rewriter_.node(sequence.nodes[0])).active()) return "it is clamped between";
    Affine wide = sequence.whole;
    if (!moved && !by_channel(wide, sequence.x, inputs)) return "it is not one number per input channel";
    if (wide.factor.size() == 1) widen(wide, {inputs});
    if (wide.shifts() && !shiftable(node)) return "the padding would be shifted too";
    if (wide.shifts_by_more_than(sequence.first.shifts() ? largest_first_shift : largest_shift))
      return "the shift is large, digits would be lost";
    if (!apply(node, wide)) return "the bias is computed, or a weight would not be finite";
    return nullptr;
  }
  /// One factor for all elements, which may move.
  static bool is_factor(const Affine& affine) { return affine.factor.size() == 1 && !affine.shifts(); }
  /// Whether the affine function of `x` has one number for each of the layer's input channels.
  bool by_channel(const Affine& affine, ValueId x, index_t inputs) {
    const auto& dims = rewriter_.value(x).dims;
    return dims && rank_of(rewriter_.value(rewriter_.node(n_).inputs[0])) == static_cast<int>(dims->size()) &&
           !dims->empty() && dims->back() == inputs &&
           (affine.factor.size() == 1 || affine.shape == Shape{inputs});
  }
  /// The nodes above `v` that only give it another shape and that nobody else reads, upwards; `v` becomes the
  /// first's input.
  std::vector<int> reshapes_above(ValueId& v) {
    std::vector<int> nodes;
    for (int n = rewriter_.producer(v); n >= 0 && rearranges(rewriter_.node(n)) && rewriter_.uses(v) == 1;
         n = rewriter_.producer(v)) {
      nodes.push_back(n);
      v = rewriter_.node(n).inputs[0];
    }
    return nodes;
  }
  /// A shift becomes a bias where every output sees all taps.
  bool shiftable(const Node& node) const {
    const auto pads = ints_attribute(node, "pads");
    return !weights_.transposed &&
           std::all_of(pads.begin(), pads.end(), [](std::int64_t p) { return p == 0; });
  }
  bool apply(const Node& node, const Affine& affine) {
    const Constant& filter = *rewriter_.graph().constant(node.inputs[1]);
    const ValueId bias = input(node, 2);
    const index_t outputs = weights_.outputs(filter.shape);
    auto weights = doubles_of(&filter);
    auto sums = bias >= 0 ? doubles_of(rewriter_.graph().constant(bias))
                          : std::optional(std::vector<double>(static_cast<std::size_t>(outputs), 0));
    if (!weights || weights->empty() || outputs % group_ != 0 || (affine.shifts() && !sums)) return false;
    for (std::size_t i = 0; i < weights->size(); ++i) {
      const auto at = static_cast<index_t>(i);
      const auto c = static_cast<std::size_t>(weights_.input_channel(filter.shape, group_, at));
      if (affine.shifts())
        (*sums)[static_cast<std::size_t>(weights_.output_channel(filter.shape, at))] +=
            (*weights)[i] * affine.shift[c];
      (*weights)[i] *= affine.factor[c];
    }
    const DType dtype = filter.dtype;
    const Shape shape = filter.shape;  // adding constants moves values
    if (!passes::fits(dtype, *weights) || (affine.shifts() && !passes::fits(dtype, *sums))) return false;
    const std::string name = rewriter_.value(node.inputs[1]).name;
    std::vector<ValueId> inputs = node.inputs;
    if (affine.scales()) inputs[1] = rewriter_.add_constant(make_numbers(dtype, shape, *weights), name);
    if (affine.shifts()) {
      inputs.resize(3, absent);
      inputs[2] = rewriter_.add_constant(make_numbers(dtype, {outputs}, *sums),
                                         bias >= 0 ? rewriter_.value(bias).name : "bias");
    }
    rewriter_.set_inputs(n_, std::move(inputs));
    return true;
  }

  Rewriter& rewriter_;
  int n_;
  Weights weights_;
  index_t group_;
};

}  // namespace

void merge_scales(Model& model, PassLog& log) {
  for_each_node(model, [&](Rewriter& rewriter, int n) { merge(rewriter, n, log); });
}

void fuse_scale(Model& model, PassLog& log) {
  for_each_node(model, [&](Rewriter& rewriter, int n) {
    if (!is_weighted(rewriter.node(n)) || !is_floating(rewriter.value(rewriter.node(n).outputs[0]).dtype))
      return;
    while (ScaledInput(rewriter, n).fold(log)) {
    }
  });
}

}  // namespace lithe::passes
