// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstring>

#include "lithe/runtime/choose.hpp"
#include "lithe/runtime/plan.hpp"

/// Where the caller's tensors meet the plan: inputs, outputs, states and the symbols of their shapes.
namespace lithe::inline v0::runtime {

/// One input or output of the signature, in the model's own dtype.
struct Port {
  std::int32_t value = -1;
  DType dtype = DType::none;
  std::byte* storage =
      nullptr;  ///< ours: of inputs, and of outputs that are not computed where the caller reads them
  std::size_t capacity = 0;
  std::byte* bound = nullptr;  ///< the caller's
  std::size_t bound_capacity = 0;
  // Of inputs that decide shapes; their contents lie in `grown` of the value.
  const void* host = nullptr;  ///< new contents
  std::size_t host_bytes = 0;
  std::size_t contents_bytes = 0;  ///< of those that are there
  GrownBlock kept;                 ///< those before the resize() under way, if it replaced them
  std::size_t kept_bytes = 0;
  bool replaced = false;
  Shape state_shape{-1};    ///< of a state's input: the shape of what it holds now
  std::int32_t state = -1;  ///< the other end of a state, in inputs or outputs
  bool input = false;
  bool stored = false;  ///< needs storage of its own

  bool holds_state() const { return input && state >= 0; }
};

struct SymbolValue {
  std::int64_t size = -1;                  ///< -1: not decided yet
  std::int64_t kept = -1;                  ///< before the resize() under way
  std::int64_t min = 0, opt = 0, max = 0;  ///< max 0: unbounded
};

inline std::size_t port_bytes(const Port& port, const PlanValue& v) {
  return static_cast<std::size_t>(bytes(port.dtype, static_cast<std::uint64_t>(v.shape.elements())));
}

/// A session's half-precision border: the plan computes in f32. Out of line, for run() has it twice.
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

}  // namespace lithe::inline v0::runtime
