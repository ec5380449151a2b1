// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <string_view>
#include <vector>

#include "tools/passes/layout_rules.hpp"
#include "tools/passes/permutation.hpp"
#include "tools/passes/rewriter.hpp"

/// The local rewrites of channels_last.
namespace lithe::passes {

/// Moves a Transpose with permutation `p` down through node `n`, which it feeds: the node works on the
/// Transpose's input, and Transposes appear after its outputs instead (added to `below`). Other inputs get
/// the inverse; if that takes a new Transpose node, `insert` must be set, and `inserted` is then set too.
/// Returns false, and changes nothing, if it is not possible.
struct Sink {
  Rewriter& rewriter;
  int n;
  Permutation p;
  bool insert;
  bool inserted = false;
  std::vector<int> below = {};

  bool run();

 private:
  /// Whether input 0 is what the Transpose gives.
  bool data_comes_through();
  bool by_rule(const LayoutRule& rule);
  bool elementwise();
  bool axis_attribute(std::int64_t fallback, int data_inputs);
  bool quantizing();
  bool slice();
  bool pad();
  bool resize();
  bool tile();
  bool reduce();
  bool arg();
  bool cumulative();
  bool gather();
  bool squeeze();
  bool unsqueeze();
  bool shape();
  /// Operators that work on the last `axes` axes, in the same way for each index of the others; `first`: on
  /// all axes but the first.
  bool keeping_last(int axes, bool first);
  bool flatten();
  bool reshape();
  /// Splits the transpose in two: `inner`, right before node `n`, and the rest, which is `p` from then on.
  bool keep_groups_together(const Permutation& inner);

  Node& node() { return rewriter.node(n); }
  int rank() const { return static_cast<int>(p.size()); }
  /// Whether input `v` can be given in the order before the transpose, broadcast to its rank.
  bool can_restore(ValueId v) const;
  ValueId restored(ValueId v);
  void restore_inputs(int first, int last);
  /// Puts a new Transpose with permutation `q` after the node, before output `o`.
  void transpose_output(int o, const Permutation& q);
  bool outputs_have_rank(int wanted) const;
  /// A constant of the places that `p` gives these axes.
  ValueId moved_axes(const std::vector<std::int64_t>& axes, DType dtype);
  /// Gives the node two inputs: the data, in the order before the transpose, and a constant.
  void set_data_and_ints(const std::vector<std::int64_t>& ints, std::string_view name);
};

}  // namespace lithe::passes
