// SPDX-License-Identifier: Apache-2.0
#include "lithe/ops/fully_connected.hpp"

#include <gtest/gtest.h>

#include <vector>

#include "tests/support/op_test.hpp"

namespace lithe::test {
namespace {

using ops::FullyConnected;
using Attributes = FullyConnected::Attributes;

ReferenceTensor reference_fully_connected(const Attributes& a, const std::vector<ReferenceTensor>& in) {
  const index_t n = in[1].shape[0], k = in[1].shape[1];
  Shape shape = in[0].shape;
  shape[shape.rank() - 1] = n;
  ReferenceTensor out(shape);
  for (index_t i = 0; i < out.shape.elements(); ++i) {
    double sum = in.size() > 2 ? in[2][i % n] : 0;
    for (index_t j = 0; j < k; ++j) sum += in[0][i / n * k + j] * in[1].at(i % n, j);
    out[i] = std::clamp<double>(sum, a.clamp.min, a.clamp.max);
  }
  return out;
}

TEST(FullyConnected, Shapes) {
  OpTest<FullyConnected> op;
  EXPECT_EQ(op.infer({{5, 8}, {3, 8}, {3}}), (Shape{5, 3}));
  EXPECT_EQ(op.infer({{8}, {3, 8}}), (Shape{3}));
  EXPECT_EQ(op.infer({{2, 0, 5, 8}, {3, 8}}), (Shape{2, 0, 5, 3}));
}

TEST(FullyConnected, Refusals) {
  OpTest<FullyConnected>().refuses(
      {{{{}, {3, 8}}, Code::shape},
       {{{5, 7}, {3, 8}}, Code::shape},
       {{{5, 8}, {3, 8, 1}}, Code::shape},
       {{{5, 8}, {8}}, Code::shape},
       {{{5, 8}, {3, 8}, {1}}, Code::shape},
       {{{5, 8}, {3, 8}, {1, 3}}, Code::shape},
       {{{1 << 20, 0}, {1 << 20, 0}}, Code::out_of_memory},
       {{Input{5, 8}.as(DType::u8), Input{3, 8}.as(DType::u8)}, Code::invalid_model},
       {{Input{5, 8}.as(DType::u8).quantized(1, -1), Input{3, 8}.as(DType::u8).quantized(1, 0)},
        Code::invalid_model},
       {{Input{5, 8}.as(DType::u8).quantized(1, 1), Input{3, 8}.as(DType::u8).quantized(1, 256)},
        Code::invalid_model},
       {{Input{5, 8}.as(DType::s8).quantized(1, 1), Input{3, 8}.as(DType::s8).quantized(1, 1)},
        Code::unsupported}});
  EXPECT_EQ(OpTest<FullyConnected>({.clamp = {1, -1}}).infer({{5, 8}, {3, 8}}).code(), Code::invalid_model);
}

TEST(FullyConnected, Values) {
  OpTest<FullyConnected>().matches(reference_fully_connected, {{7, 19}, {5, 19}, {5}});
  OpTest<FullyConnected>().matches(reference_fully_connected, {{2, 3, 4}, {6, 4}});
  OpTest<FullyConnected>({.clamp = {-0.5f, 2.5f}}).matches(reference_fully_connected, {{64}, {10, 64}, {10}});
  OpTest<FullyConnected>().matches(reference_fully_connected,
                                   {Input{3, 33}, Input{4, 33}.per_tensor(), Input{4}});
  OpTest<FullyConnected>().matches(
      reference_fully_connected,
      {Input{3, 9}.as(DType::u8), Input{4, 9}.as(DType::u8).per_channel(0), Input{4}});
}

TEST(FullyConnected, Edges) {
  OpTest<FullyConnected>().matches(reference_fully_connected, {{0, 4}, {3, 4}, {3}});
  OpTest<FullyConnected>().matches(reference_fully_connected, {{2, 4}, Input{0, 4}.per_tensor()});
  OpTest<FullyConnected>().matches(reference_fully_connected, {{2, 0}, {3, 0}, {3}},
                                   {.rows = {{{DType::f32, DType::f32, DType::f32}, {DType::f32}}}});
}

}  // namespace
}  // namespace lithe::test
