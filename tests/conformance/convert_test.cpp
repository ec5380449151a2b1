// SPDX-License-Identifier: Apache-2.0
// ONNX's node tests through `lithe convert`, with its check: none may be refused as different from its original.
//   LITHE_NODE_TEST=TEXT   only tests whose names contain it, with what became of each
#include "tools/import/convert.hpp"

#include <gtest/gtest.h>

#include <cstdio>
#include <exception>
#include <filesystem>
#include <map>
#include <string>
#include <vector>

#include "tests/conformance/node_tests.hpp"
#include "tests/support/watchdog.hpp"
#include "tools/check/check.hpp"
#include "tools/report/error.hpp"

namespace lithe::test {
namespace {

namespace fs = std::filesystem;

constexpr unsigned seconds_each = 60;
/// May only shrink: models on which the check finds nothing to say with inputs that it guesses.
constexpr int most_unchecked = 8;

enum class Ending { checked, unchecked, differs, unsupported };

struct Outcome {
  Ending ending;
  std::string text;
};

Outcome convert(const fs::path& folder, const fs::path& samples) {
  try {
    import::Options options;
    options.samples = samples;
    const import::Conversion result = import::convert(folder / "model.onnx", options);
    return {result.check.verdict == check::Verdict::agrees ? Ending::checked : Ending::unchecked,
            result.check.reason};
  } catch (const report::Failure& failure) {
    const bool by_check = failure.exit == report::exits::failed_check;
    return {by_check ? Ending::differs : Ending::unsupported, failure.line};
  } catch (const std::exception& error) {
    return {Ending::differs, std::string("internal error: ") + error.what()};
  }
}

TEST(Conformance, NodeTestsAreConvertedAndChecked) {
  const std::string root = environment("LITHE_NODE_TESTS"), only = environment("LITHE_NODE_TEST");
  if (!fs::is_directory(root))
    GTEST_SKIP() << "ONNX's node tests are not at '" << root << "': run tools/setup.sh";
  std::map<Ending, int> counts;
  int checked_on_samples = 0;
  Watchdog watchdog;
  for (const fs::path& folder : folders_of(root)) {
    const std::string name = folder.filename().string();
    if (name.find(only) == std::string::npos) continue;
    watchdog.watch(name, seconds_each);
    const Outcome outcome = convert(folder, {});
    ++counts[outcome.ending];
    EXPECT_NE(outcome.ending, Ending::differs) << name << ": " << outcome.text;
    if (outcome.ending == Ending::unchecked) {
      const Outcome sampled = convert(folder, folder / "test_data_set_0");
      EXPECT_NE(sampled.ending, Ending::differs) << name << " on its data: " << sampled.text;
      checked_on_samples += sampled.ending == Ending::checked ? 1 : 0;
      std::printf("not checked: %s: %s; on its data: %s\n", name.c_str(), outcome.text.c_str(),
                  sampled.ending == Ending::checked ? "agrees" : sampled.text.c_str());
    } else if (!only.empty()) {
      std::printf("%s: %s\n", name.c_str(),
                  outcome.ending == Ending::checked ? "agrees" : outcome.text.c_str());
    }
  }
  std::printf(
      "ONNX node tests through convert: %d checked, %d not checked (%d of them agree on their own data), "
      "%d refused by the check, %d unsupported\n",
      counts[Ending::checked], counts[Ending::unchecked], checked_on_samples, counts[Ending::differs],
      counts[Ending::unsupported]);
  EXPECT_LE(counts[Ending::unchecked], most_unchecked);
}

}  // namespace
}  // namespace lithe::test
