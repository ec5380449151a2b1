// SPDX-License-Identifier: Apache-2.0
#include "lithe/ops/slice.hpp"

#include "tests/support/op_test.hpp"
#include "tests/support/rearranged.hpp"

namespace lithe::test {
namespace {

/// Walks from start by step until the end is reached, as the definition says, one axis of a vector.
std::vector<index_t> walk(index_t size, std::int64_t start, std::int64_t end, std::int64_t step) {
  const auto counted = [&](std::int64_t v) { return v < 0 ? v + size : v; };
  std::vector<index_t> places;
  if (step > 0) {
    for (std::int64_t i = std::max<std::int64_t>(counted(start), 0);
         i < std::min<std::int64_t>(counted(end), size); i += step)
      places.push_back(i);
  } else if (size > 0) {
    for (std::int64_t i = std::clamp<std::int64_t>(counted(start), 0, size - 1);
         i > std::max<std::int64_t>(counted(end), -1); i += step)
      places.push_back(i);
  }
  return places;
}

TEST(Slice, EveryBoundAndStepOfAVector) {
  OpTest<ops::Slice> op;
  for (index_t size : {0, 1, 4})
    for (std::int64_t start = -size - 2; start <= size + 2; ++start)
      for (std::int64_t end = -size - 2; end <= size + 2; ++end)
        for (std::int64_t step : {-5, -2, -1, 1, 2, 5}) {
          const auto reference = [&](const std::vector<ReferenceTensor>& in) {
            const auto places = walk(size, start, end, step);
            return rearranged(in[0], {static_cast<index_t>(places.size())},
                              [&](const Index& i) { return Index{places[static_cast<std::size_t>(i[0])]}; });
          };
          op.matches(reference, {Input{size}.as(DType::s32), Input::ints({start}), Input::ints({end}),
                                 Input::ints({0}), Input::ints({step})});
          if (::testing::Test::HasFailure()) FAIL() << size << ": " << start << ", " << end << ", " << step;
        }
}

TEST(Slice, ExtremeBounds) {
  OpTest<ops::Slice> op;
  const auto one = [&](std::int64_t start, std::int64_t end, std::int64_t step) {
    return op.infer({{5}, Input::ints({start}), Input::ints({end}), Input::ints({0}), Input::ints({step})});
  };
  EXPECT_EQ(one(0, INT64_MAX, 1), (Shape{5}));
  EXPECT_EQ(one(INT64_MIN, INT64_MAX, 1), (Shape{5}));
  EXPECT_EQ(one(INT64_MAX, INT64_MIN, -1), (Shape{5}));
  EXPECT_EQ(one(INT64_MIN, INT64_MAX, INT64_MAX), (Shape{1}));
  EXPECT_EQ(one(INT64_MAX, INT64_MIN, INT64_MIN), (Shape{1}));
  EXPECT_EQ(one(INT64_MAX, INT64_MIN, 1), (Shape{0}));
  EXPECT_EQ(one(INT64_MIN, INT64_MAX, -1), (Shape{0}));
  EXPECT_EQ(one(INT64_MIN, INT64_MIN, -1), (Shape{1}))
      << "backwards, a start before the axis is its first element";
  EXPECT_EQ(op.run_code({{5},
                         Input::ints({INT64_MAX}),
                         Input::ints({INT64_MIN}),
                         Input::ints({0}),
                         Input::ints({INT64_MIN})}),
            Code::ok);
}

TEST(Slice, Values) {
  OpTest<ops::Slice> op;
  const auto crop = [](const std::vector<ReferenceTensor>& in) {
    return rearranged(in[0], {2, 2, 3}, [](const Index& i) { return Index{i[0], i[1] + 1, i[2] + 2}; });
  };
  op.matches(crop, {{2, 4, 6}, Input::ints({1, 2}), Input::ints({3, 5}), Input::ints({1, -1})});
  const auto first = [](const std::vector<ReferenceTensor>& in) {
    return rearranged(in[0], {1, 4, 6}, [](const Index& i) { return Index{i[0] + 1, i[1], i[2]}; });
  };
  op.matches(first, {{2, 4, 6}, Input::ints({1}), Input::ints({2})});
  const auto reversed = [](const std::vector<ReferenceTensor>& in) {
    return rearranged(in[0], {2, 2, 6},
                      [](const Index& i) { return Index{1 - i[0], 3 - 2 * i[1], 5 - i[2]}; });
  };
  op.matches(reversed,
             {{2, 4, 6},
              Input::ints({-1, -1, -1}),
              Input::ints({-9, -9, INT64_MIN}),
              Input::absent(),
              Input::ints({-1, -2, -1})},
             {.rows = {{{DType::f16, DType::s64, DType::s64, DType::none, DType::s64}, {DType::f16}}}});
}

TEST(Slice, Refuses) {
  OpTest<ops::Slice>{}.refuses(
      {{{{5}, Input{1}, Input::ints({2})}, Code::needs_value},
       {{{5}, Input::ints({0}), Input{1}}, Code::needs_value},
       {{{5}, Input::ints({0}), Input::ints({1, 2})}, Code::shape},
       {{{5}, Input::ints({0, 0}), Input::ints({1, 2})}, Code::shape},
       {{{5}, Input::ints({0}), Input::ints({1}), Input::ints({1})}, Code::shape},
       {{{5}, Input::ints({0}), Input::ints({1}), Input::ints({-2})}, Code::shape},
       {{{5, 5}, Input::ints({0, 0}), Input::ints({1, 1}), Input::ints({0, -2})}, Code::shape},
       {{{5}, Input::ints({0}), Input::ints({1}), Input::ints({0}), Input::ints({0})}, Code::shape},
       {{Input{4}.as(DType::u2), Input::ints({0}), Input::ints({1})}, Code::unsupported}});
}

}  // namespace
}  // namespace lithe::test
