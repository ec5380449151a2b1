// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>
#include <deque>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "lithe/runtime/threads.hpp"
#include "tools/check/check.hpp"
#include "tools/check/judge.hpp"
#include "tools/check/original.hpp"
#include "tools/check/side.hpp"

namespace lithe::check {

/// What both sides give for some inputs.
struct Outcome {
  std::optional<Case> found;  ///< its shapes, contents and `counts` are left to the caller
  std::string silence;        ///< why nothing is found
  int witnesses = 0;          ///< that were heard, each an inference of the original
};

/// The original beside the converted model.
class Comparison {
 public:
  /// All must outlive it.
  Comparison(const graph::Model& reference, const graph::Model& optimized, std::span<const std::byte> file,
             const Options& options);

  Original& original() { return original_; }
  Side& converted() { return converted_; }
  /// For elements of which no witness says more.
  double tolerance() const { return tolerance_; }

  /// Runs both sides at their current shapes. Hears witnesses as long as the outputs differ, few where an inference
  /// takes more than `small_work`.
  Outcome compare(const Feed& feed);
  /// The inputs with the truth; nullopt where the original itself is too far from it for a tolerance to say (indices
  /// where values tie).
  std::optional<graph::SelfTest> self_test(const Feed& feed);

  static constexpr std::uint64_t small_work =
      1 << 22;  ///< an inference that costs less takes no time to speak of

 private:
  std::vector<Judge> judges_of(const Outputs& truth) const;
  bool measure(const std::vector<Judge>& judges, const Outputs& got, Case& found) const;
  Outcome refused(const Feed& feed, const Status& status);

  const graph::Model& model_;
  bool hears_witnesses_;
  Threads threads_;
  Precision precision_;
  double tolerance_;
  Original original_;
  Side converted_;
  std::vector<DType> output_dtypes_;
  std::deque<std::optional<Quantization>> quantizations_;  ///< that the converted model's outputs carry
};

}  // namespace lithe::check
