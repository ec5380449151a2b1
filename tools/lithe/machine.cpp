// SPDX-License-Identifier: Apache-2.0
#include "tools/lithe/machine.hpp"

#include <cstdint>
#include <string>
#include <utility>

#include "tools/kernels/kernels.hpp"
#include "tools/lithe/given_shapes.hpp"
#include "tools/report/error.hpp"

namespace lithe::cli {

namespace {

/// --kernels auto: everything; xnnpack: without simd/; portable: plain C++ alone.
std::span<const KernelEntry> kernels_named(const std::string& name) {
  if (name == "portable") return portable_kernels();
  if (name == "xnnpack") return xnnpack_kernels();
  return all_kernels();
}

}  // namespace

Machine::Machine(const Common& common)
    : threads_(common.threads), kernels_(kernels_named(common.kernels)), streaming_(!common.no_streaming) {}

SessionOptions Machine::options() const {
  SessionOptions o = machine_options(&threads_);
  o.kernels = kernels_;
  o.growable = true;
  if (!streaming_) o.streaming = nullptr;
  o.max_bytes = std::uint64_t{4} << 30;
  return o;
}

Session create(const OpenModel& model, const SessionOptions& options) {
  const std::string signature(options.signature);
  check_shapes(model, signature, options.shapes, report::exits::usage);
  auto session = Session::create(model.model(), options);
  if (session.ok()) return *std::move(session);
  fail_with_shapes(session.status(), model, signature, options.shapes,
                   [&](std::span<const InputShape> shapes) {
                     SessionOptions others = options;
                     others.shapes = shapes;
                     return Session::create(model.model(), others).ok();
                   });
}

}  // namespace lithe::cli
