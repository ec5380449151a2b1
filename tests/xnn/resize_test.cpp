// SPDX-License-Identifier: Apache-2.0
#include "lithe/xnn/resize.hpp"

#include <gtest/gtest.h>

#include <utility>
#include <vector>

#include "tests/xnn/against_portable.hpp"

namespace lithe::test {
namespace {

using enum DType;
using ops::Coordinates;
using ops::ResizeMode;
using Attributes = ops::Resize::Attributes;

Attributes linear(Coordinates coordinates, IntList axes = {1, 2}) {
  return {.axes = axes, .mode = ResizeMode::linear, .coordinate_transformation_mode = coordinates};
}

/// The portable kernel on floats.
auto in_float(bool by_scales) {
  return [by_scales](const Attributes& a, const std::vector<ReferenceTensor>& in) {
    Case c;
    c.op = &operator_entry<ops::Resize>;
    c.attributes = &a;
    c.inputs = {StoredTensor(f32, in[0]), StoredTensor(), StoredTensor(), StoredTensor()};
    const std::size_t last = by_scales ? 2 : 3;
    c.inputs[last] = StoredTensor(by_scales ? f32 : s64, in[last]);
    c.known = {false, false, by_scales, !by_scales};
    c.constant = {false, false, false, false};
    c.output_dtypes = {f32};
    c.output_quantization = {{}};
    const InferResult inferred = infer_case(c);
    EXPECT_TRUE(inferred.status.ok()) << inferred.status.text();
    Variation how;
    how.slack = false;
    RunResult result = NodeRun(c, portable_kernel<ops::Resize>(), Cpu{}, inferred, how).run();
    EXPECT_TRUE(result.status.ok()) << result.status.text();
    return result.outputs[0].reference();
  };
}

void agrees_by_scales(const Attributes& a, const Shape& shape, std::vector<double> scales) {
  for (DType d : {f32, f16, s8, u8})
    agrees_with<xnn::Resize>(
        in_float(true), a, {Input(shape), Input::absent(), Input::values({2}, scales).known().constant()},
        {d}, {.quantized = Quantized::always, .same_quantization = true, .rows = {{{d, none, f32}, {d}}}});
}
void agrees_by_sizes(const Attributes& a, const Shape& shape, const std::vector<std::int64_t>& sizes) {
  for (DType d : {f32, f16, s8, u8})
    agrees_with<xnn::Resize>(
        in_float(false), a, {Input(shape), Input::absent(), Input::absent(), Input::ints(sizes)}, {d},
        {.quantized = Quantized::always, .same_quantization = true, .rows = {{{d, none, none, s64}, {d}}}});
}

TEST(XnnResize, EveryCoordinate) {
  for (Coordinates coordinates :
       {Coordinates::half_pixel, Coordinates::half_pixel_symmetric, Coordinates::align_corners,
        Coordinates::asymmetric, Coordinates::pytorch_half_pixel}) {
    SCOPED_TRACE(enum_names(coordinates)[static_cast<std::size_t>(coordinates)]);
    agrees_by_scales(linear(coordinates), {2, 5, 7, 19}, {2, 3});
    agrees_by_scales(linear(coordinates), {1, 1, 6, 16}, {1, 2});
    agrees_by_scales(linear(coordinates, {-2, 1}), {2, 4, 3, 32}, {1, 4});
    if (coordinates == Coordinates::align_corners)
      agrees_by_scales(linear(coordinates), {1, 5, 7, 16}, {1.5F, 2.4F});
    if (coordinates == Coordinates::pytorch_half_pixel) continue;
    agrees_by_sizes(linear(coordinates), {2, 9, 7, 10}, {4, 21});
    agrees_by_sizes(linear(coordinates), {1, 9, 7, 10}, {1, 1});
    agrees_by_sizes(linear(coordinates, {2, 1}), {1, 120, 20, 12}, {33, 211});
  }
}

TEST(XnnResize, PlainBytes) {
  agrees_with<xnn::Resize>(in_float(true), linear(Coordinates::half_pixel),
                           {{1, 4, 4, 8}, Input::absent(), Input::values({2}, {1, 1}).known().constant()},
                           {u8}, {.quantized = Quantized::never, .rows = {{{u8, none, f32}, {u8}}}});
}

TEST(XnnResize, Refusals) {
  const float two[] = {2, 2}, half[] = {2, 0.5F};
  const ValueInfo x{f32, {1, 8, 8, 16}}, y{f32, {1, 16, 16, 16}}, scales{f32, {2}, two}, computed{f32, {2}},
      sizes{s64, {2}};
  const auto takes = [&](const Attributes& a, const ValueInfo& s, const ValueInfo& in) {
    return supports<xnn::Resize>(a, {in, {}, s}, y);
  };
  const Attributes good = linear(Coordinates::half_pixel);
  EXPECT_TRUE(takes(good, scales, x));
  EXPECT_FALSE(takes(good, computed, x)) << "a scale that may be anything";
  EXPECT_FALSE(takes(good, {f32, {2}, half}, x)) << "a scale that sizes do not tell";
  EXPECT_FALSE(takes(good, scales, {f64, {1, 8, 8, 16}}));
  EXPECT_FALSE(takes(linear(Coordinates::half_pixel, {2, 3}), scales, x));
  EXPECT_FALSE(takes(linear(Coordinates::half_pixel, {1}), scales, x));
  EXPECT_FALSE(takes(linear(Coordinates::tf_half_pixel_for_nn), scales, x));
  EXPECT_FALSE(supports<xnn::Resize>(good, {{f32, {1, 8, 8, 9}}, {}, scales}, {f32, {1, 16, 16, 9}}))
      << "tables larger than the output";
  EXPECT_TRUE(supports<xnn::Resize>(good, {x, {}, {}, sizes}, y));
  EXPECT_FALSE(supports<xnn::Resize>(linear(Coordinates::pytorch_half_pixel), {x, {}, {}, sizes}, y));
  EXPECT_FALSE(supports<xnn::Resize>(good, {{f32, {1, 800, 8, 16}}, {}, {}, sizes}, {f32, {1, 900, 16, 16}}))
      << "places on a long axis";
  for (auto [mode, antialias] :
       {std::pair(ResizeMode::nearest, false), {ResizeMode::cubic, false}, {ResizeMode::linear, true}}) {
    Attributes a = good;
    a.mode = mode;
    a.antialias = antialias;
    EXPECT_FALSE(takes(a, scales, x));
  }
}

}  // namespace
}  // namespace lithe::test
