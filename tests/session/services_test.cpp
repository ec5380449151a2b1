// SPDX-License-Identifier: Apache-2.0
// Sessions that are not planned yet, and what a platform lends to a session.
#include <gtest/gtest.h>

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string_view>
#include <utility>
#include <vector>

#include "lithe/memory/operator_heap.hpp"
#include "lithe/ops/reshape.hpp"
#include "lithe/ops/unary.hpp"
#include "lithe/runtime/inspect.hpp"
#include "lithe/session.hpp"
#include "tests/support/bare_plan.hpp"

namespace lithe::test {
namespace {

using Kernels = KernelList<AddOne<ops::Relu>, AddOne<ops::Reshape>>;

SessionOptions plain() {
  SessionOptions options;
  options.kernels = Kernels::entries;
  options.source = system_arena;
  return options;
}

/// y = Relu(x reshaped), whose shape is given to resize().
Model shaped_by_contents() {
  ModelBuilder b;
  const int x = b.input("x", DType::f32, {6}), shape = b.host_input("shape", DType::s64, {2});
  b.output(b.node<ops::Relu>("y", {}, {b.node<ops::Reshape>("r", {}, {x, shape})}));
  return b.open();
}

TEST(SessionServices, ASessionThatIsNotPlannedYetAnswersEverything) {
  const Model model = shaped_by_contents();
  auto created = Session::create(model, plain());
  ASSERT_TRUE(created.ok()) << created.status().text();
  Session session = *std::move(created);
  EXPECT_FALSE(session.planned());
  EXPECT_EQ(session.inputs(), 2);
  EXPECT_EQ(session.output_name(0), "y");
  EXPECT_EQ(session.input("x").dtype, DType::none);
  EXPECT_TRUE(session.input<float>("x").empty());
  EXPECT_EQ(session.output("y").dtype, DType::none);
  EXPECT_EQ(session.output(0).data, nullptr);
  EXPECT_EQ(session.run().code(), Code::invalid_argument);
  EXPECT_EQ(session.bind("nobody", {}).code(), Code::invalid_argument);
  EXPECT_EQ(session.memory().tensors, 0U);
  EXPECT_EQ(session.inspect().nodes().size(), 2U);
  for (const runtime::NodeView node : session.inspect().nodes()) EXPECT_NE(node.kernel_name(), nullptr);
  session.reset_state();
  const RunObserver none;
  session.observe(&none);
  EXPECT_EQ(session.resize("x", {7}).code(), Code::shape);
  EXPECT_EQ(session.resize("x", {6}).code(), Code::needs_value) << "still without contents";
  EXPECT_FALSE(session.planned());
  Session moved = std::move(session);
  std::array<float, 10> x{};  // 16 bytes more than the tensor: used in place
  ASSERT_TRUE(moved.bind("x", std::as_writable_bytes(std::span(x))).ok());
  const std::array<std::int64_t, 2> two_rows{2, 3};
  const Status status = moved.resize({InputShape{"shape", {2}, two_rows.data()}});
  ASSERT_TRUE(status.ok()) << status.text();
  EXPECT_TRUE(moved.planned());
  x[5] = 4;
  ASSERT_TRUE(moved.run().ok());
  EXPECT_EQ(moved.output("y").shape, (Shape{2, 3}));
  EXPECT_EQ(moved.output<float>("y")[5], 5);
}

TEST(SessionServices, MemoryBoundTooEarlyMayTurnOutTooSmall) {
  const Model model = shaped_by_contents();
  auto session = Session::create(model, plain());
  ASSERT_TRUE(session.ok());
  std::array<float, 2> x{};
  ASSERT_TRUE(session->bind("x", std::as_writable_bytes(std::span(x))).ok()) << "nobody knows the size yet";
  const std::array<std::int64_t, 2> two_rows{2, 3};
  ASSERT_TRUE(session->resize({InputShape{"shape", {2}, two_rows.data()}}).ok());
  EXPECT_EQ(session->input("x").dtype, DType::none);
  EXPECT_EQ(session->run().code(), Code::invalid_argument);
}

/// A kernel library that allocates, for Relu: it counts what happens in `calls`.
struct Library {
  static inline std::string calls;
  static inline bool ours = true;
  static inline OperatorHeap* current = nullptr;

  static Status start() {
    calls += 's';
    return {};
  }
  static OperatorHeap* enter(OperatorHeap* heap) { return std::exchange(current, heap); }
  static void leave(OperatorHeap* previous) { current = previous; }
  static bool heap_is_ours() { return ours; }
};
struct Allocating : AddOne<ops::Relu> {
  void* memory = nullptr;

  Status create(const Op::Attributes&, CreateContext&) {
    Library::calls += Library::current == nullptr ? '-' : 'c';
    memory = Library::current == nullptr ? nullptr : Library::current->allocate(1000);
    return {};
  }
  static Status reshape(const Op::Attributes&, ReshapeContext&) {
    Library::calls += Library::current == nullptr ? '-' : 'r';
    return {};
  }
  Status run(const Op::Attributes& attributes, RunContext& context) {
    Library::calls += Library::current == nullptr ? '-' : 'x';
    return AddOne::run(attributes, context);
  }
};

TEST(SessionServices, AKernelLibraryAllocatesFromTheSessionsHeap) {
  ModelBuilder b;
  b.output(b.node<ops::Relu>("y", {}, {b.input("x", DType::f32, {6})}));
  const Model model = b.open();
  for (const bool ours : {true, false}) {
    Library::calls.clear();
    Library::ours = ours;
    SessionOptions options = plain();
    options.kernels = KernelList<Allocating>::entries;
    options.heap_hooks = {Library::start, Library::enter, Library::leave, Library::heap_is_ours};
    auto session = Session::create(model, options);
    ASSERT_TRUE(session.ok()) << session.status().text();
    ASSERT_TRUE(session->run().ok());
    EXPECT_EQ(Library::calls, "scrx");
    EXPECT_EQ(Library::current, nullptr) << "others may allocate elsewhere";
    EXPECT_EQ(session->memory().heap_is_ours, ours);
    EXPECT_GE(session->memory().operator_heap, 1000U);
    EXPECT_NE(session->inspect().operator_heap(), nullptr);
  }
}

TEST(SessionServices, ALibraryThatDoesNotStartIsAnError) {
  ModelBuilder b;
  b.output(b.node<ops::Relu>("y", {}, {b.input("x", DType::f32, {6})}));
  const Model model = b.open();
  SessionOptions options = plain();
  options.heap_hooks = {[] { return Status{Code::kernel, "no library"}; }, Library::enter, Library::leave,
                        Library::heap_is_ours};
  EXPECT_EQ(Session::create(model, options).status().code(), Code::kernel);
}

TEST(SessionServices, WithoutMemoryThereIsNoSession) {
  ModelBuilder b;
  b.output(b.node<ops::Relu>("y", {}, {b.input("x", DType::f32, {6})}));
  const Model model = b.open();
  SessionOptions options = plain();
  options.source = {};
  EXPECT_EQ(Session::create(model, options).status().code(), Code::out_of_memory);
  alignas(64) static std::array<std::byte, 64 * 1024> room;
  std::size_t enough = 0;
  for (std::size_t bytes = 1; bytes < room.size() && enough == 0; bytes += 61) {
    options.arena = std::span(room).first(bytes);
    const auto session = Session::create(model, options);
    if (session.ok())
      enough = bytes;
    else
      EXPECT_EQ(session.status().code(), Code::out_of_memory) << bytes;
  }
  EXPECT_NE(enough, 0U);
}

}  // namespace
}  // namespace lithe::test
