// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <cstdio>
#include <filesystem>
#include <memory>

#include "tools/io/tensor_files.hpp"
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

/// One case: runs it and prints its line. Returns whether every output is within tolerance.
bool test_case(Session& session, const OpenModel& model, const std::filesystem::path& folder,
               const TestOptions& o) {
  const auto inputs = io::read_numbered(folder, "input"), outputs = io::read_numbered(folder, "output");
  if (static_cast<int>(inputs.size()) != session.inputs() ||
      static_cast<int>(outputs.size()) != session.outputs())
    report::bad_input(folder.string() + ": holds " + std::to_string(inputs.size()) + " inputs and " +
                      std::to_string(outputs.size()) + " outputs; the model has " +
                      std::to_string(session.inputs()) + " and " + std::to_string(session.outputs()));
  std::map<std::string, io::ConstantPtr> tensors;
  for (std::size_t i = 0; i < inputs.size(); ++i)
    tensors[std::string(session.input_name(static_cast<int>(i)))] = inputs[i];
  feed(session, model, tensors);
  if (const Status status = session.run(); !status.ok()) fail(status, model.model(), model.path());
  const double tolerance =
      o.rtol >= 0 ? o.rtol : report::default_tolerance(is_half_precision(session), is_quantized(session));
  bool ok = true;
  std::string line;
  char number[160];
  for (std::size_t i = 0; i < outputs.size(); ++i) {
    const TensorView got = session.output(static_cast<int>(i));
    TensorView reference = outputs[i]->view();
    reference.quantization = got.quantization;
    const auto d = report::measure(got, reference);
    const bool by_cosine = o.cosine >= -1 && d.mismatch.empty();
    const double cosine =
        by_cosine ? report::similarity(report::reals(got), report::reals(reference)).cosine : 0;
    const bool within = by_cosine ? cosine >= o.cosine : d.within(tolerance, o.atol);
    ok = ok && within;
    const int length =
        std::snprintf(number, sizeof number, " error %.3g (absolute %.3g)", d.relative(), d.absolute);
    if (by_cosine) std::snprintf(number + length, sizeof number - length, " cosine %.6f", cosine);
    line += "  " + std::string(session.output_name(static_cast<int>(i))) +
            (d.mismatch.empty() ? number : " " + d.mismatch);
    if (!within && d.mismatch.empty()) line += " at element " + std::to_string(d.index);
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
    missed += test_case(session, model, folder, o) ? 0 : 1;
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
