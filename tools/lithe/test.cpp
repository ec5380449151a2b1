// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <cstdio>
#include <filesystem>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "tools/check/judge.hpp"
#include "tools/check/random.hpp"
#include "tools/check/rounding.hpp"
#include "tools/check/side.hpp"
#include "tools/io/tensor_files.hpp"
#include "tools/kernels/kernels.hpp"
#include "tools/lithe/commands.hpp"
#include "tools/lithe/feed.hpp"
#include "tools/lithe/machine.hpp"
#include "tools/lithe/open_model.hpp"
#include "tools/lithe/options.hpp"
#include "tools/lithe/precision.hpp"
#include "tools/lithe/say_kernels.hpp"
#include "tools/lithe/sentence.hpp"
#include "tools/report/difference.hpp"
#include "tools/report/error.hpp"

namespace lithe::cli {

namespace {

struct TestOptions {
  std::string model;
  std::vector<std::string> folders;
  double rtol = -1, atol = -1;  ///< negative: not given
  double cosine = -2;           ///< above -1: the least cosine, instead of the tolerance
  Common common;
};

bool holds_case(const std::filesystem::path& folder) {
  return std::filesystem::exists(folder / "input_0.npy") || std::filesystem::exists(folder / "input_0.pb") ||
         std::filesystem::exists(folder / "output_0.npy") || std::filesystem::exists(folder / "output_0.pb");
}

/// The cases of a folder: itself, or those of its folders that hold one, by name.
std::vector<std::filesystem::path> cases_in(const std::filesystem::path& folder) {
  if (!std::filesystem::is_directory(folder))
    report::bad_input(folder.string() +
                      ": no such folder; give one that holds input_0.npy ... and output_0.npy ...");
  if (holds_case(folder)) return {folder};
  std::vector<std::filesystem::path> cases;
  for (const auto& entry : std::filesystem::directory_iterator(folder))
    if (entry.is_directory() && holds_case(entry.path())) cases.push_back(entry.path());
  if (cases.empty())
    report::bad_input(folder.string() +
                      ": holds no input_0.npy or output_0.npy (or .pb), and no folder that does");
  std::sort(cases.begin(), cases.end());
  return cases;
}

using Tensors = std::map<std::string, io::ConstantPtr>;

/// What rounding alone may change: judges of the recorded outputs, who heard how far the model's own outputs move on
/// the portable kernels when each layer is rounded otherwise.
std::vector<check::Judge> judges_of(Session& tested, const OpenModel& model, const Machine& machine,
                                    const Tensors& inputs, const std::vector<io::ConstantPtr>& recorded) {
  constexpr int draws = 8;
  SessionOptions options = machine.options();
  options.kernels = portable_kernels();
  Session session = create(model, options);
  const auto run = [&] {
    feed(session, model, inputs);
    if (const Status status = session.run(); !status.ok()) fail(status, model.model(), model.path());
    std::vector<io::ConstantPtr> outputs;
    for (int o = 0; o < session.outputs(); ++o) outputs.push_back(check::copy_of(session.output(o)));
    return outputs;
  };
  const std::vector<io::ConstantPtr> undisturbed = run();
  std::vector<check::Judge> judges;
  for (std::size_t o = 0; o < recorded.size(); ++o) {
    const TensorView output = tested.output(static_cast<int>(o));
    judges.emplace_back(recorded[o], output.dtype, output.quantization, true);
  }
  const float by = is_half_precision(session) ? check::half_rounding_error : check::few_ulps;
  for (int draw = 0; draw < draws; ++draw) {
    check::Random random(static_cast<std::uint64_t>(draw));
    const check::Rounding rounding(by, random);
    session.observe(rounding.observer());
    const std::vector<io::ConstantPtr> moved = run();
    session.observe(nullptr);
    for (std::size_t o = 0; o < judges.size(); ++o) judges[o].hear(moved[o]->view(), undisturbed[o]->view());
  }
  return judges;
}

/// Runs cases of a model, one after the other.
class Tester {
 public:
  Tester(const TestOptions& options, const OpenModel& model, const Machine& machine, Session& session)
      : options_(options),
        model_(model),
        machine_(machine),
        session_(session),
        tolerance_(options.rtol >= 0
                       ? options.rtol
                       : report::default_tolerance(is_half_precision(session), is_quantized(session))) {}

  /// Runs a case and prints its line. Returns whether every output is as near to the recorded one as the tolerance;
  /// or, where the user gave none, as rounding alone may move it. Indices always may be others where values tie.
  bool run(const std::filesystem::path& folder) {
    const auto inputs = io::read_numbered(folder, "input");
    recorded_ = io::read_numbered(folder, "output");
    if (static_cast<int>(inputs.size()) != session_.inputs() ||
        static_cast<int>(recorded_.size()) != session_.outputs())
      report::bad_input(folder.string() + ": holds " + std::to_string(inputs.size()) + " inputs and " +
                        std::to_string(recorded_.size()) + " outputs; the model has " +
                        std::to_string(session_.inputs()) + " and " + std::to_string(session_.outputs()));
    inputs_.clear();
    judges_.clear();
    for (std::size_t i = 0; i < inputs.size(); ++i)
      inputs_[std::string(session_.input_name(static_cast<int>(i)))] = inputs[i];
    feed(session_, model_, inputs_);
    if (const Status status = session_.run(); !status.ok()) fail(status, model_.model(), model_.path());
    bool ok = true;
    std::string line;
    for (std::size_t i = 0; i < recorded_.size(); ++i) ok = add_output(i, line) && ok;
    std::printf("%s  %s%s\n", ok ? "ok  " : "MISS", folder.c_str(), line.c_str());
    return ok;
  }

 private:
  /// Adds what is to say of output `i` to the line; returns whether it is right.
  bool add_output(std::size_t i, std::string& line) {
    const TensorView got = session_.output(static_cast<int>(i));
    TensorView reference = recorded_[i]->view();
    reference.quantization = got.quantization;
    const auto d = report::measure(got, reference);
    line += "  " + std::string(session_.output_name(static_cast<int>(i)));
    char text[160];
    const int length =
        std::snprintf(text, sizeof text, " error %.3g (absolute %.3g)", d.relative(), d.absolute);
    if (options_.cosine >= -1 && d.mismatch.empty()) {
      const double cosine = report::similarity(report::reals(got), report::reals(reference)).cosine;
      std::snprintf(text + length, sizeof text - length, " cosine %.6f", cosine);
      line += text;
      return cosine >= options_.cosine;
    }
    line += d.mismatch.empty() ? text : " " + d.mismatch;
    if (d.within(tolerance_, options_.atol)) return true;
    if (rounding_may(i, got)) {
      line += ", which rounding alone may do";
      return true;
    }
    if (d.mismatch.empty()) line += " at element " + std::to_string(d.index);
    return false;
  }

  bool rounding_may(std::size_t i, const TensorView& got) {
    const bool asked = options_.rtol >= 0 || options_.atol >= 0;
    if (got.dtype != recorded_[i]->dtype || (asked && (is_float(got.dtype) || got.quantization != nullptr)))
      return false;
    if (judges_.empty()) judges_ = judges_of(session_, model_, machine_, inputs_, recorded_);
    return judges_[i].judge(got, tolerance_).passed();
  }

  const TestOptions& options_;
  const OpenModel& model_;
  const Machine& machine_;
  Session& session_;
  double tolerance_;
  Tensors inputs_;                         ///< those of the current case
  std::vector<io::ConstantPtr> recorded_;  ///< outputs of that case
  std::vector<check::Judge> judges_;       ///< made for the first of them that is not within tolerance
};

int test(const TestOptions& o) {
  const OpenModel model(o.model);
  const Machine machine(o.common);
  Session session = create(model, machine.options());
  std::vector<std::filesystem::path> cases;
  for (const auto& folder : o.folders)
    for (auto& found : cases_in(folder)) cases.push_back(std::move(found));
  int missed = 0;
  Tester tester(o, model, machine, session);
  for (const auto& folder : cases) {
    missed += tester.run(folder) ? 0 : 1;
    if (&folder == &cases.front()) say_kernels(o.common, session);
  }
  if (missed == 0) return report::exits::done;
  throw report::Failure(report::exits::failed_check,
                        o.model + ": " + std::to_string(missed) + " of " + std::to_string(cases.size()) +
                            " cases are not within tolerance; lithe compare finds the first wrong layer");
}

}  // namespace

void add_test(CLI::App& app, int& exit) {
  auto o = std::make_shared<TestOptions>();
  CLI::App* c =
      app.add_subcommand("test", "run a model on recorded inputs and compare with recorded outputs");
  c->add_option("MODEL", o->model, ".onnx or .lithe file")->required();
  c->add_option("DIR", o->folders,
                "folders with input_0.npy (or .pb) ... and output_0.npy ..., or folders of such")
      ->required();
  c->add_option("--rtol", o->rtol,
                "tolerance, relative to the range of the reference (by the coarsest type in the model)")
      ->check(not_negative());
  c->add_option("--atol", o->atol, "error that is always allowed, in the output's units (rtol / 100)")
      ->check(not_negative());
  c->add_option("--cosine", o->cosine,
                "least cosine between an output and its reference, instead of the tolerance: for embeddings")
      ->check(CLI::Range(-1.0, 1.0));
  add_common(*c, o->common);
  c->callback([o, &exit] { exit = test(*o); });
}

}  // namespace lithe::cli
