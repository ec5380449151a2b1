// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <span>
#include <stdexcept>
#include <string>
#include <vector>

#include "lithe/model.hpp"
#include "lithe/session.hpp"
#include "tests/support/aligned_copy.hpp"
#include "tools/graph/graph.hpp"
#include "tools/io/tensor_files.hpp"

/// Recorded inputs and outputs (input_0.pb or .npy ..., output_0 ...) and sessions that are fed with them.
namespace lithe::test {

using Tensors = std::vector<graph::ConstantPtr>;

using io::read_numbered;

inline std::vector<std::byte> read_bytes(const std::filesystem::path& path) {
  std::ifstream file(path, std::ios::binary);
  if (!file) throw std::runtime_error(path.string() + " cannot be read");
  const std::string text{std::istreambuf_iterator<char>(file), {}};
  const auto bytes = std::as_bytes(std::span(text));
  return {bytes.begin(), bytes.end()};
}

inline bool is_host_input(const Session& session, int input) {
  return session.inspect().input(static_cast<std::size_t>(input)).decides_shapes();
}

/// Gives the session the shapes of `tensors`, in the order of its inputs, contents that decide shapes, and
/// the contents.
inline Status feed(Session& session, const Tensors& tensors) {
  std::vector<InputShape> shapes;
  for (int i = 0; i < session.inputs(); ++i) {
    const graph::Constant& t = *tensors.at(static_cast<std::size_t>(i));
    shapes.push_back({session.input_name(i), t.shape, is_host_input(session, i) ? t.bytes.data() : nullptr});
  }
  LITHE_TRY(session.resize(shapes));
  for (int i = 0; i < session.inputs(); ++i) {
    const graph::Constant& t = *tensors[static_cast<std::size_t>(i)];
    const Tensor to = session.input(i);
    if (to.dtype != t.dtype || to.bytes() != t.bytes.size())
      return {Code::dtype, "a recorded input is of another element type than the model's"};
    if (!t.bytes.empty()) std::memcpy(to.data, t.bytes.data(), t.bytes.size());
  }
  return {};
}

}  // namespace lithe::test
