// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <optional>
#include <vector>

#include "lithe/model.hpp"
#include "lithe/runtime/threads.hpp"
#include "lithe/session.hpp"
#include "tools/graph/graph.hpp"
#include "tools/quantize/samples.hpp"

namespace lithe::quantize {

/// A model of the converter on the fast kernels, fed with samples. States go on from one sample to the next.
class Runner {
 public:
  explicit Runner(const graph::Model& model, std::size_t threads = 1);

  /// Runs sample number `i` of `samples`, at its shapes; `observer` sees the nodes. Errors: Failure (exit 3)
  /// that names sample and node.
  void run(const Samples& samples, std::size_t i, const RunObserver* observer = nullptr);
  /// The session: null before the first run; its outputs are valid until the next run.
  Session* session() { return session_ ? &*session_ : nullptr; }

 private:
  Status start(const Sample& sample);

  const graph::Model& graph_;
  Model model_;
  Threads threads_;
  std::vector<Shape> shapes_;
  std::optional<Session> session_;
};

}  // namespace lithe::quantize
