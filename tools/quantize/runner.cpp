// SPDX-License-Identifier: Apache-2.0
#include "tools/quantize/runner.hpp"

#include <cstring>
#include <string>
#include <utility>

#include "tools/graph/reopen.hpp"
#include "tools/graph/writer.hpp"
#include "tools/kernels/kernels.hpp"
#include "tools/report/error.hpp"

namespace lithe::quantize {

Runner::Runner(const graph::Model& model, std::size_t threads)
    : graph_(model), model_(graph::reopen(graph::write(model))), threads_(threads) {}

/// Plans for the shapes of a sample, and for its shape-deciding inputs.
Status Runner::start(const Sample& sample) {
  const graph::Graph& main = graph_.graphs[0];
  std::vector<Shape> shapes;
  std::vector<InputShape> changes;
  bool host = false;
  for (std::size_t i = 0; i < sample.size(); ++i) {
    shapes.push_back(sample[i] ? sample[i]->shape : Shape());
    if (!sample[i]) continue;
    const graph::Value& v = main.value(main.inputs[i]);
    host = host || v.host;
    changes.push_back({v.name, sample[i]->shape, v.host ? sample[i]->bytes.data() : nullptr});
  }
  if (session_ && shapes == shapes_ && !host) return {};
  if (session_) {
    LITHE_TRY(session_->resize(changes));
  } else {
    SessionOptions options = machine_options(&threads_);
    options.growable = true;
    options.shapes = changes;
    auto created = Session::create(model_, options);
    LITHE_TRY(created.status());
    session_.emplace(*std::move(created));
    LITHE_TRY(session_->resize(changes));
  }
  shapes_ = std::move(shapes);
  return {};
}

void Runner::run(const Samples& samples, std::size_t i, const RunObserver* observer) {
  const Sample sample = samples.at(i);
  Status status = start(sample);
  if (status.ok()) {
    for (std::size_t k = 0; k < sample.size(); ++k)
      if (const Tensor to = session_->input(static_cast<int>(k)); sample[k] && to.bytes() != 0)
        std::memcpy(to.data, sample[k]->bytes.data(), to.bytes());
    session_->observe(observer);
    status = session_->run();
    session_->observe(nullptr);
  }
  if (!status.ok())
    report::bad_input("sample " + std::to_string(i) +
                      " cannot be run: " + graph::status_text(status, graph_));
}

}  // namespace lithe::quantize
