// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <xnnpack.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <cstddef>
#include <cstdint>

#include "lithe/ops/resize.hpp"
#include "lithe/runtime/threads.hpp"
#include "lithe/xnn/detail/quantized.hpp"
#include "lithe/xnn/detail/window.hpp"
#include "lithe/xnn/runtime.hpp"

namespace lithe::inline v0::xnn {

/// resize_bilinear2d_nhwc, f32, f16, s8 and u8, over axes 1 and 2 of four. XNNPACK computes places from the
/// sizes alone, as floats. Refuses models whose scale may be another one, and long axes on which that would
/// show. In f32 it also refuses outputs smaller than XNNPACK's tables of pointers and weights, because the
/// portable kernel is as fast there. The output size is an argument of create, and XNNPACK does not notice a
/// change of the pixel pitch alone, so the operator is made at reshape.
class Resize {
 public:
  using Op = ops::Resize;
  static constexpr const char* name = "xnn::resize_bilinear2d_nhwc";
  static constexpr bool strided_inputs = true, strided_outputs = true;

  [[gnu::cold]] static bool supports(const Op::Attributes& a, const NodeInfo& node) {
    const ValueInfo& input = node.input(0);
    if (datatype(input.dtype) == xnn_datatype_invalid || !runs_natively(input.dtype, node) || any_empty(node))
      return false;
    if (a.mode != ops::ResizeMode::linear || a.antialias || input.shape.rank() != 4 || !two_axes(a))
      return false;
    if (!sized_by_scale(a, node) || !usable_coordinates(a, node)) return false;
    for (int d = 1; d < 3; ++d)
      if (!precise(input.shape[d], node.output().shape[d])) return false;
    const Shape& output = node.output().shape;
    if (input.dtype == DType::f32 && output[3] * element_bytes(DType::f32) < table_bytes) return false;
    return small_indirection({{2, 1, 1, 0, 0}, {2, 1, 1, 0, 0}}, output);
  }

  Status create(const Op::Attributes&, CreateContext&) { return initialize(); }

  [[gnu::cold]] Status reshape(const Op::Attributes& a, ReshapeContext& context) {
    const TensorView &input = context.inputs[0], &output = context.outputs[0];
    const auto z = [](index_t v) { return static_cast<std::size_t>(v); };
    const Shape &in = input.shape, &out = output.shape;
    const std::array<index_t, 4> key{out[1], out[2], in[3], input.pitch};
    if (!op_ || key_ != key) {
      key_ = key;
      const auto create_operator = input.dtype == DType::f32   ? xnn_create_resize_bilinear2d_nhwc_f32
                                   : input.dtype == DType::f16 ? xnn_create_resize_bilinear2d_nhwc_f16
                                   : input.dtype == DType::s8  ? xnn_create_resize_bilinear2d_nhwc_s8
                                                               : xnn_create_resize_bilinear2d_nhwc_u8;
      LITHE_TRY(check(create_operator(z(out[1]), z(out[2]), flags(a), op_.out())));
    }
    const auto reshape_operator = input.dtype == DType::f32   ? xnn_reshape_resize_bilinear2d_nhwc_f32
                                  : input.dtype == DType::f16 ? xnn_reshape_resize_bilinear2d_nhwc_f16
                                  : input.dtype == DType::s8  ? xnn_reshape_resize_bilinear2d_nhwc_s8
                                                              : xnn_reshape_resize_bilinear2d_nhwc_u8;
    std::size_t bytes = 0, align = 0;
    LITHE_TRY(check(reshape_operator(op_.get(), z(in[0]), z(in[1]), z(in[2]), z(in[3]), z(input.pitch),
                                     z(output.pitch), &bytes, &align, native(context.threads))));
    context.workspace(bytes);
    return {};
  }

  Status run(const Op::Attributes&, RunContext& context) {
    const void* in = context.input(0).data;
    void *out = context.output().data, *workspace = context.workspace().data();
    xnn_status status = xnn_status_success;
    switch (context.input(0).dtype) {
      case DType::f32:
        status = xnn_setup_resize_bilinear2d_nhwc_f32(op_.get(), workspace, static_cast<const float*>(in),
                                                      static_cast<float*>(out));
        break;
      case DType::f16:
        status = xnn_setup_resize_bilinear2d_nhwc_f16(op_.get(), workspace, in, out);
        break;
      case DType::s8:
        status = xnn_setup_resize_bilinear2d_nhwc_s8(
            op_.get(), workspace, static_cast<const std::int8_t*>(in), static_cast<std::int8_t*>(out));
        break;
      default:
        status = xnn_setup_resize_bilinear2d_nhwc_u8(
            op_.get(), workspace, static_cast<const std::uint8_t*>(in), static_cast<std::uint8_t*>(out));
    }
    LITHE_TRY(check(status));
    return check(xnn_run_operator(op_.get(), native(context.threads())));
  }

 private:
  using Coordinates = ops::Coordinates;
  static constexpr index_t table_bytes = 40;  ///< four pointers and two weights of a pixel

  static bool two_axes(const Op::Attributes& a) {
    if (a.axes.size() != 2) return false;
    const int first = normalize_axis(a.axes[0], 4), second = normalize_axis(a.axes[1], 4);
    return (first == 1 && second == 2) || (first == 2 && second == 1);
  }
  /// Whether output / input is the scale at every shape, or the scale does not matter.
  static bool sized_by_scale(const Op::Attributes& a, const NodeInfo& node) {
    if (a.coordinate_transformation_mode == Coordinates::align_corners) return true;
    if (!node.has(2)) return a.keep_aspect_ratio_policy == ops::AspectRatio::stretch;
    const auto* scales = static_cast<const float*>(node.input(2).data);
    return scales != nullptr && whole(scales[0]) && whole(scales[1]);
  }
  static bool whole(float scale) { return scale >= 1 && scale == std::nearbyint(scale); }
  [[gnu::cold]] static bool usable_coordinates(const Op::Attributes& a, const NodeInfo& node) {
    switch (a.coordinate_transformation_mode) {
      case Coordinates::half_pixel:
      case Coordinates::half_pixel_symmetric:
      case Coordinates::align_corners:
      case Coordinates::asymmetric:
        return true;
      case Coordinates::pytorch_half_pixel:  // differs where an axis becomes one element
        return node.has(2);
      default:
        return false;
    }
  }
  /// Whether places are exact enough: ratios that are powers of two are exact; else a place is off by about
  /// input * 2^-23 elements.
  static bool precise(index_t input, index_t output) {
    constexpr index_t longest = 1 << 20, longest_inexact = 128;
    if (input > longest || output > longest) return false;
    const index_t more = std::max(input, output), less = std::min(input, output), ratio = more / less;
    return input <= longest_inexact || (ratio * less == more && (ratio & (ratio - 1)) == 0);
  }
  static std::uint32_t flags(const Op::Attributes& a) {
    switch (a.coordinate_transformation_mode) {
      case Coordinates::align_corners:
        return XNN_FLAG_ALIGN_CORNERS;
      case Coordinates::asymmetric:
        return XNN_FLAG_TENSORFLOW_LEGACY_MODE;
      default:
        return 0;
    }
  }

  Handle op_;
  std::array<index_t, 4> key_{};
};

}  // namespace lithe::inline v0::xnn
