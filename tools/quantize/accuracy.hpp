// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <vector>

#include "tools/graph/graph.hpp"
#include "tools/quantize/runner.hpp"
#include "tools/quantize/samples.hpp"

namespace lithe::quantize {

/// How far an output is from the float model's output on some samples.
struct OutputAccuracy {
  std::string name;
  double signal = 0, noise = 0;  ///< sums of squares: of the float output, and of the difference
  double error = 0;              ///< largest |a - b| / max(range, largest |value|, 1e-2) of a sample
  std::size_t rows = 0;          ///< rows of an output [N, classes]
  std::size_t agreeing = 0;      ///< those whose largest class is the same

  double snr_db() const;  ///< infinity if nothing differs
};

struct Accuracy {
  std::size_t samples = 0;
  std::vector<OutputAccuracy> outputs;  ///< those of floating-point type

  double error() const;                 ///< the largest
  double relative_noise() const;        ///< summed over outputs, each relative to its signal
  const OutputAccuracy* worst() const;  ///< by signal to noise; null without outputs
};

/// Compares models with a float model on samples. It keeps the float model's outputs unless they are too
/// large.
class Judge {
 public:
  /// At most `most` samples, spread evenly over the set.
  Judge(const graph::Model& floating, const Samples& samples, std::size_t most, std::size_t threads);
  std::size_t samples() const { return indices_.size(); }
  Accuracy compare(const graph::Model& model);

 private:
  const std::vector<graph::ConstantPtr>& wanted(std::size_t i);

  const graph::Model& floating_;
  const Samples& samples_;
  std::size_t threads_;
  std::vector<std::size_t> indices_;
  std::optional<Runner> reference_;
  std::vector<std::vector<graph::ConstantPtr>> kept_;
  std::vector<graph::ConstantPtr> last_;
  std::size_t kept_bytes_ = 0;
};

}  // namespace lithe::quantize
