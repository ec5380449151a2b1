// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <initializer_list>
#include <span>
#include <vector>

#include "lithe/memory/system_arena.hpp"
#include "lithe/model.hpp"
#include "lithe/runtime/build.hpp"
#include "lithe/runtime/create.hpp"
#include "lithe/runtime/fit.hpp"
#include "lithe/runtime/infer.hpp"
#include "lithe/runtime/plan.hpp"
#include "lithe/runtime/services.hpp"
#include "tests/support/model_builder.hpp"

namespace lithe::test {

/// A plan without a session, for tests that call one phase after the other.
class BarePlan {
 public:
  explicit BarePlan(const ModelBuilder& b, std::span<const KernelEntry> kernels = {},
                    std::size_t arena_bytes = 1 << 18)
      : model_(b.open()), memory_(arena_bytes), arena(memory_) {
    services.model = &model_;
    services.kernels = kernels;
    services.source = system_arena;
    services.max_bytes = 1 << 20;
    services.max_iterations = 10;
    planning.services = &services;
    planning.arena = &arena;
    planning.first = true;
  }
  BarePlan(const BarePlan&) = delete;
  BarePlan& operator=(const BarePlan&) = delete;
  ~BarePlan() { runtime::destroy(planning, plan); }

  Status build() { return runtime::build(planning, plan, 0); }
  /// Gives input `i` of the graph a shape, as a session does.
  runtime::PlanValue& shape_input(std::size_t i, const Shape& shape) {
    runtime::PlanValue& v = plan.value(plan.inputs()[i]);
    v.external = true;
    v.shape = shape;
    v.pitch = shape.back();
    v.bytes = static_cast<std::size_t>(bytes(v.dtype, static_cast<std::uint64_t>(shape.elements())));
    return v;
  }
  /// Builds and infers at these shapes of the inputs.
  runtime::Fit infer(std::initializer_list<Shape> shapes) {
    LITHE_TRY(build());
    std::size_t i = 0;
    for (const Shape& shape : shapes) shape_input(i++, shape);
    return runtime::infer(planning, plan);
  }
  runtime::PlanNode& node(std::int32_t n) { return plan.node(n); }
  runtime::PlanValue& result(std::int32_t n, std::size_t o = 0) {
    return plan.value(plan.node(n).output_ids()[o]);
  }

 private:
  Model model_;
  std::vector<std::byte> memory_;

 public:
  runtime::Services services;
  runtime::Planning planning;
  Arena arena;
  runtime::Plan plan;
};

/// A kernel of an operator of f32 that adds one to the elements of input 0, and says so.
template <class Operator, bool strided = false>
struct AddOne {
  using Op = Operator;
  static constexpr const char* name = "add one";
  static constexpr bool strided_inputs = strided, strided_outputs = strided;

  static Status run(const typename Op::Attributes&, RunContext& context) {
    const auto from = context.input(0).template as<float>();
    auto* const to = static_cast<float*>(context.output().data);
    for (std::size_t i = 0; i < from.size(); ++i) to[i] = from[i] + 1;
    return {};
  }
};

}  // namespace lithe::test
