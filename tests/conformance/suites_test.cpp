// SPDX-License-Identifier: Apache-2.0
// ONNX's own tests, each converted as it is, and optimized and checked as `lithe convert` does, and run on its recorded
// data by the fast and the portable kernels.
//   LITHE_ONNX_TEST=TEXT         only tests whose names contain it, with what became of each
//   LITHE_WRITE_SCOREBOARD=1     writes scoreboard.md and its line in README.md, which are compared otherwise
#include <gtest/gtest.h>
#include <onnx/onnx_pb.h>

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <map>
#include <optional>
#include <stdexcept>
#include <string>
#include <vector>

#include "lithe/session.hpp"
#include "tests/conformance/scoreboard.hpp"
#include "tests/support/recorded_case.hpp"
#include "tests/support/watchdog.hpp"
#include "tests/tools/import_testing.hpp"
#include "tools/check/check.hpp"
#include "tools/import/convert.hpp"
#include "tools/import/domains.hpp"
#include "tools/kernels/kernels.hpp"
#include "tools/report/difference.hpp"
#include "tools/report/error.hpp"

namespace lithe::test {
namespace {

namespace fs = std::filesystem;

/// A folder of ONNX's tests. `passed` may only grow; `unchecked`, only shrink: on so many models the check of the
/// conversion finds nothing to say with inputs that it guesses.
struct Suite {
  const char* name;
  int tests, passed, unchecked;
};
constexpr Suite suites[] = {
    {"node", 1765, 1666, 5},
    {"simple", 23, 14, 0},
    {"pytorch-operator", 35, 35, 0},
    {"pytorch-converted", 82, 82, 0},
};
constexpr unsigned seconds_each = 60;

std::string environment(const char* name) {
  const char* value = std::getenv(name);
  return value == nullptr ? "" : value;
}

/// The folders of `root` that hold a model, by name.
std::vector<fs::path> folders_of(const fs::path& root) {
  std::vector<fs::path> folders;
  for (const auto& entry : fs::directory_iterator(root))
    if (fs::exists(entry.path() / "model.onnx")) folders.push_back(entry.path());
  std::sort(folders.begin(), folders.end());
  return folders;
}

enum class Ending { passed, unsupported, failed };

struct Outcome {
  Ending ending = Ending::passed;
  std::string reason{};  ///< where it passed: why its conversion could not be checked, or empty
  std::optional<graph::Model> imported{};  ///< without passes, where the test passed
};

struct Failed : std::runtime_error {
  using std::runtime_error::runtime_error;
};

/// Tensors are compared in the measure of all tools; half precision where an input or output is of it.
double tolerance(const Tensors& inputs, const Tensors& outputs) {
  bool half_precision = false;
  for (const Tensors* tensors : {&inputs, &outputs})
    for (const auto& t : *tensors)
      half_precision = half_precision || t->dtype == DType::f16 || t->dtype == DType::bf16;
  return report::default_tolerance(half_precision, false);
}

void compare(Session& session, const Tensors& inputs, const Tensors& outputs) {
  if (static_cast<int>(outputs.size()) != session.outputs())
    throw Failed("has another number of outputs than recorded");
  for (std::size_t o = 0; o < outputs.size(); ++o) {
    TensorView got = session.output(static_cast<int>(o));
    got.quantization = nullptr;  // integers are compared as integers
    const report::Difference d = report::measure(got, outputs[o]->view());
    if (d.within(tolerance(inputs, outputs))) continue;
    throw Failed("output " + std::to_string(o) + ": " +
                 (d.mismatch.empty()
                      ? "error " + std::to_string(d.relative()) + " at element " + std::to_string(d.index)
                      : d.mismatch));
  }
}

/// Throws Failed with the status and with what was being done, unless the status is ok.
void check(const Status& status, const char* when) {
  if (!status.ok()) throw Failed(std::string(when) + ": " + status.text() + " [" + name(status.code()) + "]");
}

void run_data_sets(const fs::path& folder, std::span<const std::byte> file,
                   std::span<const KernelEntry> kernels) {
  auto model = Model::open(aligned_copy(file));
  check(model.status(), "open");
  SessionOptions options = machine_options();
  options.kernels = kernels;
  options.growable = true;
  auto session = Session::create(*model, options);
  check(session.status(), "create");
  int sets = 0;
  for (; fs::exists(folder / ("test_data_set_" + std::to_string(sets))); ++sets) {
    const fs::path set = folder / ("test_data_set_" + std::to_string(sets));
    const Tensors inputs = read_numbered(set, "input"), outputs = read_numbered(set, "output");
    if (static_cast<int>(inputs.size()) != session->inputs())
      throw Failed("has another number of inputs than recorded");
    check(feed(*session, inputs), "resize");
    check(session->run(), "run");
    compare(*session, inputs, outputs);
  }
  if (sets == 0) throw Failed("has no data sets");
}

Outcome run_test(const fs::path& folder) {
  try {
    const auto bytes = read_bytes(folder / "model.onnx");
    Outcome outcome;
    for (const bool optimize : {false, true}) {
      import::Options options;
      options.check = optimize;
      options.optimize = optimize;
      import::Conversion converted = import::convert(bytes, "model.onnx", options);
      std::string how = optimize ? "optimized, " : "";
      try {
        run_data_sets(folder, converted.bytes, all_kernels());
        how += "portable, ";
        run_data_sets(folder, converted.bytes, portable_kernels());
      } catch (const Failed& failed) {
        return {Ending::failed, how + failed.what()};
      }
      if (!optimize) outcome.imported = std::move(converted.model);
      if (!optimize || converted.check.verdict == check::Verdict::agrees) continue;
      outcome.reason = converted.check.reason;
      options.samples = folder / "test_data_set_0";
      const import::Conversion sampled = import::convert(bytes, "model.onnx", options);
      if (sampled.check.verdict != check::Verdict::agrees)
        return {Ending::failed, "cannot be checked on its own data: " + sampled.check.reason};
    }
    return outcome;
  } catch (const import::UnsupportedModel& refused) {
    return {Ending::unsupported, refused.details.empty() ? refused.line : refused.details[0]};
  } catch (const report::Failure& failure) {
    const bool old_opset = failure.line.find("opset") != std::string::npos &&
                           failure.line.find(" is not supported") != std::string::npos;
    return {old_opset ? Ending::unsupported : Ending::failed, failure.line};
  } catch (const std::exception& error) {
    return {Ending::failed, std::string("internal error: ") + error.what()};
  }
}

/// The form of an operator that is expanded into others: a test of the operator's own importer it is not.
bool is_expanded(const std::string& test) { return test.find("_expanded") != std::string::npos; }

struct Tested {
  Scoreboard::Operator op;
  int opset = 0;
};
/// What a test is of: its last node's operator, of an expanded form the operator's, and the model's opset.
Tested tested_by(fs::path folder) {
  const std::string name = folder.filename().string();
  if (is_expanded(name)) {
    const fs::path whole = folder.parent_path() / name.substr(0, name.find("_expanded"));
    if (fs::exists(whole)) folder = whole;
  }
  const auto bytes = read_bytes(folder / "model.onnx");
  onnx::ModelProto model;
  if (!model.ParseFromArray(bytes.data(), static_cast<int>(bytes.size())) || model.graph().node_size() == 0)
    return {{"", "?"}};
  const onnx::NodeProto& node = model.graph().node(model.graph().node_size() - 1);
  Tested tested{{import::normalized(node.domain()), node.op_type()}};
  for (const onnx::OperatorSetIdProto& set : model.opset_import())
    if (import::normalized(set.domain()).empty()) tested.opset = static_cast<int>(set.version());
  return tested;
}

/// Forms that no node test has, or none of an opset that is imported.
void show_untested(Scoreboard& scoreboard) {
  const std::pair<const char*, const char*> forms[] = {
      {"Conv", "g (float[1,4,8] x, float[6,4,3] w) => (float[] y) { y = Conv(x, w) }"},
      {"Conv", "g (float[1,4,8,8] x, float[4,1,3,3] w) => (float[] y) { y = Conv<group = 4>(x, w) }"},
      {"Conv", "g (float[1,4,8,8,8] x, float[6,4,3,3,3] w) => (float[] y) { y = Conv(x, w) }"},
      {"GlobalLpPool", "g (float[1,4,8,8] x) => (float[] y) { y = GlobalLpPool(x) }"},
      {"Bernoulli", "g (float[4] x) => (float[] y) { y = Bernoulli(x) }"},
      {"MaxRoiPool",
       "g (float[1,4,8,8] x, float[2,5] r) => (float[] y) { y = MaxRoiPool<pooled_shape = [2, 2]>(x, r) }"},
      {"Multinomial", "g (float[2,4] x) => (int32[] y) { y = Multinomial(x) }"},
      {"RandomNormal", "g () => (float[] y) { y = RandomNormal<shape = [4]>() }"},
      {"RandomNormalLike", "g (float[4] x) => (float[] y) { y = RandomNormalLike(x) }"},
      {"RandomUniform", "g () => (float[] y) { y = RandomUniform<shape = [4]>() }"},
      {"RandomUniformLike", "g (float[4] x) => (float[] y) { y = RandomUniformLike(x) }"},
  };
  for (const auto& [op, text] : forms) scoreboard.show({"", op}, imported(text, 17));
  const std::string rows = "g (float[n,2] x) => (float[n,m] y) { y = ai.onnx.ml.",
                    labels = "g (float[n,2] x) => (int64[n] l, float[n,m] y) { l, y = ai.onnx.ml.";
  const std::pair<const char*, std::string> tabular[] = {
      {"FeatureVectorizer", rows + "FeatureVectorizer (x, x) }"},
      {"Imputer", rows + "Imputer <imputed_value_floats = [1.0]> (x) }"},
      {"LabelEncoder", rows + "LabelEncoder <keys_floats = [1.0], values_floats = [2.0]> (x) }"},
      {"LinearClassifier", labels + "LinearClassifier <classlabels_ints = [0, 1], coefficients = [1.0, 2.0], "
                                    "intercepts = [0.0]> (x) }"},
      {"LinearRegressor", rows + "LinearRegressor <coefficients = [1.0, 2.0]> (x) }"},
      {"Normalizer", rows + "Normalizer <norm = \"L2\"> (x) }"},
      {"OneHotEncoder",
       "g (float[n] x) => (float[n,m] y) { y = ai.onnx.ml.OneHotEncoder <cats_int64s = [1]> (x) }"},
      {"SVMClassifier", labels +
                            "SVMClassifier <classlabels_ints = [0, 1], coefficients = [1.0, 2.0, 3.0, 4.0], "
                            "rho = [0.0]> (x) }"},
      {"SVMRegressor", rows + "SVMRegressor <coefficients = [1.0, 2.0], rho = [0.0]> (x) }"},
      {"Scaler", rows + "Scaler <offset = [1.0], scale = [2.0]> (x) }"},
      {"TreeEnsembleClassifier",
       labels +
           "TreeEnsembleClassifier <classlabels_int64s = [0, 1], nodes_treeids = [0], nodes_nodeids = [0], "
           "nodes_featureids = [0], nodes_truenodeids = [0], nodes_falsenodeids = [0], nodes_values = [0.0], "
           "nodes_modes = [\"LEAF\"], class_treeids = [0], class_nodeids = [0], class_ids = [0], "
           "class_weights = [1.0]> (x) }"},
      {"TreeEnsembleRegressor",
       rows + "TreeEnsembleRegressor <nodes_treeids = [0], nodes_nodeids = [0], nodes_featureids = [0], "
              "nodes_truenodeids = [0], nodes_falsenodeids = [0], nodes_values = [0.0], nodes_modes = "
              "[\"LEAF\"], "
              "target_treeids = [0], target_nodeids = [0], target_ids = [0], target_weights = [1.0]> (x) }"},
  };
  for (const auto& [op, text] : tabular) scoreboard.show({"ai.onnx.ml", op}, imported(text, 17));
}

/// "name: reason" lines.
std::map<std::string, std::string> read_known_failures() {
  std::map<std::string, std::string> known;
  std::ifstream file("tests/conformance/known_failures.txt");
  EXPECT_TRUE(file.good()) << "run in the repository";
  for (std::string line; std::getline(file, line);) {
    if (line.empty() || line[0] == '#') continue;
    const auto colon = line.find(": ");
    EXPECT_NE(colon, std::string::npos) << line << ": has no reason";
    EXPECT_TRUE(
        known.emplace(line.substr(0, colon), line.substr(std::min(colon, line.size() - 2) + 2)).second)
        << line << ": stands twice";
  }
  return known;
}

struct Counts {
  int passed = 0, unsupported = 0, failed = 0, known = 0, unchecked = 0;
  void add(const Outcome& outcome) {
    ++(outcome.ending == Ending::passed        ? passed
       : outcome.ending == Ending::unsupported ? unsupported
                                               : failed);
    unchecked += outcome.ending == Ending::passed && !outcome.reason.empty() ? 1 : 0;
  }
};

std::string read_text(const char* path) {
  std::ifstream file(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(file), {}};
}

/// `text` must be what the file says; where LITHE_WRITE_SCOREBOARD asks for it, it becomes that.
void check_file(const char* path, const std::string& text) {
  if (!environment("LITHE_WRITE_SCOREBOARD").empty()) std::ofstream(path, std::ios::binary) << text;
  const std::string written = read_text(path);
  const auto [was, is] = std::mismatch(written.begin(), written.end(), text.begin(), text.end());
  const auto line = [](const std::string& of, std::string::const_iterator at) {
    const auto n = static_cast<std::size_t>(at - of.begin());
    const std::size_t first = n == 0 ? 0 : of.rfind('\n', n - 1) + 1;
    return of.substr(first, of.find('\n', n) - first);
  };
  EXPECT_TRUE(written == text) << path << " is stale; LITHE_WRITE_SCOREBOARD=1 writes it anew\n  it says "
                               << line(written, was) << "\n  it is   " << line(text, is);
}

void check_pages(const Scoreboard& scoreboard) {
  check_file("tests/conformance/scoreboard.md", scoreboard.page());
  std::string readme = read_text("README.md");
  const std::size_t at = readme.find("\nImported: ");
  ASSERT_NE(at, std::string::npos) << "README.md has no line \"Imported: ...\"";
  readme.replace(at + 1, readme.find('\n', at + 1) - at - 1, scoreboard.summary());
  check_file("README.md", readme);
}

class Conformance : public testing::TestWithParam<Suite> {};

TEST_P(Conformance, Suite) {
  const Suite& suite = GetParam();
  const fs::path root = fs::path(environment("LITHE_ONNX_TESTS")) / suite.name;
  const std::string only = environment("LITHE_ONNX_TEST");
  if (!fs::is_directory(root))
    GTEST_SKIP() << "ONNX's tests are not at '" << root.string() << "': run tools/setup.sh";
  const auto known = read_known_failures();
  Counts all;
  Scoreboard scoreboard;
  Watchdog watchdog;
  for (const fs::path& folder : folders_of(root)) {
    const std::string name = folder.filename().string();
    if (name.find(only) == std::string::npos) continue;
    watchdog.watch(name, seconds_each);
    const Outcome outcome = run_test(folder);
    all.add(outcome);
    const Tested tested = tested_by(folder);
    scoreboard.add(tested.op, tested.opset, outcome.ending == Ending::passed,
                   outcome.imported && !is_expanded(name) ? &*outcome.imported : nullptr);
    if (!only.empty())
      std::printf("%s: %s %s\n", name.c_str(),
                  outcome.ending == Ending::passed   ? "passed"
                  : outcome.ending == Ending::failed ? "failed"
                                                     : "unsupported",
                  outcome.reason.c_str());
    const bool may_fail = known.contains(name);
    all.known += may_fail && outcome.ending == Ending::failed ? 1 : 0;
    EXPECT_TRUE(may_fail || outcome.ending != Ending::failed) << name << ": " << outcome.reason;
    EXPECT_TRUE(!may_fail || outcome.ending == Ending::failed)
        << name << " does not fail any more: take it out of known_failures.txt";
  }
  std::printf(
      "ONNX's tests, %s: %d passed (%d of them checked on their own data alone), %d unsupported, %d failed "
      "(%d of "
      "them known)\n",
      suite.name, all.passed, all.unchecked, all.unsupported, all.failed, all.known);
  if (!only.empty()) return;
  EXPECT_EQ(all.passed + all.unsupported + all.failed, suite.tests);
  EXPECT_GE(all.passed, suite.passed);
  EXPECT_LE(all.unchecked, suite.unchecked);
  if (suite.name != std::string_view("node")) return;
  EXPECT_EQ(static_cast<std::size_t>(all.known), known.size())
      << "known_failures.txt names tests that there are not";
  show_untested(scoreboard);
  check_pages(scoreboard);
}

INSTANTIATE_TEST_SUITE_P(Onnx, Conformance, testing::ValuesIn(suites), [](const auto& suite) {
  std::string name = suite.param.name;
  std::replace(name.begin(), name.end(), '-', '_');
  return name;
});

/// Networks of the early days with constants for weights. A test is a model, the output wanted, and 0, 1/n, 2/n ... as
/// its one input of n elements.
TEST(LightModels, ConvertAndRun) {
  const fs::path root = fs::path(environment("LITHE_ONNX_TESTS")) / "light";
  if (!fs::is_directory(root))
    GTEST_SKIP() << "ONNX's tests are not at '" << root.string() << "': run tools/setup.sh";
  int passed = 0;
  Watchdog watchdog;
  for (const auto& entry : fs::directory_iterator(root)) {
    const fs::path& path = entry.path();
    if (path.extension() != ".onnx") continue;
    SCOPED_TRACE(path.filename().string());
    watchdog.watch(path.filename().string(), 3 * seconds_each);
    const import::Conversion converted = import::convert(path, import::Options{});
    EXPECT_EQ(converted.check.verdict, check::Verdict::agrees) << converted.check.reason;
    const auto model = Model::open(aligned_copy(converted.bytes));
    ASSERT_TRUE(model.ok()) << model.status().text();
    SessionOptions options = machine_options();
    options.kernels = all_kernels();
    auto session = Session::create(*model, options);
    ASSERT_TRUE(session.ok()) << session.status().text();
    const auto input = session->input(0).as<float>();
    for (std::size_t i = 0; i < input.size(); ++i)
      input[i] = static_cast<float>(static_cast<double>(i) / static_cast<double>(input.size()));
    ASSERT_TRUE(session->run().ok());
    const auto wanted = io::read_tensor(root / (path.stem().string() + "_output_0.pb"));
    const report::Difference d = report::measure(session->output(0), wanted->view());
    EXPECT_TRUE(d.within(report::default_tolerance(false, false))) << d.relative() << d.mismatch;
    ++passed;
  }
  EXPECT_EQ(passed, 9);
}

}  // namespace
}  // namespace lithe::test
