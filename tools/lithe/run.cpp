// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <cstdio>
#include <filesystem>
#include <memory>

#include "tools/io/npy.hpp"
#include "tools/lithe/commands.hpp"
#include "tools/lithe/feed.hpp"
#include "tools/lithe/machine.hpp"
#include "tools/lithe/open_model.hpp"
#include "tools/lithe/options.hpp"
#include "tools/lithe/say_kernels.hpp"
#include "tools/lithe/sentence.hpp"
#include "tools/report/error.hpp"
#include "tools/report/type_text.hpp"

namespace lithe::cli {

namespace {

struct RunOptions {
  std::string model, output, signature;
  std::vector<std::string> inputs;
  Common common;
};

/// NAME.npy for each output; a number is added where two would be the same file.
std::vector<std::filesystem::path> output_files(const Session& session, const std::filesystem::path& folder) {
  std::vector<std::filesystem::path> files;
  for (int i = 0; i < session.outputs(); ++i) {
    std::string name(session.output_name(i));
    std::replace(name.begin(), name.end(), '/', '_');
    std::filesystem::path file = folder / (name + ".npy");
    for (int n = 2; std::find(files.begin(), files.end(), file) != files.end(); ++n)
      file = folder / (name + "_" + std::to_string(n) + ".npy");
    files.push_back(file);
  }
  return files;
}

int run(const RunOptions& o) {
  const auto tensors = read_inputs(o.inputs);
  const OpenModel model(o.model);
  const Machine machine(o.common);
  SessionOptions options = machine.options();
  options.signature = o.signature;
  Session session = create(model, options);
  feed(session, model, tensors);
  say_kernels(o.common, session);
  if (const Status status = session.run(); !status.ok()) fail(status, model.model(), model.path());
  std::error_code error;
  std::filesystem::create_directories(o.output, error);
  if (error) report::system_refused(o.output + ": the folder cannot be made (" + error.message() + ")");
  const auto files = output_files(session, o.output);
  for (int i = 0; i < session.outputs(); ++i) {
    const auto& path = files[static_cast<std::size_t>(i)];
    io::write_npy(path, session.output(i));
    std::printf("%s  %s\n", path.c_str(), report::type_text(session.output(i)).c_str());
  }
  return report::exits::done;
}

}  // namespace

void add_run(CLI::App& app, int& exit) {
  auto o = std::make_shared<RunOptions>();
  CLI::App* c = app.add_subcommand("run", "run a model on tensors from files");
  c->add_option("MODEL", o->model, ".lithe or .onnx file")->required();
  c->add_option("-i,--input", o->inputs, "NAME=FILE.npy (or .pb), one for each input");
  c->add_option(
       "-o,--output", o->output,
       "folder for NAME.npy of each output ('/' in a name becomes '_'; _2 is added to a name that is taken)")
      ->required();
  c->add_option("--signature", o->signature, "which of the model's signatures (the first)");
  add_common(*c, o->common);
  c->callback([o, &exit] { exit = run(*o); });
}

}  // namespace lithe::cli
