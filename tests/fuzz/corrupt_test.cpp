// SPDX-License-Identifier: Apache-2.0
// Damaged model files: each is refused or answers; nothing crashes, hangs or eats the machine.
//   LITHE_CORRUPTIONS=N  mutations of each file (200)
//   LITHE_CORRUPTION=N   only mutation number N of each file
// clang-format off: first, because the system's mapping header makes macros of onnx's names
#include "tests/tools/import_testing.hpp"
// clang-format on
#include <gtest/gtest.h>
#include <sys/resource.h>

#include <chrono>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <string>
#include <utility>
#include <vector>

#include "tests/fuzz/exercise.hpp"
#include "tests/support/watchdog.hpp"
#include "tools/kernels/kernels.hpp"

namespace lithe::test {
namespace {

namespace fs = std::filesystem;
using Bytes = std::vector<std::byte>;

constexpr unsigned seconds_each = 10;
constexpr std::int64_t most_resident = std::int64_t{1} << 30;

/// A repeatable stream of numbers.
class RandomStream {
 public:
  explicit RandomStream(std::uint64_t seed) : state_(seed * 0x9E3779B97F4A7C15u + 1) {}
  std::uint64_t next() {
    state_ ^= state_ << 13;
    state_ ^= state_ >> 7;
    state_ ^= state_ << 17;
    return state_ * 0x2545F4914F6CDD1Du >> 16;
  }
  std::size_t below(std::size_t n) { return n == 0 ? 0 : static_cast<std::size_t>(next() % n); }

 private:
  std::uint64_t state_;
};

std::string numbers(int count, bool integers = false) {
  std::string text;
  for (int i = 0; i < count; ++i)
    text += (i == 0 ? "" : ", ") +
            (integers ? std::to_string(i * 7 % 23 - 11) : std::to_string((i * 7 % 23 - 11) * 0.05));
  return "{" + text + "}";
}

struct Source {
  std::string name;
  Bytes onnx;
  std::vector<std::pair<std::string, std::string>> states;
};

Bytes from_text(const std::string& text) {
  const std::string bytes = serialized(text, 17);
  const auto raw = std::as_bytes(std::span(bytes));
  return {raw.begin(), raw.end()};
}

/// Five models that hold the awkward kinds, and small trained ones where they are there.
std::vector<Source> sources() {
  std::vector<Source> all;
  all.push_back({"digits", read_bytes("examples/digits/digits.onnx"), {}});
  all.push_back({"if",
                 from_text("g (float[4] x, bool c) => (float[4] y) <float[4] k = {1, 2, 3, 4}> { y = If (c) "
                           "<then_branch = t () => (float[4] a) { a = Add(x, k) }, "
                           "else_branch = e () => (float[4] b) { d = Mul(x, x)\n b = Softmax(d) }> }"),
                 {}});
  all.push_back(
      {"lstm",
       from_text(
           "g (float[2,1,2] x, float[1,1,3] h) => (float[2,1,1,3] y, float[1,1,3] z) <float[1,12,2] w = " +
           numbers(24) + ", float[1,12,3] r = " + numbers(36) + ", float[1,24] b = " + numbers(24) +
           ", int32[1] n = {2}> { y, z = LSTM <hidden_size = 3> (x, w, r, b, n, h) }"),
       {{"h", "z"}}});
  all.push_back(
      {"quantized",
       from_text(
           "g (float[1,2,6,6] x) => (float[1,3,3,3] y) <float s = {0.02}, int8 o = {3}, int8[3,2,3,3] w = " +
           numbers(54, true) +
           ", float t = {0.01}, int8 v = {0}> { q = QuantizeLinear(x, s, o)\n d = DequantizeLinear(q, s, "
           "o)\n e = DequantizeLinear(w, t, v)\n "
           "c = Conv <pads = [1, 1, 1, 1]> (d, e)\n r = Relu(c)\n p = QuantizeLinear(r, s, o)\n m = "
           "DequantizeLinear(p, s, o)\n "
           "y = MaxPool <kernel_shape = [2, 2], strides = [2, 2]> (m) }"),
       {}});
  all.push_back({"dynamic",
                 from_text("g (float[N,4] x, int64[2] k) => (int64[2,M] n, float[A,B] r, float[P,4] t, "
                           "float[Q,6] u) <int64[2] i = {0, -1}, int64[4] a = {0, 1, 0, 1}> "
                           "{ n = NonZero(x)\n r = Reshape(x, k)\n t = Gather(x, i)\n u = Pad(x, a) }"),
                 {}});
  const char* shared = std::getenv("LITHE_SHARED");
  for (const char* name : {"mnist_cnn", "kws_ds_cnn_int8"})
    if (const fs::path file = fs::path(shared == nullptr ? "" : shared) / "models" / name / "model.onnx";
        fs::exists(file))
      all.push_back({name, read_bytes(file), {}});
  return all;
}

Bytes converted(const Source& source) {
  import::Options options;
  options.states = source.states;
  return import::convert(source.onnx, source.name, options).bytes;
}

/// Where the data segment starts.
std::size_t segment_of(const Bytes& file) {
  std::uint32_t prefix = 0;
  std::memcpy(&prefix, file.data(), sizeof prefix);
  const std::size_t tables = align_up(prefix + 4, 64), page = align_up(prefix + 4, 4096);
  return file.size() > page && file.size() - page > 65536 ? page : tables;
}

enum class Kind { bit, byte, truncate, splice, integer32, integer64, data_bit, several };
constexpr int kinds = 8;

template <class T>
void set_integer(Bytes& file, RandomStream& random, std::size_t end) {
  constexpr std::int64_t extremes[] = {0,
                                       -1,
                                       1,
                                       2,
                                       127,
                                       255,
                                       65535,
                                       INT32_MAX,
                                       INT32_MIN,
                                       INT64_MAX,
                                       INT64_MIN,
                                       std::int64_t{1} << 30,
                                       std::int64_t{1} << 33};
  if (end < sizeof(T)) return;
  const std::size_t at = random.below((end - sizeof(T)) / 4 + 1) * 4;
  const std::size_t which = random.below(std::size(extremes) + 1);
  const T value =
      static_cast<T>(which < std::size(extremes) ? extremes[which] : static_cast<std::int64_t>(file.size()));
  std::memcpy(file.data() + at, &value, sizeof value);
}

/// Damages the file once. Tables end, and data begin, at `segment`.
void mutate(Bytes& file, Kind kind, RandomStream& random, std::size_t segment) {
  if (file.empty()) return;
  switch (kind) {
    case Kind::bit:
      file[random.below(segment)] ^= static_cast<std::byte>(1u << random.below(8));
      break;
    case Kind::byte: {
      constexpr unsigned values[] = {0, 1, 0x7F, 0x80, 0xFF};
      const std::size_t which = random.below(6);
      file[random.below(file.size())] = static_cast<std::byte>(which < 5 ? values[which] : random.next());
      break;
    }
    case Kind::truncate:
      file.resize(random.below(file.size()));
      break;
    case Kind::splice: {
      const std::size_t length = 1 + random.below(64), from = random.below(file.size()),
                        to = random.below(file.size());
      std::memmove(file.data() + to, file.data() + from, std::min(length, file.size() - std::max(from, to)));
      break;
    }
    case Kind::integer32:
      set_integer<std::int32_t>(file, random, segment);
      break;
    case Kind::integer64:
      set_integer<std::int64_t>(file, random, segment);
      break;
    case Kind::data_bit:
      if (segment < file.size())
        file[segment + random.below(file.size() - segment)] ^= static_cast<std::byte>(1u << random.below(8));
      else
        mutate(file, Kind::bit, random, segment);
      break;
    case Kind::several:
      for (std::size_t n = 2 + random.below(4); n != 0; --n)
        mutate(file, static_cast<Kind>(random.below(kinds - 1)), random, std::min(segment, file.size()));
      break;
  }
}

struct Count {
  int ran = 0, refused = 0, data_ran = 0, data = 0;
  double slowest = 0;  ///< seconds
};

int number_from(const char* name, int otherwise) {
  const char* text = std::getenv(name);
  return text == nullptr ? otherwise : std::atoi(text);
}

/// Damages `file` again and again; `exercise(bytes, number)` says what became of it.
template <class Exercising>
Count corrupt(const std::string& name, const Bytes& file, std::size_t segment, const Exercising& exercise) {
  Watchdog watchdog;
  Count count;
  watchdog.watch(name + " undamaged", seconds_each);
  EXPECT_EQ(exercise(file, 0), Exercise::ran) << name;
  const int only = number_from("LITHE_CORRUPTION", -1), all = number_from("LITHE_CORRUPTIONS", 200);
  for (int n = only < 0 ? 0 : only; n < (only < 0 ? all : only + 1); ++n) {
    RandomStream random(static_cast<std::uint64_t>(n) * 1000 + name.size());
    const Kind kind = static_cast<Kind>(n % kinds);
    Bytes damaged = file;
    mutate(damaged, kind, random, segment);
    const std::string what = name + ", mutation " + std::to_string(n);
    const auto start = std::chrono::steady_clock::now();
    watchdog.watch(what, seconds_each);
    bool ran = false;
    EXPECT_NO_THROW(ran = exercise(damaged, n) == Exercise::ran) << what;
    ++(ran ? count.ran : count.refused);
    count.slowest = std::max(count.slowest,
                             std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count());
    if (kind == Kind::data_bit) {
      ++count.data;
      count.data_ran += ran ? 1 : 0;
    }
  }
  return count;
}

void expect_small() {
  struct rusage usage{};
  ASSERT_EQ(getrusage(RUSAGE_SELF, &usage), 0);
  EXPECT_LE(static_cast<std::int64_t>(usage.ru_maxrss) * 1024, most_resident);
  std::printf("most resident: %ld MiB\n", usage.ru_maxrss / 1024);
}

std::span<const KernelEntry> kernels_for(int n) {
  if (n / kinds % 2 == 0) return all_kernels();
  return portable_kernels();
}

TEST(Corruption, OfModelFiles) {
  for (const Source& source : sources()) {
    const Bytes file = converted(source);
    const std::size_t segment = segment_of(file);
    const Count count = corrupt(source.name + ".lithe", file, segment, [](const Bytes& bytes, int n) {
      return exercise_model(bytes, kernels_for(n));
    });
    std::printf("%s.lithe: %d ran, %d refused; of %d flips in the data segment %d ran; slowest %.2f s\n",
                source.name.c_str(), count.ran, count.refused, count.data, count.data_ran, count.slowest);
    EXPECT_GE(count.data_ran * 20, count.data) << source.name;
  }
  expect_small();
}

TEST(Corruption, OfOnnxFiles) {
  for (const Source& source : sources()) {
    const Count count =
        corrupt(source.name + ".onnx", source.onnx, source.onnx.size(),
                [](const Bytes& bytes, int n) { return exercise_onnx(bytes, kernels_for(n), n % 3 == 1); });
    std::printf("%s.onnx: %d ran, %d refused; slowest %.2f s\n", source.name.c_str(), count.ran,
                count.refused, count.slowest);
  }
  expect_small();
}

}  // namespace
}  // namespace lithe::test
