// SPDX-License-Identifier: Apache-2.0
#include <gtest/gtest.h>

#include <cstddef>
#include <cstdint>
#include <span>
#include <utility>

#include "lithe/core/kernel.hpp"
#include "lithe/memory/system_arena.hpp"
#include "lithe/session.hpp"
#include "tests/support/model_builder.hpp"

/// What Loop and Scan need of a session: scratch memory that grows with its contents, and outputs of unknown
/// length.
namespace lithe::test {
namespace {

/// The squares of 0, 1, ... below a number that only the data tells.
///   count: one s64 -> squares [count]
struct Squares {
  using Attributes = NoAttributes;
  static constexpr OpSpec spec{.name = "Squares", .inputs = {"count"}, .outputs = {"squares"}};
  static constexpr TypeRow types[] = {{{DType::s64}, {DType::s64}}};

  static Status infer(const Attributes&, InferContext& context) {
    if (context.value(0) == nullptr) return {Code::needs_value, "the length is a number in the data"};
    return context.output_at_most(0, {0});
  }
};

/// Appends one element at a time, and keeps a running sum in scratch memory.
struct AppendSquares {
  using Op = Squares;

  static Status run(const Op::Attributes&, RunContext& context) {
    const auto count = context.input(0).as<std::int64_t>()[0];
    for (std::int64_t i = 0; i < count; ++i) {
      std::span<std::byte> memory;
      LITHE_TRY(context.scratch(7, static_cast<std::size_t>(i + 1) * sizeof i, memory));
      auto* const odd = reinterpret_cast<std::int64_t*>(memory.data());
      odd[i] = i == 0 ? 0 : odd[i - 1] + 2 * i - 1;  // the odd numbers add up to squares
      LITHE_TRY(context.resize_output(0, {i + 1}, Contents::kept));
      static_cast<std::int64_t*>(context.output().data)[i] = odd[i];
    }
    return {};
  }
};

Model squares() {
  ModelBuilder b;
  b.output(b.node<Squares>("squares", {}, {b.input("count", DType::s64, {1})}, DType::s64));
  return b.open();
}

Session appending(const Model& model, bool growable) {
  SessionOptions options;
  options.kernels = KernelList<AppendSquares>::entries;
  options.source = system_arena;
  options.growable = growable;
  auto session = Session::create(model, options);
  EXPECT_TRUE(session.ok()) << session.status().text();
  return *std::move(session);
}

TEST(Growth, OutputsAndScratchGrowWithTheirContents) {
  const Model model = squares();
  Session session = appending(model, true);
  for (const std::int64_t count : {3, 20000, 0, 700}) {
    session.input<std::int64_t>("count")[0] = count;
    const Status status = session.run();
    ASSERT_TRUE(status.ok()) << status.text();
    const auto found = session.output<std::int64_t>("squares");
    ASSERT_EQ(found.size(), static_cast<std::size_t>(count));
    for (std::int64_t i = 0; i < count; ++i) ASSERT_EQ(found[static_cast<std::size_t>(i)], i * i);
  }
  EXPECT_GT(session.memory().grown, 2 * 20000 * sizeof(std::int64_t));
}

TEST(Growth, IsRefusedWhereTheSessionMayNotAllocate) {
  const Model model = squares();
  Session session = appending(model, false);
  session.input<std::int64_t>("count")[0] = 3;
  EXPECT_EQ(session.run().code(), Code::out_of_memory);
}

}  // namespace
}  // namespace lithe::test
