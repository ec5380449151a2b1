// SPDX-License-Identifier: Apache-2.0
#include <gtest/gtest.h>

#include <cstdint>
#include <vector>

#include "lithe/xnn/conv2d.hpp"
#include "lithe/xnn/conv_transpose2d.hpp"
#include "lithe/xnn/depthwise_conv2d.hpp"
#include "lithe/xnn/fully_connected.hpp"
#include "lithe/xnn/narrow_conv_transpose2d.hpp"
#include "tests/xnn/against_portable.hpp"

namespace lithe::test {
namespace {

using enum DType;

constexpr bool u8_rounds_alike =
#if defined(__x86_64__)
    true;
#else
    false;
#endif

/// Floats within the operator's tolerance; s8 to the bit everywhere, u8 where XNNPACK rounds as it does.
template <class Kernel>
void all_dtypes(const typename Kernel::Op::Attributes& a, const std::vector<Input>& inputs) {
  agrees<Kernel>(a, inputs, {f32, f16});
  agrees<Kernel>(a, inputs, {s8}, {.bit_exact = true});
  std::vector<Input> per_tensor = inputs;
  per_tensor[1] = Input(inputs[1]).per_tensor();
  agrees<Kernel>(a, per_tensor, {u8}, {.bit_exact = u8_rounds_alike});
  agrees<Kernel>(a, per_tensor, {s8}, {.bit_exact = true});
}

TEST(XnnConv2D, Values) {
  all_dtypes<xnn::Conv2D>({.strides = {2, 1}, .pads = {1, 0, 1, 2}, .clamp = {-0.5f, 3}},
                          {{1, 9, 7, 3}, {5, 3, 3, 3}, {5}});
  all_dtypes<xnn::Conv2D>({}, {{2, 5, 6, 9}, {37, 1, 1, 9}});
  all_dtypes<xnn::Conv2D>({.strides = {2, 2}}, {{1, 6, 6, 9}, {7, 1, 1, 9}, {7}});
  all_dtypes<xnn::Conv2D>({.dilations = {2, 3}, .pads = {2, 2, 1, 1}}, {{2, 8, 9, 4}, {3, 3, 2, 4}, {3}});
  all_dtypes<xnn::Conv2D>({.pads = {1, 2, 1, 2}, .group = 3}, {{1, 6, 6, 6}, {9, 3, 5, 2}, {9}});
  all_dtypes<xnn::Conv2D>({.pads = {1, 1, 1, 1}, .group = 5}, {{1, 5, 4, 5}, {5, 3, 3, 1}, {5}});
}

/// On a processor whose L2 cache holds next to nothing.
void in_slices(const ops::Conv2D::Attributes& a, const std::vector<Input>& inputs) {
  const Threads two(2);
  Platform platform{cpu(), {ThreadPool{}, two.pool()}};
  platform.cpu.l2_bytes = 1024;
  OpTest<ops::Conv2D> op{a};
  op.on(platform).kernel<xnn::Conv2D>().matches(portable_in_float<ops::Conv2D>, inputs,
                                                {.rows = {{{f32, f32, f32}, {f32}}}});
}

TEST(XnnConv2D, SlicesOfChannels) {
  in_slices({.pads = {1, 1, 1, 1}, .clamp = {-0.5f, 3}}, {{1, 7, 6, 16}, {256, 3, 3, 16}, {256}});
  in_slices({}, {{2, 5, 7, 20}, {160, 1, 1, 20}, {160}});
  in_slices({.strides = {2, 2}}, {{1, 9, 9, 12}, {640, 1, 1, 12}});
  in_slices({.strides = {2, 1}, .pads = {0, 1, 1, 0}}, {{1, 8, 8, 4}, {1024, 3, 2, 4}, {1024}});
}

TEST(XnnConv2D, SizesOfSlices) {
  constexpr std::size_t kilo = 1024;
  const auto slice = [](index_t channels, const Shape& output, std::size_t bytes, index_t groups = 1,
                        index_t threads = 1) {
    Cpu cpu;
    cpu.l2_bytes = 1024 * kilo;
    xnn::ConvolutionProblem p;
    p.window = {{3, 1, 1, 1, 1}, {3, 1, 1, 1, 1}};
    p.groups = groups;
    p.input_channels = 64;
    p.output_channels = channels;
    return xnn::slice_of(p, cpu, threads, f32, output, bytes);
  };
  const auto packed = [](index_t channels) { return static_cast<std::size_t>(channels * (9 * 64 + 1) * 4); };
  EXPECT_EQ(slice(224, {1, 7, 7, 224}, packed(224)), 224) << "fits into half of L2";
  EXPECT_EQ(slice(256, {1, 7, 7, 256}, packed(256)), 128);
  EXPECT_EQ(slice(416, {1, 7, 7, 416}, packed(416)), 224) << "whole blocks of 32";
  EXPECT_EQ(slice(4096, {1, 7, 7, 4096}, packed(4096)), 512) << "at most eight";
  EXPECT_EQ(slice(256, {1, 3, 5, 256}, packed(256)), 256) << "few outputs";
  EXPECT_EQ(slice(264, {1, 7, 7, 264}, packed(264)), 264) << "no whole blocks";
  EXPECT_EQ(slice(256, {1, 7, 7, 256}, packed(256) + 64), 256) << "another packing";
  EXPECT_EQ(slice(256, {1, 7, 7, 512}, 2 * packed(256), 2), 512) << "groups";
  EXPECT_EQ(slice(384, {1, 7, 7, 384}, packed(384), 1, 1), 192);
  EXPECT_EQ(slice(384, {1, 7, 7, 384}, packed(384), 1, 3), 128) << "one for each thread";
  EXPECT_EQ(slice(1536, {1, 7, 7, 1536}, packed(1536), 1, 3), 256) << "two for each thread, not eight in all";
  EXPECT_EQ(slice(384, {1, 7, 7, 384}, packed(384), 1, 7), 192) << "more threads than slices";
}

TEST(XnnConv2D, SharedAmongThreads) {
  all_dtypes<xnn::Conv2D>({.pads = {1, 1, 1, 1}}, {{1, 17, 15, 16}, {19, 3, 3, 16}, {19}});
  all_dtypes<xnn::Conv2D>({}, {{1, 17, 15, 16}, {33, 1, 1, 16}, {33}});
}

TEST(XnnConv2D, PaddingBeyondTheFilterAndSmallInputs) {
  all_dtypes<xnn::Conv2D>({.pads = {2, 4, 2, 4}}, {{1, 2, 3, 2}, {3, 3, 2, 2}, {3}});
  all_dtypes<xnn::Conv2D>({.pads = {1, 1, 1, 1}}, {{1, 1, 1, 16}, {16, 3, 3, 16}, {16}});
}

TEST(XnnConvTranspose2D, Values) {
  const auto run = [](const ops::ConvTranspose2D::Attributes& a, const std::vector<Input>& inputs) {
    const bool narrow = xnn::runs_narrow_sse(f32, cpu(), inputs[1].shape()[0] / a.group);
    if (narrow) agrees<xnn::NarrowConvTranspose2D>(a, inputs, {f32});
    all_dtypes<xnn::ConvTranspose2D>(a, inputs);
  };
  run({.strides = {2, 2}, .pads = {1, 1, 1, 1}, .clamp = {-0.5f, 3}}, {{1, 5, 4, 3}, {5, 4, 4, 3}, {5}});
  run({.strides = {2, 2}}, {{2, 3, 4, 19}, {37, 2, 2, 19}, {37}});  // as a product of matrices
  run({.strides = {3, 3}, .group = 2}, {{1, 2, 2, 6}, {6, 3, 3, 3}, {6}});
  run({}, {{1, 4, 5, 3}, {2, 3, 3, 3}});
  run({.pads = {2, 1, 0, 1}}, {{2, 4, 5, 3}, {9, 3, 3, 3}, {9}});
  run({.strides = {2, 1}, .output_padding = {1, 0}, .pads = {1, 1, 1, 1}}, {{1, 4, 4, 8}, {8, 3, 3, 8}, {8}});
  run({.strides = {3, 2}, .dilations = {2, 3}, .output_padding = {2, 1}, .pads = {1, 0, 3, 2}},
      {{1, 4, 5, 3}, {2, 3, 4, 3}, {2}});
  run({.strides = {2, 2}, .output_padding = {1, 1}, .pads = {1, 1, 1, 1}, .group = 3},
      {{1, 4, 4, 6}, {9, 3, 3, 2}, {9}});
  run({.strides = {4, 4}}, {{1, 3, 3, 4}, {5, 2, 2, 4}, {5}});  // strides above the kernel
  run({.strides = {2, 2}, .pads = {5, 4, 4, 5}}, {{1, 6, 6, 4}, {5, 3, 3, 4}, {5}});
}

/// More input rows than a band holds, several images, and a bias or none.
TEST(XnnNarrowConvTranspose2D, Bands) {
  if (!xnn::runs_narrow_sse(f32, cpu(), 3)) GTEST_SKIP() << "XNNPACK's kernels keep NaN here";
  const auto run = [](const ops::ConvTranspose2D::Attributes& a, const std::vector<Input>& inputs) {
    agrees<xnn::NarrowConvTranspose2D>(a, inputs, {f32});
  };
  run({.strides = {2, 2}, .pads = {1, 1, 1, 1}}, {{2, 23, 150, 3}, {5, 4, 4, 3}, {5}});
  run({.dilations = {3, 1}, .clamp = {-0.5f, 3}}, {{1, 11, 500, 2}, {7, 3, 3, 2}});
  run({.strides = {3, 1}, .output_padding = {2, 0}, .group = 2}, {{1, 9, 400, 4}, {6, 7, 5, 2}, {6}});
  run({.strides = {2, 2}}, {{1, 3, 9000, 2}, {3, 2, 2, 2}, {3}});  // a row is more than a band
}

TEST(XnnConvTranspose2D, Conditions) {
  const auto supported = [](const ops::ConvTranspose2D::Attributes& a, const Shape& out) {
    return supports<xnn::ConvTranspose2D>(a, {{f32, {1, 1, 8, 4}}, {f32, {4, 3, 3, 4}, "constant"}},
                                          {f32, out});
  };
  EXPECT_TRUE(supported({.strides = {2, 2}}, {1, 3, 17, 4}));
  EXPECT_FALSE(supported({.strides = {2, 2}, .output_padding = {2, 0}}, {1, 5, 17, 4})) << "a whole stride";
  EXPECT_FALSE(supported({.strides = {2, 2}, .pads = {1, 0, 1, 0}}, {1, 1, 17, 4})) << "less than a stride";
  EXPECT_FALSE(supported({.strides = {2, 2}}, {1, 4000, 30000, 4})) << "8.6 GB of pointers";
}

TEST(XnnDepthwise, Values) {
  const auto filter = [](index_t h, index_t w, index_t c, index_t m) {
    return Input{h, w, c, m}.per_channel(2, c * m);
  };
  all_dtypes<xnn::DepthwiseConv2D>({.strides = {2, 2}, .pads = {1, 1, 1, 1}, .clamp = {0, 6}},
                                   {{1, 9, 7, 37}, filter(3, 3, 37, 1), {37}});
  all_dtypes<xnn::DepthwiseConv2D>({.pads = {2, 2, 2, 2}}, {{2, 8, 7, 4}, filter(5, 5, 4, 1)});
  all_dtypes<xnn::DepthwiseConv2D>({.dilations = {2, 1}, .pads = {2, 1, 2, 1}},
                                   {{1, 9, 8, 5}, filter(3, 2, 5, 1), {5}});
  all_dtypes<xnn::DepthwiseConv2D>({.pads = {1, 1, 1, 1}}, {{1, 5, 5, 3}, filter(3, 3, 3, 2), {6}});
  all_dtypes<xnn::DepthwiseConv2D>({}, {{1, 4, 5, 11}, filter(1, 1, 11, 1), {11}});
  all_dtypes<xnn::DepthwiseConv2D>({.pads = {1, 1, 1, 1}}, {{1, 17, 15, 40}, filter(3, 3, 40, 1), {40}});
  all_dtypes<xnn::DepthwiseConv2D>({.pads = {3, 3, 3, 3}}, {{1, 8, 9, 20}, filter(7, 7, 20, 1), {20}});
}

TEST(XnnFullyConnected, SharedAmongThreads) {
  all_dtypes<xnn::FullyConnected>({}, {{17, 65}, {67, 65}, {67}});
}

TEST(XnnFullyConnected, Values) {
  all_dtypes<xnn::FullyConnected>({}, {{7, 19}, {5, 19}, {5}});
  all_dtypes<xnn::FullyConnected>({}, {{2, 3, 4}, {6, 4}});
  all_dtypes<xnn::FullyConnected>({.clamp = {-0.5f, 2.5f}}, {{64}, {40, 64}, {40}});
}

TEST(XnnUnpackedFullyConnected, Values) {
  const auto filter = [](const Shape& shape) { return Input(shape).constant(false); };
  const auto bias = [](index_t n) { return Input{n}.constant(false); };
  agrees<xnn::UnpackedFullyConnected>({}, {{7, 19}, filter({35, 19}), bias(35)}, {f32, f16});
  agrees<xnn::UnpackedFullyConnected>({}, {{2, 3, 4}, filter({36, 4})}, {f32, f16});
  agrees<xnn::UnpackedFullyConnected>({.clamp = {-0.5f, 2.5f}}, {{5, 64}, filter({40, 64}), bias(40)},
                                      {f32, f16});
  agrees<xnn::UnpackedFullyConnected>({}, {{17, 65}, filter({67, 65}), {67}}, {f32, f16});
}

TEST(XnnUnpackedFullyConnected, Conditions) {
  EXPECT_TRUE(supports<xnn::UnpackedFullyConnected>({}, {{f32, {4, 3}}, {f32, {5, 3}}}, {f32, {4, 5}}));
  EXPECT_FALSE(supports<xnn::UnpackedFullyConnected>({}, {{f32, {3, 3}}, {f32, {5, 3}}}, {f32, {3, 5}}))
      << "packing takes longer than the portable kernel";
  EXPECT_FALSE(supports<xnn::UnpackedFullyConnected>({}, {{f64, {4, 3}}, {f64, {5, 3}}}, {f64, {4, 5}}));
  EXPECT_FALSE(supports<xnn::UnpackedFullyConnected>({}, {{f32, {4, 0}}, {f32, {5, 0}}}, {f32, {4, 5}}));
}

/// An 8-bit node with one scale for each tensor.
struct Bytes {
  DType dtype = s8;
  float input = 0.1f, filter = 0.1f, output = 0.1f;
  std::int8_t filter_zero = 0;

  bool supported(const ops::Conv2D::Attributes& a = {}, const Shape& shape = {1, 8, 8, 4},
                 const Shape& filter_shape = {4, 3, 3, 4}, const Shape& out = {1, 6, 6, 4}) const {
    const auto one = [](const float& scale) { return Quantization{.scale = &scale, .count = 1}; };
    const Quantization in = one(input), result = one(output);
    Quantization weights = one(filter);
    weights.zero_point = &filter_zero;
    weights.zero_point_dtype = s8;
    const std::vector<std::int8_t> contents(static_cast<std::size_t>(filter_shape.elements()));
    return supports<xnn::Conv2D>(
        a, {{dtype, shape, nullptr, &in}, {dtype, filter_shape, contents.data(), &weights}},
        {dtype, out, nullptr, &result});
  }
};

TEST(XnnConv2D, RefusesWhatXnnpackWould) {
  EXPECT_TRUE(Bytes{}.supported());
  EXPECT_TRUE((Bytes{.dtype = u8}.supported()));
  EXPECT_FALSE((Bytes{.input = 100, .filter = 100}.supported())) << "requantization scale 256 and above";
  EXPECT_FALSE((Bytes{.input = 1e-12f, .filter = 1e-12f, .output = 1}.supported()))
      << "requantization scale below 2^-32";
  EXPECT_FALSE((Bytes{.filter = 1e-39f}.supported())) << "a subnormal scale";
  EXPECT_FALSE((Bytes{.filter_zero = 1}.supported())) << "an s8 filter that is not symmetric";
  EXPECT_FALSE(Bytes{}.supported({.pads = {1, 1, 1, 1}}, {1, 8, 8, 4}, {4, 1, 1, 4}, {1, 10, 10, 4}))
      << "1x1 with padding";
  EXPECT_FALSE(Bytes{}.supported({.pads = {3, 0, 0, 0}}, {1, 8, 8, 4}, {4, 3, 3, 4}, {1, 9, 6, 4}))
      << "a row of padding alone";
  EXPECT_FALSE(Bytes{}.supported({}, {0, 8, 8, 4}, {4, 3, 3, 4}, {0, 6, 6, 4})) << "no images";
  EXPECT_FALSE(Bytes{}.supported({}, {1, 8000, 8000, 4}, {4, 3, 3, 4}, {1, 7998, 7998, 4}))
      << "4.6 GB of pointers";
}

TEST(XnnConv2D, FloatConditions) {
  const ValueInfo input{f32, {1, 8, 8, 4}}, filter{f32, {4, 3, 3, 4}, "constant"}, output{f32, {1, 6, 6, 4}};
  EXPECT_TRUE(supports<xnn::Conv2D>({}, {input, filter}, output));
  EXPECT_FALSE(supports<xnn::Conv2D>({}, {input, {f32, {4, 3, 3, 4}}}, output))
      << "a filter that is not constant";
  EXPECT_FALSE(supports<xnn::Conv2D>({}, {input, filter, {f32, {4}}}, output))
      << "a bias that is not constant";
  const ValueInfo half_input{f16, {1, 8, 8, 4}}, half_filter{f16, {4, 3, 3, 4}, "constant"},
      half_output{f16, {1, 6, 6, 4}};
  EXPECT_TRUE(supports<xnn::Conv2D>({}, {half_input, half_filter}, half_output));
  EXPECT_FALSE(supports<xnn::Conv2D>({.clamp = {1, 1.0001f}}, {half_input, half_filter}, half_output))
      << "limits that f16 cannot tell apart";
  const Cpu plain;
  const ValueInfo inputs[] = {half_input, half_filter}, outputs[] = {half_output};
  EXPECT_FALSE(xnn::Conv2D::supports({}, {inputs, outputs, &plain})) << "f16 would be emulated";
}

}  // namespace
}  // namespace lithe::test
