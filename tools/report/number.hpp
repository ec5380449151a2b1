// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>

namespace lithe::report {

/// A number as messages show it, with three digits: "0.0487", "1.2e-05".
std::string number(double v);

}  // namespace lithe::report
