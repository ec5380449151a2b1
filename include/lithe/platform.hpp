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
/// this and the headers of the kernels in its list, and compiles faster than with all of them (lithe.hpp).
namespace lithe::inline v0 {

/// Maps (or copies) a model file and verifies it. Errors: Code::io, and what Model::open says.
inline Result<Model> open(const char* path, Access access = Access::map) {
  LITHE_ASSIGN_OR_RETURN(Storage storage, read_file(path, access));
  return Model::open(std::move(storage));
}

/// Packed weights of a session that shares none.
inline constexpr PackedWeightsSource own_packed_weights{
    .create = [] { return new (std::nothrow) PackedWeights; },
    .destroy = [](PackedWeights* weights) { delete weights; },
    .bytes = [](const PackedWeights* weights) { return weights->bytes(); }};

/// What this machine offers to a session. Name it in one translation unit of a program: it holds the kernels.
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
