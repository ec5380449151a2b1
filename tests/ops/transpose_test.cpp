// SPDX-License-Identifier: Apache-2.0
#include "lithe/ops/transpose.hpp"

#include <algorithm>
#include <numeric>

#include "tests/support/op_test.hpp"
#include "tests/support/rearranged.hpp"

namespace lithe::test {
namespace {

ReferenceTensor reference(const ops::Transpose::Attributes& attributes,
                          const std::vector<ReferenceTensor>& in) {
  std::vector<int> permutation(attributes.permutation.begin(), attributes.permutation.end());
  if (permutation.empty())
    for (int i = in[0].shape.rank() - 1; i >= 0; --i) permutation.push_back(i);
  Shape shape;
  for (int axis : permutation) shape.push_back(in[0].shape[axis]);
  return rearranged(in[0], shape, [&](const Index& to) {
    Index from(to.size());
    for (std::size_t i = 0; i < to.size(); ++i) from[static_cast<std::size_t>(permutation[i])] = to[i];
    return from;
  });
}

TEST(Transpose, EveryPermutationOfFourAxes) {
  std::vector<std::int64_t> permutation{0, 1, 2, 3};
  do {
    ops::Transpose::Attributes attributes;
    for (auto axis : permutation) attributes.permutation.push_back(axis);
    OpTest<ops::Transpose>(attributes).matches(reference, {{2, 3, 4, 5}});
    OpTest<ops::Transpose>(attributes).matches(reference, {{2, 1, 4, 1}});
  } while (std::ranges::next_permutation(permutation).found);
}

TEST(Transpose, OtherRanks) {
  OpTest<ops::Transpose> reversed;
  EXPECT_EQ(reversed.infer({{1, 2, 3}}), (Shape{3, 2, 1}));
  reversed.matches(reference, {{}});
  reversed.matches(reference, {{7}});
  reversed.matches(reference, {{3, 0, 2}});
  reversed.matches(reference, {{2, 1, 2, 3, 1, 2, 2, 3}});
}

TEST(Transpose, Refuses) {
  OpTest<ops::Transpose>{{.permutation = {0, 1}}}.refuses(
      {{{{2, 3, 4}}, Code::invalid_model}, {{{2}}, Code::invalid_model}});
  OpTest<ops::Transpose>{{.permutation = {0, 0}}}.refuses({{{{2, 3}}, Code::invalid_model}});
  OpTest<ops::Transpose>{{.permutation = {0, 2}}}.refuses({{{{2, 3}}, Code::invalid_model}});
  OpTest<ops::Transpose>{{.permutation = {-1, 0}}}.refuses({{{{2, 3}}, Code::invalid_model}});
  OpTest<ops::Transpose>{{.permutation = {1, 0}}}.refuses({{{Input{2, 4}.as(DType::s4)}, Code::unsupported}});
}

}  // namespace
}  // namespace lithe::test
