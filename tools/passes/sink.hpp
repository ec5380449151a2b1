// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <vector>

#include "tools/passes/permutation.hpp"
#include "tools/passes/rewriter.hpp"

/// The local rewrites of channels_last.
namespace lithe::passes {

/// A Transpose with permutation `p` feeds node `n`: the node is made to work on what comes before it, and
/// Transposes appear after its outputs instead (added to `below`). Other inputs get the inverse; where that
/// takes a new Transpose node `insert` must be set, and `inserted` is then set too. False, and nothing
/// changed, where it is not possible.
struct Sink {
  Rewriter& rewriter;
  int n;
  Permutation p;
  bool insert;
  bool inserted = false;
  std::vector<int> below = {};

  bool run();

 private:
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
  /// Operators over the last `axes` axes, for each index of the others alike; `first`: of all but the first
  /// axis.
  bool keeping_last(int axes, bool first);
  bool flatten();
  bool reshape();
  /// The transpose becomes two: `inner` now, right before node `n`, and the rest, which is then `p`.
  bool keep_groups_together(const Permutation& inner);

  Node& node() { return rewriter.node(n); }
  int rank() const { return static_cast<int>(p.size()); }
  /// Whether input `v` can be had in the order before the transpose, broadcasting to its rank.
  bool can_restore(ValueId v) const;
  ValueId restored(ValueId v);
  void restore_inputs(int first, int last);
  /// Output `o` moves after a new Transpose with permutation `q`.
  void transpose_output(int o, const Permutation& q);
  bool outputs_have_rank(int wanted) const;
};

}  // namespace lithe::passes
