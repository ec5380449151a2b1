// SPDX-License-Identifier: Apache-2.0
#include "lithe/ops/dynamic_fully_connected.hpp"

#include <gtest/gtest.h>

#include <cmath>
#include <vector>

#include "tests/ops/dynamic_reference.hpp"
#include "tests/support/op_test.hpp"

namespace lithe::test {
namespace {

using ops::DynamicFullyConnected;
using Attributes = DynamicFullyConnected::Attributes;

ReferenceTensor reference(const Attributes& a, const std::vector<ReferenceTensor>& in) {
  return reference_dynamic_fully_connected(a.clamp, in);
}

Input filter(index_t n, index_t k) { return Input{n, k}.as(DType::s8).quantized(0.02F, 0); }

TEST(DynamicFullyConnected, Shapes) {
  OpTest<DynamicFullyConnected> op;
  EXPECT_EQ(op.infer({{5, 8}, filter(3, 8), {3}, {5, 2}}), (Shape{5, 3}));
  EXPECT_EQ(op.infer({{2, 5, 8}, filter(3, 8), Input::absent(), {2, 5, 2}}), (Shape{2, 5, 3}));
  EXPECT_EQ(op.infer({{8}, filter(3, 8), Input::absent(), {2}}), (Shape{3}));
}

TEST(DynamicFullyConnected, Refusals) {
  const Input none = Input::absent();
  OpTest<DynamicFullyConnected>().refuses(
      {{{{}, filter(3, 8), none, {2}}, Code::shape},
       {{{5, 7}, filter(3, 8), none, {5, 2}}, Code::shape},
       {{{5, 8}, Input{3}.quantized(1, 0), none, {5, 2}}, Code::shape},
       {{{5, 8}, filter(3, 8), {2}, {5, 2}}, Code::shape},
       {{{5, 8}, filter(3, 8), none, {5, 1}}, Code::shape},
       {{{5, 8}, filter(3, 8), none, {4, 2}}, Code::shape},
       {{{5, 8}, filter(3, 8)}, Code::invalid_model},
       {{{5, 8}, {3, 8}, none, {5, 2}}, Code::invalid_model},
       {{{5, 8}, Input{3, 8}.quantized(0, 0), none, {5, 2}}, Code::invalid_model},
       {{{5, 8}, Input{3, 8}.quantized(1, 1), none, {5, 2}}, Code::unsupported},
       {{{5, 8}, Input{3, 8}.quantized_along(1, std::vector<float>(8, 1)), none, {5, 2}},
        Code::unsupported}});
  EXPECT_EQ(
      OpTest<DynamicFullyConnected>({.clamp = {1, -1}}).infer({{5, 8}, filter(3, 8), none, {5, 2}}).code(),
      Code::invalid_model);
}

TEST(DynamicFullyConnected, Values) {
  const Input steps = Input::values({3, 2}, {0.5, -3, 0.01, 127, 2, -128});
  OpTest<DynamicFullyConnected>().matches(
      reference,
      {{3, 33}, Input{4, 33}.as(DType::s8).quantized_along(0, {0.01F, 0.03F, 0.5F, 2}), {4}, steps});
  OpTest<DynamicFullyConnected>({.clamp = {-40, 30}})
      .matches(reference, {{3, 5}, filter(6, 5), Input::absent(), steps});
  OpTest<DynamicFullyConnected>().matches(reference, {{0, 5}, filter(6, 5), Input::absent(), {0, 2}});
  OpTest<DynamicFullyConnected>().matches(reference, {{3, 0}, filter(2, 0), {2}, steps});
}

TEST(DynamicFullyConnected, FourBits) {
  const Input steps = Input::values({3, 2}, {0.5, -3, 0.01, 127, 2, -128});
  std::vector<float> scales;
  for (int i = 0; i < 6; ++i) scales.push_back(0.01F * static_cast<float>(i + 1));
  const auto four = [](index_t n, index_t k) { return Input{n, k}.as(DType::s4); };
  const Input none = Input::absent();
  OpTest<DynamicFullyConnected> op;
  op.matches(reference, {{3, 34}, four(6, 34).quantized_along(0, scales), {6}, steps});
  op.matches(reference, {{3, 8}, four(2, 8).quantized(0.1F, 0), none, steps});
  op.matches(reference, {{3, 12}, four(2, 12).quantized_by_block(4, scales), none, steps});
  op.refuses({{{{3, 33}, four(6, 33).quantized(1, 0), none, steps}, Code::unsupported},
              {{{3, 8}, four(6, 8), none, steps}, Code::invalid_model},
              {{{3, 8}, four(6, 8).quantized(1, 1), none, steps}, Code::unsupported},
              {{{3, 8}, four(6, 8).quantized(-1, 0), none, steps}, Code::invalid_model},
              {{{3, 8}, four(2, 8).quantized_by_block(3, scales), none, steps}, Code::unsupported},
              {{{3, 8}, four(2, 8).quantized_by_block(4, scales), none, steps}, Code::unsupported}});
}

TEST(DynamicFullyConnected, StepsAreDataAndNotTrusted) {
  const Input steps = Input::values({3, 2}, {1, 1e9, 1, -4e9, 1, std::nan("")});
  EXPECT_EQ(OpTest<DynamicFullyConnected>().run_code({{3, 4}, filter(2, 4), Input::absent(), steps}),
            Code::ok);
}

}  // namespace
}  // namespace lithe::test
