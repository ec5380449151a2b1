// SPDX-License-Identifier: Apache-2.0
#include <gtest/gtest.h>

#include <algorithm>
#include <vector>

#include "lithe/memory/system_arena.hpp"
#include "lithe/ops/all.hpp"
#include "lithe/session.hpp"
#include "tests/support/model_builder.hpp"
#include "tools/kernels/kernels.hpp"

namespace lithe::test {
namespace {

ModelBuilder element_wise_chain(int length) {
  ModelBuilder b;
  int v = b.input("x", DType::f32, {1000});
  for (int i = 0; i < length; ++i)
    v = b.node<ops::Tanh>(i + 1 == length ? "y" : "t" + std::to_string(i), {}, {v});
  b.output(v);
  return b;
}

TEST(SessionMemory, ElementWiseChainsNeedOneTensor) {
  const Model model = element_wise_chain(10).open();
  auto session = Session::create(model, portable_options());
  ASSERT_TRUE(session.ok());
  EXPECT_LE(session->memory().tensors, 4000u + 64);
  std::ranges::fill(session->input<float>("x"), 0.5f);
  ASSERT_TRUE(session->run().ok());
  double expected = 0.5;
  for (int i = 0; i < 10; ++i) expected = std::tanh(expected);
  EXPECT_NEAR(session->output<float>("y")[999], expected, 1e-6);
  EXPECT_EQ(session->input<float>("x")[0], 0.5f);  // inputs are never overwritten
}

TEST(SessionMemory, AnArenaOfTheReportedSizeSuffices) {
  const Model model = element_wise_chain(3).open();
  auto measured = Session::create(model, portable_options());
  ASSERT_TRUE(measured.ok());
  const std::size_t needed = measured->memory().arena();
  std::vector<std::byte> memory(needed + 128);
  auto* aligned = memory.data() + (64 - reinterpret_cast<std::uintptr_t>(memory.data()) % 64) % 64;
  SessionOptions options = portable_options();
  options.source = {};
  options.arena = {aligned, needed};
  auto session = Session::create(model, options);
  ASSERT_TRUE(session.ok()) << session.status().text();
  EXPECT_TRUE(session->run().ok());
  options.arena = {aligned, needed - 256};
  EXPECT_EQ(Session::create(model, options).code(), Code::out_of_memory);
}

TEST(SessionMemory, PartsOfAConcatAreComputedInPlace) {
  for (const int axis : {0, 2}) {  // outer dimensions are one / rows of the last axis
    ModelBuilder b;
    const int x = b.input("x", DType::f32, {1, 3, 4});
    const int a = b.node<ops::Exp>("a", {}, {x}), c = b.node<ops::Neg>("c", {}, {x});
    b.output(b.node<ops::Concat>("y", {.axis = axis}, {a, c}));
    const Model model = b.open();
    auto session = Session::create(model, portable_options());
    ASSERT_TRUE(session.ok());
    const auto in = session->input<float>("x");
    for (std::size_t i = 0; i < in.size(); ++i) in[i] = static_cast<float>(i) / 8;
    ASSERT_TRUE(session->run().ok());
    const auto y = session->output<float>("y");
    for (std::size_t i = 0; i < in.size(); ++i) {
      const std::size_t first = axis == 0 ? i : i / 4 * 8 + i % 4;
      EXPECT_FLOAT_EQ(y[first], std::exp(in[i]));
      EXPECT_FLOAT_EQ(y[first + (axis == 0 ? 12 : 4)], -in[i]);
    }
    EXPECT_EQ(session->inspect().nodes()[2].runs() == runtime::Runs::never, axis == 0);
  }
}

TEST(SessionMemory, PartsOfASplitAreReadInPlace) {
  ModelBuilder b;
  const int x = b.input("x", DType::f32, {6});
  const int e = b.node<ops::Exp>("e", {}, {x});
  const auto parts = b.nodes<ops::Split>("part", {.axis = 0}, {e, b.constant<std::int64_t>({2}, {2, 4})},
                                         {DType::f32, DType::f32});
  b.output(b.node<ops::Neg>("y", {}, {parts[0]}));
  b.output(b.node<ops::Neg>("z", {}, {parts[1]}));
  const Model model = b.open();
  auto session = Session::create(model, portable_options());
  ASSERT_TRUE(session.ok());
  std::ranges::fill(session->input<float>("x"), 0.f);
  session->input<float>("x")[1] = 1;
  session->input<float>("x")[5] = 2;
  ASSERT_TRUE(session->run().ok());
  EXPECT_EQ(session->inspect().nodes()[1].runs(), runtime::Runs::never);
  EXPECT_FLOAT_EQ(session->output<float>("y")[1], -std::exp(1.f));
  EXPECT_FLOAT_EQ(session->output<float>("z")[3], -std::exp(2.f));
  EXPECT_FLOAT_EQ(session->output<float>("z")[0], -1);
}

TEST(SessionMemory, AValueThatIsStillNeededIsNotOverwritten) {
  ModelBuilder b;
  const int x = b.input("x", DType::f32, {8});
  const int e = b.node<ops::Exp>("e", {}, {x});
  const int r = b.node<ops::Reshape>("r", {}, {e, b.constant<std::int64_t>({2}, {2, 4})});
  const int n = b.node<ops::Neg>("n", {}, {r});
  b.output(
      b.node<ops::Add>("y", {}, {b.node<ops::Reshape>("f", {}, {n, b.constant<std::int64_t>({1}, {8})}), e}));
  const Model model = b.open();
  auto session = Session::create(model, portable_options());
  ASSERT_TRUE(session.ok());
  std::ranges::fill(session->input<float>("x"), 1.f);
  ASSERT_TRUE(session->run().ok());
  for (float v : session->output<float>("y")) EXPECT_EQ(v, 0);
}

TEST(SessionMemory, StatesLiveOnBetweenRuns) {
  ModelBuilder b;
  const int x = b.input("x", DType::f32, {2}), last = b.input("last", DType::f32, {2});
  const int sum = b.node<ops::Add>("sum", {}, {x, last});
  b.output(b.node<ops::Neg>("y", {}, {sum}));
  b.output(sum);
  b.model().signatures[0].states.push_back({1, 1});
  const Model model = b.open();
  auto session = Session::create(model, portable_options());
  ASSERT_TRUE(session.ok()) << session.status().text();
  session->input<float>("x")[0] = 1;
  session->input<float>("x")[1] = 10;
  for (int i = 1; i <= 3; ++i) {
    ASSERT_TRUE(session->run().ok());
    EXPECT_EQ(session->output<float>("y")[1], -10.f * static_cast<float>(i));
    EXPECT_EQ(session->output<float>("sum")[0], static_cast<float>(i));
  }
  session->reset_state();
  ASSERT_TRUE(session->run().ok());
  EXPECT_EQ(session->output<float>("y")[0], -1);
}

TEST(SessionMemory, BoundMemoryIsUsed) {
  const Model model = element_wise_chain(1).open();
  auto session = Session::create(model, portable_options());
  ASSERT_TRUE(session.ok());
  for (const std::size_t slack : {16u, 0u}) {  // in place, and by a copy
    std::vector<float> in(1000 + slack / 4, 0.25f), out(1000 + slack / 4, 0);
    ASSERT_TRUE(session->bind("x", std::as_writable_bytes(std::span(in))).ok());
    ASSERT_TRUE(session->bind("y", std::as_writable_bytes(std::span(out))).ok());
    ASSERT_TRUE(session->run().ok());
    EXPECT_FLOAT_EQ(out[999], std::tanh(0.25f));
    EXPECT_EQ(session->output("y").data, out.data());
  }
  std::vector<float> small(10);
  EXPECT_EQ(session->bind("x", std::as_writable_bytes(std::span(small))).code(), Code::invalid_argument);
  EXPECT_EQ(session->bind("nobody", {}).code(), Code::invalid_argument);
  ASSERT_TRUE(session->bind("x", {}).ok() && session->bind("y", {}).ok());
  std::ranges::fill(session->input<float>("x"), 1.f);
  ASSERT_TRUE(session->run().ok());
  EXPECT_FLOAT_EQ(session->output<float>("y")[0], std::tanh(1.f));
}

TEST(SessionMemory, OutputsMayBeInputsAndConstants) {
  ModelBuilder b;
  const int x = b.input("x", DType::f32, {3});
  b.output(x);
  b.output(b.constant<float>({2}, {5, 6}));
  b.output(b.node<ops::Reshape>("y", {}, {x, b.constant<std::int64_t>({2}, {3, 1})}));
  const Model model = b.open();
  auto session = Session::create(model, portable_options());
  ASSERT_TRUE(session.ok()) << session.status().text();
  for (std::size_t i = 0; i < 3; ++i) session->input<float>("x")[i] = static_cast<float>(i);
  ASSERT_TRUE(session->run().ok());
  EXPECT_EQ(session->output(0).as<float>()[2], 2);
  EXPECT_EQ(session->output(1).as<float>()[1], 6);
  EXPECT_EQ(session->output(2).shape, (Shape{3, 1}));
  EXPECT_EQ(session->output(2).as<float>()[1], 1);
}

}  // namespace
}  // namespace lithe::test
