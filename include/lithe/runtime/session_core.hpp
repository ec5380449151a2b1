// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstring>
#include <new>
#include <span>
#include <string_view>
#include <utility>

#include "lithe/core/align.hpp"
#include "lithe/core/shape.hpp"
#include "lithe/core/status.hpp"
#include "lithe/core/tensor.hpp"
#include "lithe/format/reader.hpp"
#include "lithe/memory/arena.hpp"
#include "lithe/memory/operator_heap.hpp"
#include "lithe/model.hpp"
#include "lithe/runtime/alias.hpp"
#include "lithe/runtime/build.hpp"
#include "lithe/runtime/choose.hpp"
#include "lithe/runtime/create.hpp"
#include "lithe/runtime/execute.hpp"
#include "lithe/runtime/fit.hpp"
#include "lithe/runtime/infer.hpp"
#include "lithe/runtime/options.hpp"
#include "lithe/runtime/place.hpp"
#include "lithe/runtime/plan.hpp"
#include "lithe/runtime/plan_memory.hpp"
#include "lithe/runtime/ports.hpp"
#include "lithe/runtime/replan.hpp"
#include "lithe/runtime/reshape.hpp"
#include "lithe/runtime/services.hpp"
#include "lithe/runtime/symbols.hpp"

namespace lithe::inline v0::runtime {

/// A session without its packed weights. It lies at the start of its own arena, and calls the phases in their
/// order.
class SessionCore {
 public:
  Services services;
  Planning planning;
  Arena arena;
  OperatorHeap heap;
  Plan plan;
  Ports ports;
  std::span<SymbolValue> symbols;
  MemoryReport bill;
  bool planned = false;

  /// What create() plans for: the session's first plan, or a larger one that replaces it.
  struct Request {
    const SessionOptions* options = nullptr;
    PackedWeights* weights = nullptr;
    std::span<const InputShape> shapes;
    /// The plan to be replaced, whose shapes, bindings and states go on; null: the session's first plan.
    const SessionCore* previous = nullptr;
    /// If shapes are missing, or were only assumed and fail, nothing is planned and there is no error.
    bool may_wait = false;
  };
  [[gnu::cold]] static Result<SessionCore*> create(const Model& model, const Request& request);
  [[gnu::cold]] static void destroy(SessionCore* core);

  [[gnu::cold]] Fit resize(std::span<const InputShape> shapes);
  Status run();
  [[gnu::cold]] Status bind(std::string_view name, std::span<std::byte> memory);
  [[gnu::cold]] void reset_state();
  [[gnu::cold]] MemoryReport memory() const {
    MemoryReport report = bill;
    report.grown = planning.grown_bytes;
    return report;
  }
  Tensor tensor(const Port& port) const { return tensor_of(plan, port); }
  std::string_view name(const Port& port) const { return text(source(port).name()); }
  /// The index of the port of this name, or -1.
  int find(std::span<const Port> side, std::string_view wanted) const {
    for (std::size_t i = 0; i < side.size(); ++i)
      if (name(side[i]) == wanted) return static_cast<int>(i);
    return -1;
  }

 private:
  [[gnu::cold]] void lend(const Model& model, const SessionOptions& options, PackedWeights* weights);
  [[gnu::cold]] Status build_tables(const SessionOptions& options);
  [[gnu::cold]] void adopt(const SessionCore& previous);
  [[gnu::cold]] void copy_states(const SessionCore& previous);
  [[gnu::cold]] Status assign(const InputShape& wanted);
  [[gnu::cold]] Status set_symbols(std::span<const InputShape> shapes, bool& assumed);
  [[gnu::cold]] Fit take_contents(Port& port, PlanValue& v);
  [[gnu::cold]] Fit set_inputs();
  [[gnu::cold]] Fit plan_first();
  [[gnu::cold]] Fit plan_kernels();
  [[gnu::cold]] Fit plan_again();
  [[gnu::cold]] void restore();
  [[gnu::cold]] void resize_to_opt();
  const PlanValue& value(const Port& port) const { return plan.value(port.value); }
  PlanValue& value(const Port& port) { return plan.value(port.value); }
  const format::Value& source(const Port& port) const {
    return *plan.file->values()->Get(static_cast<std::uint32_t>(port.value));
  }
};

inline void SessionCore::lend(const Model& model, const SessionOptions& options, PackedWeights* weights) {
  services.model = &model;
  services.kernels = options.kernels;
  services.cpu = options.cpu;
  services.threads = options.threads;
  services.packed_weights = weights;
  services.heap_hooks = options.heap_hooks;
  services.source = options.source;
  services.stop = options.stop;
  services.max_bytes = options.max_bytes;
  services.max_iterations = options.max_iterations;
  services.growable = options.growable;
  services.streaming = options.streaming;
  services.survey = options.survey;
  planning.services = &services;
  planning.arena = &arena;
  planning.first = true;
}

inline Status SessionCore::build_tables(const SessionOptions& options) {
  const format::Model& root = services.model->root();
  const int number = services.model->find_signature(options.signature);
  if (number < 0) return {Code::invalid_argument, "the model has no signature of this name"};
  const format::Signature& signature = *root.signatures()->Get(static_cast<std::uint32_t>(number));
  LITHE_TRY(runtime::build(planning, plan, signature.subgraph()));
  LITHE_TRY(build_ports(planning, plan, signature, ports));
  if (!arena.array(count(root.symbols()), symbols)) return out_of_arena();
  for (std::size_t i = 0; i < symbols.size(); ++i)
    symbols[i] = symbol_value(*root.symbols()->Get(static_cast<std::uint32_t>(i)));
  planning.variable = !symbols.empty();
  for (const Port& p : ports.inputs) planning.variable |= source(p).host();
  if (options.strips.empty()) return {};
  if (services.streaming == nullptr)
    return {Code::unsupported,
            "strips are asked for, but row streaming is not linked: set options.streaming"};
  return services.streaming->mark(planning, plan, options.strips);
}

inline Status SessionCore::assign(const InputShape& wanted) {
  const int i = find(ports.inputs, wanted.name);
  if (i < 0) return {Code::invalid_argument, "a shape is given for an input that the model does not have"};
  Port& port = ports.inputs[static_cast<std::size_t>(i)];
  LITHE_TRY(assign_symbols(wanted.shape, numbers(source(port).dims()), symbols));
  if (wanted.contents == nullptr) return {};
  port.new_contents = wanted.contents;
  port.new_bytes =
      static_cast<std::size_t>(bytes(port.dtype, static_cast<std::uint64_t>(wanted.shape.elements())));
  return {};
}

/// Sets the symbols from the given shapes. The others keep their sizes; one that has none yet takes its
/// largest, or its opt, or its min if it has no bound, which sets `assumed`.
inline Status SessionCore::set_symbols(std::span<const InputShape> shapes, bool& assumed) {
  for (SymbolValue& s : symbols) s.kept = std::exchange(s.size, -1);
  for (const InputShape& shape : shapes) LITHE_TRY(assign(shape));
  for (SymbolValue& s : symbols) {
    if (s.size < 0) s.size = s.kept;
    if (s.size >= 0) continue;
    s.size = s.max != 0 ? s.max : s.opt;
    assumed |= s.max == 0;
  }
  return {};
}

/// Copies the new contents of a host input, and keeps the old ones for a resize() that fails.
inline Fit SessionCore::take_contents(Port& port, PlanValue& v) {
  if (v.dtype != v.file_dtype)
    return Status{Code::unsupported, "a shape-deciding input of a half-precision type"};
  LITHE_TRY(keep(planning, v.own, v.bytes + tensor_slack));
  LITHE_TRY(keep(planning, port.own, v.bytes));
  if (v.contents != nullptr) {
    std::memcpy(port.own.data, v.contents, port.contents_bytes);
    port.kept_bytes = port.contents_bytes;
    port.replaced = true;
  }
  std::memmove(v.own.data, port.new_contents, v.bytes);
  v.contents = v.own.data;
  port.new_contents = nullptr;
  port.contents_bytes = v.bytes;
  return {};
}

/// Sets the shapes of the inputs from the symbols, and the contents of host inputs. Errors:
/// Code::out_of_memory above max_bytes; Code::needs_value for contents that are missing or of another size.
inline Fit SessionCore::set_inputs() {
  for (Port& port : ports.inputs) {
    PlanValue& v = value(port);
    const Shape shape = shape_of(numbers(source(port).dims()), symbols);
    std::uint64_t size = 0;
    if (!shape.checked_bytes(v.dtype, services.max_bytes, size))
      return Status{Code::out_of_memory, "an input is larger than the byte limit (max_bytes)"};
    v.shape = shape;
    v.bytes = static_cast<std::size_t>(size);
    v.pitch = shape.back();
    if (!source(port).host()) continue;
    if (port.new_contents == nullptr && v.contents == nullptr && size != 0)
      return Status{Code::needs_value, "a shape-deciding input has no contents yet: give them to resize()"};
    if ((port.new_contents != nullptr ? port.new_bytes : port.contents_bytes) != size)
      return Status{Code::needs_value,
                    "a shape-deciding input has another size now: give its contents to resize()"};
    if (port.new_contents != nullptr) LITHE_TRY(take_contents(port, v));
  }
  return {};
}

/// The phases in which the kernel library allocates; its memory follows the tables in the arena.
inline Fit SessionCore::plan_kernels() {
  const HeapHooks& hooks = services.heap_hooks;
  if (hooks.start != nullptr) {
    LITHE_TRY(hooks.start());
    bill.heap_is_ours = hooks.heap_is_ours();
  }
  bill.tables = align_up(arena.used(), 64);
  if (hooks.enter != nullptr) {
    arena.allocate(0, 64);
    heap = OperatorHeap(arena.rest());
    planning.heap = &heap;
  }
  LITHE_TRY(runtime::create(planning, plan));
  LITHE_TRY(reshape(planning, plan));
  if (planning.heap == nullptr) return {};
  heap.seal();
  bill.operator_heap = align_up(heap.high_water(), 64);
  if (arena.allocate(bill.operator_heap, 64) == nullptr) return out_of_arena();
  return {};
}

inline Fit SessionCore::plan_first() {
  LITHE_TRY(set_inputs());
  LITHE_TRY(infer(planning, plan));
  LITHE_TRY(choose(planning, plan));
  if (!plan.chains.empty()) LITHE_TRY(planning.services->streaming->cut(planning, plan));
  alias(plan);
  LITHE_TRY(plan_kernels());
  place(plan);
  for (Port& p : ports.outputs) p.stored |= value(p).contents != nullptr;
  place_states(plan, ports);
  ports.capacity = bill.ports = place_ports(plan, ports);
  plan.tensor_capacity = bill.tensors = plan.tensor_bytes;
  ports.memory = static_cast<std::byte*>(arena.allocate(add_sizes(ports.capacity, plan.tensor_capacity), 64));
  if (ports.memory == nullptr) return out_of_arena();
  planning.first = false;
  arena.trim();
  point_ports(plan, ports);
  planned = true;
  start_states(plan, ports);
  return {};
}

inline void SessionCore::adopt(const SessionCore& previous) {
  planning.observer = previous.planning.observer;
  for (std::size_t i = 0; i < symbols.size(); ++i) symbols[i].size = previous.symbols[i].size;
  for (std::size_t i = 0; i < ports.inputs.size(); ++i) {
    Port& port = ports.inputs[i];
    const Port& old = previous.ports.inputs[i];
    port.bound = old.bound;
    port.bound_capacity = old.bound_capacity;
    port.state_shape = old.state_shape;
    if (!source(port).host() || previous.value(old).contents == nullptr) continue;
    port.new_contents = previous.value(old).contents;
    port.new_bytes = old.contents_bytes;
  }
  for (std::size_t i = 0; i < ports.outputs.size(); ++i) {
    ports.outputs[i].bound = previous.ports.outputs[i].bound;
    ports.outputs[i].bound_capacity = previous.ports.outputs[i].bound_capacity;
  }
}

/// Copies the states of the plan that this one replaces, if their shapes are the same.
inline void SessionCore::copy_states(const SessionCore& previous) {
  for (std::size_t i = 0; i < ports.inputs.size(); ++i) {
    const Port &p = ports.inputs[i], &old = previous.ports.inputs[i];
    if (p.holds_state() && p.state_shape == old.state_shape && p.bound == nullptr)
      std::memcpy(p.storage, old.storage, port_bytes(p, value(p)));
  }
}

inline Result<SessionCore*> SessionCore::create(const Model& model, const Request& request) {
  const SessionOptions& options = *request.options;
  Arena arena = options.arena.empty() ? Arena(options.source, static_cast<std::size_t>(options.max_bytes))
                                      : Arena(options.arena);
  void* memory = arena.allocate(sizeof(SessionCore), alignof(SessionCore));
  if (memory == nullptr)
    return Status{Code::out_of_memory, "no memory for the session: give it an arena or a source"};
  SessionCore* const core = new (memory) SessionCore{};
  core->arena = std::move(arena);
  core->lend(model, options, request.weights);
  bool assumed = false;
  Status status = core->build_tables(options);
  if (status.ok() && request.previous != nullptr) core->adopt(*request.previous);
  if (status.ok()) status = core->set_symbols(request.shapes, assumed);
  const bool built = status.ok();
  if (built) status = core->plan_first().status();
  const bool waits = built && request.may_wait &&
                     (status.code() == Code::needs_value ||
                      (assumed && request.shapes.empty() &&
                       (status.code() == Code::shape || status.code() == Code::out_of_range)));
  if (!status.ok() && !waits) {
    destroy(core);
    return status;
  }
  if (status.ok() && request.previous != nullptr) core->copy_states(*request.previous);
  if (status.ok() && request.may_wait && request.shapes.empty()) core->resize_to_opt();
  return core;
}

inline void SessionCore::destroy(SessionCore* core) {
  if (core == nullptr) return;
  runtime::destroy(core->planning, core->plan);
  for (std::span<Port> side : {core->ports.inputs, core->ports.outputs})
    for (Port& port : side) release(core->planning, port.own);
  const Arena last_of_all = std::move(core->arena);  // the memory that `core` lies in
  core->planning.arena = nullptr;
}

/// Plans at the current symbols, inside the bytes set aside.
inline Fit SessionCore::plan_again() {
  LITHE_TRY(set_inputs());
  LITHE_TRY(replan(planning, plan));
  if (place_ports(plan, ports) > ports.capacity || plan.tensor_bytes > plan.tensor_capacity ||
      !states_fit(plan, ports))
    return Fit::replan("the new shapes need more than the plan set aside");
  point_ports(plan, ports);
  return {};
}

inline void SessionCore::restore() {
  for (SymbolValue& s : symbols) s.size = s.kept;
  for (Port& port : ports.inputs) {
    port.new_contents = nullptr;
    if (!port.replaced) continue;
    PlanValue& v = value(port);
    std::memcpy(v.own.data, port.own.data, port.kept_bytes);
    port.new_contents = v.own.data;
    port.new_bytes = port.contents_bytes = port.kept_bytes;
  }
  planned = plan_again().ok();
}

/// Plans for other shapes. After an error, or if the session must plan again, everything is as it was.
inline Fit SessionCore::resize(std::span<const InputShape> shapes) {
  bool assumed = false;
  for (Port& port : ports.inputs) port.replaced = false;
  if (const Status status = set_symbols(shapes, assumed); !status.ok()) {
    for (SymbolValue& s : symbols) s.size = s.kept;
    for (Port& port : ports.inputs) port.new_contents = nullptr;
    return status;
  }
  const Fit fit = plan_again();
  if (fit.ok())
    start_states(plan, ports);
  else
    restore();
  return fit;
}

/// Resizes from the largest shapes, for which the memory is planned, to the shapes that the model is tuned
/// for.
inline void SessionCore::resize_to_opt() {
  bool moved = false;
  for (SymbolValue& s : symbols) {
    s.kept = s.size;
    if (s.max == 0 || s.opt == s.size) continue;
    s.size = s.opt;
    moved = true;
  }
  if (moved && !plan_again().ok()) restore();
  if (planned) start_states(plan, ports);
}

inline Status SessionCore::bind(std::string_view wanted, std::span<std::byte> memory) {
  const int in = find(ports.inputs, wanted), out = find(ports.outputs, wanted);
  if (in < 0 && out < 0) return {Code::invalid_argument, "the model has no input or output of this name"};
  Port& port =
      in >= 0 ? ports.inputs[static_cast<std::size_t>(in)] : ports.outputs[static_cast<std::size_t>(out)];
  if (memory.data() != nullptr && planned && memory.size() < port_bytes(port, value(port)))
    return {Code::invalid_argument, "the bound memory is smaller than the tensor"};
  port.bound = memory.data();
  port.bound_capacity = memory.size();
  if (planned) point_ports(plan, ports);
  return {};
}

inline void SessionCore::reset_state() {
  if (!planned) return;
  for (Port& port : ports.inputs)
    if (port.holds_state()) zero(plan, port);
}

inline Status SessionCore::run() {
  const HeapScope scope(planning);
  const ThreadPool* const threads = services.threads;
  if (threads != nullptr && threads->start_run != nullptr) threads->start_run(threads->affinity);
  LITHE_TRY(feed(plan, ports));
  LITHE_TRY(execute(planning, plan));
  LITHE_TRY(drain(planning, plan, ports));
  return pass_states(plan, ports);
}

}  // namespace lithe::inline v0::runtime
