// SPDX-License-Identifier: Apache-2.0
#include <gtest/gtest.h>

#include <algorithm>

#include "lithe/memory/system_arena.hpp"
#include "lithe/ops/all.hpp"
#include "lithe/session.hpp"
#include "tests/support/model_builder.hpp"
#include "tools/kernels/kernels.hpp"

namespace lithe::test {
namespace {

/// [n, 4] -> Relu, Add, Concat with itself, Reshape to [2, -1, rows] with a shape computed from the tensor's.
ModelBuilder computed_reshape() {
  ModelBuilder b;
  const int n = b.symbol("n");
  const int x = b.input("x", DType::f32, {n, 4});
  const int r = b.node<ops::Relu>("r", {}, {x});
  const int s = b.node<ops::Add>("s", {}, {r, b.constant<float>({4}, {1, 2, 3, 4})});
  const int t = b.node<ops::Concat>("t", {.axis = 0}, {s, r});
  const int shape = b.node<ops::ShapeOf>("shape", {}, {t}, DType::s64);
  const int rows = b.node<ops::Gather>("rows", {}, {shape, b.constant<std::int64_t>({1}, {0})}, DType::s64);
  const int wanted = b.node<ops::Concat>(
      "wanted", {}, {b.constant<std::int64_t>({1}, {2}), b.constant<std::int64_t>({1}, {-1}), rows},
      DType::s64);
  b.output(b.node<ops::Reshape>("y", {}, {t, wanted}));
  b.output(shape);
  return b;
}

TEST(SessionShapes, FollowTheInput) {
  const Model model = computed_reshape().open();
  auto session = Session::create(model, portable_options());
  ASSERT_TRUE(session.ok()) << session.status().text();
  for (const index_t n : {1, 3, 2, 50, 7}) {
    const Status resized = session->resize("x", {n, 4});
    ASSERT_TRUE(resized.ok()) << resized.text();
    const auto x = session->input<float>("x");
    ASSERT_EQ(static_cast<index_t>(x.size()), 4 * n);
    for (std::size_t i = 0; i < x.size(); ++i) x[i] = static_cast<float>(i % 5) - 2;
    ASSERT_TRUE(session->run().ok());
    EXPECT_EQ(session->output("y").shape, (Shape{2, 2, 2 * n}));
    EXPECT_EQ(session->output<std::int64_t>("shape")[0], 2 * n);
    const auto y = session->output<float>("y");
    for (std::size_t i = 0; i < x.size(); ++i) {
      EXPECT_EQ(y[i], std::max(x[i], 0.f) + static_cast<float>(i % 4 + 1));
      EXPECT_EQ(y[x.size() + i], std::max(x[i], 0.f));
    }
  }
}

TEST(SessionShapes, ShapeValuesAreComputedWhilePlanning) {
  const Model model = computed_reshape().open();
  auto session = Session::create(model, portable_options());
  ASSERT_TRUE(session.ok());
  int early = 0, skipped = 0;
  for (const auto node : session->inspect().nodes()) {
    early += node.runs() == runtime::Runs::while_planning ? 1 : 0;
    skipped += node.runs() == runtime::Runs::never ? 1 : 0;
  }
  EXPECT_EQ(early, 3);    // Shape, Gather, Concat of numbers
  EXPECT_EQ(skipped, 2);  // Concat of tensors and Reshape move nothing
}

TEST(SessionShapes, AWrongResizeChangesNothing) {
  const Model model = computed_reshape().open();
  auto session = Session::create(model, portable_options());
  ASSERT_TRUE(session.ok() && session->resize("x", {3, 4}).ok());
  EXPECT_EQ(session->resize("x", {3, 5}).code(), Code::shape);
  EXPECT_EQ(session->resize("x", {3}).code(), Code::shape);
  EXPECT_EQ(session->resize("nobody", {3, 4}).code(), Code::invalid_argument);
  EXPECT_EQ(session->input("x").shape, (Shape{3, 4}));
  EXPECT_TRUE(session->run().ok());
  EXPECT_EQ(session->output("y").shape, (Shape{2, 2, 6}));
}

/// Sizes that nobody gave may be wrong, also for what is read while planning: row 4 of a table of `n` rows.
TEST(SessionShapes, AssumedSizesThatAreTooSmallForAnEarlyIndexWait) {
  ModelBuilder b;
  const int x = b.input("x", DType::f32, {b.symbol("n"), 3});
  const int shape = b.node<ops::ShapeOf>("shape", {.start = 0, .end = 1}, {x}, DType::s64);
  const int rows =
      b.node<ops::ConstantOfShape>("rows", {}, {shape, b.constant<std::int64_t>({1}, {1})}, DType::s64);
  const int row = b.node<ops::Gather>("row", {}, {rows, b.constant<std::int64_t>({1}, {4})}, DType::s64);
  b.output(b.node<ops::Expand>("y", {},
                               {x, b.node<ops::Concat>("to", {.axis = 0}, {row, shape, row}, DType::s64)}));
  const Model model = b.open();
  auto session = Session::create(model, portable_options());
  ASSERT_TRUE(session.ok()) << session.status().text();
  EXPECT_FALSE(session->planned());
  EXPECT_EQ(session->resize("x", {4, 3}).code(), Code::out_of_range);
  EXPECT_FALSE(session->planned());
  ASSERT_TRUE(session->resize("x", {5, 3}).ok());
  EXPECT_TRUE(session->run().ok());
  EXPECT_EQ(session->resize("x", {2, 3}).code(), Code::out_of_range);
  EXPECT_TRUE(session->run().ok()) << "what was planned stays";
}

TEST(SessionShapes, BoundsArePlannedOnceAndKept) {
  ModelBuilder b;
  const int n = b.symbol("n", 2, 3, 8);
  b.output(b.node<ops::Exp>("y", {}, {b.input("x", DType::f32, {n, 16})}));
  const Model model = b.open();
  auto session = Session::create(model, portable_options());
  ASSERT_TRUE(session.ok());
  EXPECT_EQ(session->input("x").shape, (Shape{3, 16}));  // opt
  const auto bytes = session->memory().total();
  for (const index_t rows : {2, 8, 5}) {
    ASSERT_TRUE(session->resize("x", {rows, 16}).ok());
    ASSERT_TRUE(session->run().ok());
    EXPECT_EQ(session->memory().total(), bytes);
  }
  EXPECT_EQ(session->resize("x", {9, 16}).code(), Code::shape);
  EXPECT_EQ(session->resize("x", {1, 16}).code(), Code::shape);
}

TEST(SessionShapes, HostInputsDecideShapes) {
  ModelBuilder b;
  const int x = b.input("x", DType::f32, {6});
  const int shape = b.host_input("shape", DType::s64, {2});
  b.output(b.node<ops::Reshape>("y", {}, {x, shape}));
  const Model model = b.open();
  auto session = Session::create(model, portable_options());
  ASSERT_TRUE(session.ok()) << session.status().text();
  EXPECT_FALSE(session->planned());
  EXPECT_EQ(session->run().code(), Code::invalid_argument);
  for (const auto& wanted : {std::array<std::int64_t, 2>{2, 3}, std::array<std::int64_t, 2>{-1, 1}}) {
    ASSERT_TRUE(session->resize({InputShape{"shape", {2}, wanted.data()}}).ok());
    for (std::size_t i = 0; i < 6; ++i) session->input<float>("x")[i] = static_cast<float>(i);
    ASSERT_TRUE(session->run().ok());
    EXPECT_EQ(session->output("y").shape, wanted[0] == 2 ? (Shape{2, 3}) : (Shape{6, 1}));
    EXPECT_EQ(session->output<float>("y")[5], 5);
  }
  const std::array<std::int64_t, 2> wrong{4, 4};
  EXPECT_EQ(session->resize({InputShape{"shape", {2}, wrong.data()}}).code(), Code::shape);
  EXPECT_TRUE(session->run().ok());
  EXPECT_EQ(session->output("y").shape, (Shape{6, 1}));
}

TEST(SessionShapes, DataDecidesAnOutput) {
  ModelBuilder b;
  const int x = b.input("x", DType::f32, {2, 3});
  b.output(b.node<ops::Neg>("y", {}, {b.node<ops::NonZero>("found", {}, {x}, DType::s64)}, DType::s64));
  const Model model = b.open();
  auto session = Session::create(model, portable_options());
  ASSERT_TRUE(session.ok());
  const auto x_data = session->input<float>("x");
  std::ranges::fill(x_data, 0.f);
  x_data[0] = 2;
  x_data[4] = 1;
  ASSERT_TRUE(session->run().ok());
  EXPECT_EQ(session->output("y").shape, (Shape{2, 2}));
  EXPECT_EQ(session->output<std::int64_t>("y")[1], -1);
  std::ranges::fill(x_data, 0.f);
  ASSERT_TRUE(session->run().ok());
  EXPECT_EQ(session->output("y").shape, (Shape{2, 0}));
  std::ranges::fill(x_data, 1.f);
  ASSERT_TRUE(session->run().ok());
  EXPECT_EQ(session->output("y").shape, (Shape{2, 6}));
}

TEST(SessionShapes, DataDecidesWhatTheBoundCannotTell) {
  ModelBuilder b;  // Reshape to a shape computed from contents: unknown until it runs
  const int x = b.input("x", DType::f32, {6});
  const int shape = b.node<ops::Cast>("shape", {}, {b.input("rows", DType::f32, {2})}, DType::s64);
  b.output(b.node<ops::Exp>("y", {}, {b.node<ops::Reshape>("r", {}, {x, shape})}));
  const Model model = b.open();
  for (const bool growable : {false, true}) {
    SessionOptions options = portable_options();
    options.growable = growable;
    auto session = Session::create(model, options);
    ASSERT_TRUE(session.ok()) << session.status().text();
    const auto rows = session->input<float>("rows");
    rows[0] = 3;
    rows[1] = 2;
    std::ranges::fill(session->input<float>("x"), 0.f);
    const Status status = session->run();
    EXPECT_EQ(status.code(), growable ? Code::ok : Code::out_of_memory);
    EXPECT_EQ(status.node(), growable ? -1 : 1);
    if (!growable) continue;
    EXPECT_EQ(session->output("y").shape, (Shape{3, 2}));
    EXPECT_EQ(session->output<float>("y")[5], 1);
    rows[0] = 4;
    EXPECT_EQ(session->run().code(), Code::shape);
  }
}

}  // namespace
}  // namespace lithe::test
