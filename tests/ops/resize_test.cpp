// SPDX-License-Identifier: Apache-2.0
#include "lithe/ops/resize.hpp"

#include <cmath>
#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include "tests/support/op_test.hpp"
#include "tests/support/rearranged.hpp"
#include "tests/support/workspace.hpp"

namespace lithe::test {
namespace {

using ops::AspectRatio;
using ops::Coordinates;
using ops::NearestMode;
using ops::ResizeMode;
using Attributes = ops::Resize::Attributes;

/// Where output element `o` of an axis lies, word for word as the specification has it but for align_corners.
double place(const Attributes& a, double o, double in, double out, double scale, double start, double end) {
  switch (a.coordinate_transformation_mode) {
    case Coordinates::half_pixel:
      return (o + 0.5) / scale - 0.5;
    case Coordinates::half_pixel_symmetric: {
      const double adjustment = out / (scale * in), center = in / 2, offset = center * (1 - adjustment);
      return offset + (o + 0.5) / scale - 0.5;
    }
    case Coordinates::pytorch_half_pixel:
      return out > 1 ? (o + 0.5) / scale - 0.5 : 0;
    case Coordinates::align_corners:
      return out > 1 ? o * (in - 1) / (out - 1) : 0;
    case Coordinates::asymmetric:
      return o / scale;
    case Coordinates::tf_half_pixel_for_nn:
      return (o + 0.5) / scale;
    default:
      return out > 1 ? start * (in - 1) + o * (end - start) * (in - 1) / (out - 1)
                     : 0.5 * (start + end) * (in - 1);
  }
}

double keys(double x, double a) {
  x = std::abs(x);
  if (x <= 1) return (a + 2) * x * x * x - (a + 3) * x * x + 1;
  return x < 2 ? a * x * x * x - 5 * a * x * x + 8 * a * x - 4 * a : 0;
}

/// The weight of every element of an axis of `in` elements at `x`.
std::vector<double> weights(const Attributes& a, double x, index_t in, double scale) {
  std::vector<double> all(static_cast<std::size_t>(in));
  const auto inside = [&](double i) {
    return static_cast<std::size_t>(std::min(std::max(i, 0.0), static_cast<double>(in - 1)));
  };
  if (a.mode == ResizeMode::nearest) {
    const double floor = std::floor(x), rest = x - floor;
    const bool up = a.nearest_mode == NearestMode::ceil                ? rest > 0
                    : a.nearest_mode == NearestMode::round_prefer_ceil ? rest >= 0.5
                    : a.nearest_mode == NearestMode::floor             ? false
                                                                       : rest > 0.5;
    all[inside(floor + (up ? 1 : 0))] = 1;
    return all;
  }
  const double stretch = a.antialias ? std::min(scale, 1.0) : 1;
  double sum = 0;
  for (double i = -100; i < 200; ++i) {
    if (a.exclude_outside && (i < 0 || i >= static_cast<double>(in))) continue;
    const double d = (i - x) * stretch;
    const double w = a.mode == ResizeMode::linear ? std::max(0.0, 1 - std::abs(d))
                                                  : keys(d, static_cast<double>(a.cubic_coeff_a));
    all[inside(i)] += w;
    sum += w;
  }
  if (a.antialias || a.exclude_outside)
    for (double& w : all) w /= sum;
  return all;
}

/// Resizes one axis; `in` holds numbers before any rounding.
ReferenceTensor resize_axis(const Attributes& a, const ReferenceTensor& in, int axis, index_t out,
                            double scale, double start = 0, double end = 1) {
  Shape shape = in.shape;
  shape[axis] = out;
  ReferenceTensor result(shape);
  const index_t n = in.shape[axis];
  for (index_t i = 0; i < shape.elements(); ++i) {
    Index index = result.index_of(i);
    const double x = place(a, static_cast<double>(index[static_cast<std::size_t>(axis)]),
                           static_cast<double>(n), static_cast<double>(out), scale, start, end);
    if (a.crops() && (x < 0 || x > static_cast<double>(n - 1))) {
      result[i] = static_cast<double>(a.extrapolation_value);
      continue;
    }
    const auto w = weights(a, x, n, scale);
    for (index_t k = 0; k < n; ++k) {
      index[static_cast<std::size_t>(axis)] = k;
      if (w[static_cast<std::size_t>(k)] != 0)
        result[i] += w[static_cast<std::size_t>(k)] * in[in.offset(index)];
    }
  }
  return result;
}

struct AxisCase {
  int axis;
  index_t out;
  double scale, start = 0, end = 1;
};
auto reference(std::vector<AxisCase> axes, bool quantized = false) {
  return [axes, quantized](const Attributes& a, const std::vector<ReferenceTensor>& in) {
    ReferenceTensor out = in[0];
    for (const AxisCase& c : axes) out = resize_axis(a, out, c.axis, c.out, c.scale, c.start, c.end);
    for (double& v : out.values)
      if (is_integer(in[0].dtype) && !quantized)
        v = std::nearbyint(is_unsigned_integer(in[0].dtype) ? std::max(v, 0.0) : v);
    return out;
  };
}

Input floats(std::vector<double> values) {
  const Shape shape{static_cast<index_t>(values.size())};
  return Input::values(shape, std::move(values)).known();
}

/// Exact dtypes for data movement, and the ones that arithmetic is for.
const std::vector<DType> every = {DType::f32, DType::f16, DType::bf16,   DType::f64, DType::s8,
                                  DType::s16, DType::s32, DType::s64,    DType::u8,  DType::u16,
                                  DType::u32, DType::u64, DType::boolean};
MatchOptions rows_of(const std::vector<DType>& dtypes, std::vector<DType> others) {
  MatchOptions options;
  options.quantized = Quantized::never;
  for (DType d : dtypes) {
    std::vector<DType> in{d};
    in.insert(in.end(), others.begin(), others.end());
    options.rows.push_back({in, {d}});
  }
  return options;
}
const std::vector<DType> by_scales = {DType::none, DType::f32},
                         by_sizes = {DType::none, DType::none, DType::s64};

constexpr Coordinates plain[] = {Coordinates::half_pixel,         Coordinates::half_pixel_symmetric,
                                 Coordinates::pytorch_half_pixel, Coordinates::align_corners,
                                 Coordinates::asymmetric,         Coordinates::tf_half_pixel_for_nn};

TEST(Resize, Nearest) {
  for (Coordinates coordinates : plain)
    for (NearestMode nearest : {NearestMode::round_prefer_floor, NearestMode::round_prefer_ceil,
                                NearestMode::floor, NearestMode::ceil}) {
      SCOPED_TRACE(enum_names(coordinates)[static_cast<std::size_t>(coordinates)]);
      SCOPED_TRACE(enum_names(nearest)[static_cast<std::size_t>(nearest)]);
      OpTest<ops::Resize> op{
          {.axes = {1, 2}, .coordinate_transformation_mode = coordinates, .nearest_mode = nearest}};
      op.matches(reference({{1, 6, 2}, {2, 12, 3}}), {{2, 3, 4, 5}, Input::absent(), floats({2, 3})},
                 rows_of(every, by_scales));
      op.matches(reference({{1, 7, 7 / 5.0}, {2, 3, 3 / 8.0}}),
                 {{1, 5, 8}, Input::absent(), Input::absent(), Input::ints({7, 3})},
                 rows_of(every, by_sizes));
    }
}

TEST(Resize, DecimalScalesMeanWhatTheySay) {
  OpTest<ops::Resize>{
      {.coordinate_transformation_mode = Coordinates::asymmetric, .nearest_mode = NearestMode::ceil}}
      .matches(reference({{0, 11, 0.7}}), {{16}, Input::absent(), floats({0.7F})},
               rows_of({DType::f32, DType::f64}, by_scales));
  OpTest<ops::Resize>{
      {.coordinate_transformation_mode = Coordinates::asymmetric, .nearest_mode = NearestMode::floor}}
      .matches(reference({{0, 13, 2.6}}), {{5}, Input::absent(), floats({2.6F})},
               rows_of({DType::f32, DType::f64}, by_scales));
}

TEST(Resize, LinearAndCubic) {
  const std::vector<DType> dtypes(every.begin(), every.end() - 1), floating(every.begin(), every.begin() + 4);
  for (Coordinates coordinates : plain)
    for (ResizeMode mode : {ResizeMode::linear, ResizeMode::cubic})
      for (int way = 0; way < 4; ++way) {
        SCOPED_TRACE(enum_names(coordinates)[static_cast<std::size_t>(coordinates)]);
        SCOPED_TRACE(std::string(enum_names(mode)[static_cast<std::size_t>(mode)]) + std::to_string(way));
        const bool antialias = (way & 1) != 0, exclude = (way & 2) != 0;
        Attributes a{.axes = {1, -2},
                     .mode = mode,
                     .coordinate_transformation_mode = coordinates,
                     .cubic_coeff_a = exclude ? -0.5f : -0.75f,
                     .exclude_outside = exclude,
                     .antialias = antialias};
        OpTest<ops::Resize>{a}.matches(reference({{1, 8, 1.7F}, {2, 2, 0.4F}}),
                                       {{2, 5, 6, 3}, Input::absent(), floats({1.7F, 0.4F})},
                                       rows_of(dtypes, by_scales));
        a.axes = {3, 1};
        OpTest<ops::Resize>{a}.matches(reference({{1, 4, 2}, {3, 3, 3 / 70.0}}),
                                       {{1, 2, 2, 70}, Input::absent(), Input::absent(), Input::ints({3, 4})},
                                       rows_of(floating, by_sizes));  // halves are no use with integers
      }
}

TEST(Resize, LongRowsAndManyChannels) {
  for (ResizeMode mode : {ResizeMode::nearest, ResizeMode::linear, ResizeMode::cubic}) {
    OpTest<ops::Resize> op{{.axes = {1, 2}, .mode = mode}};
    op.matches(reference({{1, 6, 2}, {2, 10, 2}}), {{1, 3, 5, 130}, Input::absent(), floats({2, 2})},
               rows_of({DType::f32, DType::f16, DType::s32}, by_scales));
  }
}

TEST(Resize, EveryAxis) {
  OpTest<ops::Resize> op{{.mode = ResizeMode::linear}};
  op.matches(reference({{0, 4, 2}, {1, 3, 1}, {2, 2, 0.5}}),
             {{2, 3, 4}, Input::absent(), floats({2, 1, 0.5})}, rows_of({DType::f32, DType::u8}, by_scales));
  op.matches(reference({}), {{}, Input::absent(), floats({})}, rows_of({DType::f32, DType::u8}, by_scales));
  OpTest<ops::Resize>{}.matches(reference({{0, 4, 2}, {1, 3, 1}, {2, 2, 0.5}}),
                                {{2, 3, 4}, Input::absent(), floats({2, 1, 0.5})}, rows_of(every, by_scales));
}

TEST(Resize, AspectRatio) {
  OpTest<ops::Resize> smaller{{.axes = {1, 2}, .keep_aspect_ratio_policy = AspectRatio::not_larger}};
  smaller.matches(reference({{1, 7, 3.5}, {2, 14, 3.5}}),
                  {{2, 2, 4}, Input::absent(), Input::absent(), Input::ints({7, 100})},
                  rows_of(every, by_sizes));
  OpTest<ops::Resize> larger{
      {.axes = {2, 1}, .mode = ResizeMode::linear, .keep_aspect_ratio_policy = AspectRatio::not_smaller}};
  larger.matches(reference({{1, 3, 1.25}, {2, 5, 1.25}}),
                 {{2, 2, 4}, Input::absent(), Input::absent(), Input::ints({5, 1})},
                 rows_of({DType::f32, DType::s32}, by_sizes));
  larger.refuses({{{{2, 0, 4}, Input::absent(), Input::absent(), Input::ints({4, 4})}, Code::shape},
                  {{{2, 2, 4}, Input::absent(), Input::absent(), Input::ints({4, 0})}, Code::shape}});
}

TEST(Resize, CropAndResize) {
  for (ResizeMode mode : {ResizeMode::nearest, ResizeMode::linear, ResizeMode::cubic}) {
    Attributes a{.axes = {1, 2},
                 .mode = mode,
                 .coordinate_transformation_mode = Coordinates::tf_crop_and_resize,
                 .extrapolation_value = 10};
    OpTest<ops::Resize>{a}.matches(
        reference({{1, 3, 0.75, 0.23F, 0.77F}, {2, 7, 7 / 6.0, 0.51F, 1.53F}}),
        {{2, 4, 6, 3}, floats({0.23F, 0.51F, 0.77F, 1.53F}), Input::absent(), Input::ints({3, 7})},
        rows_of({DType::f32, DType::f16, DType::f64, DType::s16, DType::u8},
                {DType::f32, DType::none, DType::s64}));
    OpTest<ops::Resize>{a}.matches(
        reference({{1, 1, 0.25, 0.5F, 1.0F}, {2, 1, 1 / 6.0, 0.0F, 0.5F}}),
        {{2, 4, 6}, floats({0.5F, 0, 1, 0.5F}), Input::absent(), Input::ints({1, 1})},
        rows_of({DType::f32}, {DType::f32, DType::none, DType::s64}));
    a.antialias = mode != ResizeMode::nearest;
    OpTest<ops::Resize>{a}.matches(reference({{1, 1, 0.5, 0.25F, 0.75F}, {2, 6, 1, 0.0F, 1.0F}}),
                                   {{2, 4, 6}, floats({0.25F, 0, 0.75F, 1}), floats({0.5, 1})},
                                   rows_of({DType::f32}, {DType::f32, DType::f32}));
  }
}

TEST(Resize, AQuantizedTensorKeepsItsScale) {
  for (ResizeMode mode : {ResizeMode::nearest, ResizeMode::linear, ResizeMode::cubic})
    OpTest<ops::Resize>{{.axes = {1, 2}, .mode = mode}}.matches(
        reference({{1, 6, 2}, {2, 3, 0.75}}, true), {{1, 3, 4, 5}, Input::absent(), floats({2, 0.75})},
        {.quantized = Quantized::always,
         .same_quantization = true,
         .rows = {{{DType::s8, DType::none, DType::f32}, {DType::s8}},
                  {{DType::u8, DType::none, DType::f32}, {DType::u8}}}});
}

TEST(Resize, ExactPlacesReadNoNeighbour) {
  const auto expected = [](const std::vector<ReferenceTensor>& in) { return in[0]; };
  OpTest<ops::Resize>{{.mode = ResizeMode::linear}}.matches(
      expected, {Input::values({3}, {1, INFINITY, 2}), Input::absent(), floats({1})},
      rows_of({DType::f32}, by_scales));
}

TEST(Resize, Empty) {
  OpTest<ops::Resize> op{{.axes = {1}, .mode = ResizeMode::linear}};
  op.matches(reference({{1, 0, 0.2F}}), {{2, 3}, Input::absent(), floats({0.2F})},
             rows_of({DType::f32, DType::s32}, by_scales));
  op.matches(reference({{1, 6, 2}}), {{0, 3}, Input::absent(), floats({2})},
             rows_of({DType::f32, DType::s32}, by_scales));
  op.matches(reference({{1, 0, 2}}), {{2, 0}, Input::absent(), floats({2})},
             rows_of({DType::f32, DType::s32}, by_scales));
  op.refuses({{{{2, 0}, Input::absent(), Input::absent(), Input::ints({3})}, Code::shape}});
}

TEST(Resize, TheWorkspaceIsCountedIn64Bits) {
  const TensorView one(nullptr, DType::u8, {1}), many(nullptr, DType::u8, {1 << 29});
  expect_workspace<ops::Resize>(std::uint64_t{8} << 29, {}, {one}, {many});
  expect_workspace<ops::Resize>((std::uint64_t{24} << 29) + 64, {.mode = ResizeMode::linear}, {one}, {many});
}

TEST(Resize, Refuses) {
  OpTest<ops::Resize> op{{.axes = {0}, .mode = ResizeMode::linear, .antialias = true}};
  const Input none = Input::absent();
  op.refuses({{{{4}, none, Input{1}}, Code::needs_value},
              {{{4}, none, none, Input{1}}, Code::needs_value},
              {{{4}, none, floats({2, 2})}, Code::shape},
              {{{4}, none, floats({0})}, Code::shape},
              {{{4}, none, floats({-1})}, Code::shape},
              {{{4}, none, floats({NAN})}, Code::shape},
              {{{4}, none, floats({INFINITY})}, Code::shape},
              {{{4}, none, floats({1e30})}, Code::shape},
              {{{4}, none, none, Input::ints({-1})}, Code::shape},
              {{{4}, none, none, Input::ints({INT64_MAX})}, Code::shape},
              {{{4}, none, none, Input::ints({2000000000})}, Code::out_of_memory},
              {{{4}, none, none, none}, Code::invalid_model},
              {{{4}, none, floats({1}), Input::ints({1})}, Code::invalid_model},
              {{Input{4}.as(DType::boolean), none, floats({1})}, Code::unsupported},
              {{Input{4}.as(DType::s4), none, floats({1})}, Code::unsupported}});
  OpTest<ops::Resize>{{.axes = {1}}}.refuses({{{{4}, none, floats({1})}, Code::invalid_model}});
  OpTest<ops::Resize>{{.axes = {0, -1}}}.refuses({{{{4}, none, floats({1, 1})}, Code::invalid_model}});
  OpTest<ops::Resize> crop{{.mode = ResizeMode::cubic,
                            .coordinate_transformation_mode = Coordinates::tf_crop_and_resize,
                            .antialias = true}};
  crop.refuses({{{{4}, none, none, Input::ints({4})}, Code::invalid_model},
                {{{4}, Input{2}, none, Input::ints({4})}, Code::needs_value},
                {{{4}, floats({1}), none, Input::ints({4})}, Code::shape},
                {{{4}, floats({0, NAN}), floats({1})}, Code::shape},
                {{{4}, floats({0, 1e9}), floats({1e-9})}, Code::shape}});
}

}  // namespace
}  // namespace lithe::test
