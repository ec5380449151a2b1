// SPDX-License-Identifier: Apache-2.0
#include "lithe/ops/unique.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <vector>

#include "tests/support/op_test.hpp"

namespace lithe::test {
namespace {

using ops::Unique;
using Attributes = Unique::Attributes;

std::vector<ReferenceTensor> reference(const Attributes& a, const std::vector<ReferenceTensor>& in) {
  const Shape x = a.axis.empty() ? Shape{in[0].shape.elements()} : in[0].shape;
  const ReferenceTensor source(x, in[0].values);
  const int axis = a.axis.empty() ? 0 : static_cast<int>(a.axis[0] < 0 ? a.axis[0] + x.rank() : a.axis[0]);
  std::vector<std::vector<double>> slices(static_cast<std::size_t>(x[axis]));
  for (index_t i = 0; i < x.elements(); ++i)
    slices[static_cast<std::size_t>(source.index_of(i)[static_cast<std::size_t>(axis)])].push_back(source[i]);
  std::vector<std::size_t> first;  // the first of each kind
  for (std::size_t k = 0; k < slices.size(); ++k)
    if (std::find(slices.begin(), slices.begin() + static_cast<index_t>(k), slices[k]) ==
        slices.begin() + static_cast<index_t>(k))
      first.push_back(k);
  if (a.sorted)
    std::sort(first.begin(), first.end(),
              [&](std::size_t p, std::size_t q) { return slices[p] < slices[q]; });
  const auto n = static_cast<index_t>(first.size());
  Shape shape = x;
  shape[axis] = n;
  ReferenceTensor out(shape), indices({n}), inverse({x[axis]}), counts({n});
  for (index_t i = 0; i < shape.elements(); ++i) {
    auto at = out.index_of(i);
    auto& along = at[static_cast<std::size_t>(axis)];
    along = static_cast<index_t>(first[static_cast<std::size_t>(along)]);
    out[i] = source[source.offset(at)];
  }
  for (index_t k = 0; k < n; ++k) indices[k] = static_cast<double>(first[static_cast<std::size_t>(k)]);
  for (std::size_t s = 0; s < slices.size(); ++s)
    for (index_t k = 0; k < n; ++k)
      if (slices[s] == slices[first[static_cast<std::size_t>(k)]]) {
        inverse[static_cast<index_t>(s)] = static_cast<double>(k);
        counts[k] += 1;
      }
  return {out, indices, inverse, counts};
}

TEST(Unique, Values) {
  for (bool sorted : {true, false}) {
    OpTest<Unique>({.sorted = sorted}).matches(reference, {Input::values({7}, {2, 1, 1, 3, 4, 3, 0})});
    OpTest<Unique>({.sorted = sorted}).matches(reference, {{3, 4, 5}});
    OpTest<Unique>({.axis = {0}, .sorted = sorted})
        .matches(reference, {Input::values({4, 3}, {1, 0, 0, 1, 0, 0, 0, 3, 4, 1, 0, 0})});
    OpTest<Unique>({.axis = {-2}, .sorted = sorted})
        .matches(reference, {Input::values({2, 3, 2}, {1, 2, 0, 1, 1, 2, 3, 0, 1, 1, 3, 0})});
    OpTest<Unique>({.axis = {2}, .sorted = sorted}).matches(reference, {{2, 3, 4}});
    OpTest<Unique>({.sorted = sorted}).matches(reference, {Input::scalar(3)});
    OpTest<Unique>({.sorted = sorted}).matches(reference, {{2, 0}});
    OpTest<Unique>({.axis = {1}, .sorted = sorted}).matches(reference, {{2, 0}});
    OpTest<Unique>({.axis = {1}, .sorted = sorted}).matches(reference, {{0, 3}});
  }
}

TEST(Unique, NaNEqualsItself) {
  const auto expected = [](const std::vector<ReferenceTensor>&) {
    return std::vector<ReferenceTensor>{
        {{3}, {0, 1, NAN}}, {{3}, {2, 1, 0}}, {{5}, {2, 1, 0, 2, 0}}, {{3}, {2, 1, 2}}};
  };
  OpTest<Unique>().matches(expected, {Input::values({5}, {NAN, 1, 0, NAN, -0.0})},
                           {.rows = {{{DType::f32}, {DType::f32, DType::s64, DType::s64, DType::s64}}}});
}

TEST(Unique, ShapesAreBounds) {
  const InferResult inferred = OpTest<Unique>({.axis = {1}}).infer({{2, 3, 4}});
  EXPECT_EQ(inferred, (Shape{2, 3, 4}));
  EXPECT_EQ(inferred.at_most, (std::vector<bool>{true, true, false, true}));
}

TEST(Unique, Refusals) {
  OpTest<Unique>({.axis = {2}}).refuses({{{{2, 3}}, Code::invalid_model}});
  OpTest<Unique>({.axis = {0, 1}}).refuses({{{{2, 3}}, Code::invalid_model}});
  OpTest<Unique>({.axis = {0}}).refuses({{{{}}, Code::invalid_model}});
}

}  // namespace
}  // namespace lithe::test
