// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <map>
#include <string>
#include <vector>

#include "tools/graph/graph.hpp"
#include "tools/quantize/histogram.hpp"
#include "tools/quantize/samples.hpp"
#include "tools/quantize/select.hpp"

namespace lithe::quantize {

/// The channels (last axis) of a tensor over all samples.
struct Channels {
  std::vector<double> sums;
  std::vector<float> largest;  ///< magnitudes
  double rows = 0;

  std::vector<double> means() const;
};

/// What was seen of a float graph on the calibration set. The keys are names, which graphs keep through
/// rewriting.
struct Observations {
  std::map<std::string, Histogram> values;  ///< inputs, and the roots of a selection's groups
  std::map<std::string, Channels> inputs;   ///< the channels of what a layer reads, by key_of the layer
};

/// Runs the model over all samples on the fast kernels and looks at every tensor right after its node ran.
/// Takes no memory beyond that of one run and of the counts.
Observations observe(const graph::Model& model, const Selection& selection, const Samples& samples,
                     std::size_t threads);

}  // namespace lithe::quantize
