// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <new>
#include <span>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

#include "lithe/session.hpp"
#include "tests/support/recorded_case.hpp"
#include "tools/import/convert.hpp"
#include "tools/kernels/kernels.hpp"
#include "tools/report/error.hpp"

/// Everything a stranger's file meets: open, create, resize, run; convert.
namespace lithe::test {

enum class Exercise { refused, ran };

namespace detail {

inline void fill(const Tensor& t) {
  if (t.data == nullptr) return;
  if (t.dtype == DType::f32) {
    index_t i = 0;
    for (float& v : t.as<float>()) v = static_cast<float>(i++ % 17) / 16 - 0.4f;
  } else {
    std::memset(t.data, t.dtype == DType::boolean || is_integer(t.dtype) ? 1 : 0, t.bytes());
  }
}

/// Small sizes for open dimensions; contents that decide shapes are 2, -1, 1, 1 ...
inline Status resize_small(Session& session, std::vector<std::vector<std::int64_t>>& contents) {
  std::vector<InputShape> shapes;
  const auto& graph = session.plan();
  for (int i = 0; i < session.inputs(); ++i) {
    const auto* value = graph.file->values()->Get(
        static_cast<std::uint32_t>(graph.file->inputs()->Get(static_cast<std::uint32_t>(i))));
    Shape shape;
    for (std::uint32_t d = 0; d < count(value->dims()); ++d)
      shape.push_back(value->dims()->Get(d) < 0 ? 2 : value->dims()->Get(d));
    std::uint64_t bytes = 0;
    const bool fits = shape.checked_bytes(DType::s64, 1 << 16, bytes);
    if (value->host() && !fits)
      return {Code::invalid_model, "a shape-deciding input that is too large for this test"};
    if (value->host())
      contents.emplace_back(static_cast<std::size_t>(bytes / 8) + 2, 1), contents.back()[0] = 2,
                                                                         contents.back()[1] = -1;
    shapes.push_back({session.input_name(i), shape, value->host() ? contents.back().data() : nullptr});
  }
  return session.resize(shapes);
}

/// Reads every byte of the outputs.
inline unsigned touch(Session& session) {
  unsigned sum = 0;
  for (int o = 0; o < session.outputs(); ++o) {
    const TensorView t = session.output(o);
    const auto* bytes = static_cast<const unsigned char*>(t.data);
    for (std::size_t i = 0; i < t.bytes(); ++i) sum += bytes[i];
  }
  return sum;
}

}  // namespace detail

/// Opens and runs the bytes of a .lithe file. Any Status is a clean answer; the sanitizers see the rest.
inline Exercise exercise_model(std::span<const std::byte> bytes, std::span<const KernelEntry> kernels) {
  auto model = Model::open(aligned_copy(bytes));
  if (!model.ok()) return Exercise::refused;
  SessionOptions options = machine_options();
  options.kernels = kernels, options.max_bytes = std::uint64_t{64} << 20, options.max_iterations = 1000,
  options.growable = true;
  auto session = Session::create(*model, options);
  if (!session.ok()) return Exercise::refused;
  std::vector<std::vector<std::int64_t>> contents;
  contents.reserve(static_cast<std::size_t>(session->inputs()));
  if (!session->planned() && !detail::resize_small(*session, contents).ok()) return Exercise::refused;
  for (int run = 0; run < 2; ++run) {
    for (int i = 0; i < session->inputs(); ++i)
      if (!is_host_input(*session, i)) detail::fill(session->input(i));
    if (!session->run().ok()) return Exercise::refused;
    [[maybe_unused]] volatile unsigned seen = detail::touch(*session);
  }
  return Exercise::ran;
}

/// Converts the bytes of an .onnx file and runs what comes out. report::Failure is a clean answer; any other
/// exception comes through.
inline Exercise exercise_onnx(std::span<const std::byte> bytes, std::span<const KernelEntry> kernels,
                              bool check = false) {
  import::Options options;
  options.check = check;
  options.limits.file_bytes = std::uint64_t{64} << 20,
  options.limits.overhead_bytes = std::uint64_t{64} << 20;
  std::vector<std::byte> converted;
  try {
    converted = import::convert(bytes, "model.onnx", options).bytes;
  } catch (const report::Failure&) {
    return Exercise::refused;
  }
  if (auto model = Model::open(aligned_copy(converted)); !model.ok())
    throw std::logic_error(std::string("the converted file does not open: ") + model.status().text());
  return exercise_model(converted, kernels);
}

}  // namespace lithe::test
