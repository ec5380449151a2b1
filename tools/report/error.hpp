// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <exception>
#include <string>
#include <utility>
#include <vector>

/// How the tools fail: with an exit code of the command line and one line that says what, where and what to
/// do.
namespace lithe::report {

/// Exit codes of the command line.
namespace exits {
inline constexpr int done = 0, failed_check = 1, usage = 2, bad_input = 3, system = 4;
}  // namespace exits

/// Thrown by the tools and caught in main, which prints `details` and then `line` and returns `exit`.
struct Failure : std::exception {
  int exit;
  std::string line;
  std::vector<std::string> details;  ///< one line each: every unsupported node, for example

  Failure(int code, std::string text, std::vector<std::string> more = {})
      : exit(code), line(std::move(text)), details(std::move(more)) {}
  const char* what() const noexcept override { return line.c_str(); }
};

/// Thrown for a node or tensor that lithe cannot express; who catches it says where, or collects several.
struct Unsupported {
  std::string reason;
  std::string remedy;  ///< what the user can do, or empty
};

[[noreturn]] inline void bad_input(std::string line) { throw Failure(exits::bad_input, std::move(line)); }
[[noreturn]] inline void bad_usage(std::string line) { throw Failure(exits::usage, std::move(line)); }
[[noreturn]] inline void system_refused(std::string line) { throw Failure(exits::system, std::move(line)); }

}  // namespace lithe::report
