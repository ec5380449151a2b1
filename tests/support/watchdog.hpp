// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <unistd.h>

#include <csignal>
#include <cstdio>
#include <cstring>
#include <string>

namespace lithe::test {

/// Says what the process was doing when it dies of a signal or takes too long (exit code 1).
class Watchdog {
 public:
  Watchdog() {
    for (const int signal : {SIGSEGV, SIGBUS, SIGFPE, SIGILL, SIGABRT, SIGALRM}) {
      struct sigaction action{};
      action.sa_handler = on_signal;
      sigaction(signal, &action, &earlier()[signal]);
    }
  }
  ~Watchdog() {
    alarm(0);
    for (const int signal : {SIGSEGV, SIGBUS, SIGFPE, SIGILL, SIGABRT, SIGALRM})
      sigaction(signal, &earlier()[signal], nullptr);
  }
  Watchdog(const Watchdog&) = delete;
  Watchdog& operator=(const Watchdog&) = delete;

  /// Says that from now on the process does `what`, for at most `seconds`.
  void watch(const std::string& what, unsigned seconds) {
    std::snprintf(text(), capacity, "%s", what.c_str());
    alarm(seconds);
  }

 private:
  static constexpr std::size_t capacity = 512;
  static char* text() {
    static char buffer[capacity];
    return buffer;
  }
  static struct sigaction* earlier() {
    static struct sigaction actions[64];
    return actions;
  }
  static void say(const char* part) {
    if (write(STDERR_FILENO, part, std::strlen(part)) < 0) return;
  }
  static void on_signal(int signal) {
    say(signal == SIGALRM ? "\nTIMEOUT in " : "\nCRASH in ");
    say(text());
    say("\n");
    if (signal == SIGALRM) _exit(1);
    sigaction(signal, &earlier()[signal], nullptr);  // the fault comes again, to whom it belonged
  }
};

}  // namespace lithe::test
