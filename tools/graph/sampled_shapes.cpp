// SPDX-License-Identifier: Apache-2.0
#include "tools/graph/sampled_shapes.hpp"

#include <algorithm>
#include <span>
#include <utility>

#include "lithe/format/reader.hpp"
#include "tools/graph/bound_node.hpp"
#include "tools/graph/evaluate.hpp"
#include "tools/graph/fitting_ranks.hpp"

namespace lithe::graph {

namespace {

enum SampleName : std::size_t {
  small,
  large,
  odd,
  first_larger,
  second_larger,
  equal_small,
  equal_large,
  ones
};

/// Larger tensors are not sampled: their sizes would overflow.
constexpr std::uint64_t most_bytes = std::uint64_t{1} << 48;

/// Contents larger than this decide no shape.
constexpr EvaluationLimits small_values{.result_bytes = 4096, .work = 4096};

/// A Reshape to a shape of known length gives the rank, whatever the shape holds.
std::optional<std::size_t> rank_of_reshape(const Graph& graph, const Node& node) {
  if (node.op != "Reshape" || node.inputs.size() < 2 || node.inputs[1] == absent) return std::nullopt;
  const std::optional<Dims>& length = graph.value(node.inputs[1]).dims;
  if (!length || length->size() != 1 || (*length)[0] < 0 || (*length)[0] > max_rank) return std::nullopt;
  return static_cast<std::size_t>((*length)[0]);
}

/// Contents of small inputs that decide shapes, for the rank of what a node makes: sizes, starts, pads and repeats may be
/// all 1 or all 0, axes 0, 1, 2 ...
constexpr std::int64_t guesses[][2] = {{1, 0}, {0, 0}, {0, 1}};  // {first, step}

/// Null where an input cannot decide the number of dims.
ConstantPtr guess(DType dtype, const Dims& dims, const std::int64_t (&from)[2]) {
  if (dims.size() > 1 || (dims.size() == 1 && (dims[0] < 0 || dims[0] > 2 * max_rank))) return nullptr;
  const auto fill = [&]<class T>(T) {
    std::vector<T> numbers(dims.empty() ? 1 : static_cast<std::size_t>(dims[0]));
    for (std::size_t i = 0; i < numbers.size(); ++i)
      numbers[i] = static_cast<T>(from[0] + from[1] * static_cast<std::int64_t>(i));
    return make_constant<T>(Shape(std::span<const std::int64_t>(dims)), numbers);
  };
  if (dtype == DType::s64) return fill(std::int64_t{});
  if (dtype == DType::s32) return fill(std::int32_t{});
  return dtype == DType::f32 ? fill(float{}) : nullptr;
}

void set_rank(std::optional<Dims>& dims, std::optional<std::size_t> rank) {
  if (rank && (!dims || dims->size() != *rank)) dims.emplace(*rank, -1);
}

}  // namespace

/// The size of open dimension number `open` in a sample. No dimension is another one, its double, or a sum of others in
/// all of them.
std::int64_t SampledShapes::size(std::int64_t open, std::size_t sample) {
  switch (sample) {
    case small:
      return 32 * (open % 97 + 1);
    case large:
      return (1 << 14) + 64 * (3 * open + 1);
    case odd:
      return 61 - open % 53;
    case first_larger:
    case second_larger:
      return (open % 2 == 0) == (sample == first_larger) ? (1 << 15) + 64 * (open % 89) : 16 + open % 89;
    case equal_small:
      return 64;
    case equal_large:
      return 1 << 14;
    default:
      return 1;
  }
}

/// The rank in the first sample that is known.
std::optional<std::size_t> SampledShapes::Samples::rank() const {
  for (const Sample& s : each)
    if (s.known) return s.dims.size();
  return std::nullopt;
}

bool SampledShapes::Samples::rank_varies() const {
  const std::optional<std::size_t> first = rank();
  return !uniform && std::any_of(each.begin(), each.end(),
                                 [&](const Sample& s) { return s.known && s.dims.size() != first; });
}

/// The number of the open dimension that has this size in the large or the small sample, or -1.
std::int64_t SampledShapes::symbol(std::int64_t size, std::size_t sample) {
  const std::int64_t open = sample == large ? ((size - (1 << 14)) / 64 - 1) / 3 : size / 32 - 1;
  return open >= 0 && SampledShapes::size(open, sample) == size ? open : -1;
}

bool SampledShapes::possible(const Samples& samples, std::size_t axis, std::int64_t dim) {
  for (std::size_t s = 0; s < count; ++s)
    if (samples[s].known && samples[s].dims[axis] != (dim < 0 ? size(symbol_of(dim), s) : dim)) return false;
  return true;
}

/// What all known samples of a dimension are: a number, a symbol, or neither (-1). Where a table, of positions for
/// example, has no room for the large samples, all the smaller ones have to agree.
std::int64_t SampledShapes::common(const Samples& samples, std::size_t axis) {
  if (samples.uniform) return samples[0].dims[axis];
  const auto known = [&](std::size_t sample) { return samples[sample].known; };
  const bool both_small = known(small) && known(odd);
  if (known(large) ? known(small) || known(odd) : both_small) {
    const std::size_t telling = known(large) ? large : small;
    const std::int64_t open = symbol(samples[telling].dims[axis], telling);
    if (open >= 0 && open < first_unnamed && possible(samples, axis, dim_of_symbol(open)))
      return dim_of_symbol(open);
  }
  const bool any_small = known(small) || known(odd) || known(equal_small) || known(ones);
  const bool enough =
      known(large) || known(equal_large) ? any_small : both_small && (known(equal_small) || known(ones));
  if (!enough) return -1;
  const std::int64_t number = samples[known(large)         ? large
                                      : known(equal_large) ? equal_large
                                                           : small]
                                  .dims[axis];
  return possible(samples, axis, number) ? number : -1;
}

SampledShapes::Samples SampledShapes::opened(const Dims& dims) {
  Samples samples;
  samples.uniform = fixed(dims);
  std::vector<std::int64_t> open;
  for (const std::int64_t d : dims) open.push_back(symbol_of(d) >= 0 ? symbol_of(d) : d < 0 ? unnamed_++ : 0);
  for (std::size_t s = 0; s < (samples.uniform ? 1 : count); ++s) {
    samples.each[s] = {true, dims, nullptr};
    for (std::size_t i = 0; i < dims.size(); ++i)
      if (dims[i] < 0) samples.each[s].dims[i] = size(open[i], s);
    std::uint64_t bytes = 0;
    samples.each[s].known = samples.uniform || Shape(std::span<const std::int64_t>(samples.each[s].dims))
                                                   .checked_bytes(DType::u8, most_bytes, bytes);
  }
  return samples;
}

const SampledShapes::Samples& SampledShapes::samples_of(const Graph& graph, ValueId value) {
  const auto [at, fresh] = by_value_.try_emplace(value);
  Samples& samples = at->second;
  if (!fresh) return samples;
  const Value& v = graph.value(value);
  if (v.constant) {
    const auto dims = v.constant->shape.dims();
    samples.uniform = true;
    samples.each[0] = {true, Dims(dims.begin(), dims.end()), v.constant};
  } else if (v.dims) {
    samples = opened(*v.dims);
  }
  return samples;
}

void SampledShapes::copy(ValueId to, const SampledShapes& from, ValueId value) {
  if (const auto found = from.by_value_.find(value); found != from.by_value_.end())
    by_value_[to] = found->second;
}

void SampledShapes::hint(Graph& graph, ValueId value, const Dims& said) {
  std::optional<Dims>& dims = graph.value(value).dims;
  const auto found = by_value_.find(value);
  const Samples* samples = found == by_value_.end() ? nullptr : &found->second;
  if (!dims) dims.emplace(said.size(), -1);
  if (dims->size() != said.size()) return;
  for (std::size_t i = 0; i < said.size(); ++i)
    if ((*dims)[i] == -1 && said[i] != -1 && (samples == nullptr || possible(*samples, i, said[i])))
      (*dims)[i] = said[i];
}

std::vector<SampledShapes::Sample> SampledShapes::infer_sample(const Graph& graph, const Node& node,
                                                               const std::vector<Samples>& inputs,
                                                               std::size_t sample, std::vector<bool>& exact) {
  Graph alone;
  Node copy = node;
  for (std::size_t i = 0; i < inputs.size(); ++i) {
    ValueId& input = copy.inputs[i];
    if (input == absent) continue;
    const Sample& given = inputs[i][sample];
    if (!given.known) return {};
    Value value = graph.value(input);
    value.dims = given.dims;
    value.constant = given.contents;
    input = alone.add_value(std::move(value));
  }
  for (ValueId& output : copy.outputs)
    if (output != absent) output = alone.add_value(graph.value(output));
  BoundNode bound(alone, copy);
  if (!bound.infer(most_bytes).ok()) return {};
  std::vector<Sample> results;
  for (std::size_t o = 0; o < bound.outputs.size(); ++o) {
    const auto dims = bound.outputs[o].shape.dims();
    results.push_back({true, Dims(dims.begin(), dims.end()), nullptr});
    exact[o] = exact[o] && bound.outputs[o].extent == Extent::exact;
  }
  if (const auto contents = evaluate(bound, small_values))
    for (std::size_t o = 0; o < results.size(); ++o) results[o].contents = (*contents)[o];
  return results;
}

void SampledShapes::set(Graph& graph, ValueId value, Samples samples) {
  Dims& dims = *graph.value(value).dims;
  for (Sample& s : samples.each)  // as where a Squeeze without axes meets a batch of 1
    s.known = s.known && s.dims.size() == dims.size();
  for (std::size_t i = 0; i < dims.size(); ++i)
    if (const std::int64_t d = common(samples, i); d != -1 || !possible(samples, i, dims[i])) dims[i] = d;
  by_value_[value] = std::move(samples);
}

void SampledShapes::fill(std::optional<Dims>& dims, const Samples& samples) {
  if (!dims || samples.rank() != dims->size() || samples.rank_varies()) return;
  for (std::size_t i = 0; i < dims->size(); ++i)
    if ((*dims)[i] == -1) (*dims)[i] = std::max<std::int64_t>(common(samples, i), -1);
}

bool SampledShapes::ones_alone(const Samples& samples) {
  const auto seen =
      std::count_if(samples.each.begin(), samples.each.end(), [](const Sample& s) { return s.known; });
  return seen == 1 && !samples.uniform && samples.each[ones].known;
}

std::vector<SampledShapes::Samples> SampledShapes::infer_samples(const Graph& graph, const Node& node,
                                                                 const std::vector<Samples>& inputs,
                                                                 std::vector<bool>& exact) {
  const bool uniform = std::all_of(inputs.begin(), inputs.end(), [](const Samples& s) { return s.uniform; });
  std::vector<Samples> outputs(node.outputs.size());
  exact.assign(node.outputs.size(), true);
  for (std::size_t s = 0; s < (uniform ? 1 : count); ++s) {
    std::vector<Sample> sample = infer_sample(graph, node, inputs, s, exact);
    for (std::size_t o = 0; o < sample.size(); ++o) outputs[o].each[s] = std::move(sample[o]);
  }
  for (Samples& samples : outputs) samples.uniform = uniform;
  return outputs;
}

/// Gives the inputs fresh samples, as if the graph began here. Returns false where that cannot help: all dims are fixed, or
/// the rank of an input is not known.
bool SampledShapes::reopen(const Graph& graph, const Node& node, std::vector<Samples>& inputs) {
  bool any = false;
  for (std::size_t i = 0; i < inputs.size(); ++i) {
    if (node.inputs[i] == absent || inputs[i].uniform) continue;
    const std::optional<Dims>& dims = graph.value(node.inputs[i]).dims;
    if (!dims) return false;
    inputs[i] = opened(*dims);
    any = true;
  }
  return any;
}

std::vector<SampledShapes::Samples> SampledShapes::with_contents(const Graph& graph, const Node& node,
                                                                 std::vector<Samples> inputs,
                                                                 const std::int64_t (&from)[2]) {
  for (std::size_t i = 0; i < inputs.size(); ++i) {
    if (node.inputs[i] == absent) continue;
    const Value& value = graph.value(node.inputs[i]);
    if (!value.dims || !fixed(*value.dims)) continue;  // a shape of unknown length tells no rank
    for (Sample& sample : inputs[i].each)
      if (sample.known && !sample.contents) sample.contents = guess(value.dtype, sample.dims, from);
  }
  return inputs;
}

Status SampledShapes::infer(Graph& graph, const Node& node) {
  BoundNode bound(graph, node);
  LITHE_TRY(bound.status());
  if (!node.subgraphs.empty()) return {};
  if (bound.shapes_known())
    if (const Status status = bound.infer(); !status.ok() && status.code() != Code::needs_value)
      return status;
  std::vector<Samples> inputs(node.inputs.size());
  for (std::size_t i = 0; i < inputs.size(); ++i)
    if (node.inputs[i] == absent)
      inputs[i].uniform = true;
    else
      inputs[i] = samples_of(graph, node.inputs[i]);
  std::vector<bool> exact;
  std::vector<Samples> outputs = infer_samples(graph, node, inputs, exact);
  const auto nothing = [](const std::vector<Samples>& all) {
    return std::none_of(all.begin(), all.end(), [](const Samples& samples) { return samples.rank(); });
  };
  if (nothing(outputs) && reopen(graph, node, inputs)) outputs = infer_samples(graph, node, inputs, exact);
  std::vector<Samples> guessed = outputs;  // for their ranks
  std::vector<bool> unused;
  for (const auto& from : guesses)
    if (nothing(guessed))
      guessed = infer_samples(graph, node, with_contents(graph, node, inputs, from), unused);
  std::vector<std::optional<std::size_t>> fitting(node.outputs.size());
  if (nothing(guessed)) fitting = fitting_ranks(graph, node);
  // where the sizes of the inputs meet in the sample of ones alone, fresh samples tell what does not depend on them
  std::vector<Samples> fresh(node.outputs.size());
  if (std::any_of(guessed.begin(), guessed.end(), ones_alone) && reopen(graph, node, inputs))
    fresh = infer_samples(graph, node, inputs, unused);
  // a Squeeze without axes: a size that has a name is hardly 1, but one that nobody knows may be
  const bool unnamed = std::any_of(node.inputs.begin(), node.inputs.end(), [&](ValueId input) {
    if (input == absent || graph.value(input).constant) return false;
    const std::optional<Dims>& dims = graph.value(input).dims;
    return !dims || std::find(dims->begin(), dims->end(), -1) != dims->end();
  });
  const std::size_t input_rank = inputs.empty() ? 0 : inputs[0].rank().value_or(0);
  const auto doubtful = [&](std::size_t o) {
    const Samples& samples = guessed[o];
    if (!unnamed || samples.rank_varies()) return unnamed;
    return ones_alone(samples) && samples.rank().value_or(0) < input_rank &&
           (!fresh[o].rank() || fresh[o].rank_varies());
  };
  const std::optional<std::size_t> reshaped = rank_of_reshape(graph, node);
  for (std::size_t o = 0; o < outputs.size(); ++o) {
    if (node.outputs[o] == absent || (!reshaped && doubtful(o))) continue;
    const std::optional<std::size_t> rank = outputs[o].rank(), likely = guessed[o].rank();
    set_rank(graph.value(node.outputs[o]).dims, reshaped ? reshaped : likely ? likely : fitting[o]);
    if (rank && exact[o]) set(graph, node.outputs[o], std::move(outputs[o]));
    if (rank && exact[o]) fill(graph.value(node.outputs[o]).dims, fresh[o]);
  }
  return {};
}

}  // namespace lithe::graph
