// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <unordered_map>
#include <vector>

#include "lithe/core/status.hpp"
#include "tools/graph/graph.hpp"

namespace lithe::graph {

/// What operators' own rules say of shapes while dimensions are open: every open dimension gets a size, in several
/// samples, the shapes that follow from it are computed through the graph, with the contents of small values that
/// decide shapes (Shape, Gather, Concat, Reshape). A dimension that is the same in all samples is fixed; one that is as
/// large as a symbol in all of them is that symbol; whatever else it is, the rank is known.
///
/// Sizes: five samples give every open dimension a size of its own (small, round and growing; small, odd and falling;
/// large; and each second one far larger than the others, as the smaller of two may decide), two give all the same (for axes that must agree although
/// they have two names), one gives 1. A sample whose sizes a node refuses says nothing from there on.
class SampledShapes {
 public:
  /// Infers the outputs of a node whose inputs are inputs, constants, or outputs of nodes inferred before, and sets
  /// their dims. What the samples leave open keeps the dims it has, as do the outputs of nodes with subgraphs. The
  /// status is that of `infer` where all inputs have fixed dims, except that Code::needs_value counts as ok.
  Status infer(Graph& graph, const Node& node);

  /// Sets dimensions of a value that are open to those of `said`, where no sample contradicts.
  void hint(Graph& graph, ValueId value, const Dims& said);

  /// Takes over what `from` knows of a value that this graph captures.
  void copy(ValueId to, const SampledShapes& from, ValueId value);

 private:
  static constexpr std::size_t count = 8;
  struct Sample {
    bool known = false;
    Dims dims;
    ConstantPtr contents;
  };
  struct Samples {
    bool uniform = false;  ///< all are as the first one
    std::array<Sample, count> each;
    const Sample& operator[](std::size_t s) const { return each[uniform ? 0 : s]; }
    std::optional<std::size_t> rank() const;
    bool rank_varies() const;
  };

  static std::int64_t size(std::int64_t open, std::size_t sample);
  static std::int64_t symbol(std::int64_t size, std::size_t sample);
  /// Whether dimension `axis` may be `dim`, a number or a symbol.
  static bool possible(const Samples& samples, std::size_t axis, std::int64_t dim);
  static std::int64_t common(const Samples& samples, std::size_t axis);
  const Samples& samples_of(const Graph& graph, ValueId value);
  Samples opened(const Dims& dims);
  /// The outputs in one sample; empty where the operator does not tell. `exact[o]` becomes false where output `o` is no
  /// larger than that.
  std::vector<Sample> infer_sample(const Graph& graph, const Node& node, const std::vector<Samples>& inputs,
                                   std::size_t sample, std::vector<bool>& exact);
  /// The outputs in all samples of the node's inputs.
  std::vector<Samples> infer_samples(const Graph& graph, const Node& node, const std::vector<Samples>& inputs,
                                     std::vector<bool>& exact);
  /// Gives small inputs contents where they have none.
  static std::vector<Samples> with_contents(const Graph& graph, const Node& node, std::vector<Samples> inputs,
                                            const std::int64_t (&from)[2]);
  bool reopen(const Graph& graph, const Node& node, std::vector<Samples>& inputs);
  /// Gives a value of known rank the dims that all samples agree on.
  void set(Graph& graph, ValueId value, Samples samples);
  /// Gives dims that are not known the numbers that all samples agree on.
  static void fill(std::optional<Dims>& dims, const Samples& samples);
  /// Whether the inputs' sizes meet in no other sample.
  static bool ones_alone(const Samples& samples);

  std::unordered_map<ValueId, Samples> by_value_;
  std::int64_t unnamed_ = first_unnamed;  ///< number of the next open dimension that has no symbol
  static constexpr std::int64_t first_unnamed = 1 << 10;
};

}  // namespace lithe::graph
