// SPDX-License-Identifier: Apache-2.0
#include "lithe/ops/loop.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <atomic>
#include <cstdint>
#include <vector>

#include "lithe/ops/binary.hpp"
#include "lithe/ops/cast.hpp"
#include "lithe/ops/concat.hpp"
#include "lithe/ops/non_zero.hpp"
#include "lithe/ops/unary.hpp"
#include "lithe/session.hpp"
#include "tests/support/model_builder.hpp"
#include "tools/kernels/kernels.hpp"

/// Loops whose bodies are real subgraphs.
namespace lithe::test {
namespace {

using enum DType;

/// A body takes the iteration, the condition and these carried values.
struct Body {
  Body(ModelBuilder& builder, const std::string& name) : b(builder), graph(builder.subgraph(name)) {
    iteration = b.input(name + "_i", s64, {}, graph);
    condition = b.input(name + "_go_on", boolean, {}, graph);
  }
  int input(const std::string& name, DType dtype, graph::Dims dims) const {
    return b.input(name, dtype, std::move(dims), graph);
  }
  template <class Op>
  int node(const std::string& name, std::vector<int> inputs, DType dtype = f32) const {
    return b.node<Op>(name, {}, std::move(inputs), dtype, graph);
  }
  void gives(std::vector<int> outputs) const {
    for (const int id : outputs) b.output(id, graph);
  }

  ModelBuilder& b;
  int graph, iteration, condition;
};

Session created(const Model& model, bool growable = false, const std::atomic<bool>* stop = nullptr) {
  SessionOptions options = portable_options();
  options.growable = growable;
  options.stop = stop;
  options.max_iterations = 500;
  auto session = Session::create(model, options);
  EXPECT_TRUE(session.ok()) << session.status().text();
  return *std::move(session);
}

/// x is multiplied by itself plus one, `trips` times; every state is collected. The number of trips is a constant.
Model counted_loop(std::int64_t trips) {
  ModelBuilder b;
  const int x = b.input("x", f32, {3}), factor = b.input("factor", f32, {3});
  const Body body(b, "body");
  const int before = body.input("before", f32, {3}), captured = body.input("captured", f32, {3});
  const int after = body.node<ops::Mul>("after", {before, captured});
  body.gives({body.condition, after, after});
  const int count = b.constant<std::int64_t>({}, {trips});
  for (const int y : b.nodes<ops::Loop>("y", {.carried = 1, .counted = true},
                                        {count, graph::absent, x, factor}, {f32, f32}, {body.graph}))
    b.output(y);
  return b.open();
}

TEST(SessionLoop, ACountedLoopIsPlannedBeforehand) {
  for (const std::int64_t trips : {4, 1, 0, -3}) {
    const Model model = counted_loop(trips);
    Session session = created(model);
    const auto count = static_cast<std::size_t>(std::max<std::int64_t>(trips, 0));
    EXPECT_EQ(session.output("y.1").shape, (Shape{static_cast<index_t>(count), 3}));
    for (int run = 0; run < 2; ++run) {
      std::ranges::copy(std::vector<float>{1, 2, 3}, session.input<float>("x").begin());
      std::ranges::fill(session.input<float>("factor"), 2.0f);
      const Status status = session.run();
      ASSERT_TRUE(status.ok()) << status.text();
      const auto y = session.output<float>("y"), all = session.output<float>("y.1");
      ASSERT_EQ(all.size(), 3 * count);
      for (std::size_t k = 0; k < 3; ++k) {
        EXPECT_EQ(y[k], static_cast<float>((k + 1) << count));
        for (std::size_t i = 0; i < count; ++i)
          EXPECT_EQ(all[3 * i + k], static_cast<float>((k + 1) << (i + 1)));
      }
    }
    EXPECT_EQ(session.memory().grown, 0u);
  }
}

/// Fibonacci's numbers below a limit: the body hands `b` on as `a`, and the data decides how often it runs.
Model fibonacci() {
  ModelBuilder b;
  const int limit = b.input("limit", s64, {});
  const Body body(b, "body");
  const int first = body.input("first", s64, {}), second = body.input("second", s64, {}),
            end = body.input("end", s64, {});
  const int sum = body.node<ops::Add>("sum", {first, second}, s64);
  body.gives({body.node<ops::Less>("goes_on", {sum, end}, boolean), second, sum, first});
  const int zero = b.constant<std::int64_t>({}, {0}), one = b.constant<std::int64_t>({}, {1});
  const int start = b.node<ops::Less>("start", {}, {one, limit}, boolean);
  for (const int y : b.nodes<ops::Loop>("y", {.carried = 2}, {graph::absent, start, zero, one, limit},
                                        {s64, s64, s64}, {body.graph}))
    b.output(y);
  return b.open();
}

TEST(SessionLoop, AConditionEndsALoopOfUnknownLength) {
  const Model model = fibonacci();
  Session session = created(model, true);
  for (const std::int64_t limit : {50, 2, 0, 1000}) {
    session.input<std::int64_t>("limit")[0] = limit;
    const Status status = session.run();
    ASSERT_TRUE(status.ok()) << status.text();
    std::int64_t a = 0, b = 1;
    std::vector<std::int64_t> expected;
    for (bool goes_on = 1 < limit; goes_on; goes_on = b < limit) {
      expected.push_back(a);
      b += a;
      a = b - a;
    }
    const auto found = session.output<std::int64_t>("y.2");
    EXPECT_EQ(std::vector<std::int64_t>(found.begin(), found.end()), expected) << limit;
    EXPECT_EQ(session.output<std::int64_t>("y")[0], a) << limit;
    EXPECT_EQ(session.output<std::int64_t>("y.1")[0], b) << limit;
  }
}

/// Three values change places: each is the next one's result.
TEST(SessionLoop, CarriedValuesThatChangePlacesAreNotOverwritten) {
  ModelBuilder b;
  std::vector<int> values{b.input("trips", s64, {}), graph::absent};
  for (const char* const name : {"p", "q", "r"}) values.push_back(b.input(name, f32, {2}));
  const Body body(b, "body");
  const int p = body.input("bp", f32, {2}), q = body.input("bq", f32, {2}), r = body.input("br", f32, {2});
  body.gives({body.condition, q, r, p});
  for (const int y :
       b.nodes<ops::Loop>("y", {.carried = 3, .counted = true}, values, {f32, f32, f32}, {body.graph}))
    b.output(y);
  const Model model = b.open();
  Session session = created(model, true);
  for (std::int64_t trips = 0; trips < 5; ++trips) {
    session.input<std::int64_t>("trips")[0] = trips;
    float v = 0;
    for (const char* const name : {"p", "q", "r"}) std::ranges::fill(session.input<float>(name), v++);
    const Status status = session.run();
    ASSERT_TRUE(status.ok()) << status.text();
    EXPECT_EQ(session.output<float>("y")[1], static_cast<float>(trips % 3));
    EXPECT_EQ(session.output<float>("y.1")[1], static_cast<float>((trips + 1) % 3));
    EXPECT_EQ(session.output<float>("y.2")[1], static_cast<float>((trips + 2) % 3));
  }
}

/// The carried value grows by its own contents in each iteration.
TEST(SessionLoop, ACarriedValueMayChangeItsShape) {
  ModelBuilder b;
  const int trips = b.input("trips", s64, {}), x = b.input("x", f32, {2});
  const Body body(b, "body");
  const int before = body.input("before", f32, {-1});
  const int after = b.node<ops::Concat>("after", {.axis = 0}, {before, before}, f32, body.graph);
  body.gives({body.condition, after});
  const int y = b.nodes<ops::Loop>("y", {.carried = 1, .counted = true}, {trips, graph::absent, x}, {f32},
                                   {body.graph})[0];
  b.output(b.node<ops::Neg>("z", {}, {y}));
  const Model model = b.open();
  Session session = created(model, true);
  for (const std::int64_t n : {3, 0, 6, 1}) {
    session.input<std::int64_t>("trips")[0] = n;
    std::ranges::copy(std::vector<float>{5, 7}, session.input<float>("x").begin());
    const Status status = session.run();
    ASSERT_TRUE(status.ok()) << status.text();
    const auto z = session.output<float>("z");
    ASSERT_EQ(z.size(), std::size_t{2} << n);
    for (std::size_t i = 0; i < z.size(); ++i) ASSERT_EQ(z[i], i % 2 == 0 ? -5.0f : -7.0f);
  }
}

/// Each row's non-zero places are collected; their number is the data's, and must be one for all rows.
TEST(SessionLoop, CollectedElementsMustKeepOneShape) {
  ModelBuilder b;
  const int trips = b.input("trips", s64, {}), x = b.input("x", f32, {4});
  const Body body(b, "body");
  const int before = body.input("before", f32, {4}), step = body.input("step", f32, {4});
  const int found = body.node<ops::NonZero>("found", {before}, s64);
  body.gives({body.condition, body.node<ops::Mul>("after", {before, step}), found});
  const int factor = b.input("factor", f32, {4});
  const auto y = b.nodes<ops::Loop>("y", {.carried = 1, .counted = true}, {trips, graph::absent, x, factor},
                                    {f32, s64}, {body.graph});
  b.output(y[1]);
  const Model model = b.open();
  Session session = created(model, true);
  const auto status_of = [&](std::vector<float> first, std::vector<float> factors) {
    session.input<std::int64_t>("trips")[0] = 3;
    std::ranges::copy(first, session.input<float>("x").begin());
    std::ranges::copy(factors, session.input<float>("factor").begin());
    return session.run();
  };
  ASSERT_TRUE(status_of({0, 1, 0, 2}, {1, 1, 1, 1}).ok());
  EXPECT_EQ(session.output("y.1").shape, (Shape{3, 1, 2}));
  EXPECT_EQ(session.output<std::int64_t>("y.1")[5], 3);
  EXPECT_EQ(status_of({0, 1, 0, 2}, {1, 1, 1, 0}).code(), Code::shape);
  EXPECT_TRUE(status_of({1, 1, 1, 2}, {1, 1, 1, 1}).ok());
  EXPECT_EQ(session.output("y.1").shape, (Shape{3, 1, 4}));
}

/// A loop in a loop: the inner one reads what only the outermost graph has.
TEST(SessionLoop, LoopsNest) {
  ModelBuilder b;
  const int x = b.input("x", f32, {2});
  const Body outer(b, "outer"), inner(b, "inner");
  const int outer_sum = outer.input("outer_sum", f32, {2}), outer_x = outer.input("outer_x", f32, {2});
  const int inner_sum = inner.input("inner_sum", f32, {2}), inner_x = inner.input("inner_x", f32, {2});
  inner.gives({inner.condition, inner.node<ops::Add>("inner_next", {inner_sum, inner_x})});
  const int two = b.constant<std::int64_t>({}, {2}, outer.graph);
  const int next =
      b.nodes<ops::Loop>("outer_next", {.carried = 1, .counted = true},
                         {two, graph::absent, outer_sum, outer_x}, {f32}, {inner.graph}, outer.graph)[0];
  outer.gives({outer.condition, next, next});
  const int three = b.constant<std::int64_t>({}, {3});
  for (const int y : b.nodes<ops::Loop>("y", {.carried = 1, .counted = true}, {three, graph::absent, x, x},
                                        {f32, f32}, {outer.graph}))
    b.output(y);
  const Model model = b.open();
  Session session = created(model);
  std::ranges::copy(std::vector<float>{1, 10}, session.input<float>("x").begin());
  const Status status = session.run();
  ASSERT_TRUE(status.ok()) << status.text();
  EXPECT_EQ(session.output<float>("y")[1], 70);
  const auto all = session.output<float>("y.1");
  EXPECT_EQ(std::vector<float>(all.begin(), all.end()), (std::vector<float>{3, 30, 5, 50, 7, 70}));
}

TEST(SessionLoop, EndsWithAnErrorAtTheLimitAndAtTheStopFlag) {
  ModelBuilder b;
  const int x = b.input("x", f32, {1});
  const Body body(b, "body");
  const int before = body.input("before", f32, {1});
  body.gives({body.condition, body.node<ops::Neg>("after", {before})});
  b.output(b.nodes<ops::Loop>("y", {.carried = 1, .counted = true}, {graph::absent, graph::absent, x}, {f32},
                              {body.graph})[0]);
  const Model model = b.open();
  std::atomic<bool> stop = false;
  Session session = created(model, false, &stop);
  EXPECT_EQ(session.run().code(), Code::limit);
  stop = true;
  EXPECT_EQ(session.run().code(), Code::stopped);
}

}  // namespace
}  // namespace lithe::test
