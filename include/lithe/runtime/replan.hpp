// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "lithe/runtime/alias.hpp"
#include "lithe/runtime/choose.hpp"
#include "lithe/runtime/fit.hpp"
#include "lithe/runtime/infer.hpp"
#include "lithe/runtime/place.hpp"
#include "lithe/runtime/plan.hpp"
#include "lithe/runtime/reshape.hpp"
#include "lithe/runtime/services.hpp"

namespace lithe::inline v0::runtime {

/// Plans again at other input shapes with the kernels that are there: every phase but build, choose and
/// create. Afterwards tensor_bytes says how much memory the tensors need; the caller calls point() if there
/// is that much.
inline Fit replan(Planning& planning, Plan& plan) {
  LITHE_TRY(infer(planning, plan));
  if (planning.variable) LITHE_TRY(select(*planning.services, plan));
  if (!plan.chains.empty()) LITHE_TRY(planning.services->streaming->cut(planning, plan));
  alias(plan);
  LITHE_TRY(reshape(planning, plan));
  place(plan);
  return {};
}

}  // namespace lithe::inline v0::runtime
