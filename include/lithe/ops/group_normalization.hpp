// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <algorithm>
#include <cmath>
#include <concepts>
#include <cstdint>

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

namespace lithe::inline v0::portable {

/// First finds the mean and the sum of squares of each channel in each part of an image, block by block and
/// each block around its own mean; merges these (Chan, Golub and LeVeque 1979); then normalizes the parts.
/// Memory is read twice.
template <std::same_as<ops::GroupNormalization> Op>
struct Kernel<Op> {
  using Attributes = ops::GroupNormalization::Attributes;

  static Status reshape(const Attributes&, ReshapeContext& context) {
    const TensorView& input = context.inputs[0];
    const std::uint64_t wide = input.dtype == DType::f64 ? sizeof(double) : sizeof(float);
    const Sizes sizes(input.shape);
    const std::uint64_t vectors =
        static_cast<std::uint64_t>(sizes.images) * static_cast<std::uint64_t>(2 * sizes.parts.count + 3);
    return ops::detail::ask_workspace(context, wide * vectors * static_cast<std::uint64_t>(sizes.channels));
  }
  static Status run(const Attributes& a, RunContext& context) {
    if (context.output().elements() == 0) return {};
    return ops::detail::for_float_type(context.input(0).dtype, [&]<class T>() { normalize<T>(a, context); });
  }

 private:
  struct Sizes {
    index_t images, rows, channels;
    ops::detail::Ranges parts;  ///< how an image's rows are cut

    explicit Sizes(const Shape& shape)
        : images(shape[0]),
          rows(shape.product(1, shape.rank() - 1)),
          channels(shape.back()),
          parts(rows, channels, 16384, 32) {}
  };

  /// The mean of `count` numbers and the sum of their squared distances from it, for each of some channels.
  template <class Acc>
  struct Moments {
    Acc *mean, *squares;

    void merge(index_t before, index_t added, index_t c, Acc other_mean, Acc other_squares) const {
      const Acc share = static_cast<Acc>(added) / static_cast<Acc>(before + added),
                off = other_mean - mean[c];
      mean[c] += off * share;
      squares[c] += other_squares + off * off * share * static_cast<Acc>(before);
    }
  };

  template <class T, class Acc>
  static void find_moments(const T* x, index_t rows, index_t channels, const Moments<Acc>& found) {
    using ops::detail::channel_block, ops::detail::for_block;
    const index_t block = std::max<index_t>(1, 4096 / channels);  // a block stays in the first-level cache
    for (index_t first = 0; first < rows; first += block) {
      const index_t n = std::min(block, rows - first);
      for (index_t c = 0; c < channels; c += channel_block) {
        const index_t count = std::min(channel_block, channels - c);
        const T* start = x + first * channels + c;
        Acc pivot[channel_block] = {}, mean[channel_block] = {}, squares[channel_block] = {};
        for_block(count, [&](index_t i) { pivot[i] = static_cast<Acc>(start[i]); });
        for (index_t r = 1; r < n; ++r)
          for_block(count,
                    [&](index_t i) { mean[i] += static_cast<Acc>(start[r * channels + i]) - pivot[i]; });
        for_block(count, [&](index_t i) { mean[i] = pivot[i] + mean[i] / static_cast<Acc>(n); });
        for (index_t r = 0; r < n; ++r)
          for_block(count, [&](index_t i) {
            const Acc off = static_cast<Acc>(start[r * channels + i]) - mean[i];
            squares[i] += off * off;
          });
        for (index_t i = 0; i < count; ++i) found.merge(first, n, c + i, mean[i], squares[i]);
      }
    }
  }

  /// Turns the moments of an image's channels in place into mean and factor of y = (x - mean) * factor +
  /// shift.
  template <class T, class Acc>
  static void find_factors(const Attributes& a, const RunContext& context, const Sizes& sizes,
                           const Moments<Acc>& found, Acc* shift) {
    const index_t groups = a.groups == 0 ? sizes.channels : a.groups, width = sizes.channels / groups;
    const auto parameter = [&](int i, index_t c, float missing) {
      const T* given = ops::detail::optional_data<T>(context, i);
      if (given == nullptr) return static_cast<Acc>(missing);
      return static_cast<Acc>(given[context.input(i).elements() == sizes.channels ? c : c / width]);
    };
    for (index_t g = 0; g < groups; ++g) {
      Acc *mean = found.mean + g * width, *squares = found.squares + g * width;
      const Moments<Acc> group{mean, squares};
      for (index_t c = 1; c < width; ++c) group.merge(c * sizes.rows, sizes.rows, 0, mean[c], squares[c]);
      const Acc variance = squares[0] / (static_cast<Acc>(sizes.rows) * static_cast<Acc>(width));
      const Acc inverse = 1 / std::sqrt(variance + static_cast<Acc>(a.epsilon));
      for (index_t c = 0; c < width; ++c) {
        mean[c] = mean[0];
        squares[c] = inverse * parameter(1, g * width + c, 1);
        shift[g * width + c] = parameter(2, g * width + c, 0);
      }
    }
  }

  template <class T, class Acc>
  static void apply(const T* x, T* y, index_t rows, index_t channels, const Acc* mean, const Acc* factor,
                    const Acc* shift) {
    using ops::detail::channel_block, ops::detail::for_block;
    for (index_t r = 0; r < rows; ++r, x += channels, y += channels)
      for (index_t c = 0; c < channels; c += channel_block)
        for_block(std::min(channel_block, channels - c), [&](index_t i) {
          y[c + i] =
              static_cast<T>((static_cast<Acc>(x[c + i]) - mean[c + i]) * factor[c + i] + shift[c + i]);
        });
  }

  template <class T>
  static void normalize(const Attributes& a, RunContext& context) {
    using Acc = ops::detail::Accumulator<T>;
    const Sizes sizes(context.input(0).shape);
    const index_t parts = sizes.parts.count, c = sizes.channels;
    const T* x = static_cast<const T*>(context.input(0).data);
    T* y = static_cast<T*>(context.output().data);
    Acc* shifts = reinterpret_cast<Acc*>(context.workspace().data());
    const auto moments = [&](index_t image, index_t part) {  // part number `parts`: the whole image
      Acc* at = shifts + sizes.images * c + (image * (parts + 1) + part) * 2 * c;
      return Moments<Acc>{at, at + c};
    };
    const auto start = [&](index_t image, index_t part) {
      return (image * sizes.rows + sizes.parts.first(part)) * c;
    };
    ops::detail::in_parallel(context.threads(), sizes.images * parts, [&](index_t task) {
      const index_t image = task / parts, part = task % parts;
      const Moments<Acc> found = moments(image, part);
      std::fill_n(found.mean, 2 * c, Acc{0});
      find_moments(x + start(image, part), sizes.parts.length(part), c, found);
    });
    for (index_t image = 0; image < sizes.images; ++image) {
      const Moments<Acc> all = moments(image, parts);
      std::copy_n(moments(image, 0).mean, 2 * c, all.mean);
      for (index_t part = 1; part < parts; ++part) {
        const Moments<Acc> more = moments(image, part);
        for (index_t i = 0; i < c; ++i)
          all.merge(sizes.parts.first(part), sizes.parts.length(part), i, more.mean[i], more.squares[i]);
      }
      find_factors<T>(a, context, sizes, all, shifts + image * c);
    }
    ops::detail::in_parallel(context.threads(), sizes.images * parts, [&](index_t task) {
      const index_t image = task / parts, part = task % parts, at = start(image, part);
      const Moments<Acc> all = moments(image, parts);
      apply(x + at, y + at, sizes.parts.length(part), c, all.mean, all.squares, shifts + image * c);
    });
  }
};

}  // namespace lithe::inline v0::portable
