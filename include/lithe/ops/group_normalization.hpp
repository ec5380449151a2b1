// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <algorithm>
#include <cmath>
#include <concepts>
#include <cstdint>
#include <limits>

#include "lithe/core/kernel.hpp"
#include "lithe/ops/detail/element_type.hpp"
#include "lithe/ops/detail/gemm.hpp"
#include "lithe/ops/detail/normalize.hpp"
#include "lithe/ops/detail/parallel.hpp"

namespace lithe::inline v0::ops {

/// output = (input - mean) / sqrt(variance + epsilon) * scale + bias, with the mean and the variance of each
/// group of neighbouring channels of each image.
///   input [N, ..., C]    scale, bias: [C] or [groups], optional    output [N, ..., C]
/// Units: groups = 0 means one group for each channel, which is InstanceNormalization.
/// Errors: Code::invalid_model for groups or an epsilon out of range; Code::shape if groups do not divide C,
/// or for a scale or bias of another shape.
/// Source: ONNX GroupNormalization-21 and -18, InstanceNormalization-22, channels last.
struct GroupNormalization {
  struct Attributes {
    std::int32_t groups = 0;
    float epsilon = 1e-5f;
    static constexpr auto fields() {
      return Fields{field("groups", &Attributes::groups), field("epsilon", &Attributes::epsilon)};
    }
  };
  using enum DType;
  static constexpr OpSpec spec{.name = "GroupNormalization",
                               .inputs = {"input", "scale?", "bias?"},
                               .outputs = {"output"},
                               .accuracy = Accuracy::rounding,
                               .in_place = true};
  static constexpr TypeRow types[] = {{{f32, f32, f32}, {f32}},
                                      {{f16, f16, f16}, {f16}},
                                      {{bf16, bf16, bf16}, {bf16}},
                                      {{f64, f64, f64}, {f64}}};

  static Status infer(const Attributes& a, InferContext& context) {
    LITHE_TRY(detail::check_epsilon(a.epsilon));
    if (a.groups < 0) return {Code::invalid_model, "groups is negative"};
    if (context.rank(0) < 2) return {Code::shape, "the input must be [N, ..., C]"};
    const index_t channels = context.shape(0).back(), groups = a.groups == 0 ? channels : a.groups;
    if (groups != 0 && channels % groups != 0) return {Code::shape, "groups do not divide the channels"};
    for (int i = 1; i < 3; ++i)
      if (context.has(i) && context.shape(i) != Shape{channels} && context.shape(i) != Shape{groups})
        return {Code::shape, "scale and bias must be [C], or [groups]"};
    return context.output(0, context.shape(0));
  }
};
static_assert(Operator<GroupNormalization>);

}  // namespace lithe::inline v0::ops

namespace lithe::inline v0::ops::detail {

/// What is known of some numbers, for each of some channels: their mean, as its distance from a pivot, and the sum of
/// their squared distances from the mean.
template <class Acc>
struct Moments {
  Acc *pivot, *mean, *squares;

  /// Merges `added` numbers, with their mean as a sum of two, with `before` others (Chan, Golub and LeVeque 1979).
  void merge(index_t before, index_t added, index_t c, Acc middle, Acc off_middle, Acc other_squares) const {
    if (before == 0) {
      pivot[c] = middle;
      mean[c] = off_middle;
      squares[c] = other_squares;
      return;
    }
    const Acc share = static_cast<Acc>(added) / static_cast<Acc>(before + added),
              off = (middle - pivot[c]) + (off_middle - mean[c]);
    mean[c] += off * share;
    squares[c] += other_squares + off * off * share * static_cast<Acc>(before);
  }
};

/// What kernels of GroupNormalization share. They find the moments of each channel in each part of an image, block by
/// block and each block around its own mean; merge these; then normalize the parts. Memory is read twice.
///   Loops::find_moments(x, rows, channels, moments)  the moments of rows
///   Loops::apply(x, y, rows, channels, middle, factor, shift)  y = (x - middle) * factor + shift; y may be x
struct GroupNormalizer {
  using Attributes = GroupNormalization::Attributes;

  index_t images, rows, channels;
  Ranges parts;  ///< how an image's rows are cut

  explicit GroupNormalizer(const Shape& shape)
      : images(shape[0]),
        rows(shape.product(1, shape.rank() - 1)),
        channels(shape.back()),
        parts(rows, channels, 16384, 32) {}

  /// How many rows of a part are a block, which stays in the first-level cache.
  static index_t block_rows(index_t channels) { return std::max<index_t>(1, 4096 / channels); }

  static Status reshape(ReshapeContext& context) {
    const TensorView& input = context.inputs[0];
    const std::uint64_t wide = input.dtype == DType::f64 ? sizeof(double) : sizeof(float);
    const GroupNormalizer sizes(input.shape);
    const auto images = static_cast<std::uint64_t>(sizes.images),
               channels = static_cast<std::uint64_t>(sizes.channels),
               parts = static_cast<std::uint64_t>(sizes.parts.count);
    return ask_workspace(context, (2 * sizeof(double) + images * 3 * (parts + 1) * wide) * channels);
  }

  template <class T, class Loops>
  void normalize(const Attributes& a, RunContext& context) const {
    using Acc = Accumulator<T>;
    const index_t c = channels, count = parts.count;
    const T* x = static_cast<const T*>(context.input(0).data);
    T* y = static_cast<T*>(context.output().data);
    auto* means = reinterpret_cast<double*>(context.workspace().data());
    Acc* found = reinterpret_cast<Acc*>(means + 2 * c);
    const auto moments = [&](index_t image, index_t part) {  // part number `count`: middle, factor and shift
      Acc* at = found + (image * (count + 1) + part) * 3 * c;
      return Moments<Acc>{at, at + c, at + 2 * c};
    };
    const auto start = [&](index_t image, index_t part) { return (image * rows + parts.first(part)) * c; };
    in_parallel(context.threads(), images * count, [&](index_t task) {
      const index_t image = task / count, part = task % count;
      Loops::find_moments(x + start(image, part), parts.length(part), c, moments(image, part));
    });
    for (index_t image = 0; image < images; ++image) {
      for (index_t part = 0; part < count; ++part)
        merge(parts.first(part), parts.length(part), moments(image, part), means, means + c);
      find_factors<T>(a, context, means, means + c, moments(image, count));
    }
    in_parallel(context.threads(), images * count, [&](index_t task) {
      const index_t image = task / count, part = task % count, at = start(image, part);
      const Moments<Acc> all = moments(image, count);
      Loops::apply(x + at, y + at, parts.length(part), c, all.pivot, all.mean, all.squares);
    });
  }

 private:
  /// Merges the moments of a part, after `before` rows, in double precision.
  template <class Acc>
  void merge(index_t before, index_t added, const Moments<Acc>& part, double* mean, double* squares) const {
    const double share = static_cast<double>(added) / static_cast<double>(before + added),
                 weight = share * static_cast<double>(before);
    for (index_t c = 0; c < channels; ++c) {
      const double middle = static_cast<double>(part.pivot[c]) + static_cast<double>(part.mean[c]);
      if (before == 0) mean[c] = squares[c] = 0;
      const double off = middle - mean[c];
      mean[c] += off * share;
      squares[c] += static_cast<double>(part.squares[c]) + off * off * weight;
    }
  }
  /// Finds middle, factor and shift of y = (x - middle) * factor + shift; the shift has what rounding takes from the mean.
  template <class T, class Acc>
  void find_factors(const Attributes& a, const RunContext& context, const double* mean, const double* squares,
                    const Moments<Acc>& to) const {
    const index_t groups = a.groups == 0 ? channels : a.groups, width = channels / groups;
    const auto parameter = [&](int i, index_t c, float missing) {
      const T* given = optional_data<T>(context, i);
      if (given == nullptr) return static_cast<Acc>(missing);
      return static_cast<Acc>(given[context.input(i).elements() == channels ? c : c / width]);
    };
    for (index_t g = 0; g < groups; ++g) {
      double middle = 0, sum = 0;
      for (index_t c = 0; c < width; ++c) {
        const double off = mean[g * width + c] - middle, share = 1 / static_cast<double>(c + 1);
        middle += off * share;
        sum +=
            squares[g * width + c] + off * off * share * static_cast<double>(c) * static_cast<double>(rows);
      }
      const double variance =
          std::max(sum / (static_cast<double>(rows) * static_cast<double>(width)), 0.0);  // NaN stays NaN
      const Acc inverse = 1 / std::sqrt(static_cast<Acc>(variance) + static_cast<Acc>(a.epsilon)),
                rounded = static_cast<Acc>(middle);
      for (index_t c = g * width; c < (g + 1) * width; ++c) {
        to.pivot[c] = rounded;
        to.mean[c] = inverse * parameter(1, c, 1);
        to.squares[c] =
            parameter(2, c, 0) - static_cast<Acc>(middle - static_cast<double>(rounded)) * to.mean[c];
      }
    }
  }
};

/// The loops in plain C++.
struct GroupNormalizationLoops {
  template <class T, class Acc>
  static void find_moments(const T* x, index_t rows, index_t channels, const Moments<Acc>& found) {
    const index_t block = GroupNormalizer::block_rows(channels);
    for (index_t first = 0; first < rows; first += block) {
      const index_t n = std::min(block, rows - first);
      for (index_t c = 0; c < channels; c += channel_block) {
        const index_t count = std::min(channel_block, channels - c);
        const T* start = x + first * channels + c;
        Acc pivot[channel_block] = {}, mean[channel_block] = {}, off_mean[channel_block] = {},
            squares[channel_block] = {};
        for_block(count, [&](index_t i) { pivot[i] = static_cast<Acc>(start[i]); });
        for (index_t r = 1; r < n; ++r)
          for_block(count,
                    [&](index_t i) { mean[i] += static_cast<Acc>(start[r * channels + i]) - pivot[i]; });
        for_block(count, [&](index_t i) { mean[i] = pivot[i] + mean[i] / static_cast<Acc>(n); });
        for (index_t r = 0; r < n; ++r)
          for_block(count, [&](index_t i) {
            const Acc off = static_cast<Acc>(start[r * channels + i]) - mean[i];
            off_mean[i] += off;
            squares[i] += off * off;
          });
        for (index_t i = 0; i < count; ++i) {
          const Acc off = off_mean[i] / static_cast<Acc>(n), rounding = off * off_mean[i];
          // Where it overflows, the squares have: infinity minus infinity would be NaN.
          const bool finite = rounding < std::numeric_limits<Acc>::infinity();
          found.merge(first, n, c + i, mean[i], off, finite ? squares[i] - rounding : squares[i]);
        }
      }
    }
  }

  template <class T, class Acc>
  static void apply(const T* x, T* y, index_t rows, index_t channels, const Acc* middle, const Acc* factor,
                    const Acc* shift) {
    for (index_t r = 0; r < rows; ++r, x += channels, y += channels)
      for (index_t c = 0; c < channels; c += channel_block)
        for_block(std::min(channel_block, channels - c), [&](index_t i) {
          y[c + i] =
              static_cast<T>((static_cast<Acc>(x[c + i]) - middle[c + i]) * factor[c + i] + shift[c + i]);
        });
  }
};

}  // namespace lithe::inline v0::ops::detail

namespace lithe::inline v0::portable {

template <std::same_as<ops::GroupNormalization> Op>
struct Kernel<Op> {
  using Attributes = ops::GroupNormalization::Attributes;

  static Status reshape(const Attributes&, ReshapeContext& context) {
    return ops::detail::GroupNormalizer::reshape(context);
  }
  static Status run(const Attributes& a, RunContext& context) {
    if (context.output().elements() == 0) return {};
    const ops::detail::GroupNormalizer normalizer(context.input(0).shape);
    return ops::detail::for_float_type(context.input(0).dtype, [&]<class T>() {
      normalizer.normalize<T, ops::detail::GroupNormalizationLoops>(a, context);
    });
  }
};

}  // namespace lithe::inline v0::portable
