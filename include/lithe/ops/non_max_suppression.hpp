// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <algorithm>
#include <concepts>
#include <cstdint>
#include <limits>

#include "lithe/core/kernel.hpp"
#include "lithe/ops/detail/gemm.hpp"

namespace lithe::inline v0::ops {

/// Keeps, for each image and class, the boxes of highest score that do not overlap a kept box too much.
///   boxes [B, N, 4]    scores [B, C, N]
///   most s64 optional: boxes to keep of each class of each image    iou_threshold, score_threshold optional
///   output [n, 3] s64: image, class and box; n is known only after run
/// The output is sorted by image, class and falling score; of equal scores the first box comes first.
/// Units: boxes are [y1, x1, y2, x2], two corners in any order, or with center_point_box [x, y, width,
/// height]. A box is dropped if its intersection over union with a kept box is above iou_threshold (default
/// 0), or its score is not above score_threshold (default: none). Without `most`, or with one below 1,
/// nothing is kept.
/// Errors: Code::shape for ranks or sizes that do not fit, or an optional input that is not one number.
/// Source: ONNX NonMaxSuppression-11.
struct NonMaxSuppression {
  struct Attributes {
    bool center_point_box = false;
    static constexpr auto fields() {
      return Fields{field("center_point_box", &Attributes::center_point_box)};
    }
  };
  using enum DType;
  static constexpr OpSpec spec{.name = "NonMaxSuppression",
                               .inputs = {"boxes", "scores", "most?", "iou_threshold?", "score_threshold?"},
                               .outputs = {"output"}};
  static constexpr TypeRow types[] = {{{f32, f32, s64, f32, f32}, {s64}}};

  static Status infer(const Attributes&, InferContext& context) {
    const Shape &boxes = context.shape(0), &scores = context.shape(1);
    if (boxes.rank() != 3 || boxes[2] != 4) return {Code::shape, "boxes must be [images, boxes, 4]"};
    if (scores.rank() != 3 || scores[0] != boxes[0] || scores[2] != boxes[1])
      return {Code::shape, "scores must be [images, classes, boxes]"};
    for (int i = 2; i < context.inputs(); ++i)
      if (context.has(i) && (context.rank(i) > 1 || context.shape(i).elements() != 1))
        return {Code::shape, "a limit or threshold of a non-maximum suppression is not one number"};
    std::int64_t most = context.has(2) ? boxes[1] : 0;
    if (const TensorView* known = context.has(2) ? context.value(2) : nullptr)
      most = std::clamp<std::int64_t>(integer_at(*known, 0), 0, most);
    Shape output;
    output.push_back(std::int64_t{scores[0]} * scores[1] * most);
    output.push_back(3);
    return context.output_at_most(0, output);
  }
};
static_assert(Operator<NonMaxSuppression>);

}  // namespace lithe::inline v0::ops

namespace lithe::inline v0::portable {

template <std::same_as<ops::NonMaxSuppression> Op>
struct Kernel<Op> {
  using Attributes = ops::NonMaxSuppression::Attributes;

  /// The workspace holds the candidates of one class, the number of kept boxes of each class, and all kept
  /// boxes.
  static Status reshape(const Attributes&, ReshapeContext& context) {
    const Shape& scores = context.inputs[1].shape;
    const auto classes = static_cast<std::uint64_t>(scores[0] * scores[1]);
    const auto boxes = static_cast<std::uint64_t>(scores[2]);
    return ops::detail::ask_workspace(context, 4 * (boxes + classes * (boxes + 1)));
  }

  static Status run(const Attributes& a, RunContext& context) {
    const Shape& shape = context.input(1).shape;
    const index_t images = shape[0], classes = shape[1], boxes = shape[2];
    auto* candidates = reinterpret_cast<std::int32_t*>(context.workspace().data());
    std::int32_t *counts = candidates + boxes, *kept = counts + images * classes;
    const Limits limits(context);
    const auto* corners = static_cast<const float*>(context.input(0).data);
    const auto* scores = static_cast<const float*>(context.input(1).data);
    index_t total = 0;
    for (index_t line = 0; line < images * classes && boxes > 0; ++line) {
      const index_t n = candidates_of(scores + line * boxes, boxes, limits, candidates);
      const float* image = corners + line / classes * boxes * 4;
      counts[line] = keep(a, image, candidates, n, limits, kept + total);
      total += counts[line];
    }
    LITHE_TRY(context.resize_output(0, {total, 3}));
    auto* output = static_cast<std::int64_t*>(context.output().data);
    for (index_t line = 0; total > 0 && line < images * classes; ++line)
      for (std::int32_t i = 0; i < counts[line]; ++i, output += 3) {
        output[0] = line / classes;
        output[1] = line % classes;
        output[2] = *kept++;
      }
    return {};
  }

 private:
  struct Limits {
    std::int64_t most = 0;
    float overlap = 0, score = -std::numeric_limits<float>::infinity();
    bool scored;

    explicit Limits(const RunContext& context) : scored(context.has(4)) {
      if (context.has(2)) most = integer_at(context.input(2), 0);
      if (context.has(3)) overlap = *static_cast<const float*>(context.input(3).data);
      if (scored) score = *static_cast<const float*>(context.input(4).data);
    }
  };
  struct Box {
    float left, top, right, bottom;

    Box(const float* b, bool center) {
      if (center) {
        left = b[0] - b[2] / 2;
        right = b[0] + b[2] / 2;
        top = b[1] - b[3] / 2;
        bottom = b[1] + b[3] / 2;
      } else {
        left = std::min(b[1], b[3]);
        right = std::max(b[1], b[3]);
        top = std::min(b[0], b[2]);
        bottom = std::max(b[0], b[2]);
      }
    }
    float area() const { return (right - left) * (bottom - top); }
    bool overlaps(const Box& other, float threshold) const {
      const float width = std::min(right, other.right) - std::max(left, other.left),
                  height = std::min(bottom, other.bottom) - std::max(top, other.top);
      if (!(width > 0 && height > 0 && area() > 0 && other.area() > 0)) return false;
      const float common = width * height, all = area() + other.area() - common;
      return all > 0 && common / all > threshold;
    }
  };

  /// Writes the boxes with scores above the limit, by falling score; NaN is below all numbers. Returns their
  /// number.
  static index_t candidates_of(const float* scores, index_t boxes, const Limits& limits,
                               std::int32_t* candidates) {
    index_t n = 0;
    for (index_t i = 0; i < boxes; ++i)
      if (!limits.scored || scores[i] > limits.score) candidates[n++] = static_cast<std::int32_t>(i);
    std::sort(candidates, candidates + n, [&](std::int32_t i, std::int32_t j) {
      const float x = scores[i], y = scores[j];
      if (x > y || (x == x && y != y)) return true;
      return !(y > x || (y == y && x != x)) && i < j;
    });
    return n;
  }

  static std::int32_t keep(const Attributes& a, const float* image, const std::int32_t* candidates, index_t n,
                           const Limits& limits, std::int32_t* kept) {
    std::int32_t count = 0;
    for (index_t i = 0; i < n && count < limits.most; ++i) {
      const Box box(image + candidates[i] * index_t{4}, a.center_point_box);
      const bool free = std::none_of(kept, kept + count, [&](std::int32_t other) {
        return box.overlaps(Box(image + other * index_t{4}, a.center_point_box), limits.overlap);
      });
      if (free) kept[count++] = candidates[i];
    }
    return count;
  }
};

}  // namespace lithe::inline v0::portable
