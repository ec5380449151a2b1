// SPDX-License-Identifier: Apache-2.0
#include "lithe/ops/roi_align.hpp"

#include <cmath>

#include "tests/support/op_test.hpp"
#include "tests/support/reversed_threads.hpp"

namespace lithe::test {
namespace {

using ops::RoiAlign;
using ops::RoiMode;
using Attributes = RoiAlign::Attributes;

/// The four weighted neighbours of a place.
std::vector<double> neighbours(const ReferenceTensor& x, index_t image, double h, double w, index_t c) {
  const index_t rows = x.shape[1], columns = x.shape[2];
  if (h < -1 || h > static_cast<double>(rows) || w < -1 || w > static_cast<double>(columns))
    return {0, 0, 0, 0};
  h = std::clamp(h, 0.0, static_cast<double>(rows - 1));
  w = std::clamp(w, 0.0, static_cast<double>(columns - 1));
  const auto top = static_cast<index_t>(h), left = static_cast<index_t>(w);
  const index_t bottom = std::min(top + 1, rows - 1), right = std::min(left + 1, columns - 1);
  const double down = h - static_cast<double>(top), across = w - static_cast<double>(left);
  return {(1 - down) * (1 - across) * x.at(image, top, left, c),
          (1 - down) * across * x.at(image, top, right, c),
          down * (1 - across) * x.at(image, bottom, left, c), down * across * x.at(image, bottom, right, c)};
}

ReferenceTensor reference(const Attributes& a, const std::vector<ReferenceTensor>& in) {
  const index_t channels = in[0].shape[3], count = in[1].shape[0];
  ReferenceTensor y({count, a.output_height, a.output_width, channels});
  for (index_t r = 0; r < count; ++r) {
    const double off = a.half_pixel ? 0.5 : 0, scale = a.spatial_scale;
    const auto edge = [&](index_t i) { return in[1].at(r, i) * scale - off; };
    double width = edge(2) - edge(0), height = edge(3) - edge(1);
    if (!a.half_pixel) {
      width = std::max(width, 1.0);
      height = std::max(height, 1.0);
    }
    const double bin_h = height / a.output_height, bin_w = width / a.output_width;
    const auto samples_h =
                   a.sampling_ratio > 0 ? a.sampling_ratio : std::max(0, static_cast<int>(std::ceil(bin_h))),
               samples_w =
                   a.sampling_ratio > 0 ? a.sampling_ratio : std::max(0, static_cast<int>(std::ceil(bin_w)));
    for (index_t h = 0; h < a.output_height; ++h)
      for (index_t w = 0; w < a.output_width; ++w)
        for (index_t c = 0; c < channels; ++c) {
          double sum = 0, largest = -INFINITY;
          for (int i = 0; i < samples_h; ++i)
            for (int j = 0; j < samples_w; ++j)
              for (const double v :
                   neighbours(in[0], static_cast<index_t>(in[2][r]),
                              edge(1) + (static_cast<double>(h) + (i + 0.5) / samples_h) * bin_h,
                              edge(0) + (static_cast<double>(w) + (j + 0.5) / samples_w) * bin_w, c)) {
                sum += v;
                largest = std::max(largest, v);
              }
          y.at(r, h, w, c) = a.mode == RoiMode::avg      ? sum / std::max(samples_h * samples_w, 1)
                             : samples_h * samples_w > 0 ? largest
                                                         : 0;
        }
  }
  return y;
}

Input regions() { return Input::values({4, 4}, {0.5, 1, 6, 5.5, -3, -2, 3, 3, 2, 2, 12, 9, 5, 5, 3, 3}); }

TEST(RoiAlign, Values) {
  const auto images = [] { return Input::values({4}, {1, 0, 1, 0}).as(DType::s64); };
  for (const auto mode : {RoiMode::avg, RoiMode::max})
    for (const bool half : {false, true})
      for (const std::int32_t ratio : {0, 1, 3})
        OpTest<RoiAlign>({.mode = mode,
                          .output_height = 3,
                          .output_width = 2,
                          .sampling_ratio = ratio,
                          .spatial_scale = 0.75f,
                          .half_pixel = half})
            .matches(reference, {{2, 7, 9, 3}, regions(), images()}, {.tolerance = 2e-2});
  OpTest<RoiAlign>({.output_height = 2, .output_width = 2})
      .on(reversed_threads)
      .matches(reference, {{2, 7, 9, 70}, regions(), images()}, {.tolerance = 2e-2});
  OpTest<RoiAlign>({.output_height = 2})
      .matches(reference, {{2, 7, 9, 3}, {0, 4}, Input::values({0}, {}).as(DType::s64)});
}

TEST(RoiAlign, DataOutOfRangeIsRefusedAtRun) {
  OpTest<RoiAlign> op;
  const auto code = [&](std::vector<double> region, std::int64_t image) {
    return op.run_code({{2, 7, 9, 3}, Input::values({1, 4}, std::move(region)), Input::ints({image})});
  };
  EXPECT_EQ(code({0, 0, 3, 3}, 1), Code::ok);
  EXPECT_EQ(code({0, 0, 3, 3}, 2), Code::out_of_range);
  EXPECT_EQ(code({0, 0, 3, 3}, -1), Code::out_of_range);
  EXPECT_EQ(code({0, 0, std::nan(""), 3}, 0), Code::out_of_range);
  EXPECT_EQ(code({0, 0, INFINITY, 3}, 0), Code::out_of_range);
  EXPECT_EQ(code({0, 0, 1e20, 3}, 0), Code::out_of_range);
}

TEST(RoiAlign, Refuses) {
  OpTest<RoiAlign>{}.refuses({{{{2, 7, 9}, {1, 4}, {1}}, Code::shape},
                              {{{2, 7, 9, 3}, {1, 5}, {1}}, Code::shape},
                              {{{2, 7, 9, 3}, {2, 4}, {1}}, Code::shape}});
  for (const Attributes& bad : {Attributes{.output_height = 0},
                                {.output_width = -1},
                                {.sampling_ratio = -1},
                                {.sampling_ratio = 1 << 20},
                                {.spatial_scale = INFINITY}})
    EXPECT_EQ(OpTest<RoiAlign>(bad).infer({{2, 7, 9, 3}, {1, 4}, {1}}).code(), Code::invalid_model);
}

}  // namespace
}  // namespace lithe::test
