// SPDX-License-Identifier: Apache-2.0
#include "lithe/xnn/all.hpp"

#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "lithe/runtime/cpu.hpp"

namespace lithe::test {
namespace {

using enum DType;

/// The kernel of the list that a session takes for a node of `Op`.
template <class Op>
std::string chosen(const typename Op::Attributes& attributes, std::vector<ValueInfo> inputs,
                   const ValueInfo& output) {
  const ValueInfo outputs[] = {output};
  for (const KernelEntry& kernel : xnn::all::entries)
    if (kernel.op == &operator_entry<Op> && kernel.supports(&attributes, {inputs, outputs, &cpu()}))
      return kernel.name;
  return "none";
}

TEST(XnnAll, OfSeveralKernelsTheFastestComesFirst) {
  const ops::Transpose::Attributes last_two{.permutation = {0, 2, 1}};
  EXPECT_EQ(chosen<ops::Transpose>(last_two, {{f32, {9, 2, 58}}}, {f32, {9, 58, 2}}),
            "xnn::channel_shuffle_nc");
  EXPECT_EQ(chosen<ops::Transpose>(last_two, {{f32, {9, 58, 2}}}, {f32, {9, 2, 58}}), "xnn::transpose_nd");

  const ValueInfo a{f32, {2, 3, 4}}, b{f32, {2, 4, 5}}, c{f32, {2, 3, 5}},
      weights{f32, {2, 4, 5}, "constant"};
  EXPECT_EQ(chosen<ops::MatMul>({}, {a, b}, c), "xnn::batch_matrix_multiply_nc");
  EXPECT_EQ(chosen<ops::MatMul>({}, {a, weights}, c), "xnn::batch_matrix_multiply_nc_f32_const_weights");

  const ValueInfo x{f32, {9, 4}}, y{f32, {9, 40}}, filter{f32, {40, 4}, "constant"}, bias{f32, {40}};
  EXPECT_EQ(chosen<ops::FullyConnected>({}, {x, filter}, y), "xnn::fully_connected_nc");
  EXPECT_EQ(chosen<ops::FullyConnected>({}, {x, filter, bias}, y), "xnn::dynamic_fully_connected_nc");
  EXPECT_EQ(chosen<ops::FullyConnected>({}, {x, {f32, {40, 4}}}, y), "xnn::dynamic_fully_connected_nc");
}

}  // namespace
}  // namespace lithe::test
