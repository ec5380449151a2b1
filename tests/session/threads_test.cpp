// SPDX-License-Identifier: Apache-2.0
#include "lithe/runtime/threads.hpp"

#include <gtest/gtest.h>

#include <random>
#include <thread>
#include <vector>

#include "lithe/memory/system_arena.hpp"
#include "lithe/ops/conv2d.hpp"
#include "lithe/ops/unary.hpp"
#include "lithe/runtime/cpu.hpp"
#include "lithe/runtime/packed_weights.hpp"
#include "lithe/session.hpp"
#include "lithe/xnn/conv2d.hpp"
#include "tests/support/model_builder.hpp"

namespace lithe::test {
namespace {

using Kernels = KernelList<xnn::Conv2D, portable::UnaryKernels, portable::Kernel<ops::Conv2D>>;

std::vector<float> random_floats(std::size_t n, unsigned seed) {
  std::mt19937 random(seed);
  std::vector<float> result(n);
  for (float& v : result) v = std::uniform_real_distribution<float>(-1, 1)(random);
  return result;
}

ModelBuilder two_convolutions() {
  ModelBuilder b;
  const int x = b.input("x", DType::f32, {1, 12, 12, 8});
  const int a = b.node<ops::Conv2D>("a", {.pads = {1, 1, 1, 1}},
                                    {x, b.constant<float>({16, 3, 3, 8}, random_floats(16 * 9 * 8, 1))});
  const int t = b.node<ops::Tanh>("t", {}, {a});
  b.output(b.node<ops::Conv2D>("y", {}, {t, b.constant<float>({4, 1, 1, 16}, random_floats(64, 2))}));
  return b;
}

TEST(SessionThreads, TwoSessionsShareWeightsAndWorkAtOnce) {
  const Model model = two_convolutions().open();
  PackedWeights weights;
  std::vector<float> results[2];
  std::size_t packed[2] = {};
  const auto work = [&](int which) {
    SessionOptions o;
    o.kernels = Kernels::entries;
    o.source = system_arena;
    o.heap_hooks = xnn::heap_hooks;
    o.cpu = cpu();
    o.packed_weights = &weights;
    auto session = Session::create(model, o);
    ASSERT_TRUE(session.ok()) << session.status().text();
    for (int i = 0; i < 20; ++i) {
      std::ranges::copy(random_floats(12 * 12 * 8, static_cast<unsigned>(i)),
                        session->input<float>("x").begin());
      ASSERT_TRUE(session->run().ok());
    }
    results[which].assign(session->output<float>("y").begin(), session->output<float>("y").end());
    packed[which] = weights.entries();
  };
  std::thread other(work, 1);
  work(0);
  other.join();
  EXPECT_FALSE(results[0].empty());
  EXPECT_EQ(results[0], results[1]);
  EXPECT_EQ(weights.entries(), 2u);  // one for each convolution, in any order
}

TEST(SessionThreads, APoolOfTwoGivesTheSameAnswer) {
  const Model model = two_convolutions().open();
  std::vector<float> expected;
  for (const std::size_t count : {1u, 2u}) {
    const Threads threads(count);
    SessionOptions o;
    o.kernels = Kernels::entries;
    o.source = system_arena;
    o.heap_hooks = xnn::heap_hooks;
    o.cpu = cpu();
    o.threads = &threads.pool();
    auto session = Session::create(model, o);
    ASSERT_TRUE(session.ok()) << session.status().text();
    std::ranges::copy(random_floats(12 * 12 * 8, 3), session->input<float>("x").begin());
    ASSERT_TRUE(session->run().ok());
    const std::vector<float> y(session->output<float>("y").begin(), session->output<float>("y").end());
    if (count == 1) expected = y;
    EXPECT_EQ(y, expected);
  }
}

TEST(SessionThreads, EachRunTellsThePool) {
  const Model model = two_convolutions().open();
  int runs = 0;
  const ThreadPool pool{.start_run = [](void* counter) { ++*static_cast<int*>(counter); }, .affinity = &runs};
  SessionOptions o;
  o.kernels = Kernels::entries;
  o.source = system_arena;
  o.heap_hooks = xnn::heap_hooks;
  o.cpu = cpu();
  o.threads = &pool;
  auto session = Session::create(model, o);
  ASSERT_TRUE(session.ok()) << session.status().text();
  EXPECT_EQ(runs, 0);
  ASSERT_TRUE(session->run().ok());
  ASSERT_TRUE(session->run().ok());
  EXPECT_EQ(runs, 2);
}

}  // namespace
}  // namespace lithe::test
