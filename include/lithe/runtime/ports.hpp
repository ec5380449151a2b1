// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <span>

#include "lithe/core/align.hpp"
#include "lithe/core/dtype.hpp"
#include "lithe/core/half.hpp"
#include "lithe/core/shape.hpp"
#include "lithe/core/status.hpp"
#include "lithe/format/reader.hpp"
#include "lithe/memory/arena.hpp"
#include "lithe/runtime/choose.hpp"
#include "lithe/runtime/plan.hpp"
#include "lithe/runtime/plan_memory.hpp"
#include "lithe/runtime/point.hpp"
#include "lithe/runtime/services.hpp"

/// Where the caller's tensors meet the plan: inputs, outputs, states.
namespace lithe::inline v0::runtime {

/// One input or output of the signature, in the model's own dtype.
struct Port {
  std::int32_t value = -1;
  DType dtype = DType::none;
  std::byte* storage = nullptr;  ///< its own memory: inputs, and outputs that are not computed in place
  std::size_t capacity = 0;
  std::byte* bound = nullptr;  ///< the caller's memory, or null
  std::size_t bound_capacity = 0;
  // Host inputs; their contents lie in the value's own memory.
  const void* new_contents = nullptr;  ///< the contents that resize() was given and has not taken over yet
  std::size_t new_bytes = 0;
  std::size_t contents_bytes = 0;  ///< the size of the contents that the session has
  std::size_t kept_bytes = 0;      ///< the size of those before the present resize(), which `own` keeps
  bool replaced = false;           ///< the present resize() replaced the contents
  MemoryBlock own;                 ///< old contents, or an output whose size only the data decides
  Shape state_shape{-1};           ///< a state's input: the shape of the state that it holds now
  std::int32_t state = -1;         ///< the other port of its state, or -1
  bool input = false;
  bool stored = false;  ///< whether it needs `storage`

  bool holds_state() const { return input && state >= 0; }
};

/// The ports of a session and where they lie.
struct Ports {
  std::span<Port> inputs, outputs;
  std::byte* memory = nullptr;
  std::size_t capacity = 0;
  std::size_t state_bytes = 0;  ///< how much of `memory`, at its start, holds states
};

inline std::size_t port_bytes(const Port& port, const PlanValue& v) {
  return static_cast<std::size_t>(bytes(port.dtype, static_cast<std::uint64_t>(v.shape.elements())));
}
/// How many bytes of the arena storage of `bytes` takes.
constexpr std::size_t slot_bytes(std::size_t bytes) { return align_up(bytes + tensor_slack, 64); }

/// Converts between a port's half-precision type and the f32 that the plan computes in. It is out of line
/// because a run calls it twice.
[[gnu::noinline]] inline void convert(DType from, const void* source, DType to, void* target,
                                      std::size_t count) {
  if (to == DType::f32) return widen(from, source, static_cast<float*>(target), count);
  for (std::size_t i = 0; i < count; ++i) {
    const float v = static_cast<const float*>(source)[i];
    if (to == DType::f16)
      static_cast<half*>(target)[i] = half(v);
    else
      static_cast<bfloat16*>(target)[i] = bfloat16(v);
  }
}

/// Makes the ports of a signature. Errors: Code::invalid_model for states that do not fit.
[[gnu::cold]] inline Status build_ports(Planning& planning, Plan& plan, const format::Signature& signature,
                                        Ports& ports) {
  if (!planning.arena->array(plan.inputs().size(), ports.inputs) ||
      !planning.arena->array(plan.outputs().size(), ports.outputs))
    return out_of_arena();
  for (std::size_t i = 0; i < ports.inputs.size(); ++i) {
    Port& port = ports.inputs[i];
    port.value = plan.inputs()[i];
    PlanValue& v = plan.value(port.value);
    v.external = true;
    port.dtype = v.file_dtype;
    port.input = true;
    port.stored = true;
  }
  for (std::size_t i = 0; i < ports.outputs.size(); ++i) {
    Port& port = ports.outputs[i];
    port.value = plan.outputs()[i];
    const PlanValue& v = plan.value(port.value);
    port.dtype = v.file_dtype;
    port.stored = v.dtype != v.file_dtype || v.input || v.buffer >= 0;
  }
  for (std::uint32_t i = 0; i < count(signature.states()); ++i) {
    const format::State& s = *signature.states()->Get(i);
    Port& in = ports.inputs[s.input()];
    Port& out = ports.outputs[s.output()];
    if (in.dtype != out.dtype || in.state >= 0)
      return {Code::invalid_model,
              "a state's input and output have other element types, or it is listed twice"};
    in.state = static_cast<std::int32_t>(s.output());
    out.state = static_cast<std::int32_t>(s.input());
  }
  return {};
}

/// The bytes of all ports at the current shapes. States have room for the shapes of the first plan.
[[gnu::cold]] inline std::size_t place_ports(const Plan& plan, const Ports& ports) {
  std::size_t total = ports.state_bytes;
  for (std::span<const Port> side :
       {std::span<const Port>(ports.inputs), std::span<const Port>(ports.outputs)})
    for (const Port& p : side) {
      const PlanValue& v = plan.value(p.value);
      if (p.stored && !p.holds_state()) total = add_sizes(total, slot_bytes(port_bytes(p, v)));
      if (p.input && v.dtype != p.dtype) total = add_sizes(total, slot_bytes(v.bytes));
    }
  return total;
}

/// Sets the memory of states aside, which later plans leave where it is.
[[gnu::cold]] inline void place_states(const Plan& plan, Ports& ports) {
  for (Port& p : ports.inputs) {
    if (!p.holds_state()) continue;
    p.capacity = port_bytes(p, plan.value(p.value));
    ports.state_bytes = add_sizes(ports.state_bytes, slot_bytes(p.capacity));
  }
}

/// Whether all states fit where they lie.
[[gnu::cold]] inline bool states_fit(const Plan& plan, const Ports& ports) {
  for (const Port& p : ports.inputs)
    if (p.holds_state() && port_bytes(p, plan.value(p.value)) > p.capacity) return false;
  return true;
}

/// Sets a state to zero, a quantized one to its zero point.
[[gnu::cold]] inline void zero(const Plan& plan, Port& port) {
  const PlanValue& v = plan.value(port.value);
  const bool quantized = v.quantization != nullptr && element_bytes(port.dtype) == 1;
  const int byte = quantized ? v.quantization->zero_point_at(0) : 0;
  const std::size_t size = port_bytes(port, v);
  std::memset(port.storage, byte, size);
  if (port.bound != nullptr && size <= port.bound_capacity) std::memset(port.bound, byte, size);
}

/// Zeroes the states whose shapes have changed.
[[gnu::cold]] inline void start_states(const Plan& plan, Ports& ports) {
  for (Port& p : ports.inputs) {
    const PlanValue& v = plan.value(p.value);
    if (!p.holds_state() || p.state_shape == v.shape) continue;
    zero(plan, p);
    p.state_shape = v.shape;
  }
}

/// Whether the plan reads or writes the caller's memory itself.
[[gnu::cold]] inline bool in_place(const PlanValue& v, const Port& port) {
  return port.bound != nullptr && v.dtype == port.dtype && port.bound_capacity >= v.bytes + tensor_slack &&
         (port.input ||
          (!port.stored && v.root == port.value && v.members == 1 && v.extent == Extent::exact));
}

/// Gives ports their places, and the plan its pointers. The tensors follow the ports in memory.
[[gnu::cold]] inline void point_ports(Plan& plan, Ports& ports) {
  std::byte* at = ports.memory;
  const auto take = [&](std::size_t bytes) {
    std::byte* const place = at;
    at += slot_bytes(bytes);
    return place;
  };
  for (Port& p : ports.inputs)
    if (p.holds_state()) p.storage = take(p.capacity);
  for (std::span<Port> side : {ports.inputs, ports.outputs})
    for (Port& p : side) {
      PlanValue& v = plan.value(p.value);
      if (p.stored && !p.holds_state()) {
        p.capacity = port_bytes(p, v);
        p.storage = take(p.capacity);
      }
      if (p.input) v.data = v.dtype != p.dtype ? take(v.bytes) : in_place(v, p) ? p.bound : p.storage;
    }
  point(plan, ports.memory + ports.capacity);
  bool moved = false;
  for (const Port& p : ports.outputs) {
    PlanValue& v = plan.value(p.value);
    if (!in_place(v, p)) continue;
    v.data = p.bound;
    moved = true;
  }
  if (!moved) return;
  for (const PlanNode& node : plan.nodes)
    if (!node.early) view(plan, node);
}

/// The tensor that the caller writes or reads; of dtype none while bound memory is too small.
inline Tensor tensor_of(const Plan& plan, const Port& port) {
  const PlanValue& v = plan.value(port.value);
  if (port.bound != nullptr && port.bound_capacity < port_bytes(port, v)) return Tensor();
  void* data = port.bound != nullptr ? port.bound : port.input || port.stored ? port.storage : v.data;
  return Tensor(data, port.dtype, v.shape, v.quantization);
}

/// Copies or converts the inputs to where the plan reads them. Errors: Code::invalid_argument for bound
/// memory that is too small.
inline Status feed(const Plan& plan, const Ports& ports) {
  for (const Port& p : ports.inputs) {
    const PlanValue& v = plan.value(p.value);
    const std::byte* from = p.bound != nullptr ? p.bound : p.storage;
    if (p.bound != nullptr && p.bound_capacity < port_bytes(p, v))
      return {Code::invalid_argument, "the bound memory is smaller than the tensor"};
    if (v.dtype != p.dtype)
      convert(p.dtype, from, v.dtype, v.data, static_cast<std::size_t>(v.shape.elements()));
    else if (v.data != from && v.bytes != 0)
      std::memcpy(v.data, from, v.bytes);
  }
  return {};
}

/// Copies or converts the outputs to where the caller reads them. Errors: Code::out_of_memory for bound
/// memory that is too small, and for an output that may not grow.
inline Status drain(Planning& planning, Plan& plan, Ports& ports) {
  for (Port& p : ports.outputs) {
    PlanValue& v = plan.value(p.value);
    const auto* from = v.contents != nullptr ? static_cast<const std::byte*>(v.contents) : v.data;
    const std::size_t bytes = port_bytes(p, v);
    if (p.stored && bytes > p.capacity) {  // a converted or copied output of data-dependent size
      LITHE_TRY(grow(planning, p.own, bytes));
      p.storage = p.own.data;
      p.capacity = bytes;
    }
    std::byte* to = p.bound != nullptr ? p.bound : p.stored ? p.storage : v.data;
    if (p.bound != nullptr && p.bound_capacity < bytes)
      return {Code::out_of_memory, "the bound memory is smaller than the output"};
    if (v.dtype != p.dtype)
      convert(v.dtype, from, p.dtype, to, static_cast<std::size_t>(v.shape.elements()));
    else if (to != from && bytes != 0)
      std::memcpy(to, from, bytes);
  }
  return {};
}

/// Copies the outputs of this run to the states of the next.
inline Status pass_states(const Plan& plan, Ports& ports) {
  for (const Port& p : ports.outputs) {
    if (p.state < 0) continue;
    const Port& in = ports.inputs[static_cast<std::size_t>(p.state)];
    const PlanValue& v = plan.value(in.value);
    if (!(plan.value(p.value).shape == v.shape))
      return {Code::shape, "a state's output has another shape than its input"};
    std::memmove(in.bound != nullptr ? in.bound : in.storage, tensor_of(plan, p).data, port_bytes(in, v));
  }
  return {};
}

}  // namespace lithe::inline v0::runtime
