// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <new>

#include "lithe/memory/mapped_file.hpp"
#include "lithe/memory/system_arena.hpp"
#include "lithe/model.hpp"
#include "lithe/ops/all.hpp"
#include "lithe/runtime/cpu.hpp"
#include "lithe/runtime/packed_weights.hpp"
#include "lithe/runtime/threads.hpp"
#include "lithe/session.hpp"
#include "lithe/simd/all.hpp"
#include "lithe/xnn/all.hpp"

/// For applications: every kernel, and this machine's memory, processor and threads.
namespace lithe::inline v0 {

/// Every kernel, fastest first. Name fewer in a KernelList of your own and the program holds fewer.
using AllKernels = KernelList<simd::all, xnn::all, portable::all>;

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
///   auto session = lithe::Session::create(*model, lithe::options());
///   auto small = lithe::options<lithe::KernelList<lithe::xnn::Conv2D,
///   lithe::portable::Kernel<lithe::ops::Conv2D>>>();
template <class Kernels = AllKernels>
SessionOptions options(const Threads* threads = nullptr) {
  SessionOptions o;
  o.kernels = Kernels::entries;
  o.source = system_arena;
  o.heap_hooks = xnn::heap_hooks;
  o.packed_weights_source = own_packed_weights;
  o.cpu = cpu();
  o.threads = threads == nullptr ? nullptr : &threads->pool();
  return o;
}

}  // namespace lithe::inline v0
