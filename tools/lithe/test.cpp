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

/// One case: runs it and prints its line. Returns whether every output is as near to the recorded one as the
/// tolerance, or as rounding alone may move it.
bool test_case(Session& session, const OpenModel& model, const Machine& machine,
               const std::filesystem::path& folder, const TestOptions& o) {
  const auto inputs = io::read_numbered(folder, "input"), outputs = io::read_numbered(folder, "output");
  if (static_cast<int>(inputs.size()) != session.inputs() ||
      static_cast<int>(outputs.size()) != session.outputs())
    report::bad_input(folder.string() + ": holds " + std::to_string(inputs.size()) + " inputs and " +
                      std::to_string(outputs.size()) + " outputs; the model has " +
                      std::to_string(session.inputs()) + " and " + std::to_string(session.outputs()));
  Tensors tensors;
  for (std::size_t i = 0; i < inputs.size(); ++i)
    tensors[std::string(session.input_name(static_cast<int>(i)))] = inputs[i];
  feed(session, model, tensors);
  if (const Status status = session.run(); !status.ok()) fail(status, model.model(), model.path());
  const double tolerance =
      o.rtol >= 0 ? o.rtol : report::default_tolerance(is_half_precision(session), is_quantized(session));
  bool ok = true;
  std::string line;
  char number[160];
  std::vector<check::Judge> judges;  // made for the first output that is not within tolerance
  for (std::size_t i = 0; i < outputs.size(); ++i) {
    const TensorView got = session.output(static_cast<int>(i));
    TensorView reference = outputs[i]->view();
    reference.quantization = got.quantization;
    const auto d = report::measure(got, reference);
    const bool by_cosine = o.cosine >= -1 && d.mismatch.empty();
    const double cosine =
        by_cosine ? report::similarity(report::reals(got), report::reals(reference)).cosine : 0;
    bool within = by_cosine ? cosine >= o.cosine : d.within(tolerance, o.atol);
    bool by_rounding = false;
    if (!within && !by_cosine && got.dtype == reference.dtype) {
      if (judges.empty()) judges = judges_of(session, model, machine, tensors, outputs);
      judges[i].admit(std::max(o.atol, 0.0) / std::max(judges[i].scale(), 1e-2));
      within = by_rounding = judges[i].judge(got, tolerance).passed();
    }
    ok = ok && within;
    const int length =
        std::snprintf(number, sizeof number, " error %.3g (absolute %.3g)", d.relative(), d.absolute);
    if (by_cosine) std::snprintf(number + length, sizeof number - length, " cosine %.6f", cosine);
    line += "  " + std::string(session.output_name(static_cast<int>(i))) +
            (d.mismatch.empty() ? number : " " + d.mismatch);
    if (!within && d.mismatch.empty()) line += " at element " + std::to_string(d.index);
    if (by_rounding) line += ", which rounding alone may do";
  }
  std::printf("%s  %s%s\n", ok ? "ok  " : "MISS", folder.c_str(), line.c_str());
  return ok;
}

int test(const TestOptions& o) {
  const OpenModel model(o.model);
  const Machine machine(o.common);
  Session session = create(model, machine.options());
  std::vector<std::filesystem::path> cases;
  for (const auto& folder : o.folders)
    for (auto& found : cases_in(folder)) cases.push_back(std::move(found));
  int missed = 0;
  for (const auto& folder : cases) {
    missed += test_case(session, model, machine, folder, o) ? 0 : 1;
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
