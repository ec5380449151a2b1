// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <gtest/gtest.h>

#include <cstddef>
#include <new>
#include <ostream>
#include <stdexcept>
#include <string>
#include <string_view>
#include <vector>

#include "lithe/core/kernel.hpp"
#include "lithe/runtime/cpu.hpp"
#include "lithe/runtime/threads.hpp"
#include "lithe/simd/detail/isa.hpp"
#include "tests/support/op_test.hpp"
#include "tests/support/portable_kernel.hpp"

namespace lithe::test {

/// A kernel's instance for one instruction set.
struct KernelOnIsa {
  const char* isa;
  bool (*on)(const Cpu&);
  KernelEntry entry;
  index_t lanes;  ///< 32-bit elements of a vector

  bool supports(const void* attributes, const NodeInfo& node) const {
    return entry.supports(attributes, node);
  }
  Status run(const void* attributes, RunContext& context) const {
    alignas(std::max_align_t) std::byte kernel[64];
    if (entry.bytes > sizeof kernel) return {Code::unsupported, "this test has no room for the kernel"};
    entry.construct(kernel);
    const Status status = entry.run(kernel, attributes, context);
    entry.destroy(kernel);
    return status;
  }
};
inline void PrintTo(const KernelOnIsa& kernel, std::ostream* out) { *out << kernel.isa; }

template <template <class> class Kernel, class Isa>
KernelOnIsa kernel_on() {
  return {Isa::name, Isa::on, lithe::detail::make_kernel<Kernel<Isa>>(), Isa::bytes / 4};
}

/// The instances for every set of a list. With plain vectors, a kernel runs on the compiler's baseline too.
template <template <class> class Kernel, class... Isas>
std::vector<KernelOnIsa> kernels_on(simd::isa::List<Isas...>) {
  return {kernel_on<Kernel, Isas>()...};
}
template <template <class> class Kernel, class... Isas>
std::vector<KernelOnIsa> kernels_on_baseline_and(simd::isa::List<Isas...>) {
  return {kernel_on<Kernel, simd::isa::Baseline>(), kernel_on<Kernel, Isas>()...};
}

/// The same of kernels that all_kernels() has: those for the sets of the list are looked up there, not compiled again.
template <template <class> class Kernel, class Isa>
KernelOnIsa listed_on() {
  for (const KernelEntry& entry : all_kernels())
    if (std::string_view(entry.name) == Kernel<Isa>::name) return {Isa::name, Isa::on, entry, Isa::bytes / 4};
  throw std::logic_error(std::string("all_kernels() lacks ") + Kernel<Isa>::name);
}
template <template <class> class Kernel, class... Isas>
std::vector<KernelOnIsa> listed_on_baseline_and(simd::isa::List<Isas...>) {
  return {kernel_on<Kernel, simd::isa::Baseline>(), listed_on<Kernel, Isas>()...};
}

/// One test for each instruction set, skipped by name where the processor lacks the set.
class OnEachIsa : public ::testing::TestWithParam<KernelOnIsa> {
 protected:
  void SetUp() override {
    if (!GetParam().on(cpu())) GTEST_SKIP() << "this processor has no " << GetParam().isa;
  }

  /// Tests the instance on one and two threads; for s8 after the portable kernel, whose bits it must give.
  template <Operator Op, class Reference>
  static void matches(const typename Op::Attributes& a, Reference reference, const std::vector<Input>& inputs,
                      MatchOptions options) {
    const Threads two(2);
    OpTest<Op> op{a};
    op.on({cpu(), {ThreadPool{}, two.pool()}}).template kernels<>();
    if (options.bit_exact) op.kernel(portable_kernel<Op>());
    op.kernel(GetParam().entry).matches(reference, inputs, options);
  }
};

inline std::string isa_name(const ::testing::TestParamInfo<KernelOnIsa>& info) { return info.param.isa; }

/// A processor with every feature.
inline Cpu every_feature() {
  Cpu cpu;
  for (const CpuFeature& feature : cpu_features) cpu.*feature.member = true;
  return cpu;
}

}  // namespace lithe::test
