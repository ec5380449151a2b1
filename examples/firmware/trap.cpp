// SPDX-License-Identifier: Apache-2.0
// Calls the heap that the board does not have; the board must stop the program.
#include <cstdlib>

/// What the board runs after start-up.
int firmware() {
  void* volatile memory = std::malloc(16);
  return memory == nullptr ? 1 : 0;
}
