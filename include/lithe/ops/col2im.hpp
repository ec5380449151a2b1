// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <algorithm>
#include <array>
#include <concepts>
#include <cstdint>
#include <limits>

#include "lithe/core/kernel.hpp"
#include "lithe/ops/detail/element_type.hpp"
#include "lithe/ops/detail/gemm.hpp"
#include "lithe/ops/detail/parallel.hpp"
#include "lithe/ops/detail/window.hpp"

namespace lithe::inline v0::ops {

/// Adds up the windows of an image, as the gradient of a convolution does.
///   input [N, C * product of the block, L], L the number of windows    image [n] s64: the sizes D1 ... Dn
///   block [n] s64: the size of a window    output [N, C, D1, ..., Dn]
/// Units: strides, dilations (n each; empty: 1) and pads (2 n: all begins, then all ends; empty: 0) count
/// elements.
/// Errors: Code::needs_value while image or block are unknown; Code::invalid_model for an attribute out of
/// range or of another length; Code::shape for sizes that do not fit.
/// Source: ONNX Col2Im-18.
struct Col2Im {
  struct Attributes {
    IntList strides{}, dilations{}, pads{};
    static constexpr auto fields() {
      return Fields{field("strides", &Attributes::strides), field("dilations", &Attributes::dilations),
                    field("pads", &Attributes::pads)};
    }
  };
  static constexpr int most_axes = max_rank - 2;
  using enum DType;
  static constexpr OpSpec spec{.name = "Col2Im",
                               .inputs = {"input", "image", "block"},
                               .outputs = {"output"},
                               .accuracy = Accuracy::rounding};
  static constexpr TypeRow types[] = {{{f32, s64, s64}, {f32}},   {{f16, s64, s64}, {f16}},
                                      {{bf16, s64, s64}, {bf16}}, {{f64, s64, s64}, {f64}},
                                      {{s32, s64, s64}, {s32}},   {{s64, s64, s64}, {s64}}};

  /// The windows of each axis, and how many there are.
  struct Windows {
    int axes = 0;
    std::array<detail::WindowAxis, most_axes> axis{};
    std::array<index_t, most_axes> image{}, count{};
    index_t block = 1, total = 1;  ///< products over the axes
  };

  static Status infer(const Attributes& a, InferContext& context) {
    if (context.rank(0) != 3) return {Code::shape, "the input of a Col2Im must be [N, C * block, L]"};
    LITHE_ASSIGN_OR_RETURN(const IntList image, context.ints(1));
    LITHE_ASSIGN_OR_RETURN(const IntList block, context.ints(2));
    LITHE_ASSIGN_OR_RETURN(const Windows windows, windows_of(a, image, block));
    const Shape& input = context.shape(0);
    if (windows.block == 0 || input[1] % windows.block != 0)
      return {Code::shape, "the input's second dimension is not a multiple of the block"};
    if (input[2] != windows.total)
      return {Code::shape, "the input has another number of windows than the image"};
    Shape output{input[0], input[1] / windows.block};
    for (std::int64_t size : image) output.push_back(size);
    return context.output(0, output);
  }

  static Result<Windows> windows_of(const Attributes& a, const IntList& image, const IntList& block) {
    const int n = image.size();
    Windows w;
    w.axes = n;
    if (n < 1 || n > most_axes || block.size() != n)
      return Status{Code::shape, "image and block differ in length"};
    if ((!a.strides.empty() && a.strides.size() != n) || (!a.dilations.empty() && a.dilations.size() != n) ||
        (!a.pads.empty() && a.pads.size() != 2 * n))
      return Status{Code::invalid_model, "strides, dilations or pads have another length"};
    for (int i = 0; i < n; ++i) {
      const auto k = static_cast<std::size_t>(i);
      if (image[i] < 0 || image[i] > detail::max_window)
        return Status{Code::shape, "an image size is out of range"};
      w.axis[k] = {.kernel = clipped(block[i]),
                   .stride = a.strides.empty() ? 1 : clipped(a.strides[i]),
                   .dilation = a.dilations.empty() ? 1 : clipped(a.dilations[i]),
                   .before = a.pads.empty() ? 0 : clipped(a.pads[i]),
                   .after = a.pads.empty() ? 0 : clipped(a.pads[n + i])};
      LITHE_TRY(detail::check(w.axis[k]));
      w.image[k] = static_cast<index_t>(image[i]);
      LITHE_ASSIGN_OR_RETURN(w.count[k], detail::output_size(w.axis[k], w.image[k], false));
      constexpr index_t largest = std::numeric_limits<std::int32_t>::max();
      if (w.axis[k].kernel > largest / w.block || w.count[k] > largest / std::max<index_t>(w.total, 1))
        return Status{Code::shape, "a Col2Im has too many windows"};
      w.block *= w.axis[k].kernel;
      w.total *= w.count[k];
    }
    return w;
  }

 private:
  /// As an index_t; what is out of range stays out of range.
  static index_t clipped(std::int64_t v) {
    return v < -1 ? -1 : v > detail::max_window ? detail::max_window + 1 : static_cast<index_t>(v);
  }
};
static_assert(Operator<Col2Im>);

}  // namespace lithe::inline v0::ops

namespace lithe::inline v0::portable {

template <std::same_as<ops::Col2Im> Op>
struct Kernel<Op> {
  using Attributes = ops::Col2Im::Attributes;
  using Windows = ops::Col2Im::Windows;

  static Status run(const Attributes& a, RunContext& context) {
    LITHE_ASSIGN_OR_RETURN(const Windows windows,
                           ops::Col2Im::windows_of(a, list(context.input(1)), list(context.input(2))));
    const Shape &input = context.input(0).shape, &output = context.output().shape;
    index_t image = 1;
    for (int i = 0; i < windows.axes; ++i) {
      if (windows.image[static_cast<std::size_t>(i)] != output[i + 2])
        return {Code::out_of_range, "the image size of a Col2Im changed after its shape was inferred"};
      image *= output[i + 2];
    }
    if (windows.block * output[1] != input[1] || windows.total != input[2])
      return {Code::out_of_range, "the block of a Col2Im changed after its shape was inferred"};
    return ops::detail::for_element_type<every_type, float, half, bfloat16, double, std::int32_t,
                                         std::int64_t>(context.input(0).dtype, [&]<class T>() {
      const auto* from = static_cast<const T*>(context.input(0).data);
      auto* to = static_cast<T*>(context.output().data);
      const index_t channels = output[0] * output[1], taken = windows.block * windows.total;
      const ops::detail::Ranges ranges(channels, image, 4096, 256);
      ops::detail::in_parallel(context.threads(), ranges.count, [&](index_t part) {
        for (index_t i = 0; i < ranges.length(part); ++i) {
          const index_t c = ranges.first(part) + i;
          for (index_t at = 0; at < image; ++at) to[c * image + at] = sum_at(windows, from + c * taken, at);
        }
      });
    });
  }

 private:
  static IntList list(const TensorView& view) {
    IntList numbers;
    for (index_t i = 0; i < view.elements() && i < IntList::capacity; ++i)
      numbers.push_back(integer_at(view, i));
    return numbers;
  }
  /// The sum over all places in the block, each of at most one window, that lie on image element `at`.
  template <class T>
  static T sum_at(const Windows& w, const T* columns, index_t at) {
    std::array<index_t, ops::Col2Im::most_axes> place{};
    for (int i = w.axes - 1; i >= 0; --i) {
      const auto k = static_cast<std::size_t>(i);
      place[k] = at % w.image[k];
      at /= w.image[k];
    }
    ops::detail::Accumulator<T> sum = 0;
    for (index_t b = 0; b < w.block; ++b) {
      index_t rest = b, window = 0, step = 1;
      bool covered = true;
      for (int i = w.axes - 1; i >= 0 && covered; --i) {
        const auto k = static_cast<std::size_t>(i);
        const ops::detail::WindowAxis& axis = w.axis[k];
        const index_t first = place[k] + axis.before - rest % axis.kernel * axis.dilation;
        rest /= axis.kernel;
        covered = first >= 0 && first % axis.stride == 0 && first / axis.stride < w.count[k];
        window += first / axis.stride * step;
        step *= w.count[k];
      }
      if (covered) sum += static_cast<ops::detail::Accumulator<T>>(columns[b * w.total + window]);
    }
    return static_cast<T>(sum);
  }
};

}  // namespace lithe::inline v0::portable
