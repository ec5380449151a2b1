// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <CLI/CLI.hpp>
#include <cstddef>
#include <cstdint>
#include <map>
#include <string>
#include <utility>
#include <vector>

#include "lithe/runtime/options.hpp"

/// Options of the command line: those that all commands take, and how the others are read.
namespace lithe::cli {

/// Options that every subcommand takes.
struct Common {
  std::size_t threads = 1;
  std::string kernels = "auto";
  bool no_streaming = false;
  bool verbose = false;
};

/// Adds them to a subcommand.
void add_common(CLI::App& command, Common& common);

/// Splits "NAME=REST" at the first '='; throws report::Failure (exit 2) if there is none.
std::pair<std::string, std::string> name_and_rest(const std::string& option, const std::string& text);
/// The same where `names` are known, which may hold '=': the longest of them that fits is taken.
std::pair<std::string, std::string> name_and_rest(const std::string& option, const std::string& text,
                                                  const std::vector<std::string>& names);
/// The same where REST holds no '=', so that NAME may.
std::pair<std::string, std::string> name_and_numbers(const std::string& option, const std::string& text);
/// Splits options that may be given once for each name; exit 2 if one is given twice.
std::map<std::string, std::string> once_each(const std::string& option, const std::vector<std::string>& texts,
                                             const std::vector<std::string>& names = {});
/// Reads "NAME=1,3,224,224" of --shape.
std::map<std::string, std::vector<std::int64_t>> parse_shapes(const std::vector<std::string>& texts);

/// The same for a session; they refer to `shapes`.
std::vector<InputShape> input_shapes(const std::map<std::string, std::vector<std::int64_t>>& shapes);

/// Accepts finite numbers from 0 on.
CLI::Validator not_negative();

}  // namespace lithe::cli
