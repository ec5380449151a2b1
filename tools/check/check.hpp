// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "tools/graph/graph.hpp"

/// The converter's own test: the written file on the fast kernels against the graph as it was imported, in
/// double precision on the portable ones.
namespace lithe::check {

/// agrees: right wherever something could be said; differs: a bug of ours; not_checked: nothing could be said.
enum class Verdict { agrees, differs, not_checked };
const char* name(Verdict verdict);

/// One comparison: every output at one shape with one kind of input.
struct Case {
  std::string shapes;    ///< "N=1, H=64", or empty where all dims are fixed
  std::string contents;  ///< random, positive, zero, large, or "sample 3"
  std::string output;    ///< the worst one
  double relative = 0, absolute = 0;
  double tolerance = 0;  ///< for the worst element of that output
  bool passed = false;
  bool counts =
      true;  ///< false for what networks are not made for: large inputs, zeros where they live elsewhere
  std::string mismatch;  ///< what cannot be expressed as a distance

  /// How far off it is, for people: the mismatch, or "error 0.2 over tolerance 0.1".
  std::string difference() const;
};

struct Report {
  Verdict verdict = Verdict::not_checked;
  double tolerance = 0;
  std::vector<Case> cases;
  std::vector<std::string> notes;  ///< what was left out, and why; what large inputs show
  std::string reason;  ///< why nothing could be said (custom operators, no valid inputs), or empty

  /// The case that is furthest off, in tolerances, of those that count; null where there is none.
  const Case* worst() const;
};

/// Contents for each input of the main graph, in its order; null for states.
using Sample = std::vector<graph::ConstantPtr>;

struct Options {
  int self_tests = 0;                ///< vectors to record
  std::vector<Sample> samples = {};  ///< what to check on, and on nothing else; empty: inputs are guessed
  bool witnesses = true;             ///< false: the distance from the truth is all that is asked
  std::size_t threads = 1;
  std::uint64_t work = std::uint64_t{1} << 33;  ///< multiply-adds of the original: seconds, not minutes
};

/// Compares `optimized`, whose file is `bytes`, with `reference` (unoptimized) at min, opt and max of every symbol
/// (1, 2 and 7 where there is no max; larger ones where these leave nothing to compute), on inputs from where the
/// network lives (told.hpp), on zeros, and on large inputs, whose differences are notes.
///
/// The truth is the reference in double precision. An output is right as judge.hpp says: within the default
/// tolerance of the truth, or as near to it as four times a witness, element by element. Witnesses are heard where
/// the tolerance is not enough: the reference in its own precision, then the same rounded otherwise (rounding.hpp),
/// up to 32 times. In a quantized model a step that is rounded otherwise moves all that follows, so that one element
/// tells little of another draw: there any element may also be 1.5 times as far off as the furthest of any witness,
/// and one step of an output that was just quantized.
///
/// A size costs at most ten inferences of the original, as far as none differs; beyond `options.work` inputs are
/// random only, and sizes that nobody asked for are left out: notes say so. Records `options.self_tests` vectors in
/// `tests`: inputs and the truth, rounded to the outputs' types.
/// Throws report::Failure (exit 1) where the converted model refuses a shape that the original takes.
Report check(const graph::Model& reference, const graph::Model& optimized, std::span<const std::byte> bytes,
             const Options& options, std::vector<graph::SelfTest>& tests);

}  // namespace lithe::check
