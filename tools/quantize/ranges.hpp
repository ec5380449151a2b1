// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string_view>

#include "tools/passes/quantized.hpp"
#include "tools/quantize/histogram.hpp"

namespace lithe::quantize {

/// The range of real numbers that a stored tensor can hold; low <= 0 <= high.
struct Range {
  float low = 0, high = 0;
  friend bool operator==(const Range&, const Range&) = default;
};

/// How a range is chosen from what was seen.
enum class Method {
  minmax,      ///< everything
  percentile,  ///< without the outermost 0.01 % at each end
  /// Least loss of information (Migacz, "8-bit Inference with TensorRT", 2017), each end on its own. A few
  /// values that most elements have, such as a background, mislead it: so its squared error is never more
  /// than 8 times that of minmax. With fewer than 16 values in a bin there is no distribution yet, and mse is
  /// used.
  entropy,
  mse,  ///< least mean squared error of rounding and clipping
};
const char* name(Method method);
/// The method of this name on the command line: minmax, percentile, entropy or mse.
Method method_named(std::string_view name);

Range choose(const Histogram& histogram, Method method);

/// Expected squared error of one value stored in 256 steps over `range`: step^2 / 12 inside of it, the
/// distance to its end outside, nothing for zeros.
double mean_squared_error(const Histogram& histogram, const Range& range);

Range united(const Range& a, const Range& b);
/// The step of s8 with 256 steps from low to high, moved so that zero is stored exactly. An empty range gets
/// a step of 1.
passes::Step step_for(const Range& range);

}  // namespace lithe::quantize
