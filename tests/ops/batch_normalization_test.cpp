// SPDX-License-Identifier: Apache-2.0
#include "lithe/ops/batch_normalization.hpp"

#include <cmath>
#include <cstdint>
#include <limits>

#include "tests/support/op_test.hpp"
#include "tests/support/workspace.hpp"

namespace lithe::test {
namespace {

ReferenceTensor reference(const ops::BatchNormalization::Attributes& attributes,
                          const std::vector<ReferenceTensor>& in) {
  ReferenceTensor out(in[0].shape);
  const index_t channels = in[0].shape.back();
  for (index_t i = 0; i < in[0].shape.elements(); ++i) {
    const index_t c = i % channels;
    out[i] =
        (in[0][i] - in[3][c]) / std::sqrt(in[4][c] + static_cast<double>(attributes.epsilon)) * in[1][c] +
        in[2][c];
  }
  return out;
}

TEST(BatchNormalization, Values) {
  for (const Shape& shape :
       {Shape{2, 5, 3, 7}, Shape{3, 200}, Shape{2, 4, 4, 1}, Shape{65}, Shape{0, 4}, Shape{2, 0}})
    for (float epsilon : {1e-5f, 0.5f, 0.0f}) {
      const Shape channels{shape.back()};
      OpTest<ops::BatchNormalization> op{{.epsilon = epsilon}};
      EXPECT_EQ(op.infer({shape, channels, channels, channels, channels}), shape);
      op.matches(reference, {shape, channels, channels, channels, Input(channels).between(0.5, 2)});
    }
}

TEST(BatchNormalization, TheWorkspaceIsCountedIn64Bits) {
  const TensorView input(nullptr, DType::f16, {1 << 29});
  expect_workspace<ops::BatchNormalization>(std::uint64_t{12} << 29, {}, {input}, {input});
}

TEST(BatchNormalization, Refuses) {
  OpTest<ops::BatchNormalization>().refuses({{{{}, {1}, {1}, {1}, {1}}, Code::shape},
                                             {{{2, 3}, {2}, {3}, {3}, {3}}, Code::shape},
                                             {{{2, 3}, {3}, {3}, {3}, {1}}, Code::shape},
                                             {{{2, 3}, {3}, {3, 1}, {3}, {3}}, Code::shape}});
  for (float bad : {-1.0f, std::numeric_limits<float>::infinity(), std::numeric_limits<float>::quiet_NaN()})
    OpTest<ops::BatchNormalization>{{.epsilon = bad}}.refuses(
        {{{{2, 3}, {3}, {3}, {3}, {3}}, Code::invalid_model}});
}

}  // namespace
}  // namespace lithe::test
