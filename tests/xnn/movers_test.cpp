// SPDX-License-Identifier: Apache-2.0
#include <gtest/gtest.h>

#include <algorithm>
#include <numeric>
#include <utility>
#include <vector>

#include "lithe/xnn/channel_shuffle.hpp"
#include "lithe/xnn/pad.hpp"
#include "lithe/xnn/slice.hpp"
#include "lithe/xnn/transpose.hpp"
#include "tests/xnn/against_portable.hpp"

namespace lithe::test {
namespace {

using enum DType;

TEST(XnnTranspose, EveryWidth) {
  for (DType d : {s8, s16, f32, s64}) {
    const auto moves = [&](const IntList& permutation, const Input& input) {
      agrees<xnn::Transpose>({.permutation = permutation}, {Input(input).between(-100, 100)}, {d},
                             {.bit_exact = true, .quantized = Quantized::never, .rows = {{{d}, {d}}}});
    };
    moves({1, 0}, {37, 19});
    moves({0, 3, 1, 2}, {2, 5, 7, 3});
    moves({0, 2, 3, 1}, {2, 5, 7, 3});
    moves({5, 4, 3, 2, 1, 0}, {2, 3, 2, 4, 3, 2});
    moves({0, 1, 2}, {2, 3, 4});
    moves({2, 0, 1}, {1, 6, 5});
  }
}

TEST(XnnTranspose, Refusals) {
  EXPECT_TRUE(supports<xnn::Transpose>({}, {{boolean, {2, 3}}}, {boolean, {3, 2}}));
  EXPECT_FALSE(supports<xnn::Transpose>({}, {{f32, {1, 1, 1, 1, 1, 2, 3}}}, {f32, {3, 2, 1, 1, 1, 1, 1}}));
  EXPECT_FALSE(supports<xnn::Transpose>({}, {{f32, {}}}, {f32, {}}));
}

TEST(XnnChannelShuffle, Values) {
  for (DType d : {s8, f32}) {
    const auto moves = [&](const IntList& permutation, const Input& input) {
      agrees<xnn::ChannelShuffle>({.permutation = permutation}, {Input(input).between(-100, 100)}, {d},
                                  {.bit_exact = true, .quantized = Quantized::never, .rows = {{{d}, {d}}}});
    };
    for (const index_t channels : {2, 4, 8, 16, 58}) moves({0, 2, 1}, {5, 2, channels});
    for (index_t groups = 2; groups <= 8; ++groups) {
      moves({0, 2, 1}, {5, groups, 3});
      moves({0, 2, 1}, {5, groups, 17});
    }
    moves({0, 1, 2, 4, 3}, {2, 40, 40, 2, 58});
    moves({0, 2, 3, 1}, {2, 3, 9, 5});
    moves({0, 3, 1, 2}, {2, 2, 2, 11});
    moves({}, {4, 13});
  }
}

TEST(XnnChannelShuffle, Conditions) {
  using Shapes = std::pair<Shape, Shape>;
  const auto supported = [](const IntList& permutation, DType d, const Shapes& shapes) {
    return supports<xnn::ChannelShuffle>({.permutation = permutation}, {{d, shapes.first}},
                                         {d, shapes.second});
  };
  EXPECT_TRUE(supported({0, 2, 1}, boolean, {{3, 2, 5}, {3, 5, 2}}));
  EXPECT_FALSE(supported({0, 2, 1}, f16, {{3, 2, 5}, {3, 5, 2}})) << "XNNPACK has 1 and 4 bytes";
  EXPECT_FALSE(supported({0, 2, 1}, f32, {{3, 9, 5}, {3, 5, 9}})) << "many groups";
  EXPECT_FALSE(supported({0, 2, 1}, f32, {{3, 1, 5}, {3, 5, 1}})) << "nothing to interleave";
  EXPECT_FALSE(supported({0, 2, 1}, f32, {{3, 5, 1}, {3, 1, 5}})) << "nothing to interleave";
  EXPECT_FALSE(supported({0, 1, 2}, f32, {{3, 2, 5}, {3, 2, 5}})) << "nothing moves";
  EXPECT_FALSE(supported({2, 1, 0}, f32, {{3, 2, 5}, {5, 2, 3}})) << "no two blocks that change places";
  EXPECT_FALSE(supported({1, 0, 2}, f32, {{3, 2, 5}, {2, 3, 5}})) << "the last axis stays";
}

TEST(XnnChannelShuffle, OtherGroupsAtAnotherShape) {
  const Threads two(2);
  const ThreadPool pool = two.pool();
  xnn::ChannelShuffle kernel;
  CreateContext create;
  ASSERT_TRUE(kernel.create({}, create).ok());
  for (const Shape& shape : {Shape{4, 9}, Shape{3, 5}, Shape{4, 9}}) {
    std::vector<float> in(static_cast<std::size_t>(shape.elements())), out(in.size() + 4),
        expected(in.size());
    std::iota(in.begin(), in.end(), 1.0F);
    const TensorView input(in.data(), f32, shape);
    Tensor output(out.data(), f32, {shape[1], shape[0]}), reference(expected.data(), f32, output.shape);
    const TensorView shapes[] = {{nullptr, f32, shape}}, results[] = {{nullptr, f32, output.shape}};
    ReshapeContext reshape;
    reshape.inputs = shapes;
    reshape.outputs = results;
    reshape.threads = &pool;
    ASSERT_TRUE(kernel.reshape({}, reshape).ok());
    RunContext run({&input, 1}, {&output, 1}, {}, &pool), plain({&input, 1}, {&reference, 1}, {}, nullptr);
    ASSERT_TRUE(kernel.run({}, run).ok());
    ASSERT_TRUE(portable::Kernel<ops::Transpose>::run({}, plain).ok());
    EXPECT_TRUE(std::equal(expected.begin(), expected.end(), out.begin()));
  }
}

template <class Kernel>
void moves(const typename Kernel::Op::Attributes& a, const std::vector<Input>& inputs,
           std::vector<DType> indices, bool with_value = false) {
  for (DType d : {s8, s16, f32, s32}) {
    Types row{{d}, {d}};
    for (std::size_t i = 1; i < inputs.size(); ++i)
      row.inputs.push_back(with_value && i == 2 ? d : indices.at(i - 1));
    agrees<Kernel>(a, inputs, {d}, {.bit_exact = true, .quantized = Quantized::never, .rows = {row}});
  }
}

TEST(XnnSlice, Values) {
  const auto list = [](const std::vector<std::int64_t>& v) { return Input::ints(v).constant(); };
  const std::vector<DType> longs(4, s64);
  moves<xnn::Slice>({}, {Input{20, 10, 5}.between(-100, 100), list({0, 0}), list({3, 10})}, longs);
  moves<xnn::Slice>({}, {Input{20, 10, 5}.between(-100, 100), list({-5, 1}), list({1000, -1}), list({0, 2})},
                    longs);
  moves<xnn::Slice>({}, {Input{2, 3, 4, 5}.between(-100, 100), list({1}), list({3}), list({-1}), list({1})},
                    longs);
}

TEST(XnnSlice, Refusals) {
  const std::int64_t two[] = {2}, one[] = {1};
  const ValueInfo x{f32, {8}}, y{f32, {1}}, first{s64, {1}, one}, end{s64, {1}, two}, computed{s64, {1}};
  EXPECT_TRUE(supports<xnn::Slice>({}, {x, first, end}, y));
  EXPECT_FALSE(supports<xnn::Slice>({}, {x, computed, end}, y)) << "starts that are not constant";
  EXPECT_FALSE(supports<xnn::Slice>({}, {x, first, end, {}, end}, y)) << "a step of 2";
  EXPECT_FALSE(supports<xnn::Slice>({}, {{f64, {8}}, first, end}, {f64, {1}}));
}

TEST(XnnPad, Values) {
  const auto list = [](const std::vector<std::int64_t>& v) { return Input::ints(v).constant(); };
  const std::vector<DType> longs(3, s64);
  moves<xnn::Pad>({}, {Input{3, 4, 5}.between(-100, 100), list({0, 1, 2, 3, 0, 1})}, longs);
  moves<xnn::Pad>(
      {}, {Input{3, 4, 5}.between(-100, 100), list({0, 1, 2, 3, 0, 1}), Input::values({}, {-7}).constant()},
      longs, true);
  moves<xnn::Pad>(
      {}, {Input{3, 4, 5}.between(-100, 100), list({2, 1}), Input::values({}, {7}).constant(), list({-2})},
      longs, true);
}

TEST(XnnPad, Refusals) {
  const std::int64_t grow[] = {1, 1}, shrink[] = {-1, 1};
  const ValueInfo x{f32, {8}}, y{f32, {10}};
  EXPECT_TRUE(supports<xnn::Pad>({}, {x, {s64, {2}, grow}}, y));
  EXPECT_FALSE(supports<xnn::Pad>({}, {x, {s64, {2}, shrink}}, y));
  EXPECT_FALSE(supports<xnn::Pad>({.mode = ops::PadMode::edge}, {x, {s64, {2}, grow}}, y));
  EXPECT_FALSE(supports<xnn::Pad>({}, {x, {s64, {2}}}, y));
}

}  // namespace
}  // namespace lithe::test
