// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cpuinfo.h>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <iterator>
#include <span>
#include <string_view>

#include "lithe/core/services.hpp"
#include "lithe/core/status.hpp"

namespace lithe::inline v0 {

/// A feature under the name that `lithe cpu` prints and `--cpu-mask` takes. It builds on `base`, or on
/// `other`: it is not used without one of them.
struct CpuFeature {
  const char* name;
  bool Cpu::* member;
  bool Cpu::* base = nullptr;
  bool Cpu::* other = nullptr;
};

/// The features by which XNNPACK 4ea82e5 (src/configs/hardware-config.c) and lithe choose. A base stands
/// before the features that build on it, as XNNPACK's microkernels are compiled.
inline constexpr CpuFeature cpu_features[] = {{"ssse3", &Cpu::ssse3},
                                              {"sse41", &Cpu::sse41, &Cpu::ssse3},
                                              {"avx", &Cpu::avx, &Cpu::sse41},
                                              {"f16c", &Cpu::f16c, &Cpu::avx},
                                              {"fma3", &Cpu::fma3, &Cpu::f16c},
                                              {"avx2", &Cpu::avx2, &Cpu::fma3},
                                              {"avxvnni", &Cpu::avx_vnni, &Cpu::avx2},
                                              {"avxvnniint8", &Cpu::avx_vnni_int8, &Cpu::avx2},
                                              {"gfni", &Cpu::gfni, &Cpu::avx2},
                                              {"avx512", &Cpu::avx512, &Cpu::avx2},
                                              {"avx512vbmi", &Cpu::avx512_vbmi, &Cpu::avx512},
                                              {"avx512vnni", &Cpu::avx512_vnni, &Cpu::avx512},
                                              {"amx", &Cpu::amx, &Cpu::avx512_vnni},
                                              {"neon", &Cpu::neon},
                                              {"dot", &Cpu::neon_dot, &Cpu::neon},
                                              {"i8mm", &Cpu::i8mm, &Cpu::neon_dot},
                                              {"sve", &Cpu::sve, &Cpu::neon},
                                              {"sve2", &Cpu::sve2, &Cpu::sve},
                                              {"f16", &Cpu::f16_arithmetic, &Cpu::avx512, &Cpu::neon},
                                              {"bf16", &Cpu::bf16, &Cpu::avx512, &Cpu::neon}};

namespace detail {

inline Cpu detect_features() {
  Cpu c;
  c.f16_arithmetic = cpuinfo_has_arm_neon_fp16_arith() || cpuinfo_has_x86_avx512fp16();
  c.bf16 = cpuinfo_has_arm_neon_bf16() || cpuinfo_has_x86_avx512bf16();
  c.ssse3 = cpuinfo_has_x86_ssse3();
  c.sse41 = cpuinfo_has_x86_sse4_1();
  c.avx = cpuinfo_has_x86_avx();
  c.f16c = cpuinfo_has_x86_f16c();
  c.fma3 = cpuinfo_has_x86_fma3();
  c.avx2 = cpuinfo_has_x86_avx2();
  c.avx_vnni = cpuinfo_has_x86_avxvnni();
  c.avx_vnni_int8 = cpuinfo_has_x86_avx_vnni_int8();
  c.gfni = cpuinfo_has_x86_gfni();
  c.avx512 = cpuinfo_has_x86_avx512f() && cpuinfo_has_x86_avx512bw() && cpuinfo_has_x86_avx512dq() &&
             cpuinfo_has_x86_avx512vl();
  c.avx512_vbmi = c.avx512 && cpuinfo_has_x86_avx512vbmi();
  c.avx512_vnni = c.avx512 && cpuinfo_has_x86_avx512vnni();
  c.amx = cpuinfo_has_x86_amx_int8();
  c.neon = cpuinfo_has_arm_neon();
  c.neon_dot = cpuinfo_has_arm_neon_dot();
  c.i8mm = cpuinfo_has_arm_i8mm();
  c.sve = cpuinfo_has_arm_sve();
  c.sve2 = cpuinfo_has_arm_sve2();
  return c;
}

/// Clears the features that `c` does not have in cpuinfo's table, whose members differ between architectures.
/// Errors: Code::unsupported for NEON on AArch64, which always has it.
template <class Isa>
Status clear_features(const Cpu& c, Isa& isa) {
  if constexpr (requires { isa.avx2; }) {
    isa.ssse3 &= c.ssse3;
    isa.sse4_1 &= c.sse41;
    isa.avx &= c.avx;
    isa.f16c &= c.f16c;
    isa.fma3 &= c.fma3;
    isa.avx2 &= c.avx2;
    isa.avxvnni &= c.avx_vnni;
    isa.avx_vnni_int8 &= c.avx_vnni_int8;
    isa.gfni &= c.gfni;
    isa.avx512f &= c.avx512;
    isa.avx512vbmi &= c.avx512_vbmi;
    isa.avx512vnni &= c.avx512_vnni;
    isa.amx_int8 &= c.amx;
    isa.avx512fp16 &= c.f16_arithmetic;
    isa.avx512bf16 &= c.bf16;
  } else if constexpr (requires { isa.dot; }) {
    if constexpr (requires { isa.neon; })
      isa.neon &= c.neon;
    else if (!c.neon)
      return {Code::unsupported, "AArch64 is not without neon: mask what builds on it (dot, f16, ...)"};
    isa.dot &= c.neon_dot;
    isa.fp16arith &= c.f16_arithmetic;
    if constexpr (requires { isa.i8mm; }) {
      isa.i8mm &= c.i8mm;
      isa.bf16 &= c.bf16;
      isa.sve &= c.sve;
      isa.sve2 &= c.sve2;
    }
  }
  return {};
}

/// The cores of the fastest cluster; all cores if clusters do not differ in frequency and microarchitecture.
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

/// `cpu` without the features in `names`, separated by commas, and without those that build on them. It
/// decides for one session: the lowering of f16, and the kernels of simd/. XNNPACK's microkernels are chosen
/// once in a process: see xnn::restrict_cpu. Errors: Code::invalid_argument for an unknown name.
inline Result<Cpu> mask(Cpu cpu, std::string_view names) {
  while (!names.empty()) {
    const std::size_t comma = std::min(names.find(','), names.size());
    const std::string_view one = names.substr(0, comma);
    names.remove_prefix(std::min(comma + 1, names.size()));
    const auto* feature = std::ranges::find(cpu_features, one, &CpuFeature::name);
    if (feature == std::end(cpu_features))
      return Status{Code::invalid_argument, "a CPU mask names a feature that is not known (see lithe cpu)"};
    cpu.*feature->member = false;
  }
  for (const CpuFeature& f : cpu_features)
    if (f.base != nullptr && !(cpu.*f.base) && (f.other == nullptr || !(cpu.*f.other))) cpu.*f.member = false;
  return cpu;
}

namespace detail {

inline Cpu& process_cpu() {
  static Cpu found = detect_cpu();
  return found;
}

/// Masks features for the whole process: in cpu(), and in what cpuinfo tells everyone from now on.
inline Status mask_process(std::string_view names) {
  LITHE_ASSIGN_OR_RETURN(const Cpu masked, mask(process_cpu(), names));
  LITHE_TRY(clear_features(masked, cpuinfo_isa));
  process_cpu() = masked;
  return {};
}

}  // namespace detail

/// The processor that this runs on, as cpuinfo found it at the first call, without the features that
/// xnn::restrict_cpu took away. All features are false if cpuinfo cannot tell.
inline const Cpu& cpu() { return detail::process_cpu(); }

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
