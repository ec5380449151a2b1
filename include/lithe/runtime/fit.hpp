// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>

#include "lithe/core/status.hpp"

namespace lithe::inline v0::runtime {

/// The answer of a phase: the plan fits the memory that is set aside, or the session must plan again in a
/// larger arena, or an error.
class [[nodiscard]] Fit {
 public:
  Fit() = default;
  Fit(Status error) : status_(error) {}  // NOLINT(google-explicit-constructor)
  /// The session must plan again. `why` is the text of the error if it cannot, because it is running.
  static Fit replan(const char* why) {
    Fit fit{Status{Code::out_of_memory, why}};
    fit.replans_ = true;
    return fit;
  }

  bool ok() const { return status_.ok(); }
  bool replans() const { return replans_; }
  /// The error; one of Code::out_of_memory if the session must plan again.
  const Status& status() const { return status_; }
  Fit at(std::int32_t subgraph, std::int32_t node) const {
    Fit placed = *this;
    placed.status_ = status_.at(subgraph, node);
    return placed;
  }

 private:
  Status status_;
  bool replans_ = false;
};

}  // namespace lithe::inline v0::runtime
