// SPDX-License-Identifier: Apache-2.0
#include "lithe/runtime/execute.hpp"

#include <gtest/gtest.h>

#include <array>
#include <atomic>
#include <cstdint>
#include <span>
#include <string_view>
#include <vector>

#include "lithe/ops/unary.hpp"
#include "lithe/session.hpp"
#include "tests/support/bare_plan.hpp"

/// What a running kernel may ask of its session, and who sees it run.
namespace lithe::test {
namespace {

/// Runs its one subgraph on what `ask` says. input [...], captured... -> output: the input's shape
struct Call {
  using Attributes = NoAttributes;
  static constexpr OpSpec spec{
      .name = "Call", .inputs = {"input", "captured?..."}, .outputs = {"output"}, .subgraphs = 1};
  static constexpr TypeRow types[] = {{{DType::f32}, {DType::f32}}};

  static Status infer(const Attributes&, InferContext& context) {
    InferContext::Output result{DType::f32, {}, nullptr, Extent::unknown};
    LITHE_TRY(context.subgraphs()->infer(0, context.inputs_from(0), {&result, 1}));
    return context.output(0, result.shape);
  }
};
struct CallKernel {
  using Op = Call;
  static inline Status (*ask)(RunContext&) = nullptr;

  static Status run(const Op::Attributes&, RunContext& context) { return ask(context); }
};
Status forward(RunContext& context) {
  const std::array<TensorView, 1> in{context.input(0)};
  std::array<TensorView, 1> out;
  LITHE_TRY(context.call(0, in, out));
  const auto from = out[0].as<float>();
  std::copy(from.begin(), from.end(), static_cast<float*>(context.output().data));
  return {};
}
using Kernels = KernelList<CallKernel, AddOne<ops::Relu>, AddOne<ops::Neg>>;

/// x -> Relu -> Call of (Neg, Neg) -> y: every node adds one.
Model nested() {
  ModelBuilder b;
  const int r = b.node<ops::Relu>("r", {}, {b.input("x", DType::f32, {3})});
  const int g = b.subgraph("inner");
  const int m = b.node<ops::Neg>("m", {}, {b.input("c", DType::f32, {}, g)}, DType::f32, g);
  b.output(b.node<ops::Neg>("n", {}, {m}, DType::f32, g), g);
  b.output(b.nodes<Call>("y", {}, {r}, {DType::f32}, {g})[0]);
  return b.open();
}

Session session_of(const Model& model, const std::atomic<bool>* stop = nullptr) {
  SessionOptions options;
  options.kernels = Kernels::entries;
  options.source = system_arena;
  options.stop = stop;
  options.max_bytes = 1 << 16;
  options.max_iterations = 77;
  auto session = Session::create(model, options);
  EXPECT_TRUE(session.ok()) << session.status().text();
  return *std::move(session);
}

TEST(Execute, RunsNodesAndTheSubgraphsThatTheyCall) {
  const Model model = nested();
  Session session = session_of(model);
  CallKernel::ask = forward;
  session.input<float>("x")[2] = 10;
  ASSERT_TRUE(session.run().ok());
  EXPECT_EQ(session.output<float>("y")[2], 13);
}

/// What an observer saw: the operator's first letter for `before`, the same in small for `after`; inner nodes
/// in ().
struct Trace {
  std::string text;
  std::atomic<bool>* stop = nullptr;
  static void write(void* self, const runtime::NodeView& node, const Strip* strip, int shift) {
    EXPECT_EQ(strip, nullptr);
    auto& text = static_cast<Trace*>(self)->text;
    if (node.graph() != 0) text += '(';
    text += static_cast<char>(node.op_name()[0] + shift);
    if (node.graph() != 0) text += ')';
  }
  static void before(void* self, const runtime::NodeView& node, const Strip* strip) {
    write(self, node, strip, 0);
  }
  static void after(void* self, const runtime::NodeView& node, const Strip* strip) {
    write(self, node, strip, 'a' - 'A');
    auto& trace = *static_cast<Trace*>(self);
    if (trace.stop != nullptr) *trace.stop = true;
  }
};

TEST(Execute, EachHalfOfAnObserverIsOptional) {
  const Model model = nested();
  Session session = session_of(model);
  CallKernel::ask = forward;
  const auto seen = [&](RunObserver observer) {
    Trace trace;
    observer.self = &trace;
    session.observe(&observer);
    EXPECT_TRUE(session.run().ok());
    session.observe(nullptr);
    EXPECT_TRUE(session.run().ok());
    return trace.text;
  };
  EXPECT_EQ(seen({Trace::before, Trace::after}), "RrC(N)(n)(N)(n)c");
  EXPECT_EQ(seen({.before = Trace::before}), "RC(N)(N)");
  EXPECT_EQ(seen({.after = Trace::after}), "r(n)(n)c");
  EXPECT_EQ(seen({}), "");
}

TEST(Execute, TheStopFlagIsPolledBeforeEveryNode) {
  const Model model = nested();
  std::atomic<bool> stop = false;
  Session session = session_of(model, &stop);
  CallKernel::ask = forward;
  Trace trace;
  trace.stop = &stop;
  const RunObserver observer{nullptr, Trace::after, &trace};
  session.observe(&observer);
  Status status = session.run();
  EXPECT_EQ(status.code(), Code::stopped);
  EXPECT_EQ(trace.text, "r");
  EXPECT_EQ(status.node(), 1);
  stop = false;
  trace = {};
  const RunObserver inner{[](void* self, const runtime::NodeView& node, const Strip*) {
                            if (node.graph() != 0) *static_cast<Trace*>(self)->stop = true;
                          },
                          nullptr, &trace};
  trace.stop = &stop;
  session.observe(&inner);
  status = session.run();
  EXPECT_EQ(status.code(), Code::stopped) << "between the nodes of a subgraph";
  EXPECT_EQ(status.subgraph(), 1);
  EXPECT_EQ(status.node(), 1);
}

TEST(Execute, AKernelMayAskWhetherToStopAndHowLong) {
  const Model model = nested();
  std::atomic<bool> stop = false;
  Session session = session_of(model, &stop);
  static std::atomic<bool>* flag;
  flag = &stop;
  CallKernel::ask = [](RunContext& context) {
    EXPECT_EQ(context.max_iterations(), 77U);
    EXPECT_FALSE(context.stopped());
    *flag = true;
    EXPECT_TRUE(context.stopped());
    return forward(context);
  };
  EXPECT_EQ(session.run().code(), Code::stopped);
}

TEST(Execute, RefusesCallsThatDoNotFitTheSubgraph) {
  const Model model = nested();
  Session session = session_of(model);
  const auto answer = [&](Status (*ask)(RunContext&)) {
    CallKernel::ask = ask;
    const Status status = session.run();
    EXPECT_EQ(status.node(), 1);
    return status.code();
  };
  static const TensorView floats(nullptr, DType::f32, {3}, nullptr), bytes(nullptr, DType::u8, {3}, nullptr);
  static std::array<TensorView, 2> out;
  EXPECT_EQ(answer([](RunContext& c) { return c.call(1, {&floats, 1}, {out.data(), 1}); }),
            Code::invalid_argument);
  EXPECT_EQ(answer([](RunContext& c) { return c.call(-1, {&floats, 1}, {out.data(), 1}); }),
            Code::invalid_argument);
  EXPECT_EQ(answer([](RunContext& c) { return c.call(0, {}, {out.data(), 1}); }), Code::invalid_model);
  EXPECT_EQ(answer([](RunContext& c) { return c.call(0, {&floats, 1}, out); }), Code::invalid_model);
  EXPECT_EQ(answer([](RunContext& c) { return c.call(0, {&bytes, 1}, {out.data(), 1}); }), Code::dtype);
  EXPECT_EQ(answer([](RunContext& c) { return c.resize_output(0, {1 << 15}); }), Code::out_of_memory);
  EXPECT_EQ(answer([](RunContext& c) {
              std::span<std::byte> memory;
              return c.scratch(0, 1, memory);
            }),
            Code::out_of_memory)
      << "the session may not grow";
}

TEST(Execute, ASubgraphTakesOtherShapesInsideTheBytesPlannedForIt) {
  const Model model = nested();
  Session session = session_of(model);
  CallKernel::ask = [](RunContext& context) {
    static float numbers[20] = {};
    std::array<TensorView, 1> out;
    for (const index_t count : {2, 3}) {
      const TensorView in(numbers, DType::f32, {count}, nullptr);
      LITHE_TRY(context.call(0, {&in, 1}, out));
      EXPECT_EQ(out[0].shape, (Shape{count}));
      EXPECT_EQ(out[0].as<float>()[static_cast<std::size_t>(count) - 1], 2);
    }
    const TensorView large(numbers, DType::f32, {1000}, nullptr);
    return context.call(0, {&large, 1}, out);
  };
  EXPECT_EQ(session.run().code(), Code::out_of_memory) << "a session that may not grow";
  CallKernel::ask = forward;
  EXPECT_TRUE(session.run().ok());
}

}  // namespace
}  // namespace lithe::test
