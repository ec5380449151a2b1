// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>

/// All that the program needs of the board: Arm's MPS2 AN386 (Cortex-M4 with FPU) as QEMU emulates it, with
/// the debugger's semihosting as its console.
namespace board {

void print(const char* text);
void print(std::size_t number);
/// Prints a number with six decimals.
void print(float number);
[[noreturn]] void exit(bool success);

/// Bytes of flash and RAM by purpose, as linked.
struct Usage {
  std::size_t code;  ///< engine, kernels, math: text, read-only data and the start values of data
  std::size_t model;
  std::size_t pictures;
  std::size_t console;  ///< this board's start-up and semihosting
  std::size_t data;     ///< initialized and zeroed variables, the arena among them
  std::size_t stack;    ///< deepest so far
};
Usage usage();

}  // namespace board
