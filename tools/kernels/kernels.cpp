// SPDX-License-Identifier: Apache-2.0
#include "tools/kernels/kernels.hpp"

#include "lithe/lithe.hpp"
#include "lithe/runtime/survey.hpp"

namespace lithe {

std::span<const KernelEntry> all_kernels() { return AllKernels::entries; }
std::span<const KernelEntry> xnnpack_kernels() { return KernelList<xnn::all, portable::all>::entries; }
std::span<const KernelEntry> portable_kernels() { return portable::all::entries; }

SessionOptions machine_options(const Threads* threads) { return options(threads); }
SessionOptions portable_options() { return options<portable::all>(); }

SessionOptions microcontroller_options() {
  SessionOptions o = portable_options();
  o.cpu = {.dsp = true, .mve = true};
  o.survey = runtime::survey_kernels;
  return o;
}

}  // namespace lithe
