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

/// Open dimensions become `size`; contents that decide shapes are 2, -1, 1, 1 ...
inline Status resize_open(Session& session, std::int64_t size) {
  std::vector<std::vector<std::int64_t>> contents;
  contents.reserve(static_cast<std::size_t>(session.inputs()));
  std::vector<InputShape> shapes;
  for (int i = 0; i < session.inputs(); ++i) {
    const format::Value* value = &session.inspect().input(static_cast<std::size_t>(i)).file();
    Shape shape;
    for (std::uint32_t d = 0; d < count(value->dims()); ++d)
      shape.push_back(value->dims()->Get(d) < 0 ? size : value->dims()->Get(d));
    std::uint64_t bytes = 0;
    const bool fits = shape.checked_bytes(DType::s64, 1 << 16, bytes);
    if (value->host() && !fits)
      return {Code::invalid_model, "a shape-deciding input that is too large for this test"};
    if (value->host()) {
      contents.emplace_back(static_cast<std::size_t>(bytes / 8) + 2, 1);
      contents.back()[0] = 2;
      contents.back()[1] = -1;
    }
    shapes.push_back({session.input_name(i), shape, value->host() ? contents.back().data() : nullptr});
  }
  return session.resize(shapes);
}

/// Fills the inputs, runs, and reads every byte of the outputs.
inline Status run(Session& session) {
  for (int i = 0; i < session.inputs(); ++i)
    if (!is_host_input(session, i)) fill(session.input(i));
  LITHE_TRY(session.run());
  unsigned sum = 0;
  for (int o = 0; o < session.outputs(); ++o) {
    const TensorView t = session.output(o);
    const auto* bytes = static_cast<const unsigned char*>(t.data);
    for (std::size_t i = 0; i < t.bytes(); ++i) sum += bytes[i];
  }
  [[maybe_unused]] volatile unsigned seen = sum;
  return {};
}

}  // namespace detail

/// Opens and runs the bytes of a .lithe file. Any Status is a clean answer; the sanitizers see the rest.
inline Exercise exercise_model(std::span<const std::byte> bytes, std::span<const KernelEntry> kernels) {
  auto model = Model::open(aligned_copy(bytes));
  if (!model.ok()) return Exercise::refused;
  SessionOptions options = machine_options();
  options.kernels = kernels;
  options.max_bytes = std::uint64_t{64} << 20;
  options.max_iterations = 1000;
  options.growable = true;
  auto session = Session::create(*model, options);
  if (!session.ok()) return Exercise::refused;
  if (!session->planned() && !detail::resize_open(*session, 2).ok()) return Exercise::refused;
  for (int i = 0; i < 2; ++i)
    if (!detail::run(*session).ok()) return Exercise::refused;
  if (count(model->root().symbols()) != 0)
    for (const std::int64_t size : {1, 5, 3})  // kernels were chosen at other shapes
      if (detail::resize_open(*session, size).ok() && !detail::run(*session).ok()) return Exercise::refused;
  return Exercise::ran;
}

/// Converts the bytes of an .onnx file and runs what comes out. report::Failure is a clean answer; any other
/// exception comes through.
inline Exercise exercise_onnx(std::span<const std::byte> bytes, std::span<const KernelEntry> kernels,
                              bool check = false) {
  import::Options options;
  options.check = check;
  options.limits.file_bytes = std::uint64_t{64} << 20;
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
