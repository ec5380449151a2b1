// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <string_view>
#include <utility>

#include "lithe/core/half.hpp"
#include "lithe/core/kernel.hpp"
#include "lithe/core/services.hpp"
#include "lithe/simd/detail/vector.hpp"

#if defined(__GNUC__) && __has_builtin(__builtin_shufflevector)
#if defined(__x86_64__)
#include <immintrin.h>
#define LITHE_X86 1
#elif defined(__aarch64__)
#include <arm_neon.h>
#define LITHE_AARCH64 1
#endif
#endif

/// Instruction sets as types. This is the only header that knows architectures and target attributes: kernels
/// are templates over a set, and name none.
///   name        ends the names of kernels
///   bytes       the width of a vector
///   registers   how many vectors the processor holds
///   on          whether a processor has the set
///   enter       calls a lambda that is always inlined, compiled for the set: what the lambda inlines, though
///               written in plain vectors, becomes instructions of the set
/// Sets of ForNonFinite say estimate_inverse_root: 1 / sqrt(x) to at least 11 bits. Sets of processors that compute in
/// f16 say load_halves and store_halves, which convert a vector.
/// Sets of ForTables say how they look up:
///   Table       256 bytes, constructed from them, as the registers want them
///   look_up     puts the table's byte in the place of each byte, which counts from 0 to 255
/// Sets for 8-bit layers say how they multiply and add too; detail/tap_columns.hpp makes one thing of it:
///   vectors     how many make the 32-bit sums of the channels that are computed at once
///   store_bytes stores the lowest byte of every sum
namespace lithe::inline v0::simd::isa {

/// `first` and `second` as one text: a kernel's name.
template <std::size_t n>
constexpr std::array<char, 64> joined(const char (&first)[n], std::string_view second) {
  std::array<char, 64> text{};
  std::ranges::copy(second, std::ranges::copy(std::string_view(first), text.begin()).out);
  return text;
}

/// Sets of one architecture, in order of preference.
template <class... Isas>
struct List {
  /// A kernel for each.
  template <template <class> class Kernel>
  using kernels = KernelList<Kernel<Isas>...>;
};

template <int bytes>
using Floats = detail::Vector<float, bytes>;
template <int bytes>
using Integers = detail::Vector<std::int32_t, bytes>;
template <int bytes>
using Shorts = detail::Vector<std::int16_t, bytes>;
template <int bytes>
using Bytes = detail::Vector<std::int8_t, bytes>;

/// What a compiler makes of vectors without any target: in no list, but tests run it everywhere.
struct Baseline {
  static constexpr const char* name = "baseline";
  static constexpr int bytes = 16, registers = 16;
  static bool on(const Cpu&) { return true; }
  template <class F>
  static void enter(const F& f) {
    f();
  }
};

#if defined(LITHE_X86)

/// A table for instructions that look up one of 16 bytes by the low half of an index, and give 0 for a negative
/// one. Entry k is the difference (exclusive or) of 16 bytes to the 16 before them; for an index that k steps of
/// 16 leave positive, the differences up to the index's own add up to the byte that is wanted. Indices of 128 and
/// more are negative, and go through the second half with their sign turned.
template <int bytes>
struct DifferenceTable {
  Bytes<bytes> differences[16];

  [[gnu::always_inline]] explicit DifferenceTable(const std::int8_t* from) {
    Bytes<16> before{};
#pragma GCC unroll 16
    for (int k = 0; k < 16; ++k) {
      Bytes<16> here;
      detail::load(here, from + 16 * k);
      if (k == 8) before = Bytes<16>{};
      const Bytes<16> difference = here ^ before;
      repeat(differences[k], difference, std::make_integer_sequence<int, bytes>{});
      before = here;
    }
  }

 private:
  template <int... lane>
  [[gnu::always_inline]] static void repeat(Bytes<bytes>& to, const Bytes<16>& from,
                                            std::integer_sequence<int, lane...>) {
    to = __builtin_shufflevector(from, from, (lane % 16)...);
  }
};

// Macros, because attributes take no constants.
#define LITHE_SSSE3 gnu::target("ssse3")
#define LITHE_AVX2 gnu::target("avx2,fma")
#define LITHE_AVXVNNI gnu::target("avx2,fma,avxvnni")
#define LITHE_AVX512 gnu::target("avx512f,avx512bw,avx512vl")
#define LITHE_AVX512VBMI gnu::target("avx512f,avx512bw,avx512vl,avx512vbmi")
#define LITHE_AVX512VNNI gnu::target("avx512f,avx512bw,avx512vl,avx512vnni")

/// What every processor of x86-64 has.
struct Sse2 : Baseline {
  static constexpr const char* name = "sse2";

  static void estimate_inverse_root(Floats<16>& x) {
    x = reinterpret_cast<Floats<16>>(_mm_rsqrt_ps(reinterpret_cast<__m128>(x)));
  }
};

struct Ssse3 {
  static constexpr const char* name = "ssse3";
  static constexpr int bytes = 16, registers = 16;
  static bool on(const Cpu& cpu) { return cpu.ssse3; }
  template <class F>
  [[LITHE_SSSE3, gnu::flatten]] static void enter(const F& f) {
    f();
  }

  using Table = DifferenceTable<16>;
  [[LITHE_SSSE3]] static void look_up(Bytes<16>& x, const Table& table) {
    const auto index = reinterpret_cast<__m128i>(x);
    __m128i sum = _mm_setzero_si128();
    __m128i half[] = {index, _mm_xor_si128(index, _mm_set1_epi8(-128))};
#pragma GCC unroll 16
    for (int k = 0; k < 16; ++k) {
      __m128i& at = half[k / 8];
      sum = _mm_xor_si128(sum, _mm_shuffle_epi8(reinterpret_cast<__m128i>(table.differences[k]), at));
      at = _mm_subs_epi8(at, _mm_set1_epi8(16));
    }
    x = reinterpret_cast<Bytes<16>>(sum);
  }
};

struct Avx2 {
  static constexpr const char* name = "avx2";
  static constexpr int bytes = 32, registers = 16, vectors = 1;
  static bool on(const Cpu& cpu) { return cpu.avx2 && cpu.fma3; }
  template <class F>
  [[LITHE_AVX2, gnu::flatten]] static void enter(const F& f) {
    f();
  }

  [[LITHE_AVX2]] static void estimate_inverse_root(Floats<32>& x) {
    x = reinterpret_cast<Floats<32>>(_mm256_rsqrt_ps(reinterpret_cast<__m256>(x)));
  }

  using Table = DifferenceTable<32>;
  [[LITHE_AVX2]] static void look_up(Bytes<32>& x, const Table& table) {
    const auto index = reinterpret_cast<__m256i>(x);
    __m256i sum = _mm256_setzero_si256();
    __m256i half[] = {index, _mm256_xor_si256(index, _mm256_set1_epi8(-128))};
#pragma GCC unroll 16
    for (int k = 0; k < 16; ++k) {
      __m256i& at = half[k / 8];
      sum = _mm256_xor_si256(sum, _mm256_shuffle_epi8(reinterpret_cast<__m256i>(table.differences[k]), at));
      at = _mm256_subs_epi8(at, _mm256_set1_epi8(16));
    }
    x = reinterpret_cast<Bytes<32>>(sum);
  }

  /// a[0] b[0] a[1] b[1] ... of 8 channels.
  [[LITHE_AVX2]] static void load_pairs(Shorts<32>& to, const std::int8_t* a, const std::int8_t* b) {
    const __m128i pairs = _mm_unpacklo_epi8(_mm_loadl_epi64(reinterpret_cast<const __m128i*>(a)),
                                            _mm_loadl_epi64(reinterpret_cast<const __m128i*>(b)));
    to = reinterpret_cast<Shorts<32>>(_mm256_cvtepi8_epi16(pairs));
  }
  /// a[0], anything, a[1], anything ...
  [[LITHE_AVX2]] static void load_singles(Shorts<32>& to, const std::int8_t* a) {
    to = reinterpret_cast<Shorts<32>>(
        _mm256_cvtepi8_epi32(_mm_loadl_epi64(reinterpret_cast<const __m128i*>(a))));
  }
  /// Adds both products of a pair to the sum of its channel.
  [[LITHE_AVX2]] static void add_pairs(Integers<32>& sums, const Shorts<32>& a, const Shorts<32>& b) {
    sums += reinterpret_cast<Integers<32>>(
        _mm256_madd_epi16(reinterpret_cast<__m256i>(a), reinterpret_cast<__m256i>(b)));
  }
  [[LITHE_AVX2]] static void store_bytes(std::int8_t* to, const Integers<32> (&from)[1]) {
    const __m256i lowest = _mm256_set1_epi32(0x0C080400);
    const __m256i bytes = _mm256_shuffle_epi8(reinterpret_cast<__m256i>(from[0]), lowest);
    _mm_storel_epi64(reinterpret_cast<__m128i*>(to),
                     _mm_unpacklo_epi32(_mm256_castsi256_si128(bytes), _mm256_extracti128_si256(bytes, 1)));
  }
};

struct AvxVnni {
  static constexpr const char* name = "avxvnni";
  static constexpr int bytes = 32, registers = 16, vectors = 1;
  static constexpr int offset = 128;  ///< makes u8 of s8: one of two factors is unsigned
  static bool on(const Cpu& cpu) { return cpu.avx_vnni && cpu.fma3; }
  template <class F>
  [[LITHE_AVXVNNI, gnu::flatten]] static void enter(const F& f) {
    f();
  }

  /// a[0] b[0] c[0] d[0] a[1] ... of 8 channels.
  [[LITHE_AVXVNNI]] static void load_fours(Bytes<32> (&to)[1], const std::int8_t* a, const std::int8_t* b,
                                           const std::int8_t* c, const std::int8_t* d) {
    const __m128i ab = _mm_unpacklo_epi8(_mm_loadl_epi64(reinterpret_cast<const __m128i*>(a)),
                                         _mm_loadl_epi64(reinterpret_cast<const __m128i*>(b)));
    const __m128i cd = _mm_unpacklo_epi8(_mm_loadl_epi64(reinterpret_cast<const __m128i*>(c)),
                                         _mm_loadl_epi64(reinterpret_cast<const __m128i*>(d)));
    to[0] =
        reinterpret_cast<Bytes<32>>(_mm256_set_m128i(_mm_unpackhi_epi16(ab, cd), _mm_unpacklo_epi16(ab, cd)));
  }
  /// Adds the four products, of u8 of `a` and s8 of `b`, to the sum of their channel.
  [[LITHE_AVXVNNI]] static void add_fours(Integers<32>& sums, const Bytes<32>& a, const Bytes<32>& b) {
    sums = reinterpret_cast<Integers<32>>(_mm256_dpbusd_avx_epi32(
        reinterpret_cast<__m256i>(sums), reinterpret_cast<__m256i>(a), reinterpret_cast<__m256i>(b)));
  }
  [[LITHE_AVXVNNI]] static void store_bytes(std::int8_t* to, const Integers<32> (&from)[1]) {
    Avx2::store_bytes(to, from);
  }
};

struct Avx512 {
  static constexpr const char* name = "avx512";
  static constexpr int bytes = 64, registers = 32;
  static bool on(const Cpu& cpu) { return cpu.avx512; }
  template <class F>
  [[LITHE_AVX512, gnu::flatten]] static void enter(const F& f) {
    f();
  }

  [[LITHE_AVX512]] static void estimate_inverse_root(Floats<64>& x) {
    x = reinterpret_cast<Floats<64>>(_mm512_maskz_rsqrt14_ps(0xFFFF, reinterpret_cast<__m512>(x)));
  }
  [[LITHE_AVX512]] static void load_halves(Floats<64>& to, const half* from) {
    to = reinterpret_cast<Floats<64>>(
        _mm512_maskz_cvtph_ps(0xFFFF, _mm256_loadu_si256(reinterpret_cast<const __m256i*>(from))));
  }
  [[LITHE_AVX512]] static void store_halves(half* to, const Floats<64>& from) {
    constexpr int nearest = 0;
    _mm256_storeu_si256(reinterpret_cast<__m256i*>(to),
                        _mm512_maskz_cvtps_ph(0xFFFF, reinterpret_cast<__m512>(from), nearest));
  }
};

struct Avx512Vbmi {
  static constexpr const char* name = "avx512vbmi";
  static constexpr int bytes = 64, registers = 32;
  static bool on(const Cpu& cpu) { return cpu.avx512_vbmi; }
  template <class F>
  [[LITHE_AVX512VBMI, gnu::flatten]] static void enter(const F& f) {
    f();
  }

  struct Table {
    Bytes<64> quarters[4];

    explicit Table(const std::int8_t* from) { std::memcpy(quarters, from, sizeof(quarters)); }
  };
  [[LITHE_AVX512VBMI]] static void look_up(Bytes<64>& x, const Table& table) {
    const auto index = reinterpret_cast<__m512i>(x);
    const auto* quarters = reinterpret_cast<const __m512i*>(table.quarters);
    const __m512i low = _mm512_permutex2var_epi8(quarters[0], index, quarters[1]);
    const __m512i high = _mm512_permutex2var_epi8(quarters[2], index, quarters[3]);
    x = reinterpret_cast<Bytes<64>>(_mm512_mask_blend_epi8(_mm512_movepi8_mask(index), low, high));
  }
};

/// Intrinsics with masks, because gcc 12 warns of the undefined operand in the plain ones (bug 105593).
struct Avx512Vnni {
  static constexpr const char* name = "avx512vnni";
  static constexpr int bytes = 64, registers = 32, vectors = 1;
  static constexpr int offset = 128;  ///< as AvxVnni's
  static bool on(const Cpu& cpu) { return cpu.avx512_vnni; }
  template <class F>
  [[LITHE_AVX512VNNI, gnu::flatten]] static void enter(const F& f) {
    f();
  }

  /// As AvxVnni's, of 16 channels.
  [[LITHE_AVX512VNNI]] static void load_fours(Bytes<64> (&to)[1], const std::int8_t* a, const std::int8_t* b,
                                              const std::int8_t* c, const std::int8_t* d) {
    const __m256i ab = _mm256_set_m128i(_mm_loadu_si128(reinterpret_cast<const __m128i*>(b)),
                                        _mm_loadu_si128(reinterpret_cast<const __m128i*>(a)));
    const __m256i cd = _mm256_set_m128i(_mm_loadu_si128(reinterpret_cast<const __m128i*>(d)),
                                        _mm_loadu_si128(reinterpret_cast<const __m128i*>(c)));
    const __m512i joined = _mm512_maskz_inserti64x4(0xFF, _mm512_castsi256_si512(ab), cd, 1);
    const __m512i quarters = _mm512_setr_epi32(0, 4, 8, 12, 1, 5, 9, 13, 2, 6, 10, 14, 3, 7, 11, 15);
    const __m512i bytes = _mm512_maskz_broadcast_i32x4(
        0xFFFF, _mm_setr_epi8(0, 4, 8, 12, 1, 5, 9, 13, 2, 6, 10, 14, 3, 7, 11, 15));
    to[0] = reinterpret_cast<Bytes<64>>(
        _mm512_shuffle_epi8(_mm512_maskz_permutexvar_epi32(0xFFFF, quarters, joined), bytes));
  }
  [[LITHE_AVX512VNNI]] static void add_fours(Integers<64>& sums, const Bytes<64>& a, const Bytes<64>& b) {
    sums = reinterpret_cast<Integers<64>>(_mm512_dpbusd_epi32(
        reinterpret_cast<__m512i>(sums), reinterpret_cast<__m512i>(a), reinterpret_cast<__m512i>(b)));
  }
  [[LITHE_AVX512VNNI]] static void store_bytes(std::int8_t* to, const Integers<64> (&from)[1]) {
    _mm_storeu_si128(reinterpret_cast<__m128i*>(to),
                     _mm512_maskz_cvtepi32_epi8(0xFFFF, reinterpret_cast<__m512i>(from[0])));
  }
};

#undef LITHE_SSSE3
#undef LITHE_AVX2
#undef LITHE_AVXVNNI
#undef LITHE_AVX512
#undef LITHE_AVX512VBMI
#undef LITHE_AVX512VNNI

using ForMoves = List<Avx2>;
using ForFloats = List<Avx512, Avx2>;
using ForBytes = List<Avx512Vnni, AvxVnni, Avx2>;
using ForNonFinite = List<Avx512, Avx2, Sse2>;
using Every = List<Avx512, Avx2, Sse2>;
using ForTables = List<Avx512Vbmi, Avx2, Ssse3>;

#elif defined(LITHE_AARCH64)

struct Neon {
  static constexpr const char* name = "neon";
  static constexpr int bytes = 16, registers = 32, vectors = 2;
  static bool on(const Cpu& cpu) { return cpu.neon; }
  template <class F>
  [[gnu::flatten]] static void enter(const F& f) {
    f();
  }

  struct Table {
    uint8x16x4_t quarters[4];

    explicit Table(const std::int8_t* from) {
      for (int i = 0; i < 4; ++i)
        quarters[i] = vld1q_u8_x4(reinterpret_cast<const std::uint8_t*>(from) + 64 * i);
    }
  };
  static void look_up(Bytes<16>& x, const Table& table) {
    auto index = reinterpret_cast<uint8x16_t>(x);
    const uint8x16_t quarter = vdupq_n_u8(64);
    uint8x16_t found = vqtbl4q_u8(table.quarters[0], index);
    index = vsubq_u8(index, quarter);
    found = vqtbx4q_u8(found, table.quarters[1], index);
    index = vsubq_u8(index, quarter);
    found = vqtbx4q_u8(found, table.quarters[2], index);
    index = vsubq_u8(index, quarter);
    x = reinterpret_cast<Bytes<16>>(vqtbx4q_u8(found, table.quarters[3], index));
  }

  static void load_halves(Floats<16>& to, const half* from) {
    to = reinterpret_cast<Floats<16>>(
        vcvt_f32_f16(vreinterpret_f16_u16(vld1_u16(reinterpret_cast<const std::uint16_t*>(from)))));
  }
  static void store_halves(half* to, const Floats<16>& from) {
    vst1_u16(reinterpret_cast<std::uint16_t*>(to),
             vreinterpret_u16_f16(vcvt_f16_f32(reinterpret_cast<float32x4_t>(from))));
  }

  /// 8 channels.
  static void load_shorts(Shorts<16>& to, const std::int8_t* from) {
    to = reinterpret_cast<Shorts<16>>(vmovl_s8(vld1_s8(from)));
  }
  /// Adds the product of every channel to its sum.
  static void add_products(Integers<16> (&sums)[2], const Shorts<16>& a, const Shorts<16>& b) {
    const auto x = reinterpret_cast<int16x8_t>(a), y = reinterpret_cast<int16x8_t>(b);
    sums[0] = reinterpret_cast<Integers<16>>(
        vmlal_s16(reinterpret_cast<int32x4_t>(sums[0]), vget_low_s16(x), vget_low_s16(y)));
    sums[1] = reinterpret_cast<Integers<16>>(vmlal_high_s16(reinterpret_cast<int32x4_t>(sums[1]), x, y));
  }
  static void store_bytes(std::int8_t* to, const Integers<16> (&from)[2]) {
    const int16x8_t low =
        vuzp1q_s16(reinterpret_cast<int16x8_t>(from[0]), reinterpret_cast<int16x8_t>(from[1]));
    vst1_s8(to, vmovn_s16(low));
  }
};

// A macro, because attributes take no constants.
#define LITHE_DOT gnu::target("arch=armv8.2-a+dotprod")

struct NeonDot {
  static constexpr const char* name = "neondot";
  static constexpr int bytes = 16, registers = 32, vectors = 2, offset = 0;
  static bool on(const Cpu& cpu) { return cpu.neon_dot; }
  template <class F>
  [[LITHE_DOT, gnu::flatten]] static void enter(const F& f) {
    f();
  }

  /// a[0] b[0] c[0] d[0] a[1] ... of 8 channels.
  [[LITHE_DOT]] static void load_fours(Bytes<16> (&to)[2], const std::int8_t* a, const std::int8_t* b,
                                       const std::int8_t* c, const std::int8_t* d) {
    const int8x8x2_t ab = vzip_s8(vld1_s8(a), vld1_s8(b)), cd = vzip_s8(vld1_s8(c), vld1_s8(d));
    const int16x8_t first = vreinterpretq_s16_s8(vcombine_s8(ab.val[0], ab.val[1]));
    const int16x8_t second = vreinterpretq_s16_s8(vcombine_s8(cd.val[0], cd.val[1]));
    to[0] = reinterpret_cast<Bytes<16>>(vzip1q_s16(first, second));
    to[1] = reinterpret_cast<Bytes<16>>(vzip2q_s16(first, second));
  }
  /// Adds the four products to the sum of their channel.
  [[LITHE_DOT]] static void add_fours(Integers<16>& sums, const Bytes<16>& a, const Bytes<16>& b) {
    sums = reinterpret_cast<Integers<16>>(vdotq_s32(
        reinterpret_cast<int32x4_t>(sums), reinterpret_cast<int8x16_t>(a), reinterpret_cast<int8x16_t>(b)));
  }
  [[LITHE_DOT]] static void store_bytes(std::int8_t* to, const Integers<16> (&from)[2]) {
    Neon::store_bytes(to, from);
  }
};

#undef LITHE_DOT

using ForMoves = List<Neon>;
using ForFloats = List<Neon>;
using ForBytes = List<NeonDot, Neon>;
using ForNonFinite = List<>;
using Every = List<Neon>;
using ForTables = List<Neon>;

#else

using ForMoves = List<>;
using ForFloats = List<>;
using ForBytes = List<>;
using ForNonFinite = List<>;
using Every = List<>;
using ForTables = List<>;

#endif

#undef LITHE_X86
#undef LITHE_AARCH64

}  // namespace lithe::inline v0::simd::isa
