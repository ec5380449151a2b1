// SPDX-License-Identifier: Apache-2.0
// Operators of com.microsoft on inputs of a formula give what ONNX Runtime gave.
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "tests/tools/import_running.hpp"
#include "tests/tools/microsoft_answers.hpp"

namespace lithe::test {
namespace {

/// Element `i` of input number `k`.
double formula(DType dtype, std::int64_t i, std::int64_t k) {
  const std::int64_t v = (i * 7919 + (k + 1) * 104729 + i * i % 613 * 31) % 2003;
  if (dtype == DType::u8) return static_cast<double>(v % 256);
  if (dtype == DType::s8) return static_cast<double>(v % 256 - 128);
  return static_cast<double>(static_cast<float>(static_cast<double>(v - 1001) / 1000));
}

Tensors inputs_of(const MicrosoftCase& c, const std::vector<graph::Value>& inputs) {
  Tensors tensors;
  for (std::size_t k = 0; k < inputs.size(); ++k) {
    const graph::Value& input = inputs[k];
    Shape shape;
    for (const std::int64_t d : input.dims.value()) shape.push_back(d);
    const auto given = c.inputs.find(input.name);
    std::vector<double> numbers;
    for (index_t i = 0; given == c.inputs.end() && i < shape.elements(); ++i)
      numbers.push_back(formula(input.dtype, i, static_cast<std::int64_t>(k)));
    tensors.push_back(of_doubles(input.dtype, shape, given == c.inputs.end() ? numbers : given->second));
  }
  return tensors;
}

TEST(ImportMicrosoft, GivesWhatOnnxRuntimeGives) {
  ASSERT_GE(microsoft_cases().size(), 60U);
  for (const MicrosoftCase& c : microsoft_cases()) {
    SCOPED_TRACE(c.name);
    RunningModel model(c.graph, c.opset);
    const auto outputs = model.run(inputs_of(c, model.inputs()));
    ASSERT_EQ(outputs.size(), c.outputs.size());
    for (std::size_t o = 0; o < outputs.size(); ++o) {
      const Answer& answer = c.outputs[o];
      ASSERT_EQ(outputs[o].size(), answer.size) << "output " << o;
      const std::size_t step = std::max<std::size_t>(1, answer.size / 7);
      for (std::size_t i = 0; i < answer.sample.size(); ++i)
        EXPECT_NEAR(outputs[o][i * step], answer.sample[i], 2e-4 * std::max(1.0, std::abs(answer.sample[i])))
            << "output " << o << ", element " << i * step;
    }
  }
}

TEST(ImportMicrosoft, FormsThatAreNotKnownAreRefusedByName) {
  const std::string parts = "g (float[2,3,8] q, float[2,3,8] k, float[2,3,8] v) => (float[a,b,c] y) ";
  EXPECT_TRUE(
      mentions(refusal(parts + "{ y = com.microsoft.MultiHeadAttention <num_heads = 3> (q, k, v) }", 17),
               "multiple of the number of heads"));
  EXPECT_TRUE(mentions(
      refusal(
          "g (float[2,3] x) => (float[a,b] y) { y = com.microsoft.FusedConv <activation = \"Mish\"> (x, x) }",
          17),
      "FusedConv"));
  EXPECT_TRUE(mentions(refusal("g (float[2,3] x) => (float[a,b] y) { y = com.microsoft.Sampling (x) }", 17),
                       "Sampling"));
}

/// Packed forms, which ONNX Runtime has on other processors only: the same as apart.
TEST(ImportMicrosoft, PackedHeadsAreTheSameAsApart) {
  const std::string attributes = "com.microsoft.MultiHeadAttention <num_heads = 2> ";
  RunningModel packed("g (float[2,3,2,3,4] q) => (float[2,3,8] y) { y = " + attributes + "(q) }", 17);
  RunningModel pair(
      "g (float[2,3,8] q, float[2,3,2,2,4] k) => (float[2,3,8] y) { y = " + attributes + "(q, k) }", 17);
  RunningModel apart("g (float[2,3,8] q, float[2,3,8] k, float[2,3,8] v) => (float[2,3,8] y) { y = " +
                         attributes + "(q, k, v) }",
                     17);
  std::vector<double> all(2 * 3 * 2 * 3 * 4), parts[3], keys;
  for (std::size_t i = 0; i < all.size(); ++i) all[i] = formula(DType::f32, static_cast<std::int64_t>(i), 0);
  for (std::size_t row = 0; row < 6; ++row)
    for (std::size_t head = 0; head < 2; ++head)
      for (std::size_t part = 0; part < 3; ++part)
        for (std::size_t d = 0; d < 4; ++d) {
          const double v = all[((row * 2 + head) * 3 + part) * 4 + d];
          parts[part].push_back(v);
          if (part > 0) keys.push_back(v);
        }
  const auto tensor = [](const Shape& shape, const std::vector<double>& v) {
    return of_doubles(DType::f32, shape, v);
  };
  const auto wanted =
      apart.run({tensor({2, 3, 8}, parts[0]), tensor({2, 3, 8}, parts[1]), tensor({2, 3, 8}, parts[2])});
  const auto one = packed.run({tensor({2, 3, 2, 3, 4}, all)});
  const auto two = pair.run({tensor({2, 3, 8}, parts[0]), tensor({2, 3, 2, 2, 4}, keys)});
  ASSERT_EQ(one[0].size(), wanted[0].size());
  for (std::size_t i = 0; i < wanted[0].size(); ++i) {
    EXPECT_NEAR(one[0][i], wanted[0][i], 1e-5);
    EXPECT_NEAR(two[0][i], wanted[0][i], 1e-5);
  }
}

}  // namespace
}  // namespace lithe::test
