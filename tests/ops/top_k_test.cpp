// SPDX-License-Identifier: Apache-2.0
#include "lithe/ops/top_k.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <vector>

#include "tests/support/op_test.hpp"

namespace lithe::test {
namespace {

using ops::TopK;
using Attributes = TopK::Attributes;

std::vector<ReferenceTensor> reference(const Attributes& a, const std::vector<ReferenceTensor>& in) {
  const Shape& x = in[0].shape;
  const auto axis = static_cast<std::size_t>(a.axis < 0 ? a.axis + x.rank() : a.axis);
  Shape shape = x;
  shape[static_cast<int>(axis)] = static_cast<index_t>(in[1][0]);
  ReferenceTensor values(shape), indices(shape);
  for (index_t i = 0; i < shape.elements(); ++i) {
    auto at = values.index_of(i);
    const index_t rank = at[axis];
    std::vector<std::pair<double, index_t>> line;
    for (index_t k = 0; k < x[static_cast<int>(axis)]; ++k) {
      at[axis] = k;
      line.emplace_back(in[0][in[0].offset(at)], k);
    }
    std::sort(line.begin(), line.end(), [&](const auto& p, const auto& q) {
      if (p.first == q.first) return p.second < q.second;
      return a.largest ? p.first > q.first : p.first < q.first;
    });
    const auto& chosen = line[static_cast<std::size_t>(rank)];
    values[i] = chosen.first;
    indices[i] = static_cast<double>(chosen.second);
  }
  return {values, indices};
}

TEST(TopK, Values) {
  for (bool largest : {true, false}) {
    OpTest<TopK>({.largest = largest}).matches(reference, {{3, 40}, Input::ints({5})});
    OpTest<TopK>({.axis = 0, .largest = largest}).matches(reference, {{9, 3, 4}, Input::ints({3})});
    OpTest<TopK>({.axis = -2, .largest = largest}).matches(reference, {{2, 7, 5}, Input::ints({7})});
    const Input equal = Input::values({2, 6}, {1, 0, 1, 0, 1, 0, 1, 1, 1, 1, 1, 1});
    OpTest<TopK>({.largest = largest}).matches(reference, {equal, Input::ints({4})});
    OpTest<TopK>({.largest = largest}).matches(reference, {{1}, Input::ints({1})});
    OpTest<TopK>({.largest = largest}).matches(reference, {{3, 4}, Input::ints({0})});
    OpTest<TopK>({.largest = largest}).matches(reference, {{0, 4}, Input::ints({2})});
  }
}

TEST(TopK, NaNIsAboveAllNumbers) {
  const MatchOptions f32{.rows = {{{DType::f32, DType::s64}, {DType::f32, DType::s64}}}};
  const auto gives = [](std::vector<double> values, std::vector<double> indices) {
    return [=](const std::vector<ReferenceTensor>&) {
      return std::vector<ReferenceTensor>{{{3}, values}, {{3}, indices}};
    };
  };
  const Input x = Input::values({5}, {1, NAN, INFINITY, NAN, -INFINITY});
  OpTest<TopK>().matches(gives({NAN, NAN, INFINITY}, {1, 3, 2}), {x, Input::ints({3})}, f32);
  OpTest<TopK>({.largest = false})
      .matches(gives({-INFINITY, 1, INFINITY}, {4, 0, 2}), {x, Input::ints({3})}, f32);
}

TEST(TopK, Refusals) {
  OpTest<TopK>().refuses({{{{}, Input::ints({1})}, Code::invalid_model},
                          {{{2, 3}, Input::ints({4})}, Code::shape},
                          {{{2, 3}, Input::ints({-1})}, Code::shape},
                          {{{2, 3}, Input::ints({1, 1})}, Code::shape},
                          {{{2, 3}, Input::ints({})}, Code::shape},
                          {{{2, 3}, {1}}, Code::needs_value}});
  OpTest<TopK>({.axis = 2}).refuses({{{{2, 3}, Input::ints({1})}, Code::invalid_model}});
}

}  // namespace
}  // namespace lithe::test
