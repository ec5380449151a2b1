// SPDX-License-Identifier: Apache-2.0
#include "tools/report/number.hpp"

#include <cstdio>

namespace lithe::report {

std::string number(double v) {
  char text[32];
  std::snprintf(text, sizeof text, "%.3g", v);
  return text;
}

}  // namespace lithe::report
