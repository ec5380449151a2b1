// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <new>

#include "lithe/memory/mapped_file.hpp"
#include "lithe/memory/system_arena.hpp"
#include "lithe/model.hpp"
#include "lithe/runtime/cpu.hpp"
#include "lithe/runtime/packed_weights.hpp"
#include "lithe/runtime/row_streaming.hpp"
#include "lithe/runtime/threads.hpp"
#include "lithe/session.hpp"
#include "lithe/xnn/runtime.hpp"

/// For applications that name their kernels: this machine's memory, processor and threads. A program includes
/// this header and those of its kernels, and compiles faster than with all kernels (lithe.hpp).
namespace lithe::inline v0 {

/// Maps (or copies) a model file and verifies it. A mapped file must not be truncated or changed while the
/// model lives. Errors: Code::io if the system refuses the file, and those of Model::open.
inline Result<Model> open(const char* path, Access access = Access::map) {
  LITHE_ASSIGN_OR_RETURN(Storage storage, read_file(path, access));
  return Model::open(std::move(storage));
}

/// Gives a session packed weights of its own, which it has unless it shares others.
inline constexpr PackedWeightsSource own_packed_weights{
    .create = [] { return new (std::nothrow) PackedWeights; },
    .destroy = [](PackedWeights* weights) { delete weights; },
    .bytes = [](const PackedWeights* weights) { return weights->bytes(); }};

/// What this machine offers to a session. `threads` must outlive the session; null: the calling thread alone.
/// Call it in one translation unit of a program, which holds the kernels.
///   using Kernels = lithe::KernelList<lithe::xnn::Conv2D, lithe::portable::Kernel<lithe::ops::Flatten>>;
///   auto session = lithe::Session::create(*model, lithe::options<Kernels>());
template <class Kernels>
SessionOptions options(const Threads* threads = nullptr) {
  SessionOptions o;
  o.kernels = Kernels::entries;
  o.source = system_arena;
  o.heap_hooks = xnn::heap_hooks;
  o.packed_weights_source = own_packed_weights;
  o.cpu = cpu();
  o.streaming = &row_streaming;
  o.threads = threads == nullptr ? nullptr : &threads->pool();
  return o;
}

}  // namespace lithe::inline v0
