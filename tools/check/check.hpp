// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "tools/graph/graph.hpp"

/// The converter's own test: the imported graph on portable kernels against the written file on the fast
/// ones.
namespace lithe::check {

/// One comparison: every output at one shape with one kind of input.
struct Case {
  std::string shapes;    ///< "N=1, H=64", or empty where all dims are fixed
  std::string contents;  ///< zero, random or large
  std::string output;    ///< the worst one
  double relative = 0, absolute = 0;
  double tolerance = 0;  ///< for that output
  bool passed = false;
  std::string mismatch;  ///< what cannot be expressed as a distance
};

struct Report {
  double tolerance = 0;
  std::vector<Case> cases;
  std::vector<std::string> notes;  ///< shapes that could not be run or compared
  std::string skipped;             ///< why nothing was compared (custom operators), or empty

  /// The case that is furthest off, in tolerances, or null where nothing was compared.
  const Case* worst() const;
};

struct Options {
  int self_tests = 0;  ///< vectors to record
  /// Steps of quantization of the inputs, where the graph does not say how they are stored.
  std::vector<double> input_steps = {};
  /// For a model that was quantized here: the model before that, or null. The reference and the result round
  /// in different places, so they may lie as far apart as rounding moved the reference from this one. Must
  /// outlive the check.
  const graph::Model* unrounded = nullptr;
  std::size_t threads = 1;
  std::uint64_t work = std::uint64_t{1} << 34;  ///< multiply-adds of the original: seconds, not minutes
};

/// Compares `reference` (unoptimized) with `optimized`, whose file is `bytes`, at min, opt and max of every
/// symbol (1, 2 and 7 where there is no max) with zero, random and large inputs.
///
/// An output may be off by the default tolerance, or by 1.5 times as much as rounding alone moves the
/// reference's output. Eight draws measure that: each runs inputs that differ by rounding errors on the
/// reference with all its layers rounded (rounded.hpp), where a step over an edge, a tie or the mean of equal
/// numbers shows. An integer, NaN or infinity may stand in place of another number only at an element where a
/// draw has one too. In a quantized model rounding moves everything after it: the draws' inputs differ by
/// steps of quantization, a quantized output may be off by one step, and with `options.unrounded` by its
/// distance from the reference.
///
/// Records `options.self_tests` vectors in `tests`: random inputs and the reference's outputs. Over
/// `options.work` inputs are random only, and sizes that nobody asked for are left out; notes say so. Throws
/// report::Failure (exit 1) if the model runs at no shape.
Report check(const graph::Model& reference, const graph::Model& optimized, std::span<const std::byte> bytes,
             const Options& options, std::vector<graph::SelfTest>& tests);

}  // namespace lithe::check
