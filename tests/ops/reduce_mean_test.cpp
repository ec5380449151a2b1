// SPDX-License-Identifier: Apache-2.0
#include "lithe/ops/reduce_mean.hpp"

#include <gtest/gtest.h>

#include <cstdint>
#include <vector>

#include "tests/support/op_test.hpp"

namespace lithe::test {
namespace {

using ops::ReduceMean;
using Attributes = ReduceMean::Attributes;

ReferenceTensor reference_mean(const Attributes& a, const std::vector<ReferenceTensor>& in) {
  const Shape& x = in[0].shape;
  std::vector<bool> reduced(static_cast<std::size_t>(x.rank()), a.axes.empty());
  for (auto axis : a.axes) reduced.at(static_cast<std::size_t>(axis < 0 ? axis + x.rank() : axis)) = true;
  Shape kept, shape;
  double count = 1;
  for (int i = 0; i < x.rank(); ++i) {
    const bool gone = reduced[static_cast<std::size_t>(i)];
    kept.push_back(gone ? 1 : x[i]);
    if (gone) count *= static_cast<double>(x[i]);
    if (!gone || a.keepdims) shape.push_back(gone ? 1 : x[i]);
  }
  ReferenceTensor out(kept);
  for (index_t i = 0; i < x.elements(); ++i) {
    auto at = in[0].index_of(i);
    for (std::size_t k = 0; k < at.size(); ++k)
      if (reduced[k]) at[k] = 0;
    out[out.offset(at)] += in[0][i];
  }
  for (double& v : out.values) v /= count;
  return ReferenceTensor(shape, out.values);
}

TEST(ReduceMean, Shapes) {
  EXPECT_EQ(OpTest<ReduceMean>({.axes = {1, 2}}).infer({{2, 7, 5, 3}}), (Shape{2, 1, 1, 3}));
  EXPECT_EQ(OpTest<ReduceMean>({.axes = {-1, 0}, .keepdims = false}).infer({{2, 7, 5, 3}}), (Shape{7, 5}));
  EXPECT_EQ(OpTest<ReduceMean>().infer({{2, 7}}), (Shape{1, 1}));
  EXPECT_EQ(OpTest<ReduceMean>({.axes = {}, .keepdims = false}).infer({{2, 7}}), (Shape{}));
  EXPECT_EQ(OpTest<ReduceMean>().infer({{}}), (Shape{}));
  EXPECT_EQ(OpTest<ReduceMean>({.axes = {0}}).infer({{0, 4}}), (Shape{1, 4}));
}

TEST(ReduceMean, Refusals) {
  EXPECT_EQ(OpTest<ReduceMean>({.axes = {2}}).infer({{2, 7}}).code(), Code::invalid_model);
  EXPECT_EQ(OpTest<ReduceMean>({.axes = {-3}}).infer({{2, 7}}).code(), Code::invalid_model);
  EXPECT_EQ(OpTest<ReduceMean>({.axes = {1, -1}}).infer({{2, 7}}).code(), Code::invalid_model);
  EXPECT_EQ(OpTest<ReduceMean>({.axes = {INT64_MIN}}).infer({{2, 7}}).code(), Code::invalid_model);
  EXPECT_EQ(OpTest<ReduceMean>().infer({Input{2, 7}.as(DType::s8)}).code(), Code::invalid_model);
  EXPECT_EQ(OpTest<ReduceMean>().infer({Input{0, 7}.as(DType::s8).quantized(1, 0)}).code(), Code::shape);
  EXPECT_EQ(OpTest<ReduceMean>().infer({Input{1 << 12, 1 << 12}.as(DType::s8).quantized(1, 0)}).code(),
            Code::unsupported);
}

TEST(ReduceMean, Values) {
  OpTest<ReduceMean>({.axes = {1, 2}}).matches(reference_mean, {{2, 7, 5, 37}});
  OpTest<ReduceMean>({.axes = {1, 2}, .keepdims = false}).matches(reference_mean, {{1, 19, 20, 3}});
  OpTest<ReduceMean>({.axes = {-1}}).matches(reference_mean, {{3, 4, 600}});
  OpTest<ReduceMean>({.axes = {0, 2}}).matches(reference_mean, {{3, 4, 5, 6}});
  OpTest<ReduceMean>({.axes = {1, 3}, .keepdims = false}).matches(reference_mean, {{3, 4, 5, 6}});
  OpTest<ReduceMean>({.axes = {0, 2, 4}}).matches(reference_mean, {{2, 3, 4, 3, 2, 2}});
  OpTest<ReduceMean>({.axes = {0}}).matches(reference_mean, {{5, 3}});
  OpTest<ReduceMean>().matches(reference_mean, {{2, 3, 4}});
}

TEST(ReduceMean, Edges) {
  OpTest<ReduceMean>().matches(reference_mean, {{}});
  OpTest<ReduceMean>({.axes = {1}}).matches(reference_mean, {{4, 1, 3}});
  OpTest<ReduceMean>({.axes = {1}}).matches(reference_mean, {{0, 4, 3}});
  const MatchOptions floats{
      .rows = {{{DType::f32}, {DType::f32}}, {{DType::f16}, {DType::f16}}, {{DType::f64}, {DType::f64}}}};
  OpTest<ReduceMean>({.axes = {1}}).matches(reference_mean, {{2, 0, 3}}, floats);  // NaN
}

}  // namespace
}  // namespace lithe::test
