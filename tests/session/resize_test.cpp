// SPDX-License-Identifier: Apache-2.0
// What a session keeps, and what it chooses again, when its shapes change.
#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <string>
#include <string_view>
#include <vector>

#include "lithe/memory/system_arena.hpp"
#include "lithe/ops/all.hpp"
#include "lithe/session.hpp"
#include "tests/support/model_builder.hpp"
#include "tools/kernels/kernels.hpp"

namespace lithe::test {
namespace {

/// Takes nothing but six columns, and answers 42.
struct SixColumns {
  using Op = ops::Neg;
  static constexpr const char* name = "six columns";
  static bool supports(const NoAttributes&, const NodeInfo& node) {
    return node.input(0).shape.rank() == 2 && node.input(0).shape[1] == 6;
  }
  static Status run(const NoAttributes&, RunContext& context) {
    const Tensor& y = context.output();
    if (y.shape[1] != 6) return {Code::kernel, "a shape that the kernel does not support"};
    if (y.dtype == DType::f32)
      std::ranges::fill(y.as<float>(), 42.f);
    else
      std::ranges::fill(y.as<std::int64_t>(), 42);
    return {};
  }
};
using Both = KernelList<SixColumns, portable::all>;

SessionOptions with(std::span<const KernelEntry> kernels) {
  SessionOptions o = portable_options();
  o.kernels = kernels;
  return o;
}

Model negated(int columns_min, int columns_opt, int columns_max) {
  ModelBuilder b;
  const int n = b.symbol("n", static_cast<std::uint64_t>(columns_min),
                         static_cast<std::uint64_t>(columns_opt), static_cast<std::uint64_t>(columns_max));
  b.output(b.node<ops::Neg>("y", {}, {b.input("x", DType::f32, {1, n})}));
  return b.open();
}

float answer(Session& session, index_t columns) {
  EXPECT_TRUE(session.resize("x", {1, columns}).ok());
  std::ranges::fill(session.input<float>("x"), 3.f);
  const Status status = session.run();
  EXPECT_TRUE(status.ok()) << status.text();
  return session.output<float>("y")[static_cast<std::size_t>(columns) - 1];
}

TEST(SessionResize, AnotherKernelTakesTheShapesThatTheChosenOneDoesNot) {
  for (const Model& model : {negated(1, 6, 0), negated(1, 2, 6)}) {
    auto session = Session::create(model, with(Both::entries));
    ASSERT_TRUE(session.ok()) << session.status().text();
    for (int i = 0; i < 2; ++i) {
      EXPECT_EQ(answer(*session, 6), 42);
      EXPECT_EQ(answer(*session, 2), -3);
      EXPECT_EQ(session->inspect().nodes()[0].kernel_name(), std::string_view("portable"));
    }
  }
}

TEST(SessionResize, ANodeOfABranchChangesItsKernelToo) {
  ModelBuilder b;
  const int n = b.symbol("n", 1, 6, 6);
  const int x = b.input("x", DType::f32, {1, n}), one = b.constant<std::int64_t>({}, {1});
  const int condition = b.node<ops::Cast>("condition", {}, {one}, DType::boolean);
  std::vector<int> branches;
  for (const char* const name : {"then", "else"}) {
    const int g = b.subgraph(name);
    branches.push_back(g);
    const int inner = b.input(std::string("x_") + name, DType::f32, {1, n}, g);
    b.output(b.node<ops::Neg>(std::string("y_") + name, {}, {inner}, DType::f32, g), g);
  }
  b.output(b.nodes<ops::If>("y", {}, {condition, x}, {DType::f32}, branches)[0]);
  const Model model = b.open();
  auto session = Session::create(model, with(Both::entries));
  ASSERT_TRUE(session.ok()) << session.status().text();
  for (int i = 0; i < 2; ++i) {
    EXPECT_EQ(answer(*session, 6), 42);
    EXPECT_EQ(answer(*session, 2), -3);
  }
}

TEST(SessionResize, TheObserverStays) {
  const Model model = negated(1, 2, 0);
  auto session = Session::create(model, portable_options());
  ASSERT_TRUE(session.ok()) << session.status().text();
  int seen = 0;
  const RunObserver observer{
      .after = [](void* self, const runtime::NodeView&, const Strip*) { ++*static_cast<int*>(self); },
      .self = &seen};
  session->observe(&observer);
  EXPECT_EQ(answer(*session, 100), -3);
  EXPECT_EQ(seen, 1);
}

/// A session in the caller's arena that waits for shapes waits on after an error.
TEST(SessionResize, AWaitingSessionSurvivesShapesThatDoNotFit) {
  ModelBuilder b;
  const int x = b.input("x", DType::f32, {b.symbol("n")}), y = b.input("y", DType::f32, {b.symbol("m")});
  const int shape = b.host_input("shape", DType::s64, {2});
  b.output(b.node<ops::Reshape>("z", {}, {b.node<ops::Add>("sum", {}, {x, y}), shape}));
  const Model model = b.open();
  std::vector<std::byte> arena(1 << 16);
  SessionOptions options = portable_options();
  options.arena = arena;
  auto session = Session::create(model, options);
  ASSERT_TRUE(session.ok()) << session.status().text();
  ASSERT_FALSE(session->planned());
  EXPECT_EQ(session->bind("x", arena).code(), Code::invalid_argument);
  int seen = 0;
  const RunObserver observer{
      .after = [](void* self, const runtime::NodeView&, const Strip*) { ++*static_cast<int*>(self); },
      .self = &seen};
  session->observe(&observer);
  const std::array<std::int64_t, 2> wanted{2, 3};
  for (int i = 0; i < 2; ++i) {
    EXPECT_EQ(session->resize({{"x", {6}}, {"y", {5}}, {"shape", {2}, wanted.data()}}).code(), Code::shape);
    EXPECT_FALSE(session->planned());
    EXPECT_EQ(session->run().code(), Code::invalid_argument);
  }
  ASSERT_TRUE(session->resize({{"x", {6}}, {"y", {6}}, {"shape", {2}, wanted.data()}}).ok());
  ASSERT_TRUE(session->run().ok());
  EXPECT_EQ(session->output("z").shape, (Shape{2, 3}));
  EXPECT_EQ(seen, 1);  // Reshape moves nothing
}

TEST(SessionResize, WithoutAnotherKernelTheShapesAreRefused) {
  const Model model = negated(1, 6, 0);
  auto session = Session::create(model, with(KernelList<SixColumns>::entries));
  ASSERT_TRUE(session.ok()) << session.status().text();
  EXPECT_EQ(session->resize("x", {1, 4}).code(), Code::unsupported);
  EXPECT_EQ(session->input("x").shape, (Shape{1, 6}));
  EXPECT_EQ(answer(*session, 6), 42);
}

TEST(SessionResize, DataThatDecidesShapesDecidesTheKernel) {
  ModelBuilder b;
  const int x = b.input("x", DType::f32, {2, 3});
  b.output(b.node<ops::Neg>("y", {}, {b.node<ops::NonZero>("found", {}, {x}, DType::s64)}, DType::s64));
  const Model model = b.open();
  auto session = Session::create(model, with(Both::entries));
  ASSERT_TRUE(session.ok()) << session.status().text();
  const auto values = session->input<float>("x");
  std::ranges::fill(values, 1.f);
  ASSERT_TRUE(session->run().ok());
  EXPECT_EQ(session->output<std::int64_t>("y")[11], 42);
  values[1] = values[3] = 0;
  ASSERT_TRUE(session->run().ok());
  EXPECT_EQ(session->output("y").shape, (Shape{2, 4}));
  EXPECT_EQ(session->output<std::int64_t>("y")[7], -2);
}

/// x [1, t], h [n, 4] -> h2 = h + sum of x; h2 is the next h.
ModelBuilder accumulator() {
  ModelBuilder b;
  const int x = b.input("x", DType::f32, {1, b.symbol("t")});
  const int h = b.input("h", DType::f32, {b.symbol("n"), 4});
  const int sum = b.node<ops::ReduceSum>("sum", {}, {x, b.constant<std::int64_t>({1}, {1})});
  b.output(b.node<ops::Add>("h2", {}, {h, sum}));
  b.model().signatures[0].states.push_back({1, 0});
  return b;
}

float accumulate(Session& session, index_t t) {
  EXPECT_TRUE(session.resize("x", {1, t}).ok());
  std::ranges::fill(session.input<float>("x"), 1.f);
  const Status status = session.run();
  EXPECT_TRUE(status.ok()) << status.text();
  return session.output<float>("h2")[3];
}

TEST(SessionResize, StatesStay) {
  const Model model = accumulator().open();
  auto session = Session::create(model, portable_options());
  ASSERT_TRUE(session.ok()) << session.status().text();
  EXPECT_EQ(accumulate(*session, 64), 64);
  EXPECT_EQ(accumulate(*session, 8), 72);       // inside what is planned
  EXPECT_EQ(accumulate(*session, 1000), 1072);  // planned again
  EXPECT_EQ(session->resize("x", {2, 8}).code(), Code::shape);
  EXPECT_EQ(accumulate(*session, 1000), 2072);
  ASSERT_TRUE(session->resize("h", {3, 4}).ok());  // a state of another shape starts again
  EXPECT_EQ(accumulate(*session, 8), 8);
  EXPECT_EQ(session->output<float>("h2")[11], 8);
  session->reset_state();
  EXPECT_EQ(accumulate(*session, 8), 8);
}

TEST(SessionResize, StatesInTheCallersMemoryStay) {
  const Model model = accumulator().open();
  auto session = Session::create(model, portable_options());
  ASSERT_TRUE(session.ok()) << session.status().text();
  std::vector<float> h(4);
  ASSERT_TRUE(session->bind("h", std::as_writable_bytes(std::span(h))).ok());
  EXPECT_EQ(accumulate(*session, 4), 4);
  EXPECT_EQ(accumulate(*session, 2000), 2004);
  EXPECT_EQ(h[0], 2004);
  ASSERT_TRUE(session->resize("h", {100, 4}).ok());  // the memory is too small now
  EXPECT_EQ(session->input("h").dtype, DType::none);
  session->reset_state();
  EXPECT_EQ(session->run().code(), Code::invalid_argument);
}

TEST(SessionResize, ContentsThatDecideShapesStay) {
  ModelBuilder b;
  const int x = b.input("x", DType::f32, {b.symbol("n")});
  const int start = b.host_input("start", DType::s64, {1}), end = b.host_input("end", DType::s64, {1});
  b.output(b.node<ops::Slice>("y", {}, {x, start, end}));
  const Model model = b.open();
  auto session = Session::create(model, portable_options());
  ASSERT_TRUE(session.ok()) << session.status().text();
  const std::array<std::int64_t, 1> one{1}, three{3}, five{5};
  ASSERT_TRUE(session->resize({{"x", {4}}, {"start", {1}, one.data()}, {"end", {1}, three.data()}}).ok());
  EXPECT_EQ(session->output("y").shape, (Shape{2}));
  ASSERT_TRUE(session->resize("x", {100'000}).ok());  // planned again
  EXPECT_EQ(session->output("y").shape, (Shape{2}));
  ASSERT_TRUE(session->resize({{"end", {1}, five.data()}}).ok());
  EXPECT_EQ(session->output("y").shape, (Shape{4}));
  EXPECT_FALSE(session->resize({{"x", {2'000'000'000}}, {"end", {1}, three.data()}}).ok());
  EXPECT_EQ(session->output("y").shape, (Shape{4}));
  ASSERT_TRUE(session->run().ok());
  EXPECT_EQ(session->output("y").shape, (Shape{4}));
}

TEST(SessionResize, ContentsOfAnotherSizeMustBeGiven) {
  ModelBuilder b;
  const int rank = b.symbol("rank");
  const int x = b.input("x", DType::f32, {6});
  b.output(b.node<ops::Reshape>("y", {}, {x, b.host_input("shape", DType::s64, {rank})}));
  b.output(b.node<ops::Neg>("z", {}, {b.input("w", DType::f32, {rank})}));
  const Model model = b.open();
  auto session = Session::create(model, portable_options());
  ASSERT_TRUE(session.ok()) << session.status().text();
  const std::array<std::int64_t, 3> shape{1, 2, 3};
  ASSERT_TRUE(session->resize({{"shape", {3}, shape.data()}}).ok());
  EXPECT_EQ(session->resize("w", {8}).code(), Code::needs_value);
  ASSERT_TRUE(session->run().ok());
  EXPECT_EQ(session->output("y").shape, (Shape{1, 2, 3}));
}

}  // namespace
}  // namespace lithe::test
