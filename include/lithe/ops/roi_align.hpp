// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <algorithm>
#include <array>
#include <cmath>
#include <concepts>
#include <cstdint>

#include "lithe/core/kernel.hpp"
#include "lithe/ops/detail/element_type.hpp"
#include "lithe/ops/detail/gemm.hpp"
#include "lithe/ops/detail/parallel.hpp"

namespace lithe::inline v0::ops {

/// What a bin of a region becomes: the mean of its samples, or the largest of their four weighted neighbours.
enum class RoiMode : std::uint8_t { avg, max };
constexpr auto enum_names(RoiMode) { return std::array{"avg", "max"}; }

/// Cuts regions of images into bins of equal size and samples each.
///   input [N, H, W, C]    regions [R, 4]: x1, y1, x2, y2    images [R] s64    output [R, OH, OW, C]
/// Units: spatial_scale turns the regions' units into input elements; sampling_ratio is the number of samples of
/// a bin along each axis, 0: as many as it has elements. With half_pixel 0 is the edge of the first element,
/// else its middle.
/// Errors: Code::invalid_model for an attribute out of range; Code::shape for ranks or sizes that do not fit;
/// Code::out_of_range from run for an image outside of the input, or a region that is not finite or too large.
/// Source: ONNX RoiAlign-22, channels last.
struct RoiAlign {
  struct Attributes {
    RoiMode mode = RoiMode::avg;
    std::int32_t output_height = 1, output_width = 1, sampling_ratio = 0;
    float spatial_scale = 1;
    bool half_pixel = true;
    static constexpr auto fields() {
      return Fields{field("mode", &Attributes::mode),
                    field("output_height", &Attributes::output_height),
                    field("output_width", &Attributes::output_width),
                    field("sampling_ratio", &Attributes::sampling_ratio),
                    field("spatial_scale", &Attributes::spatial_scale),
                    field("half_pixel", &Attributes::half_pixel)};
    }
  };
  static constexpr std::int32_t most_samples = 1 << 12;  ///< samples of a bin along one axis
  using enum DType;
  static constexpr OpSpec spec{.name = "RoiAlign",
                               .inputs = {"input", "regions", "images"},
                               .outputs = {"output"},
                               .accuracy = Accuracy::rounding};
  static constexpr TypeRow types[] = {{{f32, f32, s64}, {f32}},
                                      {{f16, f16, s64}, {f16}},
                                      {{bf16, bf16, s64}, {bf16}},
                                      {{f64, f64, s64}, {f64}}};

  static Status infer(const Attributes& a, InferContext& context) {
    if (a.output_height < 1 || a.output_width < 1)
      return {Code::invalid_model, "RoiAlign has an output size below 1"};
    if (a.sampling_ratio < 0 || a.sampling_ratio > most_samples)
      return {Code::invalid_model, "RoiAlign's sampling_ratio is out of range"};
    if (!std::isfinite(a.spatial_scale))
      return {Code::invalid_model, "RoiAlign's spatial_scale is not finite"};
    const Shape &input = context.shape(0), &regions = context.shape(1), &images = context.shape(2);
    if (input.rank() != 4) return {Code::shape, "the input of a RoiAlign must be [N, H, W, C]"};
    if (regions.rank() != 2 || regions[1] != 4 || images.rank() != 1 || images[0] != regions[0])
      return {Code::shape, "regions must be [R, 4] and their images [R]"};
    return context.output(0, {regions[0], a.output_height, a.output_width, input[3]});
  }
};
static_assert(Operator<RoiAlign>);

}  // namespace lithe::inline v0::ops

namespace lithe::inline v0::portable {

template <std::same_as<ops::RoiAlign> Op>
struct Kernel<Op> {
  using Attributes = ops::RoiAlign::Attributes;

  static Status run(const Attributes& a, RunContext& context) {
    return ops::detail::for_float_type(context.input(0).dtype,
                                       [&]<class T>() { return align<T>(a, context); });
  }

 private:
  /// One axis of a region: where its bins begin, in input elements, and how they are sampled.
  template <class Acc>
  struct Bins {
    Acc start, size;
    std::int32_t samples;

    Bins(const Attributes& a, Acc low, Acc high, std::int32_t count) {
      const auto scale = static_cast<Acc>(a.spatial_scale), offset = a.half_pixel ? Acc{0.5} : Acc{0};
      start = low * scale - offset;
      Acc length = high * scale - offset - start;
      if (!a.half_pixel) length = std::max<Acc>(length, 1);
      size = length / static_cast<Acc>(count);
      const Acc wanted = std::ceil(size);
      samples = a.sampling_ratio > 0 ? a.sampling_ratio
                : wanted <= ops::RoiAlign::most_samples
                    ? std::max<std::int32_t>(static_cast<std::int32_t>(wanted), 0)
                    : -1;
    }
    bool valid() const { return std::isfinite(start) && std::isfinite(size) && samples >= 0; }
    Acc place(index_t bin, index_t sample) const {
      return start + static_cast<Acc>(bin) * size +
             (static_cast<Acc>(sample) + Acc{0.5}) * size / static_cast<Acc>(samples);
    }
  };
  /// The two elements beside a place, and the weight of the second.
  template <class Acc>
  struct Pair {
    index_t low, high;
    Acc part;
    bool inside;

    Pair(Acc at, index_t size) : low(0), high(0), part(0), inside(at >= -1 && at <= static_cast<Acc>(size)) {
      if (!inside) return;
      at = std::max<Acc>(at, 0);
      low = std::min(static_cast<index_t>(at), size - 1);
      high = std::min(low + 1, size - 1);
      part = low == high ? 0 : at - static_cast<Acc>(low);
    }
  };

  template <class T>
  static Status align(const Attributes& a, RunContext& context) {
    using Acc = ops::detail::Accumulator<T>;
    const Shape& shape = context.input(0).shape;
    const index_t count = context.output().shape[0], channels = shape[3],
                  image = shape[1] * shape[2] * channels,
                  taken = index_t{a.output_height} * a.output_width * channels;
    const auto* regions = static_cast<const T*>(context.input(1).data);
    const auto* images = static_cast<const std::int64_t*>(context.input(2).data);
    const auto bins = [&](index_t r, int axis) {
      return Bins<Acc>(a, static_cast<Acc>(regions[r * 4 + axis]),
                       static_cast<Acc>(regions[r * 4 + axis + 2]),
                       axis == 0 ? a.output_width : a.output_height);
    };
    for (index_t r = 0; r < count; ++r)
      if (images[r] < 0 || images[r] >= shape[0] || !bins(r, 0).valid() || !bins(r, 1).valid())
        return {Code::out_of_range, "a region of a RoiAlign lies in no image, is not finite or too large"};
    ops::detail::in_parallel(context.threads(), count, [&](index_t r) {
      const Bins<Acc> x = bins(r, 0), y = bins(r, 1);
      const T* from = static_cast<const T*>(context.input(0).data) + static_cast<index_t>(images[r]) * image;
      T* to = static_cast<T*>(context.output().data) + r * taken;
      for (index_t h = 0; h < a.output_height; ++h)
        for (index_t w = 0; w < a.output_width; ++w, to += channels)
          for (index_t c = 0; c < channels; c += ops::detail::channel_block)
            bin<T, Acc>(a, shape, x, y, h, w, from + c, to + c,
                        std::min(ops::detail::channel_block, channels - c));
    });
    return {};
  }

  template <class T, class Acc>
  static void bin(const Attributes& a, const Shape& shape, const Bins<Acc>& x, const Bins<Acc>& y, index_t h,
                  index_t w, const T* from, T* to, index_t channels) {
    const bool mean = a.mode == ops::RoiMode::avg;
    Acc sums[ops::detail::channel_block] = {};
    bool first = true;
    for (index_t i = 0; i < y.samples; ++i)
      for (index_t j = 0; j < x.samples; ++j, first = false) {
        const Pair<Acc> row(y.place(h, i), shape[1]), column(x.place(w, j), shape[2]);
        const bool inside = row.inside && column.inside && shape[1] > 0 && shape[2] > 0;
        for (int corner = 0; corner < 4; ++corner) {
          const bool below = corner >= 2, right = corner % 2 == 1;
          const Acc weight =
              inside ? (below ? row.part : 1 - row.part) * (right ? column.part : 1 - column.part) : 0;
          const T* at =
              from +
              ((below ? row.high : row.low) * shape[2] + (right ? column.high : column.low)) * shape[3];
          for (index_t c = 0; c < channels; ++c) {
            const Acc v = inside ? weight * static_cast<Acc>(at[c]) : 0;
            sums[c] = mean ? sums[c] + v : first && corner == 0 ? v : std::max(sums[c], v);
          }
        }
      }
    const Acc count =
        mean ? static_cast<Acc>(std::max<std::int64_t>(std::int64_t{y.samples} * x.samples, 1)) : 1;
    for (index_t c = 0; c < channels; ++c) to[c] = static_cast<T>(sums[c] / count);
  }
};

}  // namespace lithe::inline v0::portable
