// SPDX-License-Identifier: Apache-2.0
#include "tools/quantize/ranges.hpp"

#include <algorithm>
#include <array>
#include <cmath>
#include <limits>
#include <vector>

namespace lithe::quantize {

namespace {

constexpr std::array<const char*, 4> names{"minmax", "percentile", "entropy", "mse"};
constexpr int levels = 256, candidates_per_octave = 12, octaves = 9;
constexpr double clipped_tail = 1e-4;
constexpr int side = Histogram::side;

/// Ends to try: the observed one, then ever smaller ones, 6 % apart. Only 0 where nothing was seen.
std::vector<float> candidates(float end) {
  std::vector<float> ends;
  for (int i = 0; i <= octaves * candidates_per_octave && end != 0; ++i)
    ends.push_back(end * static_cast<float>(std::exp2(-static_cast<double>(i) / candidates_per_octave)));
  if (ends.empty()) ends.push_back(0);
  return ends;
}

/// Counts, sums and sums of squares of all bins from the largest one of a sign down to each.
struct Tails {
  struct Sums {
    double n = 0, x = 0, xx = 0;
  };
  std::vector<Sums> beyond{static_cast<std::size_t>(side) + 1};  ///< [i]: bins of magnitude i and more
  double width;

  Tails(const Histogram& h, bool negative) : width(h.width()) {
    for (int i = side - 1; i >= 0; --i) {
      const auto n = static_cast<double>(h.count(negative ? -1 - i : i));
      const double x = (i + 0.5) * width;
      const Sums& outer = beyond[static_cast<std::size_t>(i) + 1];
      beyond[static_cast<std::size_t>(i)] = {outer.n + n, outer.x + n * x, outer.xx + n * x * x};
    }
  }
  /// The first bin whose center lies beyond `end`.
  const Sums& from(double end) const {
    const double bin = width > 0 ? std::max(std::ceil(end / width - 0.5), 0.0) : side;
    return beyond[static_cast<std::size_t>(std::min(bin, static_cast<double>(side)))];
  }
  double clipping(double end) const {
    const Sums& s = from(end);
    return std::max(s.xx - 2 * end * s.x + end * end * s.n, 0.0);
  }
};

/// The summed squared error of all values.
double squared_error(const Tails& below, const Tails& above, const Range& r) {
  const double low = -static_cast<double>(r.low), high = r.high, step = (low + high) / (levels - 1);
  const double inside = below.beyond[0].n + above.beyond[0].n - below.from(low).n - above.from(high).n;
  return inside * step * step / 12 + below.clipping(low) + above.clipping(high);
}

Range least_squares(const Histogram& h) {
  const Tails below(h, true), above(h, false);
  Range best{h.low(), h.high()};
  double least = std::numeric_limits<double>::infinity();
  for (float low : candidates(h.low()))
    for (float high : candidates(h.high()))
      if (const double error = squared_error(below, above, {low, high}); error < least) {
        least = error;
        best = {low, high};
      }
  return best;
}

Range percentile(const Histogram& h) {
  const double most = std::floor(clipped_tail * static_cast<double>(h.values()));
  const auto end = [&](bool negative) {
    double cut = 0;
    for (int i = side - 1; i >= 0; --i) {
      cut += static_cast<double>(h.count(negative ? -1 - i : i));
      if (cut > most) return static_cast<float>((i + 1) * h.width());
    }
    return 0.0f;
  };
  return {std::max(0 - end(true), h.low()), std::min(end(false), h.high())};
}

/// Kullback-Leibler distance between the values, clipped to bins [first, last), and what 256 levels over
/// these bins keep of them: levels spread evenly over the bins that have values.
double divergence(const Histogram& h, int first, int last) {
  const auto count = [&](int b) { return static_cast<double>(h.count(b)); };
  double clipped_low = 0, clipped_high = 0, inside = 0;
  for (int b = -side; b < first; ++b) clipped_low += count(b);
  for (int b = last; b < side; ++b) clipped_high += count(b);
  for (int b = first; b < last; ++b) inside += count(b);
  const double all = inside + clipped_low + clipped_high;
  if (inside == 0) return std::numeric_limits<double>::infinity();
  double distance = 0;
  const int bins = last - first, groups = std::min(bins, levels);
  constexpr double never = 1e-6;  // probability of what the quantized values leave out
  for (int g = 0; g < groups; ++g) {
    const int begin = first + bins * g / groups, end = first + bins * (g + 1) / groups;
    double sum = 0;
    int present = 0;
    for (int b = begin; b < end; ++b) {
      sum += count(b);
      present += count(b) > 0;
    }
    for (int b = begin; b < end; ++b) {
      const double p = (count(b) + (b == first ? clipped_low : 0) + (b == last - 1 ? clipped_high : 0)) / all;
      const double q = count(b) > 0 ? sum / present / inside : never;
      if (p > 0) distance += p * std::log(p / q);
    }
  }
  return distance;
}

Range least_divergence(const Histogram& h) {
  constexpr std::uint64_t enough_per_bin = 16;
  constexpr double error_growth = 8;
  if (h.values() - h.zeros() < enough_per_bin * 2 * side) return least_squares(h);
  const auto bins = [&](float end) {
    return static_cast<int>(std::ceil(std::fabs(static_cast<double>(end)) / h.width()));
  };
  Range best{h.low(), h.high()};
  const Tails below(h, true), above(h, false);
  const double most = error_growth * squared_error(below, above, best);
  double least = std::numeric_limits<double>::infinity();
  const auto improve = [&](bool low_end) {
    for (float end : candidates(low_end ? h.low() : h.high())) {
      const Range r = low_end ? Range{end, best.high} : Range{best.low, end};
      if (bins(r.low) + bins(r.high) < levels || squared_error(below, above, r) > most) continue;
      const double d = divergence(h, -bins(r.low), bins(r.high));
      if (d < least) {
        least = d;
        best = r;
      }
    }
  };
  improve(false);
  improve(true);
  improve(false);
  return best;
}

}  // namespace

const char* name(Method method) { return names[static_cast<std::size_t>(method)]; }

Method method_named(std::string_view name) {
  const auto found = std::find(names.begin(), names.end(), name);
  return found == names.end() ? Method::minmax : static_cast<Method>(found - names.begin());
}

Range choose(const Histogram& h, Method method) {
  switch (method) {
    case Method::percentile:
      return percentile(h);
    case Method::entropy:
      return least_divergence(h);
    case Method::mse:
      return least_squares(h);
    default:
      return {h.low(), h.high()};
  }
}

double mean_squared_error(const Histogram& h, const Range& range) {
  if (h.values() == 0) return 0;
  return squared_error(Tails(h, true), Tails(h, false), range) / static_cast<double>(h.values());
}

Range united(const Range& a, const Range& b) { return {std::min(a.low, b.low), std::max(a.high, b.high)}; }

passes::Step step_for(const Range& range) {
  constexpr int lowest = -128, highest = 127;
  const double low = std::min(range.low, 0.0f), high = std::max(range.high, 0.0f);
  const auto scale = static_cast<float>((high - low) / (levels - 1));
  if (!std::isnormal(scale)) return {DType::s8, 1.0f, 0};
  const double zero = std::nearbyint(lowest - low / static_cast<double>(scale));
  return {DType::s8, scale, static_cast<int>(std::clamp(zero, double{lowest}, double{highest}))};
}

}  // namespace lithe::quantize
