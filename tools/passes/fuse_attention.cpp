// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <cmath>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "lithe/ops/attention.hpp"
#include "tools/graph/attributes.hpp"
#include "tools/passes/axis_parts.hpp"
#include "tools/passes/constants.hpp"
#include "tools/passes/moves_elements.hpp"
#include "tools/passes/node.hpp"
#include "tools/passes/pass_log.hpp"
#include "tools/passes/passes.hpp"
#include "tools/passes/permutation.hpp"
#include "tools/passes/rewriter.hpp"
#include "tools/passes/value.hpp"

namespace lithe::passes {
namespace {

using Axis = AxisParts::Axis;

/// Thrown where a softmax between two products is not fused, with the reason.
struct NearMiss {
  std::string reason;
};

/// The number that node `n` multiplies `v` by, and the other operand: Mul or Div by a constant of one element.
struct Scaled {
  ValueId value;
  double factor;
};
std::optional<Scaled> scaled(Rewriter& rewriter, int n) {
  const Node& node = rewriter.node(n);
  if (!is_any(node, {"Mul", "Div"}) || clamp_attribute(node).active()) return std::nullopt;
  for (const std::size_t number : {std::size_t{1}, std::size_t{0}}) {
    if (number == 0 && is(node, "Div")) break;
    const auto factor = scalar_of(rewriter.graph().constant(node.inputs[number]));
    const ValueId v = node.inputs[1 - number];
    if (!factor || rank_of(rewriter.value(v)) != rank_of(rewriter.value(node.outputs[0]))) continue;
    return Scaled{v, is(node, "Div") ? 1 / *factor : *factor};
  }
  return std::nullopt;
}

/// How the axes of an operand lie in memory: in its own order or the sequence before the batch; with the heads of a row
/// side by side, or apart.
enum class Layout { flat, sequence_first, apart, keys_last };

/// Query, key or value of the products: a value, and the nodes between it and where it comes from.
class Operand {
 public:
  /// `keys_last`: the last two axes are in the other order than rows and depth. `scales`: factors may lie on the way.
  Operand(Rewriter& rewriter, ValueId v, bool keys_last, bool scales)
      : rewriter_(rewriter), keys_last_(keys_last) {
    levels_.push_back(v);
    for (int n = rewriter.producer(v); n >= 0; n = rewriter.producer(v)) {
      const auto factor = scales ? scaled(rewriter, n) : std::nullopt;
      if (!factor && !AxisParts::follows(rewriter.graph(), rewriter.node(n))) break;
      v = factor ? factor->value : rewriter.node(n).inputs[0];
      steps_.push_back({n, factor ? std::optional(factor->factor) : std::nullopt});
      levels_.push_back(v);
    }
  }
  std::size_t levels() const { return levels_.size(); }

  /// The parts of the operand's axes when it is followed from level `level`; nullopt where they are not known.
  std::optional<AxisParts> parts(std::size_t level) const {
    const auto& dims = rewriter_.value(levels_[level]).dims;
    if (!dims) return std::nullopt;
    AxisParts parts(*dims);
    for (std::size_t i = level; i-- > 0;)
      if (!steps_[i].factor && !parts.follow(rewriter_.graph(), rewriter_.node(steps_[i].node)))
        return std::nullopt;
    return parts;
  }

  /// How the operand is read at a level.
  struct Choice {
    std::size_t level = 0;
    Layout layout = Layout::flat;
    int cost = 0;  ///< nodes that move data, above the level and added
    Dims batch;
    std::int64_t heads = 1, repeated = 1;  ///< each head counts for `repeated` in a row
    std::int64_t rows = 1, depth = 1;
    std::int64_t pieces = 1, piece = 0;  ///< a flat layout's last axis has so many, and one is read
  };
  /// The cheapest choice with these sizes of the batch's axes; nullopt where there is none.
  std::optional<Choice> choose(const Dims& batch) const {
    std::optional<Choice> best;
    for (std::size_t level = levels_.size(); level-- > 0;) {
      const auto at = parts(level);
      auto choice = at ? choose(*at, level, batch) : std::nullopt;
      if (!choice) continue;
      for (std::size_t i = level; i < steps_.size(); ++i)
        choice->cost += reshapes(rewriter_.node(steps_[i].node)) ? 0 : 1;
      if (!best || choice->cost < best->cost) best = choice;
    }
    return best;
  }

  /// The product of the factors below a level.
  double factor(const Choice& choice) const {
    double product = 1;
    for (std::size_t i = 0; i < choice.level; ++i) product *= steps_[i].factor.value_or(1);
    return product;
  }

  /// The operand as [B, rows, heads * depth] or [B, heads, rows, depth], made by nodes near `near`.
  ValueId make(const Choice& choice, int near) const;

 private:
  std::optional<Choice> choose(const AxisParts& at, std::size_t level, const Dims& batch) const;
  std::int64_t joined(const AxisParts& at, const Axis& parts) const {
    std::int64_t size = 1;
    for (const int part : parts) {
      if (at.size(part) < 0) return parts.size() == 1 ? at.size(part) : -1;
      size *= at.size(part);
    }
    return size;
  }

  Rewriter& rewriter_;
  bool keys_last_;
  std::vector<ValueId> levels_;  ///< from the operand upwards
  struct Step {
    int node;
    std::optional<double> factor;  ///< it scales; else it moves elements
  };
  std::vector<Step> steps_;  ///< steps_[i] makes levels_[i] of levels_[i + 1]
};

std::optional<Operand::Choice> Operand::choose(const AxisParts& at, std::size_t level,
                                               const Dims& batch) const {
  const auto& axes = at.axes();
  const std::size_t rank = axes.size();
  if (rank < 2 || rank > 4) return std::nullopt;
  Axis outer, heads, rows = axes[rank - (keys_last_ ? 1 : 2)];
  const Axis& depth = axes[rank - (keys_last_ ? 2 : 1)];
  for (std::size_t i = 0; i + 2 < rank; ++i)  // the batch's parts, then the heads'
    for (const int part : axes[i])
      (outer.size() < batch.size() && (rank < 4 || i == 0) ? outer : heads).push_back(part);
  if (rank == 4 && outer != axes[0]) return std::nullopt;
  if (outer.size() != batch.size()) return std::nullopt;
  for (std::size_t i = 0; i < batch.size(); ++i)
    if (at.size(outer[i]) != batch[i] || at.repeats(outer[i])) return std::nullopt;

  Choice choice;
  choice.level = level;
  choice.batch = batch;
  const auto repeated = std::find_if(heads.begin(), heads.end(), [&](int part) { return at.repeats(part); });
  choice.repeated = joined(at, Axis(repeated, heads.end()));
  if (!std::all_of(repeated, heads.end(), [&](int part) { return at.repeats(part); })) return std::nullopt;
  heads.erase(repeated, heads.end());
  choice.heads = joined(at, heads);
  choice.rows = joined(at, rows);
  choice.depth = joined(at, depth);
  if (choice.heads < 1 || choice.repeated < 1) return std::nullopt;

  const auto in_order = [&](std::initializer_list<Axis> order) {
    Axis all;
    for (const Axis& part : order) all.insert(all.end(), part.begin(), part.end());
    return all == at.source();
  };
  Axis piece;
  if (at.picked()) {
    piece.push_back(at.picked()->part);
    choice.pieces = at.size(at.picked()->part);
    choice.piece = at.picked()->index;
  }
  if (choice.depth < 1 && (!heads.empty() || !piece.empty())) return std::nullopt;
  if (in_order({outer, rows, piece, heads, depth})) {
    choice.layout = Layout::flat;
  } else if (in_order({outer, heads, rows, depth}) && rank == 4) {
    choice.layout = Layout::apart;
  } else if (in_order({rows, outer, piece, heads, depth})) {
    choice.layout = Layout::sequence_first;
    choice.cost = 1;
  } else if (keys_last_ && level == 0 && (rank == 4 || heads.empty())) {
    choice.layout = Layout::keys_last;
    choice.cost = 1;
  } else {
    return std::nullopt;
  }
  return choice;
}

/// The shape input of a Reshape that makes `to` of `from`; nullopt where no constant says it.
std::optional<std::vector<std::int64_t>> constant_shape(const Dims& from, const Dims& to) {
  std::vector<std::int64_t> shape;
  int open = 0;
  for (std::size_t i = 0; i < to.size(); ++i) {
    const bool kept = to[i] < -1 && i < from.size() && from[i] == to[i];
    open += to[i] < 0 && !kept ? 1 : 0;
    shape.push_back(kept ? 0 : std::max<std::int64_t>(to[i], -1));
  }
  return open > 1 ? std::nullopt : std::optional(shape);
}

bool same(const Dims& a, const Dims& b) { return a == b && std::find(a.begin(), a.end(), -1) == a.end(); }

/// `v` with these dims, elements in the same order.
ValueId reshaped_to(Rewriter& rewriter, ValueId v, const Dims& dims, int near) {
  const Dims& from = *rewriter.value(v).dims;
  if (same(from, dims)) return v;
  const auto shape = constant_shape(from, dims);
  if (!shape) throw NearMiss{"sizes that are known when it runs decide its shapes"};
  const ValueId to = rewriter.like(v, "/reshaped");
  rewriter.graph().value(to).dims = dims;
  rewriter.add_node(make_node("Reshape", {v, rewriter.add_constant(make_ints(*shape), "shape")}, {to}), near);
  return to;
}

ValueId transposed_to(Rewriter& rewriter, ValueId v, const Permutation& p, int near) {
  const ValueId to = rewriter.like(v, "/transposed");
  rewriter.graph().value(to).dims = permuted(*rewriter.value(v).dims, p);
  Node node = make_node("Transpose", {v}, {to});
  set_ints(node, "permutation", std::vector<std::int64_t>(p.begin(), p.end()));
  rewriter.add_node(std::move(node), near);
  return to;
}

std::int64_t batch_size(const Dims& batch) {
  if (batch.size() == 1) return batch[0];
  std::int64_t size = 1;
  for (const std::int64_t d : batch) size = d < 0 ? -1 : size * d;
  return size;
}

ValueId Operand::make(const Choice& choice, int near) const {
  ValueId v = levels_[choice.level];
  const std::int64_t batch = batch_size(choice.batch);
  if (choice.layout == Layout::keys_last) {
    const auto rank = rewriter_.value(v).dims->size();
    v = transposed_to(rewriter_, v,
                      rank == 4   ? Permutation{0, 1, 3, 2}
                      : rank == 3 ? Permutation{0, 2, 1}
                                  : Permutation{1, 0},
                      near);
    return rank == 4 ? v : reshaped_to(rewriter_, v, {batch, choice.rows, choice.depth}, near);
  }
  if (choice.layout == Layout::apart)
    return reshaped_to(rewriter_, v, {batch, choice.heads, choice.rows, choice.depth}, near);
  const std::int64_t width = choice.depth < 0 ? -1 : choice.pieces * choice.heads * choice.depth;
  if (choice.layout == Layout::sequence_first)
    v = transposed_to(rewriter_, reshaped_to(rewriter_, v, {choice.rows, batch, width}, near), {1, 0, 2},
                      near);
  else
    v = reshaped_to(rewriter_, v, {batch, choice.rows, width}, near);
  if (choice.pieces == 1) return v;
  Node split = make_node("Split", {v, absent}, {});
  set_int(split, "axis", 2, 0);
  split.inputs[1] = rewriter_.add_constant(
      make_ints(std::vector<std::int64_t>(static_cast<std::size_t>(choice.pieces), width / choice.pieces)),
      "split");
  for (std::int64_t i = 0; i < choice.pieces; ++i) {
    split.outputs.push_back(rewriter_.like(v, "/part"));
    rewriter_.graph().value(split.outputs.back()).dims->back() = width / choice.pieces;
  }
  const ValueId part = split.outputs[static_cast<std::size_t>(choice.piece)];
  rewriter_.add_node(std::move(split), near);
  return part;
}

/// A softmax between two products, and what lies between them.
class Fusion {
 public:
  Fusion(Rewriter& rewriter, int softmax) : rewriter_(rewriter), softmax_(softmax) {}

  /// False where the softmax does not stand between two products.
  bool find() {
    const Node& softmax = rewriter_.node(softmax_);
    const auto rank = rank_of(rewriter_.value(softmax.inputs[0]));
    if (!rank || *rank < 2 || *rank > 4 ||
        normalize_axis(int_attribute(softmax, "axis", -1), *rank) != *rank - 1)
      return false;
    if (!find_weighted(softmax.outputs[0])) return false;
    inner_.push_back(softmax_);
    return climb(softmax.inputs[0]);
  }

  std::string name() const {
    return graph::node_title(rewriter_.graph(), rewriter_.node(scores_)) + " + " +
           graph::node_title(rewriter_.graph(), rewriter_.node(softmax_)) + " + " +
           graph::node_title(rewriter_.graph(), rewriter_.node(weighted_));
  }

  /// Replaces it all by an Attention. Throws NearMiss, and has changed nothing that counts then.
  void replace();

 private:
  int only_reader(ValueId v) {
    return rewriter_.uses(v) == 1 && !rewriter_.is_output(v) ? rewriter_.readers(v)[0].node : -1;
  }

  /// From the weights down: a guard against NaN, and the product with the value.
  bool find_weighted(ValueId weights) {
    for (const auto& reader : rewriter_.readers(weights))
      if (is(rewriter_.node(reader.node), "IsNaN")) {
        const int is_nan = reader.node, where = only_reader(rewriter_.node(is_nan).outputs[0]);
        if (where < 0 || !is(rewriter_.node(where), "Where")) return false;
        const Node& node = rewriter_.node(where);
        if (node.inputs[0] != rewriter_.node(is_nan).outputs[0] || node.inputs[2] != weights ||
            scalar_of(rewriter_.graph().constant(node.inputs[1])) != 0.0)
          return false;
        if (rewriter_.uses(weights) != 2) open_ = weights;
        inner_ = {is_nan, where};
        attributes_.nan_is_zero = true;
        weights = node.outputs[0];
        break;
      }
    check_read_once(weights);
    for (int n = only_reader(weights); n >= 0 && reshapes(rewriter_.node(n)); n = only_reader(weights)) {
      inner_.push_back(n);
      weights = rewriter_.node(n).outputs[0];
      check_read_once(weights);
    }
    for (const auto& reader : rewriter_.readers(weights))
      if (is(rewriter_.node(reader.node), "MatMul") && reader.input == 0) weighted_ = reader.node;
    return weighted_ >= 0 && int_attribute(rewriter_.node(weighted_), "transpose_a", 0) == 0;
  }
  void check_read_once(ValueId v) {
    if (rewriter_.uses(v) != 1) open_ = v;
  }

  /// From the softmax up: masks, scales, a cap, to the product of query and key. False where there is none.
  bool climb(ValueId v) {
    const int n = rewriter_.producer(v);
    if (n < 0) return false;
    check_read_once(v);
    const Node& node = rewriter_.node(n);
    if (is(node, "MatMul")) {
      scores_ = n;
      inner_.push_back(n);
      return int_attribute(node, "transpose_a", 0) == 0;
    }
    if (inner_.size() > 12) return false;
    inner_.push_back(n);
    const auto step = scaled(rewriter_, n);
    if (step && is_tanh(step->value)) return climb_cap(*step);
    if (step) {
      if (!climb(step->value)) return false;
      if (attributes_.softcap != 0) throw NearMiss{"what is scaled is capped"};
      if (above_mask(n)) throw NearMiss{"the mask is scaled too"};
      factor_ *= step->factor;
      return true;
    }
    if (is(node, "Where")) return climb_where(node);
    if (is(node, "Add") && !clamp_attribute(node).active()) return climb_sum(node);
    if (reshapes(node)) return climb(node.inputs[0]);
    return false;
  }
  /// Whether a mask lies above node `n`, which was met before it.
  bool above_mask(int n) const {
    const auto place = [&](int node) { return std::find(inner_.begin(), inner_.end(), node); };
    return mask_at_ >= 0 && place(n) < place(mask_at_);
  }
  bool is_tanh(ValueId v) { return rewriter_.producer(v, "Tanh") >= 0; }
  bool climb_cap(const Scaled& cap) {
    const int tanh = rewriter_.producer(cap.value);
    check_read_once(cap.value);
    inner_.push_back(tanh);
    const int at = static_cast<int>(inner_.size());
    if (!climb(rewriter_.node(tanh).inputs[0])) return false;
    if (mask_at_ >= 0 && std::find(inner_.begin() + at, inner_.end(), mask_at_) != inner_.end())
      throw NearMiss{"the cap is that of the masked scores"};
    if (attributes_.softcap != 0 || !(cap.factor > 0)) throw NearMiss{"its cap is none of one Attention"};
    attributes_.softcap = static_cast<float>(cap.factor);
    factor_ *= cap.factor;
    return true;
  }
  bool climb_where(const Node& node) {
    const int n = rewriter_.producer(node.outputs[0]);
    for (const std::size_t scores : {std::size_t{1}, std::size_t{2}}) {
      const auto fill = scalar_of(rewriter_.graph().constant(node.inputs[3 - scores]));
      if (!fill || !leads_to_scores(node.inputs[scores])) continue;
      set_mask(n, node.inputs[0], node.outputs[0]);
      attributes_.fill = static_cast<float>(*fill);
      hides_ = scores == 2;
      return climb(node.inputs[scores]);
    }
    return false;
  }
  bool climb_sum(const Node& node) {
    const int n = rewriter_.producer(node.outputs[0]);
    for (const std::size_t scores : {std::size_t{0}, std::size_t{1}}) {
      if (!leads_to_scores(node.inputs[scores])) continue;
      set_mask(n, node.inputs[1 - scores], node.outputs[0]);
      return climb(node.inputs[scores]);
    }
    return false;
  }
  void set_mask(int n, ValueId mask, ValueId masked) {
    if (mask_at_ >= 0) throw NearMiss{"it has two masks"};
    mask_at_ = n;
    mask_ = mask;
    masked_ = masked;
  }
  /// Whether operators of scores alone lie between a product and `v`.
  bool leads_to_scores(ValueId v) {
    for (int steps = 0; steps < 12; ++steps) {
      const int n = rewriter_.producer(v);
      if (n < 0) return false;
      const Node& node = rewriter_.node(n);
      if (is(node, "MatMul")) return true;
      const auto step = scaled(rewriter_, n);
      if (step)
        v = step->value;
      else if (is(node, "Tanh") || reshapes(node))
        v = node.inputs[0];
      else if (is(node, "Where") || is(node, "Add"))
        return std::any_of(node.inputs.begin(), node.inputs.end(),
                           [&](ValueId in) { return leads_to_scores(in); });
      else
        return false;
    }
    return false;
  }

  struct Plan {
    Operand::Choice query, key, value;
    int cost = 0;
  };
  Plan plan(const Operand& query, const Operand& key, const Operand& value) const;
  /// The mask as an Attention takes it.
  ValueId mask_for(const Plan& plan);
  /// What stands for the result: a value, the nodes that lead there from the second product, and how it lies.
  struct Result {
    ValueId value;
    std::vector<int> nodes;
    Layout layout;
  };
  Result result(const Plan& plan);
  /// The shape input of a Reshape from one to the other: a constant, or that of the last of these nodes.
  ValueId shape_between(const Dims& from, const Dims& to, const std::vector<int>& nodes) {
    if (const auto shape = constant_shape(from, to))
      return rewriter_.add_constant(make_ints(*shape), "shape");
    if (nodes.empty() || !is(rewriter_.node(nodes.back()), "Reshape"))
      throw NearMiss{"sizes that are known when it runs decide the shape of its result"};
    const ValueId shape = rewriter_.node(nodes.back()).inputs[1];
    const auto known = ints_of(rewriter_.graph().constant(shape));
    if (known && std::find(known->begin(), known->end(), 0) != known->end())
      throw NearMiss{"the shape of its result takes sizes from an inner value"};
    return shape;
  }

  Rewriter& rewriter_;
  int softmax_, scores_ = -1, weighted_ = -1;
  std::vector<int> inner_;  ///< what an Attention takes the place of, beside the second product
  ValueId open_ = absent;   ///< an inner value that has other readers
  ops::Attention::Attributes attributes_;
  double factor_ = 1;
  int mask_at_ = -1;
  ValueId mask_ = absent, masked_ = absent;
  bool hides_ = false;  ///< the boolean mask is true where a key is not seen
};

/// The cheapest choices that agree on the batch.
Fusion::Plan Fusion::plan(const Operand& query, const Operand& key, const Operand& value) const {
  std::optional<Plan> best;
  std::vector<Dims> batches;
  const auto parts_at_top = [&]() -> std::optional<AxisParts> {
    for (std::size_t level = 64; level-- > 0;)
      if (auto parts = level < query.levels() ? query.parts(level) : std::nullopt) return parts;
    return std::nullopt;
  }();
  if (parts_at_top) {
    const auto& axes = parts_at_top->axes();
    Axis outer;
    for (std::size_t i = 0; i + 2 < axes.size(); ++i)
      outer.insert(outer.end(), axes[i].begin(), axes[i].end());
    for (std::size_t p = 0; p <= outer.size(); ++p) {
      Dims batch;
      for (std::size_t i = 0; i < p; ++i) batch.push_back(parts_at_top->size(outer[i]));
      batches.push_back(batch);
    }
  }
  bool any = false;
  for (const Dims& batch : batches) {
    const auto q = query.choose(batch), k = key.choose(batch), v = value.choose(batch);
    if (!q || !k || !v) continue;
    any = true;
    const bool fits = k->heads == v->heads && q->repeated == 1 && k->repeated == v->repeated &&
                      (k->heads * k->repeated == q->heads || (k->heads == 1 && k->repeated == 1));
    const int cost = q->cost + k->cost + v->cost;
    if (fits && (!best || cost < best->cost)) best = Plan{*q, *k, *v, cost};
  }
  if (!best) throw NearMiss{any ? "its heads do not fit" : "its batch, heads or sizes are not known"};
  return *best;
}

ValueId Fusion::mask_for(const Plan& plan) {
  if (mask_at_ < 0) return absent;
  const std::optional<Dims> dims = rewriter_.value(mask_).dims, scores = rewriter_.value(masked_).dims;
  if (!dims || !scores || dims->size() > scores->size()) throw NearMiss{"the shape of its mask is not known"};
  const std::size_t missing = scores->size() - dims->size();
  for (std::size_t i = 0; i < dims->size(); ++i)
    if ((*dims)[i] != 1 && (*dims)[i] != (*scores)[missing + i] && (*dims)[i] != -1)
      throw NearMiss{"its mask has another shape than the scores"};
  const Dims& product = *rewriter_.value(rewriter_.node(scores_).outputs[0]).dims;
  if (product.size() == scores->size() && product != *scores)
    throw NearMiss{"its mask is larger than the scores"};
  ValueId mask = mask_;
  if (hides_) {
    mask = rewriter_.like(mask, "/seen");
    rewriter_.add_node(make_node("Not", {mask_}, {mask}), softmax_);
  }
  const std::int64_t batch = batch_size(plan.query.batch);
  if (scores->size() != 3 || dims->size() < 3 || (*dims)[0] == 1 || batch == 1) return mask;
  if (plan.query.heads != 1) throw NearMiss{"its mask has batch and heads in one axis"};
  const ValueId apart = rewriter_.like(mask, "/heads");
  Dims& with_heads = *rewriter_.graph().value(apart).dims;
  with_heads.insert(with_heads.begin() + 1, 1);
  const std::vector<std::int64_t> axis{1};
  rewriter_.add_node(make_node("Unsqueeze", {mask, rewriter_.add_constant(make_ints(axis), "axes")}, {apart}),
                     softmax_);
  return apart;
}

/// Follows the result down to where heads lie side by side.
Fusion::Result Fusion::result(const Plan& plan) {
  const auto& q = plan.query;
  ValueId v = rewriter_.node(weighted_).outputs[0];
  const std::size_t rank = rewriter_.value(v).dims->size();
  Dims outer = q.batch;
  std::vector<Dims> axes;
  if (rank == 4)
    axes.push_back(std::exchange(outer, {q.heads}));
  else
    outer.push_back(q.heads);
  if (rank > 2) axes.push_back(outer);
  axes.push_back({q.rows});
  axes.push_back({plan.value.depth});
  AxisParts parts(axes);
  const std::size_t all = parts.source().size();
  const Axis batch(parts.source().begin(),
                   parts.source().begin() + static_cast<std::ptrdiff_t>(q.batch.size()));
  const Axis rows = parts.axes()[rank - 2], depth = parts.axes()[rank - 1];
  const Axis heads = q.heads == 1 ? Axis() : Axis{parts.source()[q.batch.size()]};
  const auto in_order = [&](std::initializer_list<Axis> order) {
    Axis want, have;
    for (const Axis& part : order) want.insert(want.end(), part.begin(), part.end());
    for (const Axis& axis : parts.axes()) have.insert(have.end(), axis.begin(), axis.end());
    return want == have;
  };
  Result best{v, {}, in_order({batch, rows, heads, depth}) ? Layout::flat : Layout::apart};
  std::vector<int> nodes;
  for (int n = only_reader(v); n >= 0; n = only_reader(v)) {
    const Node& node = rewriter_.node(n);
    if (node.inputs[0] != v || !(reshapes(node) || is_transpose(node)) ||
        !parts.follow(rewriter_.graph(), node) || parts.source().size() != all)
      break;
    v = node.outputs[0];
    nodes.push_back(n);
    if (in_order({batch, rows, heads, depth}))
      best = {v, nodes, Layout::flat};
    else if (best.layout != Layout::flat && in_order({rows, batch, heads, depth}))
      best = {v, nodes, Layout::sequence_first};
  }
  return best;
}

void Fusion::replace() {
  const Node scores = rewriter_.node(scores_), weighted = rewriter_.node(weighted_);
  const DType dtype = rewriter_.value(weighted.outputs[0]).dtype;
  if (open_ >= 0) throw NearMiss{"an inner value has another reader: " + rewriter_.value(open_).name};
  if (dtype != DType::f32 && dtype != DType::f16 && dtype != DType::f64)
    throw NearMiss{"no kernel has its type"};
  const auto rank = rank_of(rewriter_.value(scores.inputs[0]));
  for (const ValueId v : {scores.inputs[1], weighted.inputs[0], weighted.inputs[1], weighted.outputs[0]})
    if (!rank || rank_of(rewriter_.value(v)) != rank) throw NearMiss{"its operands have different ranks"};
  const Operand query(rewriter_, scores.inputs[0], false, true),
      key(rewriter_, scores.inputs[1], int_attribute(scores, "transpose_b", 0) == 0, true),
      value(rewriter_, weighted.inputs[1], int_attribute(weighted, "transpose_b", 0) != 0, false);
  const Plan plan = this->plan(query, key, value);
  const double scale = factor_ * query.factor(plan.query) * key.factor(plan.key);
  attributes_.scale = static_cast<float>(scale);
  if (attributes_.scale == 0 || !std::isfinite(attributes_.scale))
    throw NearMiss{"its scale is 0 or too large"};
  const Result to = result(plan);
  const std::int64_t batch = batch_size(plan.query.batch), heads = plan.query.heads, depth = plan.value.depth;
  const Dims wanted = *rewriter_.value(to.value).dims,
             own = to.layout == Layout::apart ? Dims{batch, heads, plan.query.rows, depth}
                                              : Dims{batch, plan.query.rows, depth < 0 ? -1 : heads * depth};
  const Dims last = to.layout == Layout::sequence_first ? permuted(own, {1, 0, 2}) : own;
  const bool direct = same(last, wanted);
  const ValueId shape = direct ? absent : shape_between(last, wanted, to.nodes);

  Node attention = make_node(
      "Attention",
      {query.make(plan.query, softmax_), key.make(plan.key, softmax_), value.make(plan.value, softmax_)}, {});
  if (const ValueId mask = mask_for(plan); mask >= 0) attention.inputs.push_back(mask);
  const auto flat = [&](int i) {
    return rewriter_.value(attention.inputs[static_cast<std::size_t>(i)]).dims->size() == 3;
  };
  attributes_.heads = flat(0) ? static_cast<std::int32_t>(heads) : 0;
  attributes_.kv_heads =
      (flat(1) || flat(2)) && plan.key.heads != heads ? static_cast<std::int32_t>(plan.key.heads) : 0;
  attributes_.heads_apart = to.layout == Layout::apart;
  graph::set_attributes<ops::Attention>(attention, attributes_);

  std::vector<int> nodes = inner_;
  nodes.push_back(weighted_);
  nodes.insert(nodes.end(), to.nodes.begin(), to.nodes.end());
  std::sort(nodes.begin(), nodes.end());
  for (const int n : nodes) append_names(attention, rewriter_.node(n));
  for (const int n : nodes) rewriter_.remove_node(n);
  ValueId v = to.value;
  if (!direct) {
    const ValueId before = rewriter_.like(v, "/apart");
    rewriter_.graph().value(before).dims = last;
    rewriter_.add_node(make_node("Reshape", {before, shape}, {v}), weighted_);
    v = before;
  }
  if (to.layout == Layout::sequence_first) {
    const ValueId before = rewriter_.like(v, "/batch_first");
    rewriter_.graph().value(before).dims = own;
    Node transpose = make_node("Transpose", {before}, {v});
    set_ints(transpose, "permutation", std::vector<std::int64_t>{1, 0, 2});
    rewriter_.add_node(std::move(transpose), weighted_);
    v = before;
  }
  attention.outputs = {v};
  rewriter_.add_node(std::move(attention), weighted_);
}

}  // namespace

void fuse_attention(Model& model, PassLog& log) {
  for_each_node(model, [&](Rewriter& rewriter, int n) {
    if (!is(rewriter.node(n), "Softmax")) return;
    Fusion fusion(rewriter, n);
    std::string name = graph::node_title(rewriter.graph(), rewriter.node(n));
    try {
      if (!fusion.find()) return;
      name = fusion.name();
      fusion.replace();
      log.changed(name + " became Attention");
    } catch (const NearMiss& miss) {
      log.near_miss(name + " not fused into Attention: " + miss.reason);
    }
  });
}

}  // namespace lithe::passes
