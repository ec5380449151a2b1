// SPDX-License-Identifier: Apache-2.0
#include "lithe/runtime/chains.hpp"

#include <gtest/gtest.h>

#include <array>
#include <cstdint>
#include <string_view>

#include "lithe/ops/binary.hpp"
#include "lithe/ops/softmax.hpp"
#include "lithe/ops/unary.hpp"
#include "lithe/runtime/choose.hpp"
#include "tests/support/bare_plan.hpp"

namespace lithe::test {
namespace {

/// Output row r is made of input rows 2 r - 1 to 2 r + 1 of input 0, and of all of input 1.
struct Halve {
  using Attributes = NoAttributes;
  static constexpr OpSpec spec{.name = "Halve", .inputs = {"input", "table?"}, .outputs = {"output"}};
  static constexpr TypeRow types[] = {{{DType::f32, DType::f32}, {DType::f32}}};

  static Status infer(const Attributes&, InferContext& context) {
    Shape shape = context.shape(0);
    if (shape.rank() > 1) shape[1] = (shape[1] + 1) / 2;
    return context.output(0, shape);
  }
  static RowSpan rows(const Attributes&, const NodeInfo&, int input, RowSpan output) {
    if (input == 1) return {};
    return {2 * output.first - 1, 2 * output.count + 1};
  }
};
using Kernels =
    KernelList<AddOne<Halve>, AddOne<ops::Relu>, AddOne<ops::Neg>, AddOne<ops::Add>, AddOne<ops::Softmax>>;

/// What cut_chains() says of a chain of this graph.
Status cut(const ModelBuilder& b, std::initializer_list<Shape> shapes,
           std::initializer_list<StripChain> chains) {
  BarePlan p(b, Kernels::entries);
  EXPECT_TRUE(p.infer(shapes).ok());
  EXPECT_TRUE(choose(p.planning, p.plan).ok());
  LITHE_TRY(mark_chains(p.planning, p.plan, {chains.begin(), chains.size()}));
  return cut_chains(p.planning, p.plan).status();
}

TEST(Chains, StripsCoverEveryRowOnce) {
  ModelBuilder b;
  const int r = b.node<ops::Relu>("r", {}, {b.input("x", DType::f32, {1, 13, 2, 3})});
  b.output(b.node<Halve>("y", {}, {r}));
  BarePlan p(b, Kernels::entries);
  ASSERT_TRUE(p.infer({{1, 13, 2, 3}}).ok());
  ASSERT_TRUE(choose(p.planning, p.plan).ok());
  const StripChain chain{0, 1, 3};
  ASSERT_TRUE(mark_chains(p.planning, p.plan, {&chain, 1}).ok());
  const runtime::Fit fit = cut_chains(p.planning, p.plan);
  ASSERT_TRUE(fit.ok()) << fit.status().text();
  const auto relu = p.node(0).strips, halve = p.node(1).strips;
  ASSERT_EQ(halve.size(), 3U);
  EXPECT_EQ(halve[0].strip.pad_top, 1);
  EXPECT_EQ(halve[0].strip.pad_bottom, 0);
  EXPECT_EQ(halve[2].strip.count, 1);
  EXPECT_EQ(halve[2].strip.pad_top, 0);
  EXPECT_EQ(halve[2].strip.pad_bottom, 1);
  const index_t ends[] = {6, 12, 13}, kept[] = {0, 5, 11};
  for (std::size_t s = 0; s < 3; ++s) {
    EXPECT_EQ(relu[s].end(), ends[s]) << s;
    EXPECT_EQ(relu[s].strip.first, s == 0 ? 0 : ends[s - 1]) << s;
    EXPECT_EQ(relu[s].kept, kept[s]) << s;
    const runtime::StripWindow& window = p.node(1).windows_of(s)[0];
    EXPECT_EQ(window.first, kept[s]) << s;
    EXPECT_EQ(window.first + window.count, ends[s]) << s;
    EXPECT_EQ(window.front, relu[s].kept) << s;
  }
}

TEST(Chains, ASecondInputMayBeNeededWhole) {
  ModelBuilder b;
  const int x = b.input("x", DType::f32, {1, 8, 2, 3}), table = b.input("table", DType::f32, {5});
  const int r = b.node<ops::Relu>("r", {}, {x});
  b.output(b.node<Halve>("y", {}, {r, table}));
  EXPECT_TRUE(cut(b, {{1, 8, 2, 3}, {5}}, {{0, 1, 2}}).ok());
  ModelBuilder inside;
  const int s = inside.node<ops::Relu>("s", {}, {inside.input("x", DType::f32, {1, 8, 2, 3})});
  inside.output(inside.node<Halve>("y", {}, {inside.node<ops::Relu>("t", {}, {s}), s}));
  EXPECT_EQ(cut(inside, {{1, 8, 2, 3}}, {{0, 2, 2}}).code(), Code::invalid_argument)
      << "what is needed whole is computed by the chain";
}

TEST(Chains, RefuseWhatCannotRunInStrips) {
  constexpr auto two = [](ModelBuilder& b, int x) {
    b.output(b.node<ops::Relu>("y", {}, {b.node<ops::Relu>("r", {}, {x})}));
  };
  const Shape image{1, 8, 2, 3};
  const struct {
    const char* what;
    Shape shape;
    void (*make)(ModelBuilder&, int x);
    StripChain chain;
  } refusals[] = {
      {"an operator without rows",
       image,
       [](ModelBuilder& b, int x) {
         b.output(b.node<ops::Softmax>("y", {.axis = 3}, {b.node<ops::Relu>("r", {}, {x})}));
       },
       {0, 1, 2}},
      {"two images", {2, 8, 2, 3}, two, {0, 1, 2}},
      {"three dimensions", {1, 8, 2}, two, {0, 1, 2}},
      {"nothing", {1, 8, 0, 3}, two, {0, 1, 2}},
      {"a node that reads nothing of the chain",
       image,
       [](ModelBuilder& b, int x) {
         const int r = b.node<ops::Relu>("r", {}, {x}), s = b.node<ops::Relu>("s", {}, {x});
         b.output(b.node<ops::Add>("y", {}, {r, s}));
       },
       {0, 2, 2}},
      {"a result that a later node reads too",
       image,
       [](ModelBuilder& b, int x) {
         const int r = b.node<ops::Relu>("r", {}, {x}), s = b.node<ops::Relu>("s", {}, {r});
         b.output(b.node<ops::Add>("y", {}, {r, s}));
       },
       {0, 1, 2}},
      {"no rows in a strip", image, two, {0, 1, 0}},
      {"nodes in the wrong order", image, two, {1, 0, 2}},
      {"a node after the last", image, two, {0, 2, 2}},
  };
  for (const auto& r : refusals) {
    ModelBuilder b;
    r.make(b, b.input("x", DType::f32, {r.shape.dims().begin(), r.shape.dims().end()}));
    EXPECT_EQ(cut(b, {r.shape}, {r.chain}).code(), Code::invalid_argument) << r.what;
  }
}

TEST(Chains, ANodeBelongsToOneChain) {
  ModelBuilder b;
  int v = b.input("x", DType::f32, {1, 8, 2, 3});
  for (const char* name : {"a", "b", "c", "d"}) v = b.node<ops::Relu>(name, {}, {v});
  b.output(v);
  const Shape image{1, 8, 2, 3};
  EXPECT_TRUE(cut(b, {image}, {{0, 1, 2}, {2, 3, 3}}).ok());
  EXPECT_EQ(cut(b, {image}, {{0, 2, 2}, {2, 3, 3}}).code(), Code::invalid_argument);
  EXPECT_EQ(cut(b, {image}, {{0, 1, 2}, {0, 1, 2}}).code(), Code::invalid_argument);
}

}  // namespace
}  // namespace lithe::test
