// SPDX-License-Identifier: Apache-2.0
#include "lithe/ops/tile.hpp"

#include "tests/support/op_test.hpp"
#include "tests/support/rearranged.hpp"

namespace lithe::test {
namespace {

ReferenceTensor reference(const std::vector<ReferenceTensor>& in) {
  Shape shape = in[0].shape;
  for (int d = 0; d < shape.rank(); ++d) shape[d] *= static_cast<index_t>(in[1][d]);
  return rearranged(in[0], shape, [&](Index at) {
    for (std::size_t d = 0; d < at.size(); ++d) at[d] %= in[0].shape[static_cast<int>(d)];
    return at;
  });
}

TEST(Tile, Values) {
  OpTest<ops::Tile> op;
  op.matches(reference, {{3}, Input::ints({4})});
  op.matches(reference, {{2, 3, 4}, Input::ints({1, 1, 1})});
  op.matches(reference, {{2, 3, 4}, Input::ints({2, 1, 1})});
  op.matches(reference, {{2, 3, 4}, Input::ints({1, 3, 1})});
  op.matches(reference, {{2, 3, 4}, Input::ints({1, 1, 5})});
  op.matches(reference, {{2, 3, 4}, Input::ints({2, 3, 2})});
  op.matches(reference, {{2, 3, 4}, Input::ints({2, 1, 2})});
  op.matches(reference, {{1, 1}, Input::ints({3, 4})});
  op.matches(reference, {{}, Input::ints({})});
  op.matches(reference, {{2, 3}, Input::ints({0, 2})});
  op.matches(reference, {{2, 0}, Input::ints({3, 2})});
}

TEST(Tile, Refuses) {
  OpTest<ops::Tile>{}.refuses({{{{2, 3}, {2}}, Code::needs_value},
                               {{{2, 3}, Input::ints({1})}, Code::shape},
                               {{{2, 3}, Input::ints({1, -1})}, Code::shape},
                               {{{2, 3}, Input::ints({1, INT64_MAX})}, Code::shape},
                               {{{2, 3}, Input::ints({1, 2147483647})}, Code::shape},
                               {{{1, 1}, Input::ints({2000000, 2000000})}, Code::out_of_memory},
                               {{Input{4}.as(DType::s4), Input::ints({1})}, Code::unsupported}});
}

}  // namespace
}  // namespace lithe::test
