// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <algorithm>
#include <array>
#include <cstdint>

#include "lithe/ops/detail/window.hpp"

/// Sliding windows as XNNPACK wants them: padding is an argument of create, and the output size follows from
/// it.
namespace lithe::inline v0::xnn {

using ops::detail::Window;
using ops::detail::WindowAxis;

/// A kernel refuses larger indirection buffers: XNNPACK multiplies their sizes without checking for overflow.
inline constexpr std::int64_t max_indirection_bytes = std::int64_t{1} << 30;

/// {top, right, bottom, left}, the order of XNNPACK's arguments.
using Pads = std::array<std::uint32_t, 4>;

/// The padding after `size` input elements from which XNNPACK computes `out` outputs where windows reach
/// beyond the padding (ceil_mode).
inline std::int64_t overhang(const WindowAxis& axis, index_t size, index_t out) {
  const std::int64_t needed =
      (std::int64_t{out} - 1) * axis.stride + (std::int64_t{axis.kernel} - 1) * axis.dilation + 1;
  return std::max<std::int64_t>(0, needed - axis.before - size);
}

/// The window's padding; with `ceil`, the padding that an [N, H, W, C] input and output need.
inline Pads pads_for(const Window& window, const Shape& input, const Shape& output, bool ceil = false) {
  const auto after = [&](const WindowAxis& axis, int i) {
    return static_cast<std::uint32_t>(ceil ? overhang(axis, input[i], output[i]) : axis.after);
  };
  return {static_cast<std::uint32_t>(window.h.before), after(window.w, 2), after(window.h, 1),
          static_cast<std::uint32_t>(window.w.before)};
}

inline bool padded(const Window& w) { return (w.h.before | w.h.after | w.w.before | w.w.after) != 0; }

/// Whether the pointers to all taps of an [N, OH, OW, C] output stay below max_indirection_bytes. XNNPACK
/// rounds rows up by a tile of at most 16 outputs, and reads at most 64 pointers beyond.
inline bool small_indirection(const Window& window, const Shape& output) {
  const std::int64_t limit = max_indirection_bytes / static_cast<std::int64_t>(sizeof(void*));
  const std::int64_t taps = window.taps();
  if (taps > limit / 16) return false;
  return (std::int64_t{output[1]} * output[2] + 16) <= (limit - 64) / taps;
}

/// What the operator of a slot was made for. Strips of a node differ in padding; an operator is made again
/// when padding or channel pitch changes.
struct SlotKey {
  Pads pads{};
  index_t input_pitch = 0, output_pitch = 0, channels = 0;
  friend bool operator==(const SlotKey&, const SlotKey&) = default;
};

/// Checks the output size that XNNPACK computed.
/// Errors: Code::kernel where it is not that of shape inference.
inline Status check_output(const Shape& output, std::size_t height, std::size_t width) {
  if (height == static_cast<std::size_t>(output[1]) && width == static_cast<std::size_t>(output[2]))
    return {};
  return {Code::kernel, "XNNPACK computes another output size than shape inference"};
}

}  // namespace lithe::inline v0::xnn
