// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "lithe/runtime/threads.hpp"
#include "tools/check/judge.hpp"
#include "tools/check/side.hpp"

namespace lithe::check {

/// How coarse the numbers of a model are, which sets its tolerance.
enum class Precision { full, half, quantized };
/// That of the coarsest type that the optimized model computes in, or that the original quantizes to.
Precision precision_of(const graph::Model& original, const graph::Model& optimized);
double tolerance_of(Precision precision);

/// The original as it was imported: in double precision the truth, in its own precision a witness.
class Original {
 public:
  /// `reference` must outlive it.
  Original(const graph::Model& reference, Precision precision, const Threads* threads);

  /// Resizes the truth. It is in the original's own precision where it cannot be had in double, and notes say so.
  Status resize(std::vector<InputShape> shapes, std::vector<std::string>& notes);
  Side& truth() { return in_double_ ? *in_double_ : *own_; }
  /// What resize refused, as text.
  std::string explain(const Status& status) { return own().explain(status); }

  /// Runs in its own precision.
  Result<Outputs> run(const Feed& feed);
  /// Lets the judges, one for each tensor of a run, hear a witness: number 0 is the original in its own precision,
  /// the others are the same rounded otherwise, each in its own way. False where it cannot be run.
  bool testify(int number, const Feed& feed, std::vector<Judge>& judges);

 private:
  Side& own();
  Status resize_own();

  const graph::Model& model_;
  Precision precision_;
  graph::Model double_model_;
  SessionOptions session_;
  std::optional<Side> in_double_, own_;
  std::vector<double> output_steps_;  ///< steps of quantization of the outputs
  std::vector<InputShape> shapes_;    ///< current ones
  bool own_is_stale_ = true;          ///< own_ has other shapes
};

}  // namespace lithe::check
