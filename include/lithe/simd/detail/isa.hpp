// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <string_view>

#include "lithe/core/kernel.hpp"
#include "lithe/core/services.hpp"
#include "lithe/simd/detail/vector.hpp"

/// Instruction sets as types: `name` ends a kernel's name, `bytes` is the width of a vector, `registers` how
/// many there are, `on` whether a processor has it. `enter(f)` calls an always_inline lambda, compiled for
/// the set: all that f inlines is then made of its instructions, though it is written in plain vectors.
/// Only this header asks for the architecture, and only this one names target features.
namespace lithe::inline v0::simd {

namespace detail {

/// `first` and `second` as one text.
template <std::size_t n>
constexpr std::array<char, 64> joined(const char (&first)[n], std::string_view second) {
  std::array<char, 64> text{};
  std::ranges::copy(second, std::ranges::copy(std::string_view(first), text.begin()).out);
  return text;
}

struct PlainClamp {
  /// NaN stays NaN.
  template <class V>
  [[gnu::always_inline]] static void clamp(V& value, const V& low, const V& high) {
    value = low > value ? low : value;
    value = high < value ? high : value;
  }
};

}  // namespace detail

/// Those of one architecture, the preferred first; empty where there is none.
template <class... Isa>
struct Isas {
  /// A kernel for each.
  template <template <class> class Kernel>
  using kernels = KernelList<Kernel<Isa>...>;
};

#if defined(__x86_64__)

struct Avx2 : detail::PlainClamp {
  static constexpr const char* name = "avx2";
  static constexpr int bytes = 32, registers = 16;
  static bool on(const Cpu& cpu) { return cpu.avx2 && cpu.fma3; }
  template <class F>
  [[gnu::target("avx2,fma"), gnu::flatten]] static void enter(const F& f) {
    f();
  }
  /// Adds the products of each pair of s16 to its lane of s32.
  [[gnu::target("avx2")]] static void add_dot(detail::Vector<std::int32_t, 32>& sums,
                                              const detail::Vector<std::int16_t, 32>& a,
                                              const detail::Vector<std::int16_t, 32>& b) {
    sums += reinterpret_cast<detail::Vector<std::int32_t, 32>>(__builtin_ia32_pmaddwd256(
        reinterpret_cast<detail::Vector<short, 32>>(a), reinterpret_cast<detail::Vector<short, 32>>(b)));
  }
};

struct Avx512 : detail::PlainClamp {
  static constexpr const char* name = "avx512";
  static constexpr int bytes = 64, registers = 32;
  static bool on(const Cpu& cpu) { return cpu.avx512; }
  template <class F>
  [[gnu::target("avx512f,avx512bw,avx512vl"), gnu::flatten]] static void enter(const F& f) {
    f();
  }
};

/// Dot products of u8 and s8, 8 channels at once.
struct AvxVnni {
  static constexpr const char* name = "avxvnni";
  static constexpr int bytes = 32;
  static constexpr int offset = 128;  ///< what makes u8 of s8
  static bool on(const Cpu& cpu) { return cpu.avx_vnni; }
  template <class F>
  [[gnu::target("avx2,fma"), gnu::flatten]] static void enter(const F& f) {
    f();
  }
  /// Adds the products of each four u8 of `a` and s8 of `b` to its lane of s32.
  [[gnu::target("avx2")]] static void add_dot(detail::Vector<std::int32_t, 32>& sums,
                                              const detail::Vector<std::int8_t, 32>& a,
                                              const detail::Vector<std::int8_t, 32>& b) {
    asm("{vex} vpdpbusd {%2, %1, %0|%0, %1, %2}" : "+x"(sums) : "x"(a), "x"(b));
  }
};

struct Avx512Vnni {
  static constexpr const char* name = "avx512vnni";
  static constexpr int bytes = 64;
  static constexpr int offset = 128;
  static bool on(const Cpu& cpu) { return cpu.avx512_vnni; }
  template <class F>
  [[gnu::target("avx512f,avx512bw,avx512vl"), gnu::flatten]] static void enter(const F& f) {
    f();
  }
  [[gnu::target("avx512f,avx512bw,avx512vl")]] static void add_dot(
      detail::Vector<std::int32_t, 64>& sums, const detail::Vector<std::int8_t, 64>& a,
      const detail::Vector<std::int8_t, 64>& b) {
    asm("vpdpbusd {%2, %1, %0|%0, %1, %2}" : "+v"(sums) : "v"(a), "v"(b));
  }
};

using BasicIsas = Isas<Avx2>;
using FloatIsas = Isas<Avx512, Avx2>;

#elif defined(__aarch64__)

struct Neon {
  static constexpr const char* name = "neon";
  static constexpr int bytes = 16, registers = 32;
  static bool on(const Cpu& cpu) { return cpu.neon; }
  template <class F>
  static void enter(const F& f) {
    f();
  }
};

#else
using BasicIsas = Isas<>;
using FloatIsas = Isas<>;
#endif

}  // namespace lithe::inline v0::simd
