// SPDX-License-Identifier: Apache-2.0
#include "tools/graph/sampled_shapes.hpp"

#include <span>
#include <utility>

#include "lithe/format/reader.hpp"
#include "tools/graph/bound_node.hpp"
#include "tools/graph/evaluate.hpp"

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

/// What follows although contents are not known: a shape of known length gives the rank.
std::optional<std::size_t> rank_of_shape_input(const Graph& graph, const Node& node) {
  const std::size_t shape = node.op == "Reshape" ? 1 : 0;
  if (shape == 0 && node.op != "ConstantOfShape") return std::nullopt;
  if (shape >= node.inputs.size() || node.inputs[shape] == absent) return std::nullopt;
  const std::optional<Dims>& length = graph.value(node.inputs[shape]).dims;
  if (!length || length->size() != 1 || (*length)[0] < 0 || (*length)[0] > max_rank) return std::nullopt;
  return static_cast<std::size_t>((*length)[0]);
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
      return 37 + 2 * (open % 101);
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

/// The number of the open dimension that has this size in the large sample, or -1.
std::int64_t SampledShapes::symbol(std::int64_t size) {
  const std::int64_t steps = (size - (1 << 14)) / 64 - 1;
  if (steps < 0 || steps % 3 != 0 || SampledShapes::size(steps / 3, large) != size) return -1;
  return steps / 3;
}

bool SampledShapes::possible(const Samples& samples, std::size_t axis, std::int64_t dim) {
  for (std::size_t s = 0; s < count; ++s)
    if (samples[s].known && samples[s].dims[axis] != (dim < 0 ? size(symbol_of(dim), s) : dim)) return false;
  return true;
}

/// What all known samples of a dimension are: a number, a symbol, or neither (-1).
std::int64_t SampledShapes::common(const Samples& samples, std::size_t axis) {
  if (samples.uniform) return samples[0].dims[axis];
  const bool is_small = samples[small].known || samples[odd].known;
  if (samples[large].known && is_small) {
    const std::int64_t open = symbol(samples[large].dims[axis]);
    if (open >= 0 && open < first_unnamed && possible(samples, axis, dim_of_symbol(open)))
      return dim_of_symbol(open);
  }
  const std::size_t beyond = samples[large].known ? large : equal_large;
  if (!samples[beyond].known || !(is_small || samples[equal_small].known || samples[ones].known)) return -1;
  const std::int64_t number = samples[beyond].dims[axis];
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
  const auto index = static_cast<std::size_t>(value);
  if (by_value_.size() <= index) by_value_.resize(graph.values.size());
  std::optional<Samples>& samples = by_value_[index];
  if (samples) return *samples;
  const Value& v = graph.value(value);
  if (v.constant) {
    const auto dims = v.constant->shape.dims();
    samples.emplace().uniform = true;
    samples->each[0] = {true, Dims(dims.begin(), dims.end()), v.constant};
  } else {
    samples = v.dims ? opened(*v.dims) : Samples{};
  }
  return *samples;
}

void SampledShapes::copy(ValueId to, const SampledShapes& from, ValueId value) {
  const auto index = static_cast<std::size_t>(value), target = static_cast<std::size_t>(to);
  if (index >= from.by_value_.size() || !from.by_value_[index]) return;
  if (by_value_.size() <= target) by_value_.resize(target + 1);
  by_value_[target] = from.by_value_[index];
}

void SampledShapes::hint(Graph& graph, ValueId value, const Dims& said) {
  std::optional<Dims>& dims = graph.value(value).dims;
  const auto index = static_cast<std::size_t>(value);
  const Samples* samples = index < by_value_.size() && by_value_[index] ? &*by_value_[index] : nullptr;
  if (!dims) dims.emplace(said.size(), -1);
  if (dims->size() != said.size()) return;
  for (std::size_t i = 0; i < said.size(); ++i)
    if ((*dims)[i] == -1 && said[i] != -1 && (samples == nullptr || possible(*samples, i, said[i])))
      (*dims)[i] = said[i];
}

std::vector<SampledShapes::Sample> SampledShapes::infer_sample(const Graph& graph, const Node& node,
                                                               std::size_t sample, std::vector<bool>& exact) {
  Graph alone;
  Node copy = node;
  for (ValueId& input : copy.inputs) {
    if (input == absent) continue;
    const Sample& given = samples_of(graph, input)[sample];
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
  if (by_value_.size() <= static_cast<std::size_t>(value)) by_value_.resize(graph.values.size());
  by_value_[static_cast<std::size_t>(value)] = std::move(samples);
}

Status SampledShapes::infer(Graph& graph, const Node& node) {
  BoundNode bound(graph, node);
  LITHE_TRY(bound.status());
  if (!node.subgraphs.empty()) return {};
  if (bound.shapes_known())
    if (const Status status = bound.infer(); !status.ok() && status.code() != Code::needs_value)
      return status;
  bool uniform = true;
  for (const ValueId input : node.inputs)
    uniform = uniform && (input == absent || samples_of(graph, input).uniform);
  std::vector<Samples> outputs(node.outputs.size());
  std::vector<bool> exact(node.outputs.size(), true);
  for (std::size_t s = 0; s < (uniform ? 1 : count); ++s) {
    std::vector<Sample> sample = infer_sample(graph, node, s, exact);
    for (std::size_t o = 0; o < sample.size(); ++o) outputs[o].each[s] = std::move(sample[o]);
  }
  for (std::size_t o = 0; o < outputs.size(); ++o) {
    if (node.outputs[o] == absent) continue;
    outputs[o].uniform = uniform;
    const std::optional<std::size_t> rank = outputs[o].rank();
    set_rank(graph.value(node.outputs[o]).dims, rank ? rank : rank_of_shape_input(graph, node));
    if (rank && exact[o]) set(graph, node.outputs[o], std::move(outputs[o]));
  }
  return {};
}

}  // namespace lithe::graph
