// SPDX-License-Identifier: Apache-2.0
#include "tools/lithe/options.hpp"

#include <algorithm>
#include <cmath>
#include <span>

#include "lithe/xnn/runtime.hpp"
#include "tools/report/error.hpp"

namespace lithe::cli {

namespace {

/// What stands before and after the '=' at `at`.
std::pair<std::string, std::string> split(const std::string& option, const std::string& text,
                                          std::size_t at) {
  if (at == std::string::npos || at == 0) report::bad_usage(option + " " + text + ": write NAME=...");
  return {text.substr(0, at), text.substr(at + 1)};
}

}  // namespace

std::pair<std::string, std::string> name_and_rest(const std::string& option, const std::string& text) {
  return split(option, text, text.find('='));
}

std::pair<std::string, std::string> name_and_rest(const std::string& option, const std::string& text,
                                                  const std::vector<std::string>& names) {
  for (auto at = text.rfind('='); at != std::string::npos && at != 0; at = text.rfind('=', at - 1))
    if (std::find(names.begin(), names.end(), text.substr(0, at)) != names.end())
      return split(option, text, at);
  return name_and_rest(option, text);
}

std::pair<std::string, std::string> name_and_numbers(const std::string& option, const std::string& text) {
  return split(option, text, text.rfind('='));
}

namespace {

std::map<std::string, std::string> once_each(const std::string& option, const std::vector<std::string>& texts,
                                             auto split) {
  std::map<std::string, std::string> result;
  for (const auto& text : texts) {
    auto pair = split(text);
    if (!result.insert(pair).second)
      report::bad_usage(option + " " + text + ": '" + pair.first + "' is given twice; give it once");
  }
  return result;
}

}  // namespace

std::map<std::string, std::string> once_each(const std::string& option, const std::vector<std::string>& texts,
                                             const std::vector<std::string>& names) {
  return once_each(option, texts,
                   [&](const std::string& text) { return name_and_rest(option, text, names); });
}

std::map<std::string, std::vector<std::int64_t>> parse_shapes(const std::vector<std::string>& texts) {
  std::map<std::string, std::vector<std::int64_t>> shapes;
  const auto split = [](const std::string& text) { return name_and_numbers("--shape", text); };
  for (const auto& [name, rest] : once_each("--shape", texts, split)) {
    std::vector<std::int64_t> dims;
    for (std::size_t at = 0; at < rest.size();) {
      std::size_t used = 0;
      const auto comma = std::min(rest.find(',', at), rest.size());
      const std::string number = rest.substr(at, comma - at);
      if (number.empty() || number.size() > 9 || number.find_first_not_of("0123456789") != std::string::npos)
        report::bad_usage("--shape " + name + "=" + rest + ": write NAME=1,3,224,224");
      dims.push_back(std::stoll(number, &used));
      at = comma + 1;
    }
    shapes[name] = dims;
  }
  return shapes;
}

std::vector<InputShape> input_shapes(const std::map<std::string, std::vector<std::int64_t>>& shapes) {
  std::vector<InputShape> list;
  for (const auto& [name, dims] : shapes) list.push_back({name, Shape(std::span<const std::int64_t>(dims))});
  return list;
}

CLI::Validator not_negative() {
  return {[](const std::string& text) {
            double number = 0;
            const bool good = CLI::detail::lexical_cast(text, number) && std::isfinite(number) && number >= 0;
            return good ? std::string() : "'" + text + "' is no number from 0 on";
          },
          "FLOAT >= 0"};
}

void add_common(CLI::App& command, Common& common) {
  command.add_option("--threads", common.threads, "threads that work on one inference")
      ->check(CLI::Range(1, 256))
      ->capture_default_str();
  command
      .add_option("--kernels", common.kernels,
                  "auto: the fastest; xnnpack: without our own vector kernels; portable: plain C++")
      ->check(CLI::IsMember({"auto", "xnnpack", "portable"}))
      ->capture_default_str();
  command.add_option_function<std::string>(
      "--cpu-mask",
      [](const std::string& features) {
        if (const Status status = xnn::restrict_cpu(features); !status.ok())
          report::bad_usage("--cpu-mask " + features + ": " + status.text());
      },
      "features that nothing uses, separated by commas (lithe cpu lists them), and what builds on them");
  command.add_option_function<std::string>(
      "--cache",
      [](const std::string& file) {
        if (file != "none") report::bad_usage("--cache FILE is not supported yet in this version");
      },
      "none: weights are packed at every start");
  command.add_flag("--no-streaming", common.no_streaming,
                   "plan no chains of layers that run in strips of rows (this version plans none unasked)");
  command.add_flag(
      "-v,--verbose", common.verbose,
      "one line on stderr for each node: operator, kernel, code path, ONNX nodes; convert: for each "
      "comparison of its check");
}

}  // namespace lithe::cli
