// SPDX-License-Identifier: Apache-2.0
#include "lithe/ops/reverse_sequence.hpp"

#include "tests/support/op_test.hpp"
#include "tests/support/rearranged.hpp"

namespace lithe::test {
namespace {

using ops::ReverseSequence;

ReferenceTensor reference(const ReverseSequence::Attributes& a, const std::vector<ReferenceTensor>& in) {
  return rearranged(in[0], in[0].shape, [&](Index at) {
    index_t& time = at[static_cast<std::size_t>(a.time_axis)];
    const auto length = static_cast<index_t>(in[1][at[static_cast<std::size_t>(a.batch_axis)]]);
    if (time < length) time = length - 1 - time;
    return at;
  });
}

TEST(ReverseSequence, Values) {
  const auto lengths = [] { return Input::values({3}, {0, 2, 4}); };
  OpTest<ReverseSequence>{}.matches(reference, {{4, 3}, lengths()});
  OpTest<ReverseSequence>{}.matches(reference, {{4, 3, 2, 5}, lengths()});
  OpTest<ReverseSequence>{{.batch_axis = 0, .time_axis = 1}}.matches(reference, {{3, 4, 2}, lengths()});
  OpTest<ReverseSequence>{}.matches(reference, {{4, 0, 2}, Input::values({0}, {})});
  OpTest<ReverseSequence>{}.matches(reference, {{4, 3, 0}, lengths()});
}

TEST(ReverseSequence, LengthsOutsideAreRefusedAtRun) {
  OpTest<ReverseSequence> op;
  EXPECT_EQ(op.run_code({{4, 2}, Input::values({2}, {4, 0})}), Code::ok);
  EXPECT_EQ(op.run_code({{4, 2}, Input::values({2}, {5, 0})}), Code::out_of_range);
  EXPECT_EQ(op.run_code({{4, 2}, Input::values({2}, {4, -1})}), Code::out_of_range);
}

TEST(ReverseSequence, Refuses) {
  OpTest<ReverseSequence>{}.refuses({{{{4}, {4}}, Code::shape},
                                     {{{4, 2}, {4}}, Code::shape},
                                     {{{4, 2}, {2, 1}}, Code::shape},
                                     {{Input{4, 2}.as(DType::s4), {2}}, Code::unsupported}});
  for (auto [batch, time] : {std::pair(0, 0), {1, 1}, {2, 0}, {-1, 0}})
    OpTest<ReverseSequence>{{.batch_axis = batch, .time_axis = time}}.refuses(
        {{{{4, 2, 2}, {2}}, Code::invalid_model}});
}

}  // namespace
}  // namespace lithe::test
