// SPDX-License-Identifier: Apache-2.0
#include "lithe/core/facts.hpp"
#include "lithe/ops/all.hpp"
#include "tools/kernels/kernels.hpp"

namespace lithe {

std::span<const OperatorFacts> operator_facts() { return FactsOf<portable::all>::entries; }

}  // namespace lithe
