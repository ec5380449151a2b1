// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <cmath>
#include <limits>
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
  /// Whether all are numbers of full precision in `dtype`: neither too large nor too small for it.
  bool fits(DType dtype) const {
    const double largest = dtype == DType::f16 ? 65504 : std::numeric_limits<float>::max(),
                 smallest = dtype == DType::f16 ? 0x1p-14 : std::numeric_limits<float>::min();
    const auto all = [&](const std::vector<double>& v) {
      return std::all_of(v.begin(), v.end(), [&](double e) {
        return e == 0 || (std::fabs(e) >= smallest && std::fabs(e) <= largest);
      });
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

/// Rewrites the sequence that ends with node `n` as a Mul, an Add or both, where that is fewer nodes.
void merge(Rewriter& rewriter, int n, PassLog& log) {
  ValueId x = absent;
  auto whole = affine_of(rewriter, n, x);
  if (!whole || is_counted(rewriter, rewriter.node(n).outputs[0])) return;
  std::vector<int> sequence{n};
  for (;;) {
    const int above = rewriter.producer(x);
    ValueId source = absent;
    if (above < 0 || rewriter.uses(x) != 1 || clamp_attribute(rewriter.node(above)).active()) break;
    auto first = affine_of(rewriter, above, source);
    if (!first || !append(*first, *whole) || !first->fits(rewriter.value(source).dtype)) break;
    whole = first;
    x = source;
    sequence.push_back(above);
  }
  const bool scales = whole->scales(), shifts = whole->shifts();
  const std::size_t needed = (scales ? 1U : 0U) + (shifts ? 1U : 0U);
  if (sequence.size() < 2 || needed == 0 || needed >= sequence.size()) return;
  const ValueId y = rewriter.node(n).outputs[0];
  const DType dtype = rewriter.value(y).dtype;
  const auto constant = [&](const std::vector<double>& numbers, const char* name) {
    return rewriter.add_constant(make_numbers(dtype, whole->shape, numbers), name);
  };
  for (std::size_t i = 1; i < sequence.size(); ++i)
    prepend_names(rewriter.node(n), rewriter.node(sequence[i]));
  log.changed(graph::node_title(rewriter.graph(), rewriter.node(n)) + " merged: one scale and shift");
  if (scales && shifts) {
    const ValueId scaled = rewriter.like(y, "/scaled");
    rewriter.add_node(
        make_node("Mul", {x, constant(whole->factor, "factor")}, {scaled}, rewriter.node(n).onnx_names), n);
    x = scaled;
  }
  rewriter.node(n).op = shifts ? "Add" : "Mul";
  const int above = rewriter.producer(rewriter.node(n).inputs[0]),
            other = rewriter.producer(input(rewriter.node(n), 1));
  rewriter.set_inputs(n, {x, shifts ? constant(whole->shift, "shift") : constant(whole->factor, "factor")});
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
    ValueId x = absent;
    const auto affine = above < 0 ? std::nullopt : affine_of(rewriter_, above, x);
    const bool moved = !reshaped.empty();
    if (moved && (!affine || affine->factor.size() != 1 || affine->shifts())) return false;
    const Constant* filter = rewriter_.graph().constant(node.inputs[1]);
    if (!affine || filter == nullptr || filter->shape.rank() < 2) return false;
    const std::string pair = graph::node_title(rewriter_.graph(), rewriter_.node(above)) + " + " +
                             graph::node_title(rewriter_.graph(), node);
    const auto miss = [&](const char* reason) {
      log.near_miss(pair + " not fused: " + reason);
      return false;
    };
    if (rewriter_.uses(scaled) != 1) return miss("what is scaled has another reader");
    if (clamp_attribute(rewriter_.node(above)).active()) return miss("it is clamped between");
    const index_t inputs = weights_.inputs(filter->shape, group_);
    const auto& dims = rewriter_.value(x).dims;
    const bool alike = dims && rank_of(rewriter_.value(node.inputs[0])) == static_cast<int>(dims->size()) &&
                       !dims->empty() && dims->back() == inputs;
    Affine wide = *affine;
    if (wide.factor.size() == 1) widen(wide, {inputs});
    if ((!alike && !moved) || wide.shape != Shape{inputs})
      return miss("it is not one number per input channel");
    if (wide.shifts() && !shiftable(node)) return miss("the padding would be shifted too");
    if (!apply(node, *filter, wide)) return miss("the bias is computed");
    for (auto n = reshaped.rbegin(); n != reshaped.rend(); ++n) {  // their values are others now
      rewriter_.set_input(*n, 0, x);
      x = rewriter_.like(rewriter_.node(*n).outputs[0], "/unscaled");
      rewriter_.set_output(*n, 0, x);
    }
    rewriter_.set_input(n_, 0, x);
    prepend_names(rewriter_.node(n_), rewriter_.node(above));
    rewriter_.remove_unread(above);
    log.changed(pair + " fused: into its weights");
    return true;
  }

 private:
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
  bool apply(const Node& node, const Constant& filter, const Affine& affine) {
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
