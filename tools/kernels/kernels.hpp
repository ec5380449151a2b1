// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <span>

#include "lithe/core/facts.hpp"
#include "lithe/core/kernel.hpp"
#include "lithe/runtime/options.hpp"
#include "lithe/runtime/threads.hpp"

/// The kernel lists of our own programs, compiled once: a file that names AllKernels compiles every kernel.
namespace lithe {

std::span<const KernelEntry> all_kernels();       ///< fastest first
std::span<const KernelEntry> xnnpack_kernels();   ///< without simd/
std::span<const KernelEntry> portable_kernels();  ///< plain C++ alone

/// What the operators of portable_kernels() say of themselves, in the same order.
std::span<const OperatorFacts> operator_facts();

/// What lithe::options() gives: every kernel, and this machine's memory, processor and threads.
SessionOptions machine_options(const Threads* threads = nullptr);
SessionOptions portable_options();
/// Options for planning here for any microcontroller: workspaces are the largest that a kernel asks for on
/// some core, and half precision is computed in f32. Such sessions say sizes; they are not run.
SessionOptions microcontroller_options();

}  // namespace lithe
