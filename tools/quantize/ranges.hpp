// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string_view>

#include "tools/passes/quantized.hpp"
#include "tools/quantize/histogram.hpp"

namespace lithe::quantize {

/// Real numbers that a stored tensor can tell apart; low <= 0 <= high.
struct Range {
  float low = 0, high = 0;
  friend bool operator==(const Range&, const Range&) = default;
};

/// How a range is chosen from what was seen.
enum class Method {
  minmax,      ///< everything
  percentile,  ///< without the outermost 0.01 % at each end
  /// Least loss of information (Migacz, "8-bit Inference with TensorRT", 2017), each end on its own. A few
  /// values that most elements have, as a background gives, mislead it: never more than 8 times the squared
  /// error of minmax. Below 16 values a bin there is no distribution yet: mse.
  entropy,
  mse,  ///< least mean squared error of rounding and clipping
};
const char* name(Method method);
/// By its name on the command line; minmax, percentile, entropy or mse.
Method method_named(std::string_view name);

Range choose(const Histogram& histogram, Method method);

/// Expected squared error of one value stored in 256 steps over `range`: step^2 / 12 inside of it, the
/// distance to its end outside, nothing for zeros.
double mean_squared_error(const Histogram& histogram, const Range& range);

Range united(const Range& a, const Range& b);
/// s8, 256 steps from low to high, moved so that zero is stored exactly. An empty range gets a step of 1.
passes::Step step_for(const Range& range);

}  // namespace lithe::quantize
