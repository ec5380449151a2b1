// SPDX-License-Identifier: Apache-2.0
#include "tools/check/side.hpp"

#include <algorithm>
#include <cstring>
#include <memory>
#include <utility>

#include "tools/graph/multiply_adds.hpp"
#include "tools/graph/reopen.hpp"

namespace lithe::check {

graph::ConstantPtr copy_of(const TensorView& tensor) {
  auto c = std::make_shared<graph::Constant>();
  c->dtype = tensor.dtype;
  c->shape = tensor.shape;
  const auto* bytes = static_cast<const std::byte*>(tensor.data);
  c->bytes.assign(bytes, bytes + tensor.bytes());
  return c;
}

Side::Side(const graph::Model& model, std::span<const std::byte> file, SessionOptions options)
    : graph_(model), options_(options), model_(graph::reopen(file)) {
  options_.growable = true;
  options_.max_bytes = std::uint64_t{4} << 30;
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

Result<Outputs> Side::run(const Feed& feed) {
  session_->reset_state();
  Outputs outputs;
  for (int step = 0; step < feed.steps; ++step) {
    for (int i = 0; i < session_->inputs(); ++i) {
      const Tensor t = session_->input(i);
      const Buffer& from = feed.inputs[static_cast<std::size_t>(i)];
      if (!feed.skip[static_cast<std::size_t>(i)] && t.data != nullptr && !from.empty())
        std::memcpy(t.data, from.data(), std::min(from.size(), t.bytes()));
    }
    LITHE_TRY(session_->run());
    for (int o = 0; o < session_->outputs(); ++o) outputs.push_back(copy_of(session_->output(o)));
  }
  return outputs;
}

std::string Side::explain(const Status& status) const { return graph::status_text(status, graph_); }

std::uint64_t work(const Session& session) {
  std::uint64_t sum = 0;
  for (const auto node : session.inspect().nodes()) {
    sum += graph::multiply_adds(node);
    for (const Tensor& output : node.outputs()) sum += static_cast<std::uint64_t>(output.elements());
  }
  return sum;
}

bool has_empty_values(const Session& session) {
  for (const auto node : session.inspect().nodes())
    for (const Tensor& output : node.outputs())
      if (output.elements() == 0) return true;
  return false;
}

}  // namespace lithe::check
