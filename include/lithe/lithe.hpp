// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "lithe/ops/all.hpp"
#include "lithe/platform.hpp"
#include "lithe/simd/all.hpp"
#include "lithe/xnn/all.hpp"

/// For applications: every kernel, and this machine's memory, processor and threads.
namespace lithe::inline v0 {

/// Every kernel, the fastest first. A KernelList of your own with fewer makes a smaller program.
using AllKernels = KernelList<simd::all, xnn::all, portable::all>;

/// options() with all kernels if none are named.
///   auto session = lithe::Session::create(*model, lithe::options());
template <class Kernels = AllKernels>
SessionOptions options(const Threads* threads);

}  // namespace lithe::inline v0
