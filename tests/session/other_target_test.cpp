// SPDX-License-Identifier: Apache-2.0
#include <gtest/gtest.h>

#include <array>
#include <cstddef>
#include <span>

#include "lithe/core/kernel.hpp"
#include "lithe/memory/system_arena.hpp"
#include "lithe/micro.hpp"
#include "lithe/runtime/survey.hpp"
#include "lithe/session.hpp"
#include "tests/support/model_builder.hpp"

/// A workstation plans for a microcontroller: kernels that only run there say their sizes here.
namespace lithe::test {
namespace {

/// Rows are summed. rows [N, C] -> sums [N]
struct SumRows {
  using Attributes = NoAttributes;
  static constexpr OpSpec spec{.name = "SumRows", .inputs = {"rows"}, .outputs = {"sums"}};
  static constexpr TypeRow types[] = {{{DType::f32}, {DType::f32}}};

  static Status infer(const Attributes&, InferContext& context) {
    return context.output(0, {context.shape(0)[0]});
  }
};

Status sum_rows(RunContext& context) {
  const Shape& shape = context.input(0).shape;
  const auto rows = context.input(0).as<float>();
  auto* const sums = static_cast<float*>(context.output().data);
  for (index_t n = 0; n < shape[0]; ++n) {
    sums[n] = 0;
    for (index_t c = 0; c < shape[1]; ++c) sums[n] += rows[static_cast<std::size_t>(n * shape[1] + c)];
  }
  return {};
}

struct HeliumSum {
  using Op = SumRows;
  static constexpr const char* name = "helium";
  std::array<std::byte, 200> packed{};

  static bool supports(const Op::Attributes&, const NodeInfo& node) { return node.cpu->mve; }
  static Status reshape(const Op::Attributes&, ReshapeContext& context) {
    context.workspace_bytes = 4096;
    return {};
  }
  static Status run(const Op::Attributes&, RunContext& context) { return sum_rows(context); }
};

struct DspSum {
  using Op = SumRows;
  static constexpr const char* name = "dsp";

  static bool supports(const Op::Attributes&, const NodeInfo& node) { return node.cpu->dsp; }
  static Status reshape(const Op::Attributes&, ReshapeContext& context) {
    context.workspace_bytes = 1024;
    return {};
  }
  static Status run(const Op::Attributes&, RunContext& context) { return sum_rows(context); }
};

struct PlainSum {
  using Op = SumRows;

  static Status run(const Op::Attributes&, RunContext& context) { return sum_rows(context); }
};

using Kernels = KernelList<HeliumSum, DspSum, PlainSum>;

std::size_t planned_bytes(const Model& model, const Cpu& cpu, bool survey) {
  static std::array<std::byte, 64 * 1024> arena;
  SessionOptions options = lithe::options<Kernels>(arena);
  options.cpu = cpu;
  options.source = system_arena;
  if (survey) options.survey = runtime::survey_kernels;
  const auto session = Session::create(model, options);
  EXPECT_TRUE(session.ok()) << session.status().text();
  return session.ok() ? session->memory().tensors : 0;
}

TEST(OtherTarget, TheLargestWorkspaceOfTheKernelsThatItMayChooseIsPlanned) {
  ModelBuilder b;
  b.output(b.node<SumRows>("sums", {}, {b.input("rows", DType::f32, {3, 5})}, DType::f32));
  const Model model = b.open();
  const std::size_t plain = planned_bytes(model, {}, false);
  EXPECT_EQ(planned_bytes(model, {}, true), plain);
  EXPECT_EQ(planned_bytes(model, {.dsp = true}, false), plain + 1024);
  EXPECT_EQ(planned_bytes(model, {.dsp = true}, true), plain + 1024);
  EXPECT_EQ(planned_bytes(model, {.dsp = true, .mve = true}, true), plain + 4096);
}

TEST(OtherTarget, AnArenaCountedForAllItsCoresSufficesOnEach) {
  ModelBuilder b;
  b.output(b.node<SumRows>("sums", {}, {b.input("rows", DType::f32, {3, 5})}, DType::f32));
  const Model model = b.open();
  static std::array<std::byte, 64 * 1024> room;
  SessionOptions survey = lithe::options<Kernels>(room);
  survey.cpu = {.dsp = true, .mve = true};
  survey.source = system_arena;
  survey.survey = runtime::survey_kernels;
  const auto counted = Session::create(model, survey);
  ASSERT_TRUE(counted.ok()) << counted.status().text();
  const runtime::PlanView plan = counted->inspect();
  const std::size_t bytes =
      arena_bytes<Kernels>({.tables = plan.counts(),
                            .ports = 2,
                            .kept_bytes = plan.kept_bytes(),
                            .tensor_bytes = counted->memory().ports + counted->memory().tensors},
                           {plan.nodes().size()});
  for (const Cpu& cpu : {Cpu{}, Cpu{.dsp = true}, Cpu{.dsp = true, .mve = true}}) {
    alignas(64) static std::array<std::byte, 64 * 1024> arena;
    SessionOptions options = lithe::options<Kernels>(std::span(arena).first(bytes));
    options.cpu = cpu;
    auto session = Session::create(model, options);
    ASSERT_TRUE(session.ok()) << session.status().text();
    for (std::size_t i = 0; i < 15; ++i) session->input<float>("rows")[i] = static_cast<float>(i);
    ASSERT_TRUE(session->run().ok());
    EXPECT_EQ(session->output<float>("sums")[2], 60.0f);
  }
}

}  // namespace
}  // namespace lithe::test
