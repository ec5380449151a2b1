// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstring>
#include <new>

#include "lithe/runtime/execute.hpp"
#include "lithe/runtime/options.hpp"
#include "lithe/runtime/ports.hpp"
#include "lithe/runtime/strips.hpp"

namespace lithe::inline v0::runtime {

/// All of a session, at the start of its arena.
class State {
 public:
  PlanContext context;
  Arena arena;
  OperatorHeap heap;
  GraphPlan graph;
  std::span<Port> inputs, outputs;
  std::span<SymbolValue> symbols;
  MemoryReport bill;
  std::size_t port_capacity = 0;
  std::size_t state_bytes = 0;  ///< of the ports: what holds states, in front
  std::byte* io = nullptr;
  bool planned = false;

  /// Builds and, where the shapes are known, plans. `previous` lends shapes, bindings and states. With
  /// `first`, shapes that were only assumed may fail without an error: nothing is planned then.
  [[gnu::cold]] static Status create(const Model& model, const SessionOptions& options,
                                     PackedWeights* weights, std::span<const InputShape> shapes,
                                     State* previous, bool first, State*& result);
  [[gnu::cold]] static void destroy(State* state);

  [[gnu::cold]] Status resize(std::span<const InputShape> shapes);
  [[gnu::cold]] void resize_to_opt();
  Status run();
  [[gnu::cold]] Status bind(std::string_view name, std::span<std::byte> memory);
  [[gnu::cold]] void reset_state();
  [[gnu::cold]] MemoryReport memory() const;
  Tensor tensor(const Port& port);
  std::string_view name(const Port& port) const {
    return text(graph.file->values()->Get(static_cast<std::uint32_t>(port.value))->name());
  }
  int find(std::span<const Port> ports, std::string_view wanted) const {
    for (std::size_t i = 0; i < ports.size(); ++i)
      if (name(ports[i]) == wanted) return static_cast<int>(i);
    return -1;
  }

 private:
  [[gnu::cold]] Status build(const SessionOptions& options);
  [[gnu::cold]] Status build_ports(const format::Signature& signature);
  [[gnu::cold]] Status assign(const InputShape& wanted);
  [[gnu::cold]] Status set_dims(std::span<const InputShape> shapes, bool& assumed);
  [[gnu::cold]] Status apply_dims();
  [[gnu::cold]] Status plan_first();
  [[gnu::cold]] Status plan_again();
  [[gnu::cold]] void restore();
  [[gnu::cold]] Status plan_heap();
  [[gnu::cold]] void adopt(const State& previous);
  [[gnu::cold]] std::size_t place_ports();
  [[gnu::cold]] void place_states();
  [[gnu::cold]] void start_states();
  [[gnu::cold]] void zero(Port& port);
  [[gnu::cold]] void point();
  const PlanValue& value(const Port& port) const { return graph.value(port.value); }
  PlanValue& value(const Port& port) { return graph.value(port.value); }
  const format::Value& source(const Port& port) const {
    return *graph.file->values()->Get(static_cast<std::uint32_t>(port.value));
  }
  [[gnu::cold]] bool in_place(const Port& port) const;
  [[gnu::cold]] Status grow_port(Port& port, std::size_t bytes);
};

inline Status State::build_ports(const format::Signature& signature) {
  if (!arena.array(graph.inputs().size(), inputs) || !arena.array(graph.outputs().size(), outputs) ||
      !arena.array(count(context.model->root().symbols()), symbols))
    return out_of_arena();
  for (std::size_t i = 0; i < inputs.size(); ++i) {
    inputs[i].value = graph.inputs()[i], inputs[i].input = inputs[i].stored = true;
    value(inputs[i]).external = true;
  }
  for (std::size_t i = 0; i < outputs.size(); ++i) {
    outputs[i].value = graph.outputs()[i];
    const PlanValue& v = value(outputs[i]);
    outputs[i].stored = v.dtype != v.file_dtype || v.input || v.buffer >= 0;
  }
  for (Port& p : inputs) p.dtype = value(p).file_dtype;
  for (Port& p : outputs) p.dtype = value(p).file_dtype;
  for (std::uint32_t i = 0; i < count(signature.states()); ++i) {
    const format::State& s = *signature.states()->Get(i);
    Port &in = inputs[s.input()], &out = outputs[s.output()];
    if (in.dtype != out.dtype || in.state >= 0)
      return {Code::invalid_model,
              "a state's input and output have other element types, or it is listed twice"};
    in.state = static_cast<std::int32_t>(s.output()), out.state = static_cast<std::int32_t>(s.input());
  }
  for (std::size_t i = 0; i < symbols.size(); ++i) {
    const format::Symbol& s = *context.model->root().symbols()->Get(static_cast<std::uint32_t>(i));
    symbols[i] = {-1, -1, static_cast<std::int64_t>(s.min()),
                  static_cast<std::int64_t>(s.opt() != 0 ? s.opt() : s.min()),
                  static_cast<std::int64_t>(s.max())};
  }
  return {};
}

inline Status State::build(const SessionOptions& options) {
  const int number = context.model->find_signature(options.signature);
  if (number < 0) return {Code::invalid_argument, "the model has no signature of this name"};
  const format::Signature& signature =
      *context.model->root().signatures()->Get(static_cast<std::uint32_t>(number));
  LITHE_TRY(graph.build(context, signature.subgraph()));
  LITHE_TRY(build_ports(signature));
  context.variable = !symbols.empty();
  for (const Port& p : inputs) context.variable |= source(p).host();
  std::span<StripChain> chains;
  if (!arena.array(options.strips.size(), chains)) return out_of_arena();
  for (std::size_t i = 0; i < chains.size(); ++i) {
    chains[i] = options.strips[i];
    if (chains[i].first < 0 || chains[i].last >= graph.steps())
      return {Code::invalid_argument, "a strip chain names a missing node"};
    for (std::int32_t n = chains[i].first; n <= chains[i].last; ++n)
      graph.nodes[static_cast<std::size_t>(n)].chain = static_cast<std::int32_t>(i);
  }
  graph.chains = chains;
  return {};
}

/// Matches one given shape against the file's dims, and sets the symbols in it.
inline Status State::assign(const InputShape& wanted) {
  const int i = find(inputs, wanted.name);
  if (i < 0) return {Code::invalid_argument, "a shape is given for an input that the model does not have"};
  Port& port = inputs[static_cast<std::size_t>(i)];
  const auto dims = numbers(source(port).dims());
  if (!wanted.shape.valid() || wanted.shape.rank() != static_cast<int>(dims.size()))
    return {Code::shape, "an input is given another rank than the model's"};
  for (int a = 0; a < wanted.shape.rank(); ++a) {
    const std::int64_t d = dims[static_cast<std::size_t>(a)], s = symbol_of(d);
    if (s < 0) {
      if (d != wanted.shape[a])
        return {Code::shape, "an input is given another size than its fixed dimension"};
      continue;
    }
    SymbolValue& symbol = symbols[static_cast<std::size_t>(s)];
    if (symbol.size >= 0 && symbol.size != wanted.shape[a])
      return {Code::shape, "two inputs give the same symbol different sizes"};
    if (wanted.shape[a] < symbol.min || (symbol.max != 0 && wanted.shape[a] > symbol.max))
      return {Code::shape, "an input is given a size outside its dimension's range"};
    symbol.size = wanted.shape[a];
  }
  if (wanted.contents != nullptr) {
    port.host = wanted.contents;
    port.host_bytes =
        static_cast<std::size_t>(bytes(port.dtype, static_cast<std::uint64_t>(wanted.shape.elements())));
  }
  return {};
}

/// Symbols from the given shapes; the others keep their sizes, or take their largest (else opt, else min:
/// `assumed`).
inline Status State::set_dims(std::span<const InputShape> shapes, bool& assumed) {
  for (SymbolValue& s : symbols) s.kept = s.size, s.size = -1;
  for (const InputShape& shape : shapes) LITHE_TRY(assign(shape));
  for (SymbolValue& s : symbols) {
    if (s.size < 0) s.size = s.kept;
    if (s.size >= 0) continue;
    s.size = s.max != 0 ? s.max : s.opt;
    assumed |= s.max == 0;
  }
  return {};
}

/// Input values' shapes from the symbols, and host inputs' contents.
inline Status State::apply_dims() {
  for (Port& port : inputs) {
    PlanValue& v = value(port);
    Shape shape;
    for (std::int64_t d : numbers(source(port).dims()))
      shape.push_back(symbol_of(d) >= 0 ? symbols[static_cast<std::size_t>(symbol_of(d))].size : d);
    std::uint64_t size = 0;
    if (!shape.checked_bytes(v.dtype, context.max_bytes, size))
      return {Code::out_of_memory, "an input is larger than the byte limit (max_bytes)"};
    v.shape = shape, v.bytes = static_cast<std::size_t>(size), v.pitch = shape.back();
    if (!source(port).host()) continue;
    if (port.host == nullptr && v.contents == nullptr && size != 0)
      return {Code::needs_value, "a shape-deciding input has no contents yet: give them to resize()"};
    if ((port.host != nullptr ? port.host_bytes : port.contents_bytes) != size)
      return {Code::needs_value,
              "a shape-deciding input has another size now: give its contents to resize()"};
    if (port.host == nullptr) continue;
    if (v.dtype != v.file_dtype)
      return {Code::unsupported, "a shape-deciding input of a half-precision type"};
    LITHE_TRY(context.keep(v.grown, v.bytes + tensor_slack));
    LITHE_TRY(context.keep(port.kept, v.bytes));
    if (v.contents != nullptr) {
      std::memcpy(port.kept.data, v.contents, port.contents_bytes);
      port.kept_bytes = port.contents_bytes, port.replaced = true;
    }
    std::memmove(v.grown.data, port.host, v.bytes);
    v.contents = v.grown.data, v.host = true, port.host = nullptr, port.contents_bytes = v.bytes;
  }
  return {};
}

/// Bytes of the ports at the current shapes; states have room for the first plan's.
inline std::size_t State::place_ports() {
  std::size_t total = state_bytes;
  for (std::span<Port> ports : {inputs, outputs})
    for (Port& p : ports) {
      if (p.stored && !p.holds_state()) total += align_up(port_bytes(p, value(p)) + tensor_slack, 64);
      if (p.input && value(p).dtype != p.dtype) total += align_up(value(p).bytes + tensor_slack, 64);
    }
  return total;
}

/// Sets aside what holds states, which later plans leave where it is.
inline void State::place_states() {
  for (Port& p : inputs)
    if (p.holds_state())
      p.capacity = port_bytes(p, value(p)), state_bytes += align_up(p.capacity + tensor_slack, 64);
}

inline void State::zero(Port& port) {
  const PlanValue& v = value(port);
  const bool quantized = v.quantization != nullptr && element_bytes(port.dtype) == 1;
  const int byte = quantized ? v.quantization->zero_point_at(0) : 0;
  const std::size_t size = port_bytes(port, v);
  std::memset(port.storage, byte, size);
  if (port.bound != nullptr && size <= port.bound_capacity) std::memset(port.bound, byte, size);
}

/// Zeroes states that hold nothing of their present shapes.
inline void State::start_states() {
  for (Port& p : inputs)
    if (p.holds_state() && !(p.state_shape == value(p).shape)) zero(p), p.state_shape = value(p).shape;
}

inline bool State::in_place(const Port& port) const {
  const PlanValue& v = value(port);
  return port.bound != nullptr && v.dtype == port.dtype && port.bound_capacity >= v.bytes + tensor_slack &&
         (port.input || (!port.stored && v.root == port.value && v.members == 1 && !v.dynamic));
}

/// Gives ports their places and the plan its pointers.
inline void State::point() {
  std::byte* at = io;
  for (Port& p : inputs)
    if (p.holds_state()) p.storage = at, at += align_up(p.capacity + tensor_slack, 64);
  for (std::span<Port> ports : {inputs, outputs})
    for (Port& p : ports) {
      PlanValue& v = value(p);
      if (p.stored && !p.holds_state())
        p.storage = at, p.capacity = port_bytes(p, v), at += align_up(p.capacity + tensor_slack, 64);
      if (!p.input) continue;
      v.data = in_place(p) ? p.bound : p.storage;
      if (v.dtype != p.dtype) v.data = at, at += align_up(v.bytes + tensor_slack, 64);
    }
  graph.point(io + port_capacity);
  bool moved = false;
  for (const Port& p : outputs)
    if (in_place(p)) value(p).data = p.bound, moved = true;
  if (!moved) return;
  for (PlanNode& node : graph.nodes)
    if (!node.host) graph.view(node);
}

/// Creates the kernels and reshapes them at the largest shapes, their library allocating behind the tables.
inline Status State::plan_heap() {
  if (context.heap_hooks.start != nullptr) {
    LITHE_TRY(context.heap_hooks.start());
    bill.heap_is_ours = context.heap_hooks.heap_is_ours();
  }
  bill.tables = align_up(arena.used(), 64);
  if (context.heap_hooks.enter != nullptr) {
    arena.allocate(0, 64);
    heap = OperatorHeap(arena.rest());
    context.heap = &heap;
  }
  LITHE_TRY(graph.create(context));
  LITHE_TRY(graph.settle(context));
  if (context.heap != nullptr) {
    heap.seal();
    bill.operator_heap = align_up(heap.high_water(), 64);
    if (arena.allocate(bill.operator_heap, 64) == nullptr) return out_of_arena();
  }
  return {};
}

inline Status State::plan_first() {
  context.open = true;
  LITHE_TRY(apply_dims());
  LITHE_TRY(graph.infer(context));
  LITHE_TRY(graph.choose(context));
  LITHE_TRY(plan_heap());
  for (Port& p : outputs) p.stored |= value(p).contents != nullptr;
  place_states();
  port_capacity = bill.ports = place_ports();
  graph.tensor_capacity = bill.tensors = graph.tensor_bytes;
  io = static_cast<std::byte*>(arena.allocate(port_capacity + graph.tensor_capacity, 64));
  if (io == nullptr) return out_of_arena();
  context.open = false;
  arena.trim();
  point();
  planned = true;
  start_states();
  return {};
}

inline void State::adopt(const State& previous) {
  for (std::size_t i = 0; i < symbols.size(); ++i) symbols[i].size = previous.symbols[i].size;
  for (std::size_t i = 0; i < inputs.size(); ++i) {
    const Port& old = previous.inputs[i];
    inputs[i].bound = old.bound, inputs[i].bound_capacity = old.bound_capacity;
    inputs[i].state_shape = old.state_shape;
    if (source(inputs[i]).host() && previous.value(old).contents != nullptr)
      inputs[i].host = previous.value(old).contents, inputs[i].host_bytes = old.contents_bytes;
  }
  for (std::size_t i = 0; i < outputs.size(); ++i)
    outputs[i].bound = previous.outputs[i].bound,
    outputs[i].bound_capacity = previous.outputs[i].bound_capacity;
}

inline Status State::create(const Model& model, const SessionOptions& options, PackedWeights* weights,
                            std::span<const InputShape> shapes, State* previous, bool first, State*& result) {
  Arena arena = options.arena.empty() ? Arena(options.source, static_cast<std::size_t>(options.max_bytes))
                                      : Arena(options.arena);
  void* memory = arena.allocate(sizeof(State), alignof(State));
  if (memory == nullptr)
    return {Code::out_of_memory, "no memory for the session: give it an arena or a source"};
  State* const state = new (memory) State{};
  state->arena = std::move(arena);
  PlanContext& c = state->context;
  c.model = &model, c.kernels = options.kernels, c.cpu = options.cpu, c.threads = options.threads,
  c.packed_weights = weights;
  c.heap_hooks = options.heap_hooks, c.source = options.source, c.arena = &state->arena,
  c.stop = options.stop;
  c.max_bytes = options.max_bytes, c.max_iterations = options.max_iterations, c.growable = options.growable,
  c.open = true;
  bool assumed = false;
  Status status = state->build(options);
  if (status.ok() && previous != nullptr) state->adopt(*previous);
  if (status.ok()) status = state->set_dims(shapes, assumed);
  const bool built = status.ok();
  if (status.ok()) status = state->plan_first();
  const bool waits =
      built && first &&
      (status.code() == Code::needs_value || (assumed && shapes.empty() && status.code() == Code::shape));
  if (!status.ok() && !waits) return destroy(state), status;
  if (status.ok() && previous != nullptr)
    for (std::size_t i = 0; i < state->inputs.size(); ++i)
      if (const Port &p = state->inputs[i], &old = previous->inputs[i];
          p.holds_state() && p.state_shape == old.state_shape && p.bound == nullptr)
        std::memcpy(p.storage, old.storage, port_bytes(p, state->value(p)));
  if (status.ok() && first && shapes.empty()) state->resize_to_opt();
  result = state;
  return {};
}

inline void State::destroy(State* state) {
  if (state == nullptr) return;
  state->graph.destroy(state->context);
  const Arena last_of_all = std::move(state->arena);  // the memory that `state` lies in
  state->context.arena = nullptr;
}

/// Everything at the current symbols, inside the bytes set aside.
inline Status State::plan_again() {
  LITHE_TRY(apply_dims());
  LITHE_TRY(graph.infer(context));
  LITHE_TRY(graph.settle(context));
  bool fits = place_ports() <= port_capacity && graph.tensor_bytes <= graph.tensor_capacity;
  for (const Port& p : inputs) fits &= !p.holds_state() || port_bytes(p, value(p)) <= p.capacity;
  if (!fits) {
    context.rebuild = true;
    return {Code::out_of_memory, "the new shapes need more than the plan set aside"};
  }
  point();
  return {};
}

inline void State::restore() {
  for (SymbolValue& s : symbols) s.size = s.kept;
  for (Port& port : inputs) {
    port.host = nullptr;
    if (!port.replaced) continue;
    PlanValue& v = value(port);
    std::memcpy(v.grown.data, port.kept.data, port.kept_bytes);
    port.host = v.grown.data, port.host_bytes = port.contents_bytes = port.kept_bytes;
  }
  planned = plan_again().ok();
}

inline Status State::resize(std::span<const InputShape> shapes) {
  bool assumed = false;
  context.rebuild = false;
  for (Port& port : inputs) port.replaced = false;
  Status status = set_dims(shapes, assumed);
  if (!status.ok()) {
    for (SymbolValue& s : symbols) s.size = s.kept;
    for (Port& port : inputs) port.host = nullptr;
    return status;
  }
  status = plan_again();
  if (status.ok()) return start_states(), status;
  // The sealed operator heap has no block for an operator that is larger than planned.
  const bool rebuild = context.rebuild || status.code() == Code::out_of_memory;
  restore();
  context.rebuild = rebuild;
  return status;
}

inline void State::resize_to_opt() {
  bool moved = false;
  for (SymbolValue& s : symbols) {
    s.kept = s.size;
    if (s.max != 0 && s.opt != s.size) s.size = s.opt, moved = true;
  }
  if (moved && !plan_again().ok()) restore();
  if (planned) start_states();
}

inline Tensor State::tensor(const Port& port) {
  PlanValue& v = value(port);
  if (port.bound != nullptr && port.bound_capacity < port_bytes(port, v)) return Tensor();
  if (port.input)
    return Tensor(port.bound != nullptr ? port.bound : port.storage, port.dtype, v.shape, v.quantization);
  if (port.bound != nullptr) return Tensor(port.bound, port.dtype, v.shape, v.quantization);
  return Tensor(port.stored ? port.storage : v.data, port.dtype, v.shape, v.quantization);
}

inline Status State::bind(std::string_view wanted, std::span<std::byte> memory) {
  const int in = find(inputs, wanted), out = find(outputs, wanted);
  if (in < 0 && out < 0) return {Code::invalid_argument, "the model has no input or output of this name"};
  Port& port = in >= 0 ? inputs[static_cast<std::size_t>(in)] : outputs[static_cast<std::size_t>(out)];
  if (memory.data() != nullptr && planned && memory.size() < port_bytes(port, value(port)))
    return {Code::invalid_argument, "the bound memory is smaller than the tensor"};
  port.bound = memory.data(), port.bound_capacity = memory.size();
  if (planned) point();
  return {};
}

inline void State::reset_state() {
  if (!planned) return;
  for (Port& port : inputs)
    if (port.holds_state()) zero(port);
}

inline MemoryReport State::memory() const {
  MemoryReport m = bill;
  m.grown = context.grown_bytes;
  return m;
}

inline Status State::run() {
  const HeapScope scope(context);
  if (context.threads != nullptr && context.threads->start_run != nullptr)
    context.threads->start_run(context.threads->affinity);
  for (Port& p : inputs) {
    PlanValue& v = value(p);
    const std::byte* from = p.bound != nullptr ? p.bound : p.storage;
    if (p.bound != nullptr && p.bound_capacity < port_bytes(p, v))
      return {Code::invalid_argument, "the bound memory is smaller than the tensor"};
    if (v.dtype != p.dtype)
      convert(p.dtype, from, v.dtype, v.data, static_cast<std::size_t>(v.shape.elements()));
    else if (v.data != from && v.bytes != 0)
      std::memcpy(v.data, from, v.bytes);
  }
  LITHE_TRY(graph.run(context));
  for (Port& p : outputs) {
    PlanValue& v = value(p);
    const auto* from = v.contents != nullptr ? static_cast<const std::byte*>(v.contents) : v.data;
    const std::size_t bytes = port_bytes(p, v);
    if (p.stored && bytes > p.capacity) LITHE_TRY(grow_port(p, bytes));
    std::byte* to = p.bound != nullptr ? p.bound : p.stored ? p.storage : v.data;
    if (p.bound != nullptr && p.bound_capacity < bytes)
      return {Code::out_of_memory, "the bound memory is smaller than the output"};
    if (v.dtype != p.dtype)
      convert(v.dtype, from, p.dtype, to, static_cast<std::size_t>(v.shape.elements()));
    else if (to != from && bytes != 0)
      std::memcpy(to, from, bytes);
  }
  for (Port& p : outputs) {
    if (p.state < 0) continue;
    Port& in = inputs[static_cast<std::size_t>(p.state)];
    if (!(value(p).shape == value(in).shape))
      return {Code::shape, "a state's output has another shape than its input"};
    std::memmove(in.bound != nullptr ? in.bound : in.storage, tensor(p).data, port_bytes(in, value(in)));
  }
  return {};
}

/// A converted or copied output of data-dependent size.
inline Status State::grow_port(Port& port, std::size_t bytes) {
  LITHE_TRY(context.grow(value(port).grown, bytes));
  port.storage = value(port).grown.data, port.capacity = bytes;
  return {};
}

}  // namespace lithe::inline v0::runtime
