// SPDX-License-Identifier: Apache-2.0
#include <cstdio>
#include <filesystem>
#include <memory>
#include <string>
#include <vector>

#include "tools/io/file_names.hpp"
#include "tools/io/npy.hpp"
#include "tools/lithe/commands.hpp"
#include "tools/lithe/feed.hpp"
#include "tools/lithe/given_shapes.hpp"
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

std::vector<std::string> output_names(const Session& session) {
  std::vector<std::string> names;
  for (int i = 0; i < session.outputs(); ++i) names.emplace_back(session.output_name(i));
  return names;
}

int run(const RunOptions& o) {
  const OpenModel model(o.model);
  const Machine machine(o.common);
  SessionOptions options = machine.options();
  options.signature = o.signature;
  Session session = create(model, options);
  feed(session, model, read_inputs(o.inputs, input_names(model.model(), o.signature)), o.signature);
  say_kernels(o.common, session);
  if (const Status status = session.run(); !status.ok()) fail(status, model.model(), model.path());
  std::error_code error;
  std::filesystem::create_directories(o.output, error);
  if (error) report::system_refused(o.output + ": the folder cannot be made (" + error.message() + ")");
  const auto files = io::file_names(output_names(session));
  for (int i = 0; i < session.outputs(); ++i) {
    const auto path = std::filesystem::path(o.output) / (files[static_cast<std::size_t>(i)] + ".npy");
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
       "folder for NAME.npy of each output ('/' in a name becomes '_', and _2 is added where that is "
       "another's name)")
      ->required();
  c->add_option("--signature", o->signature, "which of the model's signatures (the first)");
  add_common(*c, o->common);
  c->callback([o, &exit] { exit = run(*o); });
}

}  // namespace lithe::cli
