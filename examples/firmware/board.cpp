// SPDX-License-Identifier: Apache-2.0
#include "board.hpp"

#include <cstring>

int firmware();

extern "C" {
// Symbols of board.ld.
extern std::uint32_t stack_top[], data_load[], data_start[], data_end[], bss_start[], bss_end[];
extern const char code_start[], code_end[], model_start[], model_end[], pictures_start[], pictures_end[],
    console_start[], console_end[];

[[noreturn]] void start();

/// The FPU may still be off in this function only: it calls nothing before it turns the FPU on.
[[gnu::naked]] void reset() {
  asm volatile(
      "ldr r0, =0xE000ED88\n"  // CPACR: full access to coprocessors 10 and 11
      "ldr r1, [r0]\n"
      "orr r1, r1, #(0xF << 20)\n"
      "str r1, [r0]\n"
      "dsb\n"
      "isb\n"
      "b start\n");
}

[[noreturn]] void fault() {
  board::print("fault: the processor stopped the program\n");
  board::exit(false);
}

[[gnu::section(".vectors"), gnu::used]] void (*const vectors[])() = {
    reinterpret_cast<void (*)()>(stack_top), reset, fault, fault, fault, fault, fault};
}

namespace {

constexpr std::uint32_t paint = 0xC0FFEE11;
constexpr std::size_t stack_words = 8 * 1024 / 4;  // painted; board.ld keeps as much free

std::uint32_t semihosting(std::uint32_t operation, const void* argument) {
  register std::uint32_t r0 asm("r0") = operation;
  register const void* r1 asm("r1") = argument;
  asm volatile("bkpt 0xAB" : "+r"(r0) : "r"(r1) : "memory");
  return r0;
}

std::size_t distance(const void* from, const void* to) {
  return static_cast<std::size_t>(static_cast<const char*>(to) - static_cast<const char*>(from));
}

[[noreturn]] void trap(const char* what) {
  board::print("trap: this firmware has no heap, yet something called ");
  board::print(what);
  board::print("\n");
  board::exit(false);
}

}  // namespace

extern "C" [[noreturn]] void start() {
  std::memcpy(data_start, data_load, distance(data_start, data_end));
  std::memset(bss_start, 0, distance(bss_start, bss_end));
  std::uint32_t* here = nullptr;
  asm volatile("mov %0, sp" : "=r"(here));
  for (volatile std::uint32_t* word = stack_top - stack_words; word < here - 32; ++word) *word = paint;
  board::exit(firmware() == 0);
}

namespace board {

void print(const char* text) {
  constexpr std::uint32_t write_text = 0x04;
  semihosting(write_text, text);
}

void print(std::size_t number) {
  char text[12] = {};
  char* at = text + sizeof(text) - 1;
  do *--at = static_cast<char>('0' + number % 10), number /= 10;
  while (number != 0);
  print(at);
}

void print(float number) {
  const auto millionths = static_cast<std::uint32_t>((number < 0 ? -number : number) * 1e6f + 0.5f);
  if (number < 0) print("-");
  print(static_cast<std::size_t>(millionths / 1000000));
  char decimals[] = ".000000";
  std::uint32_t rest = millionths % 1000000;
  for (char* at = decimals + 6; rest != 0; --at, rest /= 10) *at = static_cast<char>('0' + rest % 10);
  print(decimals);
}

void exit(bool success) {
  constexpr std::uint32_t stop = 0x18, application_exit = 0x20026, run_time_error = 0x20023;
  semihosting(stop, reinterpret_cast<const void*>(success ? application_exit : run_time_error));
  while (true) {
  }
}

Usage usage() {
  const volatile std::uint32_t* word = stack_top - stack_words;
  while (word < stack_top && *word == paint) ++word;
  return {distance(code_start, code_end) + distance(data_start, data_end),
          distance(model_start, model_end),
          distance(pictures_start, pictures_end),
          distance(console_start, console_end),
          distance(data_start, data_end) + distance(bss_start, bss_end),
          static_cast<std::size_t>(stack_top - word) * sizeof(*word)};
}

}  // namespace board

// Every function that needs a heap, an unwinder or an operating system ends the program with a message.
extern "C" {
void* malloc(std::size_t) { trap("malloc"); }
void* calloc(std::size_t, std::size_t) { trap("calloc"); }
void* realloc(void*, std::size_t) { trap("realloc"); }
void free(void*) { trap("free"); }
void* _malloc_r(void*, std::size_t) { trap("_malloc_r"); }
void _free_r(void*, void*) { trap("_free_r"); }
void* _sbrk(std::ptrdiff_t) { trap("_sbrk"); }
void abort() { trap("abort"); }
void __cxa_pure_virtual() { trap("a pure virtual function"); }
int __errno_value;
int* __errno() { return &__errno_value; }
}
void* operator new(std::size_t) { trap("operator new"); }
void operator delete(void*) noexcept { trap("operator delete"); }
void operator delete(void*, std::size_t) noexcept { trap("operator delete"); }
