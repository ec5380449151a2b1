// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cpuinfo.h>

#include <algorithm>
#include <cstdint>
#include <span>
#include <string_view>

#include "lithe/core/services.hpp"
#include "lithe/core/status.hpp"

namespace lithe::inline v0 {

/// A feature under the name that `lithe cpu` prints and `--cpu-mask` takes.
struct CpuFeature {
  const char* name;
  bool Cpu::* member;
};

inline constexpr CpuFeature cpu_features[] = {{"f16", &Cpu::f16_arithmetic},
                                              {"avx2", &Cpu::avx2},
                                              {"fma3", &Cpu::fma3},
                                              {"avx512", &Cpu::avx512},
                                              {"avx512vnni", &Cpu::avx512_vnni},
                                              {"avxvnni", &Cpu::avx_vnni},
                                              {"amx", &Cpu::amx},
                                              {"neon", &Cpu::neon},
                                              {"dot", &Cpu::neon_dot},
                                              {"i8mm", &Cpu::i8mm},
                                              {"bf16", &Cpu::bf16},
                                              {"sve", &Cpu::sve}};

namespace detail {

inline Cpu detect_features() {
  Cpu c;
  c.f16_arithmetic = cpuinfo_has_arm_neon_fp16_arith() || cpuinfo_has_x86_avx512fp16();
  c.avx2 = cpuinfo_has_x86_avx2(), c.fma3 = cpuinfo_has_x86_fma3();
  c.avx512 = cpuinfo_has_x86_avx512f() && cpuinfo_has_x86_avx512bw() && cpuinfo_has_x86_avx512dq() &&
             cpuinfo_has_x86_avx512vl();
  c.avx512_vnni = c.avx512 && cpuinfo_has_x86_avx512vnni();
  c.avx_vnni = cpuinfo_has_x86_avxvnni(), c.amx = cpuinfo_has_x86_amx_int8();
  c.neon = cpuinfo_has_arm_neon(), c.neon_dot = cpuinfo_has_arm_neon_dot();
  c.i8mm = cpuinfo_has_arm_i8mm(), c.sve = cpuinfo_has_arm_sve();
  c.bf16 = cpuinfo_has_arm_neon_bf16() || cpuinfo_has_x86_avx512bf16();
  return c;
}

/// Cores of the fastest cluster; all cores where clusters do not differ in frequency and microarchitecture.
inline std::uint32_t count_performance_cores() {
  const std::uint32_t clusters = cpuinfo_get_clusters_count();
  if (clusters == 0) return 1;
  std::uint64_t fastest = 0;
  for (std::uint32_t i = 0; i < clusters; ++i) fastest = std::max(fastest, cpuinfo_get_cluster(i)->frequency);
  std::uint32_t cores = 0;
  for (std::uint32_t i = 0; i < clusters; ++i)
    if (cpuinfo_get_cluster(i)->frequency == fastest) cores += cpuinfo_get_cluster(i)->core_count;
  return std::max<std::uint32_t>(cores, 1);
}

inline Cpu detect_cpu() {
  if (!cpuinfo_initialize()) return {};
  Cpu c = detect_features();
  if (const cpuinfo_cache* l1d = cpuinfo_get_l1d_cache(0); l1d != nullptr) c.l1d_bytes = l1d->size;
  if (const cpuinfo_cache* l2 = cpuinfo_get_l2_cache(0); l2 != nullptr) c.l2_bytes = l2->size;
  c.performance_cores = count_performance_cores();
  return c;
}

}  // namespace detail

/// The processor this runs on, by cpuinfo; found out at the first call. All features false where cpuinfo
/// cannot tell.
inline const Cpu& cpu() {
  static const Cpu found = detail::detect_cpu();
  return found;
}

/// `cpu` without the features in `names`, separated by commas; Code::invalid_argument for a name that is
/// none. Masks what lithe chooses: lowering of f16 and the kernels of simd/. XNNPACK 4ea82e5 chooses its
/// microkernels from cpuinfo once per process, and offers nothing to override that at run time (only its
/// build options XNNPACK_ENABLE_*); a kernel that asks Cpu in `supports`, as the f16 ones do, is masked with
/// it.
inline Result<Cpu> mask(Cpu cpu, std::string_view names) {
  while (!names.empty()) {
    const std::size_t comma = std::min(names.find(','), names.size());
    const std::string_view one = names.substr(0, comma);
    names.remove_prefix(std::min(comma + 1, names.size()));
    bool known = false;
    for (const CpuFeature& feature : cpu_features)
      if (one == feature.name) cpu.*feature.member = false, known = true;
    if (!known)
      return Status{Code::invalid_argument, "a CPU mask names a feature that is not known (see lithe cpu)"};
  }
  // Instructions that build on a masked set go with it.
  if (!cpu.avx2) cpu.avx512 = cpu.avx_vnni = false;
  if (!cpu.avx512) cpu.avx512_vnni = cpu.amx = false;
  return cpu;
}

/// The name as cpuinfo knows it, or an empty string.
inline const char* cpu_name() {
  if (!cpuinfo_initialize() || cpuinfo_get_packages_count() == 0) return "";
  return cpuinfo_get_package(0)->name;
}

/// Writes the names of the features that `cpu` has to `names`, as many as fit; returns how many it has.
inline int features(const Cpu& cpu, std::span<const char*> names) {
  std::size_t n = 0;
  for (const CpuFeature& feature : cpu_features) {
    if (!(cpu.*feature.member)) continue;
    if (n < names.size()) names[n] = feature.name;
    ++n;
  }
  return static_cast<int>(n);
}

}  // namespace lithe::inline v0
