// SPDX-License-Identifier: Apache-2.0
#include "tools/check/side.hpp"

#include <algorithm>
#include <cstring>
#include <utility>

#include "tools/graph/multiply_adds.hpp"
#include "tools/graph/reopen.hpp"

namespace lithe::check {

Side::Side(const graph::Model& model, std::span<const std::byte> file, SessionOptions options)
    : graph_(model), options_(options), model_(graph::reopen(file)) {
  options_.growable = true;
}

Status Side::resize(std::span<const InputShape> shapes) {
  if (!session_) {
    options_.shapes = shapes;
    auto created = Session::create(model_, options_);
    options_.shapes = {};
    if (!created.ok()) return created.status();
    session_.emplace(*std::move(created));
  }
  return session_->resize(shapes);
}

Status Side::run(std::span<const Buffer> inputs, const std::vector<bool>& skip) {
  for (int i = 0; i < session_->inputs(); ++i) {
    const Tensor t = session_->input(i);
    const Buffer& from = inputs[static_cast<std::size_t>(i)];
    if (!skip[static_cast<std::size_t>(i)] && t.data != nullptr && !from.empty())
      std::memcpy(t.data, from.data(), std::min(from.size(), t.bytes()));
  }
  return session_->run();
}

std::string Side::explain(const Status& status) const { return graph::status_text(status, graph_); }

std::uint64_t multiply_adds(const Session& session) {
  std::uint64_t sum = 0;
  for (const auto node : session.inspect().nodes()) sum += graph::multiply_adds(node);
  return sum;
}

bool has_empty_values(const Session& session) {
  for (const auto node : session.inspect().nodes())
    for (const Tensor& output : node.outputs())
      if (output.elements() == 0) return true;
  return false;
}

}  // namespace lithe::check
