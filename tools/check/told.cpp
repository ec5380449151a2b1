// SPDX-License-Identifier: Apache-2.0
#include "tools/check/told.hpp"

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <limits>
#include <string_view>
#include <utility>

#include "lithe/ops/batch_normalization.hpp"
#include "lithe/ops/binary.hpp"
#include "lithe/ops/dequantize_linear.hpp"
#include "lithe/ops/gather.hpp"
#include "lithe/ops/gather_elements.hpp"
#include "lithe/ops/gather_nd.hpp"
#include "lithe/ops/max_unpool.hpp"
#include "lithe/ops/quantize_linear.hpp"
#include "lithe/ops/scatter_elements.hpp"
#include "lithe/ops/scatter_nd.hpp"
#include "lithe/ops/tensor_scatter.hpp"
#include "lithe/ops/transpose.hpp"
#include "lithe/ops/unary.hpp"
#include "tools/graph/operators.hpp"
#include "tools/passes/constants.hpp"
#include "tools/report/difference.hpp"

namespace lithe::check {

namespace {

using Numbers = std::vector<double>;
using runtime::NodeView;

constexpr double mask_factor = 1e4;  ///< what is multiplied by as much is 0 or 1

template <class... Ops>
bool is(const NodeView& node) {
  return ((node.op_name() == Ops::spec.name) || ...);
}

/// How sure a guess is: what runs at all depends on `needed`, where the network is at home on `likely`.
enum class Weight { none, likely, needed };

struct Guess {
  Numbers numbers;
  Weight weight = Weight::none;
};

class Teller {
 public:
  Teller(const runtime::PlanView& plan, Random& random)
      : plan_(plan), random_(random), guesses_(plan.values().size()) {}

  std::vector<std::optional<Numbers>> run() {
    for (std::size_t n = plan_.nodes().size(); n-- > 0;) {
      const NodeView node = plan_.nodes()[n];
      if (node.outputs().empty() || node.inputs().empty()) continue;
      facts(node);
      move_back(node);
    }
    std::vector<std::optional<Numbers>> result;
    for (const std::int32_t input : plan_.inputs()) {
      Guess& guess = guesses_[static_cast<std::size_t>(input)];
      result.push_back(guess.weight == Weight::none ? std::nullopt : std::optional(std::move(guess.numbers)));
    }
    return result;
  }

 private:
  /// A number in [low, high).
  double between(double low, double high) {
    return low + (high - low) * (static_cast<double>(random_.uniform()) + 1) / 2;
  }
  /// An integer in [low, high], low where there is none.
  double integer(index_t low, index_t high) {
    const index_t count = std::max<index_t>(high - low + 1, 1);
    return static_cast<double>(low + static_cast<index_t>(random_.bits()) % count);
  }

  static bool has(const NodeView& node, std::size_t input) {
    return input < node.inputs().size() && node.input_ids()[input] >= 0;
  }
  static bool is_constant(const NodeView& node, std::size_t input) {
    return has(node, input) && node.input_value(input).file().buffer() >= 0;
  }
  static index_t count(const NodeView& node, std::size_t input) { return node.inputs()[input].elements(); }

  /// The numbers of a constant input, or none.
  static Numbers constant(const NodeView& node, std::size_t input) {
    return is_constant(node, input) ? report::reals(node.inputs()[input]) : Numbers();
  }

  /// Several readers of a value want what suits them all: the smaller index.
  void set(const NodeView& node, std::size_t input, Numbers numbers, Weight weight) {
    if (!has(node, input) || is_constant(node, input)) return;
    if (numbers.size() != static_cast<std::size_t>(count(node, input))) return;
    Guess& guess = guesses_[static_cast<std::size_t>(node.input_ids()[input])];
    if (weight < guess.weight || (weight == guess.weight && weight == Weight::likely)) return;
    if (weight == guess.weight)
      for (std::size_t i = 0; i < numbers.size(); ++i) numbers[i] = std::min(numbers[i], guess.numbers[i]);
    guess = {std::move(numbers), weight};
  }

  template <class Draw>
  void draw(const NodeView& node, std::size_t input, Weight weight, Draw number) {
    if (!has(node, input)) return;
    Numbers numbers(static_cast<std::size_t>(count(node, input)));
    for (std::size_t i = 0; i < numbers.size(); ++i) numbers[i] = number(static_cast<index_t>(i));
    set(node, input, std::move(numbers), weight);
  }
  template <class Draw>
  void need(const NodeView& node, std::size_t input, Draw number) {
    draw(node, input, Weight::needed, number);
  }
  void likely(const NodeView& node, std::size_t input, double low, double high) {
    draw(node, input, Weight::likely, [&](index_t) { return between(low, high); });
  }

  void need_index(const NodeView& node, index_t size) {
    need(node, 1, [&](index_t) { return integer(0, size - 1); });
  }
  template <class Op>
  void need_index_along(const NodeView& node) {
    const Shape& shape = node.inputs()[0].shape;
    if (const int axis = normalize_axis(node.attributes_of<Op>().axis, shape.rank()); axis >= 0)
      need_index(node, shape[axis]);
  }
  /// The last axis of the indices has one for each axis of input 0 from `first` on.
  void need_indices(const NodeView& node, int first) {
    const Shape& shape = node.inputs()[0].shape;
    const index_t depth = node.inputs()[1].shape.back();
    need(node, 1, [&](index_t i) {
      const auto axis = first + static_cast<int>(depth == 0 ? 0 : i % depth);
      return axis < shape.rank() ? integer(0, shape[axis] - 1) : 0;
    });
  }

  /// What the operator itself asks of its inputs.
  void facts(const NodeView& node) {
    const bool whole = is_integer(node.inputs()[0].dtype);
    if (is<ops::Gather>(node)) need_index_along<ops::Gather>(node);
    if (is<ops::GatherElements>(node)) need_index_along<ops::GatherElements>(node);
    if (is<ops::ScatterElements>(node)) need_index_along<ops::ScatterElements>(node);
    if (is<ops::GatherND>(node))
      need_indices(node, static_cast<int>(node.attributes_of<ops::GatherND>().batch_dims));
    if (is<ops::ScatterND>(node)) need_indices(node, 0);
    if (is<ops::MaxUnpool>(node)) need_index(node, node.outputs()[0].elements());
    if (is<ops::TensorScatter>(node) && has(node, 2)) {
      const Shape &cache = node.inputs()[0].shape, &updates = node.inputs()[1].shape;
      if (const int axis = normalize_axis(node.attributes_of<ops::TensorScatter>().axis, cache.rank());
          axis >= 0)
        need(node, 2, [&](index_t) { return integer(0, cache[axis] - updates[axis]); });
    }
    if (is<ops::Div, ops::Mod>(node) && whole) need(node, 1, [&](index_t) { return integer(1, 9); });
    if (is<ops::Div, ops::Mod>(node) && !whole) likely(node, 1, 0.5, 2);
    if (is<ops::Reciprocal>(node)) likely(node, 0, 0.5, 2);
    if (is<ops::Log>(node)) likely(node, 0, 0.05, 1.05);
    if (is<ops::Acosh>(node)) likely(node, 0, 1, 3);
    if (const Clamp* domain = graph::facts_of(node.op_name(), node.op().spec->version).domain;
        domain != nullptr)
      inside(node, *domain);
    if (is<ops::Pow>(node) && !whole && !has_whole_power(node)) likely(node, 0, 0.1, 1.1);
    if (is<ops::Equal>(node)) near(node, 1);
    if (is<ops::Less, ops::LessOrEqual, ops::Greater, ops::GreaterOrEqual>(node)) near(node, -1);
    const NameList& names = node.op().spec->inputs;
    for (int i = 0; i < names.size(); ++i)
      if (std::string_view(names[i]).starts_with("sequence_lengths") && node.inputs()[0].shape.rank() > 0)
        need(node, static_cast<std::size_t>(i),
             [&](index_t) { return integer(1, node.inputs()[0].shape[time_axis(node)]); });
    if (node.outputs()[0].dtype == DType::boolean && node.op().spec->converts) need_mask(node, 0);
    if (const Numbers factor = is<ops::Mul>(node) ? single_constant(node) : Numbers();
        factor.size() == 1 && std::fabs(factor[0]) >= mask_factor)
      need_mask(node, is_constant(node, 0) ? 1 : 0);
  }

  /// ReverseSequence may have its batch first.
  static int time_axis(const NodeView& node) {
    const Shape& shape = node.inputs()[0].shape;
    const index_t batch = node.inputs()[1].shape.back();
    return node.op().spec->inputs.size() == 2 && shape.rank() > 1 && shape[1] != batch ? 1 : 0;
  }

  /// 0 or 1, more often 1, and 1 at first, so that something is left.
  void need_mask(const NodeView& node, std::size_t input) {
    need(node, input, [&](index_t i) { return i == 0 || random_.bits() % 4 != 0 ? 1 : 0; });
  }

  /// The numbers that a node has only one different of, or none.
  static Numbers single_constant(const NodeView& node) {
    Numbers numbers = constant(node, is_constant(node, 0) ? 0 : 1);
    if (!numbers.empty() && std::equal(numbers.begin() + 1, numbers.end(), numbers.begin()))
      numbers.resize(1);
    return numbers;
  }

  /// Input 0 of an operator that has no result elsewhere; a little off the edges, where it may be infinite.
  void inside(const NodeView& node, const Clamp& domain) {
    constexpr double edge = 0.05, width = 2;
    const double low = std::isfinite(domain.min) ? static_cast<double>(domain.min) + edge : -width;
    const double high = std::isfinite(domain.max) ? static_cast<double>(domain.max) - edge : low + width;
    likely(node, 0, std::min(low, high), high);
  }

  /// Whether the power is known to be an integer, which negative numbers have too.
  static bool has_whole_power(const NodeView& node) {
    const Numbers power = constant(node, 1);
    return !power.empty() &&
           std::all_of(power.begin(), power.end(), [](double v) { return v == std::floor(v); });
  }

  /// Numbers that a comparison with a constant decides either way: `low` is how far below it they begin, 1 for
  /// integers from it on.
  void near(const NodeView& node, int low) {
    const std::size_t input = is_constant(node, 0) ? 1 : 0;
    const Numbers with = single_constant(node);
    if (with.size() != 1 || !std::isfinite(with[0]) || node.inputs()[0].dtype == DType::boolean) return;
    const bool whole = is_integer(node.inputs()[0].dtype) || low > 0;
    draw(node, input, Weight::likely,
         [&](index_t) { return with[0] + (whole ? integer(std::min(low, 0), 1) : between(low, 1)); });
  }

  /// Gives input 0 (or whatever is not constant) what the output is guessed to hold.
  void move_back(const NodeView& node) {
    const Guess guess = guesses_[static_cast<std::size_t>(std::max(node.output_ids()[0], 0))];
    const bool told = node.output_ids()[0] >= 0 && guess.weight != Weight::none;
    const OpSpec& spec = *node.op().spec;
    if (is<ops::Add, ops::Sub, ops::Mul, ops::Div>(node)) return undo_arithmetic(node, guess);
    if (is<ops::BatchNormalization>(node)) return undo_normalization(node);
    if (is<ops::QuantizeLinear>(node)) return undo_quantization(node, guess);
    if (!told) return;
    if (is<ops::DequantizeLinear>(node)) return undo_dequantization(node, guess);
    if (is<ops::Transpose>(node)) return undo_transpose(node, guess);
    if (spec.alias || spec.converts) return set(node, 0, guess.numbers, guess.weight);
    if (is<ops::Neg>(node)) {
      Numbers numbers = guess.numbers;
      for (double& v : numbers) v = -v;
      return set(node, 0, std::move(numbers), guess.weight);
    }
    if (spec.joins) return undo_join(node, guess);
    const auto movement = graph::facts_of(node.op_name(), spec.version).movement;
    const bool moves = movement != nullptr && movement(node.attributes()) != Movement::computes;
    if (moves && !guess.numbers.empty()) {
      Numbers numbers(static_cast<std::size_t>(count(node, 0)));  // moved somehow: the range is what counts
      for (std::size_t i = 0; i < numbers.size(); ++i) numbers[i] = guess.numbers[i % guess.numbers.size()];
      set(node, 0, std::move(numbers), guess.weight);
    }
  }

  void undo_join(const NodeView& node, const Guess& guess) {
    std::size_t at = 0;  // in whichever order: the range is what counts
    for (std::size_t i = 0; i < node.inputs().size(); ++i) {
      Numbers part(static_cast<std::size_t>(count(node, i)));
      for (double& v : part) v = guess.numbers.empty() ? 0 : guess.numbers[at++ % guess.numbers.size()];
      set(node, i, std::move(part), guess.weight);
    }
  }

  void undo_transpose(const NodeView& node, const Guess& guess) {
    const Shape &to = node.outputs()[0].shape, &from = node.inputs()[0].shape;
    const auto& attributes = node.attributes_of<ops::Transpose>();
    Numbers numbers(guess.numbers.size());
    for (std::size_t i = 0; i < numbers.size(); ++i) {
      index_t rest = static_cast<index_t>(i), at = 0;
      for (int d = to.rank() - 1; d >= 0; --d) {
        const int axis = ops::Transpose::source(attributes, to.rank(), d);
        at += rest % to[d] * from.product(axis + 1, from.rank());
        rest /= to[d];
      }
      numbers[static_cast<std::size_t>(at)] = guess.numbers[i];
    }
    set(node, 0, std::move(numbers), guess.weight);
  }

  /// Where element `i` of `shape` finds its partner in a tensor that broadcasts to it.
  static std::size_t partner(const Shape& shape, const Shape& other, std::size_t i) {
    index_t rest = static_cast<index_t>(i), at = 0, step = 1;
    for (int d = shape.rank() - 1, o = other.rank() - 1; d >= 0; --d, --o) {
      if (o >= 0 && other[o] != 1) at += rest % shape[d] * step;
      if (o >= 0) step *= other[o];
      rest /= shape[d];
    }
    return static_cast<std::size_t>(at);
  }

  /// A node that adds or multiplies a constant: its other input is what makes the output as guessed, or where
  /// nothing is, numbers between -1 and 1 and no smaller themselves.
  void undo_arithmetic(const NodeView& node, Guess guess) {
    const bool first = is_constant(node, 0);  // the constant
    const Numbers with = constant(node, first ? 0 : 1);
    const std::size_t input = first ? 1 : 0;
    const Shape& shape = node.outputs()[0].shape;
    if (with.empty() || !(node.inputs()[input].shape == shape)) return;
    if (is<ops::Add, ops::Sub>(node) && passes::is_mask(with)) return;  // what it takes away is to be lost
    const bool told = guess.weight != Weight::none;
    if (!told) {
      if (is_integer(node.outputs()[0].dtype)) return;
      guess = {Numbers(static_cast<std::size_t>(shape.elements())), Weight::likely};
      for (double& v : guess.numbers) v = between(-1, 1);
    }
    for (std::size_t i = 0; i < guess.numbers.size(); ++i) {
      double& v = guess.numbers[i];
      const double c = with[partner(shape, node.inputs()[first ? 0 : 1].shape, i)];
      const bool scales = std::isfinite(c) && std::fabs(c) > std::numeric_limits<float>::min();
      if (is<ops::Add>(node)) v -= c;
      if (is<ops::Sub>(node)) v = first ? c - v : v + c;
      if (is<ops::Mul>(node) && scales && (told || std::fabs(c) < 1)) v /= c;
      if (is<ops::Div>(node) && !first && (told || std::fabs(c) > 1)) v *= c;
      if (is<ops::Div>(node) && first && v != 0) v = c / v;
      if (!std::isfinite(v)) return;
    }
    if (is<ops::Div>(node) && first && guess.weight == Weight::likely) return;
    set(node, input, std::move(guess.numbers), guess.weight);
  }

  void undo_normalization(const NodeView& node) {
    const Numbers mean = constant(node, 3), variance = constant(node, 4);
    if (mean.empty() || variance.empty()) return;
    Numbers numbers(static_cast<std::size_t>(count(node, 0)));
    for (std::size_t i = 0; i < numbers.size(); ++i)
      numbers[i] =
          mean[i % mean.size()] + between(-2, 2) * std::sqrt(std::fabs(variance[i % variance.size()]));
    set(node, 0, std::move(numbers), Weight::likely);
  }

  /// One scale and zero point of integers with at most 16 bits, of which `lowest` is the first of `count`.
  struct Steps {
    double scale, zero, lowest, count;
  };
  static std::optional<Steps> steps_of(const NodeView& node, DType dtype) {
    const Numbers scale = constant(node, 1), zero = constant(node, 2);
    if (scale.size() != 1 || scale[0] == 0 || !is_integer(dtype) || bits(dtype) > 16) return std::nullopt;
    const double count = std::ldexp(1.0, bits(dtype));
    return Steps{scale[0], zero.empty() ? 0 : zero[0], is_signed_integer(dtype) ? -count / 2 : 0, count};
  }
  /// What becomes the integers guessed; else the whole range of what is quantized by one scale.
  void undo_quantization(const NodeView& node, Guess guess) {
    const auto steps = steps_of(node, node.outputs()[0].dtype);
    if (!steps) return;
    if (guess.weight == Weight::none) {
      guess = {Numbers(static_cast<std::size_t>(count(node, 0))), Weight::likely};
      for (double& v : guess.numbers) v = between(steps->lowest, steps->lowest + steps->count);
    }
    for (double& v : guess.numbers) v = (v - steps->zero) * steps->scale;
    set(node, 0, std::move(guess.numbers), guess.weight);
  }
  /// The integers that become the numbers guessed.
  void undo_dequantization(const NodeView& node, Guess guess) {
    const auto steps = steps_of(node, node.inputs()[0].dtype);
    if (!steps) return;
    for (double& v : guess.numbers)
      v = std::clamp(std::nearbyint(v / steps->scale) + steps->zero, steps->lowest,
                     steps->lowest + steps->count - 1);
    set(node, 0, std::move(guess.numbers), guess.weight);
  }

  runtime::PlanView plan_;
  Random& random_;
  std::vector<Guess> guesses_;
};

}  // namespace

std::vector<std::optional<std::vector<double>>> told(const runtime::PlanView& plan, Random& random) {
  return Teller(plan, random).run();
}

}  // namespace lithe::check
