// SPDX-License-Identifier: Apache-2.0
#include <gtest/gtest.h>

#include <atomic>
#include <string_view>
#include <vector>

#include "lithe/ops/all.hpp"
#include "lithe/runtime/inspect.hpp"
#include "lithe/session.hpp"
#include "tests/support/model_builder.hpp"
#include "tools/kernels/kernels.hpp"

namespace lithe::test {
namespace {

/// Relu, a 3x3 pool over it, and the sum of both: the rows of the Relu are read through two windows.
Model residual() {
  ModelBuilder b;
  const int x = b.input("x", DType::f32, {1, 12, 5, 3});
  const int r = b.node<ops::Relu>("r", {}, {x});
  const int p = b.node<ops::MaxPool2D>("p", {.kernel = {3, 3}, .pads = {1, 1, 1, 1}}, {r});
  b.output(b.node<ops::Add>("y", {}, {p, r}));
  return b.open();
}

std::vector<float> run(Session& session) {
  for (int input = 0; input < session.inputs(); ++input) {
    const auto x = session.input(input).as<float>();
    for (std::size_t i = 0; i < x.size(); ++i) x[i] = static_cast<float>(i * 37 % 101) - 50;
  }
  EXPECT_TRUE(session.run().ok());
  const auto y = session.output<float>("y");
  return {y.begin(), y.end()};
}

SessionOptions in_strips(const StripChain& chain, const SessionOptions& base = portable_options()) {
  SessionOptions options = base;
  options.strips = {&chain, 1};
  return options;
}

/// Every chain of these nodes computes what the whole tensors do, in the first run and in the second.
void expect_same_in_strips(const Model& model, std::int32_t last) {
  for (const SessionOptions& base : {portable_options(), machine_options()}) {
    auto whole = Session::create(model, base);
    ASSERT_TRUE(whole.ok()) << whole.status().text();
    const std::vector<float> expected = run(*whole);
    for (const int rows : {1, 2, 5, 12}) {
      const StripChain chain{0, last, rows};
      auto strips = Session::create(model, in_strips(chain, base));
      ASSERT_TRUE(strips.ok()) << strips.status().text();
      EXPECT_EQ(run(*strips), expected) << rows;
      EXPECT_EQ(run(*strips), expected) << "the second run, rows " << rows;
      if (rows == 1) {
        EXPECT_LT(strips->memory().tensors, whole->memory().tensors);
      }
    }
  }
}

TEST(Streaming, AResidualSumIsPartOfAChain) { expect_same_in_strips(residual(), 2); }

TEST(Streaming, SecondInputsMayComeFromOutside) {
  ModelBuilder b;
  const int x = b.input("x", DType::f32, {1, 12, 5, 3}), other = b.input("other", DType::f32, {1, 12, 5, 3});
  const int r = b.node<ops::Relu>("r", {}, {x});
  const int p = b.node<ops::MaxPool2D>("p", {.kernel = {3, 3}, .pads = {1, 1, 1, 1}}, {r});
  const int sum = b.node<ops::Add>("sum", {}, {other, p});
  b.output(b.node<ops::Add>("y", {}, {sum, b.constant<float>({3}, {1, 2, 3})}));
  expect_same_in_strips(b.open(), 3);
}

TEST(Streaming, WhatAChainCannotBeIsRefused) {
  ModelBuilder b;
  const int x = b.input("x", DType::f32, {1, 12, 5, 3});
  const int r = b.node<ops::Relu>("r", {}, {x});
  const int n = b.node<ops::Neg>("n", {}, {r});
  b.output(b.node<ops::Abs>("y", {}, {n}));
  b.output(r);
  const Model model = b.open();
  const auto code = [&](const StripChain& chain) {
    return Session::create(model, in_strips(chain)).status().code();
  };
  EXPECT_EQ(code({1, 2, 4}), Code::ok);
  EXPECT_EQ(code({0, 2, 4}), Code::invalid_argument) << "the output r is read by others";
  EXPECT_EQ(code({1, 2, 0}), Code::invalid_argument) << "no rows";
  EXPECT_EQ(code({1, 1, 4}), Code::invalid_argument) << "one node";
  EXPECT_EQ(code({1, 3, 4}), Code::invalid_argument) << "no such node";
  EXPECT_EQ(code({-1, 2, 4}), Code::invalid_argument) << "no such node";
}

/// Takes the first strip of a tensor only.
struct Picky : portable::Kernel<ops::Relu> {
  using Op = ops::Relu;
  static inline int created = 0;
  static Status create(const Op::Attributes&, CreateContext&) {
    ++created;
    return {};
  }
  static bool takes_strip(const Op::Attributes&, const NodeInfo&, const Strip& strip) {
    return strip.first == 0;
  }
};

TEST(Streaming, AKernelIsAskedForEachStripBeforeItIsCreated) {
  const Model model = residual();
  SessionOptions options = portable_options();
  options.kernels = KernelList<Picky, portable::Kernel<ops::MaxPool2D>, portable::Kernel<ops::Add>>::entries;
  const StripChain whole{0, 2, 12}, cut{0, 2, 3};
  EXPECT_TRUE(Session::create(model, in_strips(whole, options)).ok());
  const Status status = Session::create(model, in_strips(cut, options)).status();
  EXPECT_EQ(status.code(), Code::unsupported);
  EXPECT_EQ(status.node(), 0);
  EXPECT_EQ(Picky::created, 1) << "by the first session only";
}

TEST(Streaming, ObserversSeeEveryStripAndTheStopFlagIsPolled) {
  const Model model = residual();
  const StripChain chain{0, 2, 3};
  std::atomic<bool> stop = false;
  SessionOptions options = in_strips(chain);
  options.stop = &stop;
  auto session = Session::create(model, options);
  ASSERT_TRUE(session.ok());
  struct Seen {
    index_t rows[3] = {};
    int calls = 0;
    std::atomic<bool>* stop = nullptr;
    static void after(void* self, const runtime::NodeView& node, const Strip* strip) {
      Seen& seen = *static_cast<Seen*>(self);
      ++seen.calls;
      seen.rows[node.number()] += node.outputs()[0].shape[1];
      EXPECT_EQ(strip->count, node.outputs()[0].shape[1]);
      if (seen.stop != nullptr && seen.calls == 4) *seen.stop = true;
    }
  } seen;
  const RunObserver observer{nullptr, Seen::after, &seen};
  session->observe(&observer);
  run(*session);
  EXPECT_EQ(seen.calls, 12);
  for (const index_t rows : seen.rows) EXPECT_EQ(rows, 12);
  seen = {};
  seen.stop = &stop;
  EXPECT_EQ(session->run().code(), Code::stopped);
  EXPECT_EQ(seen.calls, 4);
}

}  // namespace
}  // namespace lithe::test
