// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <algorithm>
#include <array>
#include <cmath>
#include <concepts>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <limits>

#include "lithe/core/facts.hpp"
#include "lithe/core/kernel.hpp"
#include "lithe/ops/detail/convert.hpp"
#include "lithe/ops/detail/copy.hpp"
#include "lithe/ops/detail/gemm.hpp"
#include "lithe/ops/detail/quantized.hpp"
#include "lithe/ops/detail/reduce.hpp"
#include "lithe/ops/detail/resample.hpp"
#include "lithe/ops/detail/resize_plan.hpp"

namespace lithe::inline v0::ops {

/// How `sizes` are taken where they would change the ratio of the axes.
enum class AspectRatio : std::uint8_t { stretch, not_larger, not_smaller };
constexpr std::array<const char*, 3> enum_names(AspectRatio) {
  return {"stretch", "not_larger", "not_smaller"};
}

/// Resamples axes to other sizes. A is the number of `axes`; without any, all axes count.
///   input [...]    roi [2 * A] f32 optional, for tf_crop_and_resize only: starts, then ends, in parts of
///   each axis
///   either scales [A] f32 or sizes [A] s64    output [...]
/// With scales an axis gets floor(input * scale) elements, times end - start of its roi, and coordinates use
/// the scale as given; but align_corners puts the last element on the last one at any scale, as PyTorch and ONNX Runtime
/// do, where the specification's reference puts input * scale - 1 there, which need not be an element. With sizes the scale is size / input, or one scale for all axes under
/// keep_aspect_ratio_policy. Integers are rounded to nearest even and saturate.
/// Errors: Code::needs_value while roi, scales or sizes is unknown; Code::invalid_model for axes outside or
/// named twice; Code::shape if lengths disagree, a scale is not positive, a size is negative, or an empty
/// axis should grow; Code::unsupported for sub-byte elements, and for types without arithmetic unless the
/// mode is nearest.
/// Source: ONNX Resize-19, and tf_half_pixel_for_nn of Resize-11.
struct Resize {
  struct Attributes {
    IntList axes{};
    ResizeMode mode = ResizeMode::nearest;
    Coordinates coordinate_transformation_mode = Coordinates::half_pixel;
    NearestMode nearest_mode = NearestMode::round_prefer_floor;
    AspectRatio keep_aspect_ratio_policy = AspectRatio::stretch;
    float cubic_coeff_a = -0.75f, extrapolation_value = 0;
    bool exclude_outside = false, antialias = false;
    static constexpr auto fields() {
      return Fields{field("axes", &Attributes::axes),
                    field("mode", &Attributes::mode),
                    field("coordinate_transformation_mode", &Attributes::coordinate_transformation_mode),
                    field("nearest_mode", &Attributes::nearest_mode),
                    field("keep_aspect_ratio_policy", &Attributes::keep_aspect_ratio_policy),
                    field("cubic_coeff_a", &Attributes::cubic_coeff_a),
                    field("extrapolation_value", &Attributes::extrapolation_value),
                    field("exclude_outside", &Attributes::exclude_outside),
                    field("antialias", &Attributes::antialias)};
    }
    bool crops() const { return coordinate_transformation_mode == Coordinates::tf_crop_and_resize; }
    detail::ResizeFilter filter() const {
      return {mode, antialias, exclude_outside, static_cast<double>(cubic_coeff_a)};
    }
  };
  using enum DType;
  static constexpr OpSpec spec{.name = "Resize",
                               .inputs = {"input", "roi?", "scales?", "sizes?"},
                               .outputs = {"output"},
                               .accuracy = Accuracy::rounding};
  static constexpr TypeRow types[] = {{{any, f32, f32, s64}, {any}}};
  static constexpr Quantizable quantizable{.inputs = 1};
  static Movement movement(const Attributes& a) {
    return a.mode == ResizeMode::nearest && !a.crops() ? Movement::selects : Movement::computes;
  }

  using Axes = std::array<detail::ResizeAxis, max_rank>;

  static Status infer(const Attributes& a, InferContext& context) {
    constexpr Status unknown{Code::needs_value, "the output shape depends on the contents of an input"};
    const DType dtype = context.dtype(0);
    LITHE_TRY(detail::whole_bytes(dtype));
    LITHE_TRY(detail::same_scale(context, 0, 0));
    const bool small_float = is_float(dtype) && element_bytes(dtype) == 1;
    if (a.mode != ResizeMode::nearest && (dtype == DType::boolean || small_float))
      return {Code::unsupported, "elements of this type cannot be interpolated"};
    if (context.has(2) == context.has(3))
      return {Code::invalid_model, "a resize needs either scales or sizes"};
    if (a.crops() && !context.has(1)) return {Code::invalid_model, "a crop and resize needs a roi"};
    const TensorView* values[4] = {};
    for (int i = 1; i < 4; ++i) {
      if (!context.has(i) || (i == 1 && !a.crops())) continue;
      values[i] = context.value(i);
      if (values[i] == nullptr) return unknown;
    }
    Axes axes;
    LITHE_TRY(resolve(a, context.shape(0), values[1], values[2], values[3], axes));
    Shape output;
    for (int d = 0; d < context.rank(0); ++d) output.push_back(axes[static_cast<std::size_t>(d)].output);
    return context.output(0, output);
  }

  /// Computes one ResizeAxis for each axis of `shape`. Inputs that are null are absent or do not matter.
  static Status resolve(const Attributes& a, const Shape& shape, const TensorView* roi,
                        const TensorView* scales, const TensorView* sizes, Axes& axes) {
    LITHE_TRY(detail::axis_set_or_all(a.axes, shape.rank()).status());
    for (int d = 0; d < shape.rank(); ++d) axes[at(d)].input = axes[at(d)].output = shape[d];
    const index_t count = a.axes.empty() ? shape.rank() : a.axes.size();
    const TensorView* lists[] = {roi, scales, sizes};
    for (const TensorView* list : lists)
      if (list != nullptr && (list->shape.rank() != 1 || list->elements() != (list == roi ? 2 : 1) * count))
        return {Code::shape, "roi, scales or sizes of a resize has another length than its axes"};
    double common = 0;
    if (sizes != nullptr) {
      LITHE_ASSIGN_OR_RETURN(common, common_scale(a, shape, *sizes));
    }
    for (index_t i = 0; i < count; ++i) {
      detail::ResizeAxis& axis = axes[at(named(a, shape, i))];
      if (roi != nullptr) {
        axis.start = static_cast<const float*>(roi->data)[i];
        axis.end = static_cast<const float*>(roi->data)[i + count];
      }
      if (scales != nullptr)
        LITHE_TRY(by_scale(static_cast<const float*>(scales->data)[i], axis));
      else
        LITHE_TRY(by_size(integer_at(*sizes, i), common, axis));
      if (axis.input == 0 && axis.output != 0) return {Code::shape, "an empty axis cannot be resized"};
      if (a.antialias && a.mode != ResizeMode::nearest &&
          a.filter().taps(axis.scale) > 8 * std::int64_t{axis.input} + 8)
        return {Code::shape, "a scale is too small for the region of interest"};
      axis.resized = axis.input != axis.output || axis.scale != 1 || roi != nullptr ||
                     a.coordinate_transformation_mode == Coordinates::tf_half_pixel_for_nn;
    }
    return {};
  }

  /// The axis that number `i` of scales or sizes is for.
  static int named(const Attributes& a, const Shape& shape, index_t i) {
    return a.axes.empty() ? static_cast<int>(i) : normalize_axis(a.axes[static_cast<int>(i)], shape.rank());
  }

 private:
  static constexpr double largest = std::numeric_limits<std::int32_t>::max();
  static std::size_t at(int d) { return static_cast<std::size_t>(d); }

  static Status by_scale(float scale, detail::ResizeAxis& axis) {
    if (!(scale > 0) || !std::isfinite(scale)) return {Code::shape, "a scale of a resize is not positive"};
    axis.scale = scale;
    // In f32, as ONNX infers shapes: 5 times 2.6f is 13.
    const double size = std::floor(
        static_cast<float>(static_cast<double>(axis.input) * (axis.end - axis.start) * axis.scale));
    if (!(size >= 0 && size <= largest)) return {Code::shape, "a resized axis is beyond 2^31 - 1"};
    axis.output = static_cast<index_t>(size);
    return {};
  }
  static Status by_size(std::int64_t size, double common, detail::ResizeAxis& axis) {
    const auto input = static_cast<double>(axis.input);
    const double output = common > 0 ? std::floor(common * input + 0.5) : static_cast<double>(size);
    if (!(output >= 0 && output <= largest))
      return {Code::shape, "a size of a resize is negative or beyond 2^31 - 1"};
    axis.output = static_cast<index_t>(output);
    if (axis.input > 0 && axis.output > 0) axis.scale = common > 0 ? common : output / input;
    return {};
  }
  /// The common scale under keep_aspect_ratio_policy; 0 where each axis has its own.
  static Result<double> common_scale(const Attributes& a, const Shape& shape, const TensorView& sizes) {
    double common = 0;
    if (a.keep_aspect_ratio_policy == AspectRatio::stretch) return common;
    for (index_t i = 0; i < sizes.elements(); ++i) {
      const std::int64_t size = integer_at(sizes, i);
      const index_t input = shape[named(a, shape, i)];
      if (size <= 0 || input == 0) return Status{Code::shape, "an empty axis has no ratio to keep"};
      const double scale = static_cast<double>(size) / static_cast<double>(input);
      const bool larger = a.keep_aspect_ratio_policy == AspectRatio::not_smaller;
      common = i == 0 ? scale : larger ? std::max(common, scale) : std::min(common, scale);
    }
    return common;
  }
};
static_assert(Operator<Resize>);

}  // namespace lithe::inline v0::ops

namespace lithe::inline v0::portable {

template <std::same_as<ops::Resize> Op>
struct Kernel<Op> {
  using Attributes = ops::Resize::Attributes;

  static Status reshape(const Attributes& a, ReshapeContext& context) {
    const TensorView& input = context.inputs[0];
    const bool converts = input.dtype != DType::f32 && input.dtype != DType::f64;
    const Plan plan(a, input.shape, context.outputs[0].shape, in_float(input) ? 4 : 8, converts);
    return ops::detail::ask_workspace(context, plan.bytes);
  }

  static Status run(const Attributes& a, RunContext& context) {
    const TensorView& input = context.input(0);
    if (context.output().elements() == 0) return {};
    const auto value = [&](int i) { return context.has(i) ? &context.input(i) : nullptr; };
    ops::Resize::Axes axes;
    LITHE_TRY(ops::Resize::resolve(a, input.shape, a.crops() ? value(1) : nullptr, value(2), value(3), axes));
    for (int d = 0; d < input.shape.rank(); ++d)
      if (axes[static_cast<std::size_t>(d)].output != context.output().shape[d])
        return {Code::out_of_range, "the sizes of a resize changed after its shape was inferred"};
    if (a.mode == ResizeMode::nearest) return Nearest(a, context, axes).run();
    return in_float(input) ? Interpolation<float>(a, context).run(a, axes)
                           : Interpolation<double>(a, context).run(a, axes);
  }

 private:
  using ResizeMode = ops::ResizeMode;
  using Level = ops::detail::ResizeLevel;
  using Plan = ops::detail::ResizePlan;
  using Taps = ops::detail::ResizeTaps;
  static constexpr index_t chunk = ops::detail::chunk, block = 16;

  /// Whether elements are interpolated as floats; other types are as doubles.
  static bool in_float(const TensorView& t) {
    return t.dtype == DType::f32 || t.dtype == DType::f16 || t.dtype == DType::bf16 ||
           ops::detail::quantized(t);
  }
  static std::size_t z(index_t i) { return static_cast<std::size_t>(i); }

  /// Copies elements of any type, by tables of indices.
  class Nearest {
   public:
    Nearest(const Attributes& a, RunContext& context, const ops::Resize::Axes& axes)
        : plan_(a, context.input(0).shape, context.output().shape, 0, false),
          input_(static_cast<const std::byte*>(context.input(0).data)),
          output_(static_cast<std::byte*>(context.output().data)),
          width_(element_bytes(context.output().dtype)) {
      const ops::detail::AxisSet listed =
          *ops::detail::axis_set_or_all(a.axes, context.input(0).shape.rank());
      for (int d = 0; d < plan_.count; ++d) {
        if (!listed.has(d)) continue;
        auto* taps = reinterpret_cast<Taps*>(context.workspace().data() + plan_.offsets[z(d)]);
        plan_.levels[z(d)].taps = taps;
        const ops::detail::ResizeAxis& axis = axes[z(d)];
        const ops::Coordinates coordinates = a.coordinate_transformation_mode;
        for (index_t o = 0; o < axis.output; ++o) {
          const double at = axis.place(coordinates, o);
          const index_t nearest = axis.resized ? axis.nearest(a.nearest_mode, at) : o;
          taps[o].first =
              axis.resized && axis.outside(coordinates, at) ? -1 : static_cast<std::int32_t>(nearest);
        }
      }
      const Tensor one(fill_, context.output().dtype, {}, context.output().quantization);
      const float real = a.extrapolation_value;
      const double wide = real;
      ops::detail::quantized(one) ? ops::detail::store_floats(one, 0, 1, &real)
                                  : ops::detail::store_doubles(one, 0, 1, &wide);
    }
    Status run() {
      if (plan_.count == 0)
        std::memcpy(output_, input_, z(width_));
      else
        walk(0, input_, output_);
      return {};
    }

   private:
    void walk(int l, const std::byte* from, std::byte* to) {
      const Level& level = plan_.levels[z(l)];
      const index_t slab = level.inner_output * width_, step = level.inner_input * width_;
      if (l + 1 == plan_.count && level.inner_input == 1) return line(level, from, to);
      for (index_t o = 0; o < level.output; ++o, to += slab) {
        const index_t i = level.taps == nullptr ? o : level.taps[o].first;
        if (i < 0)
          fill(to, level.inner_output);
        else if (l + 1 == plan_.count)
          std::memcpy(to, from + i * step, z(slab));
        else if (level.taps != nullptr && o > 0 && level.taps[o - 1].first == i)
          std::memcpy(to, to - slab, z(slab));
        else
          walk(l + 1, from + i * step, to);
      }
    }
    void line(const Level& level, const std::byte* from, std::byte* to) {
      ops::detail::by_width(width_, [&]<class T>() {
        for (index_t o = 0; o < level.output; ++o) {
          const index_t i = level.taps[o].first;
          ops::detail::store<T>(to, o,
                                i < 0 ? ops::detail::load<T>(fill_, 0) : ops::detail::load<T>(from, i));
        }
      });
    }
    void fill(std::byte* to, index_t n) {
      for (index_t i = 0; i < n; ++i) std::memcpy(to + i * width_, fill_, z(width_));
    }

    Plan plan_;
    const std::byte* input_;
    std::byte* output_;
    int width_;
    alignas(8) std::byte fill_[8] = {};
  };

  /// Interpolates one axis after the other, outermost first: an output slab starts as a weighted sum of input
  /// slabs.
  template <class T>
  class Interpolation {
   public:
    Interpolation(const Attributes& a, RunContext& context)
        : plan_(a, context.input(0).shape, context.output().shape, sizeof(T),
                context.input(0).dtype != dtype_of<T>),
          input_(context.input(0)),
          output_(context.output()),
          workspace_(context.workspace().data()),
          extrapolation_(a.extrapolation_value),
          direct_(output_.dtype == dtype_of<T>) {}

    Status run(const Attributes& a, const ops::Resize::Axes& axes) {
      if (plan_.count == 0) return ops::detail::copy_all(input_, output_);
      const ops::detail::AxisSet listed = *ops::detail::axis_set_or_all(a.axes, input_.shape.rank());
      for (int d = 0; d < plan_.count; ++d)
        if (listed.has(d)) LITHE_TRY(fill_table(a, axes[z(d)], d));
      walk(0, direct_ ? static_cast<const T*>(input_.data) : nullptr, 0, 0);
      return {};
    }

   private:
    T* part(std::size_t offset) const { return reinterpret_cast<T*>(workspace_ + offset); }

    Status fill_table(const Attributes& a, const ops::detail::ResizeAxis& axis, int d) {
      Level& level = plan_.levels[z(d)];
      auto* taps = reinterpret_cast<Taps*>(workspace_ + plan_.offsets[z(d)]);
      level.taps = taps;
      const ops::Coordinates coordinates = a.coordinate_transformation_mode;
      for (index_t o = 0; o < axis.output; ++o) {
        T* weights = part(level.weights) + o * level.capacity;
        const double at = axis.place(coordinates, o);
        taps[o] = {static_cast<std::int32_t>(o), 1};
        if (!axis.resized) {
          weights[0] = 1;
        } else if (axis.outside(coordinates, at)) {
          taps[o].first = -1;
        } else {
          LITHE_ASSIGN_OR_RETURN(taps[o],
                                 ops::detail::resize_taps<T>(axis, a.filter(), at, weights, level.capacity));
        }
      }
      return {};
    }

    /// Computes the output elements from `to` on, out of the slab that begins at `from` of `slab`, or of the
    /// input where `slab` is null.
    void walk(int l, const T* slab, index_t from, index_t to) {
      const Level& level = plan_.levels[z(l)];
      if (l + 1 == plan_.count) return line(level, slab, from, to);
      const index_t n = level.inner_input;
      for (index_t o = 0; o < level.output; ++o, to += level.inner_output) {
        if (level.taps == nullptr) {
          walk(l + 1, slab, from + o * n, to);
          continue;
        }
        const Taps taps = level.taps[o];
        const T* weights = part(level.weights) + o * level.capacity;
        if (taps.first < 0) {
          fill(to, level.inner_output);
        } else if (taps.count == 1 && weights[0] == 1) {
          walk(l + 1, slab, from + taps.first * n, to);
        } else {
          T* sum = part(level.slab);
          if (slab != nullptr)
            add_up(sum, slab + from + taps.first * n, n, n, taps.count, weights);
          else
            add_up_converted(sum, from + taps.first * n, n, taps.count, weights);
          walk(l + 1, sum, 0, to);
        }
      }
    }

    void line(const Level& level, const T* slab, index_t from, index_t to) {
      const index_t n = level.inner_input;
      const T* in = slab != nullptr ? slab + from : convert(from, level.input * n);
      T* out = direct_ ? static_cast<T*>(output_.data) + to : part(plan_.line_out);
      for (index_t o = 0; o < level.output; ++o) {
        const Taps taps = level.taps[o];
        const T* weights = part(level.weights) + o * level.capacity;
        if (taps.first < 0)
          std::fill_n(out + o * n, n, extrapolation_);
        else
          add_up(out + o * n, in + taps.first * n, n, n, taps.count, weights);
      }
      if (!direct_) write(out, to, level.output * n);
    }

    /// to[0, n) = the sum of `count` rows of n elements, which lie `step` apart, times their weights.
    static void add_up(T* to, const T* from, index_t step, index_t n, index_t count, const T* weights) {
      if (count == 1 && weights[0] == 1) {
        std::memcpy(to, from, z(n) * sizeof(T));
        return;
      }
      index_t i = 0;
      for (; i + block <= n; i += block) {  // loops of known length, which compilers vectorize at -O2
        T sum[block];
        const T *a = from + i, *b = count > 1 ? a + step : a;
        const T v = count > 1 ? weights[0] : weights[0] / 2, u = count > 1 ? weights[1] : v;
        for (index_t j = 0; j < block; ++j) sum[j] = v * a[j] + u * b[j];
        for (index_t k = 2; k < count; ++k) {
          const T *row = from + k * step + i, w = weights[k];
          for (index_t j = 0; j < block; ++j) sum[j] += w * row[j];
        }
        std::memcpy(to + i, sum, sizeof sum);
      }
      for (; i < n; ++i) {
        T sum = weights[0] * from[i];
        for (index_t k = 1; k < count; ++k) sum += weights[k] * from[k * step + i];
        to[i] = sum;
      }
    }
    void add_up_converted(T* to, index_t from, index_t n, index_t count, const T* weights) const {
      T buffer[chunk];
      for (index_t first = 0; first < n; first += chunk) {
        const index_t some = std::min(chunk, n - first);
        std::fill_n(to + first, some, T{0});
        for (index_t k = 0; k < count; ++k) {
          const T* x = ops::detail::load(input_, from + k * n + first, some, buffer);
          for (index_t i = 0; i < some; ++i) to[first + i] += weights[k] * x[i];
        }
      }
    }
    const T* convert(index_t from, index_t n) const {
      T* to = part(plan_.line_in);
      for (index_t first = 0; first < n; first += chunk) {
        const index_t some = std::min(chunk, n - first);
        const T* x = ops::detail::load(input_, from + first, some, to + first);
        if (x != to + first) std::copy_n(x, some, to + first);
      }
      return to;
    }
    void write(T* from, index_t to, index_t n) const {
      if (!is_float(output_.dtype) && !ops::detail::quantized(output_))
        for (index_t i = 0; i < n; ++i) from[i] = std::nearbyint(from[i]);
      for (index_t first = 0; first < n; first += chunk)
        ops::detail::store(output_, to + first, std::min(chunk, n - first), from + first);
    }
    void fill(index_t to, index_t n) const {
      T values[chunk];
      for (index_t first = 0; first < n; first += chunk) {
        const index_t some = std::min(chunk, n - first);
        std::fill_n(values, some, extrapolation_);
        write(values, to + first, some);
      }
    }

    Plan plan_;
    TensorView input_;
    Tensor output_;
    std::byte* workspace_;
    T extrapolation_;
    bool direct_;
  };
};

}  // namespace lithe::inline v0::portable
