// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "tools/passes/rewriter.hpp"

namespace lithe::passes {

/// An expression over nodes, written as text:
///   Mul(x, Sigmoid(x))     nodes and values: a lower-case name is any value, everywhere the same one
///   d=Sub(x, ReduceMean)   a node with a name; without parentheses it may have any inputs
///   Add(x, 3)  Add(x, $e)  a constant of one element, of this value or any
///   Scale(x, 0.5)          Mul by this constant, or Div by its inverse
///   {Mul(d, d)|Pow(d, 2)}  either
/// Operators that commute match in both orders. Throws std::invalid_argument for text that is none of these.
struct Pattern {
  enum class Kind { node, value, number, any_number, either };
  Kind kind = Kind::value;
  std::string name;  ///< the operator, or the value's or number's name
  std::string label;
  double number = 0;
  bool any_inputs = false;
  std::vector<Pattern> parts;

  static Pattern parse(std::string_view text);
};

/// Where a pattern was found.
struct Match {
  std::map<std::string, ValueId> values;
  std::map<std::string, double> numbers;
  std::vector<int> nodes;  ///< the root first

  ValueId value(const std::string& name) const { return values.at(name); }
  double number(const std::string& name) const { return numbers.at(name); }
};

/// Matches the pattern with node `n` as its root. A node that clamps what it computes matches none.
std::optional<Match> find(Rewriter& rewriter, const Pattern& pattern, int n);
/// The first value inside of the match (not the root's) that another node or the graph's caller reads. It is
/// absent if there is none, so that the match may be replaced.
ValueId read_outside(Rewriter& rewriter, const Match& match);
/// Replaces the match by `replacement`, which has one output and stands for the same ONNX nodes.
void replace(Rewriter& rewriter, const Match& match, Node replacement);

}  // namespace lithe::passes
