// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <cstdio>
#include <memory>

#include "tools/lithe/common.hpp"
#include "tools/report/error.hpp"
#include "tools/report/npy.hpp"

namespace lithe::cli {

namespace {

struct RunOptions {
  std::string model, output, signature;
  std::vector<std::string> inputs;
  Common common;
};

int run(const RunOptions& o) {
  std::map<std::string, graph::ConstantPtr> tensors;
  for (const auto& text : o.inputs) {
    const auto [name, file] = name_and_rest("-i", text);
    tensors[name] = report::read_tensor(file);
  }
  const OpenModel model(o.model);
  const Machine machine(o.common);
  SessionOptions options = machine.options();
  options.signature = o.signature;
  Session session = create(model, options);
  feed(session, model, tensors);
  if (const Status status = session.run(); !status.ok()) fail(status, model.model(), model.path());
  std::error_code error;
  std::filesystem::create_directories(o.output, error);
  if (error) report::system_refused(o.output + ": the folder cannot be made (" + error.message() + ")");
  for (int i = 0; i < session.outputs(); ++i) {
    std::string file(session.output_name(i));
    std::replace(file.begin(), file.end(), '/', '_');
    const auto path = std::filesystem::path(o.output) / (file + ".npy");
    report::write_npy(path, session.output(i));
    std::printf("%s  %s\n", path.c_str(), report::describe(session.output(i)).c_str());
  }
  return report::exits::done;
}

}  // namespace

void add_run(CLI::App& app, int& exit) {
  auto o = std::make_shared<RunOptions>();
  CLI::App* c = app.add_subcommand("run", "run a model on tensors from files");
  c->add_option("MODEL", o->model, ".lithe or .onnx file")->required();
  c->add_option("-i,--input", o->inputs, "NAME=FILE.npy (or .pb), one for each input");
  c->add_option("-o,--output", o->output, "folder for NAME.npy of each output ('/' in a name becomes '_')")
      ->required();
  c->add_option("--signature", o->signature, "which of the model's signatures (the first)");
  add_common(*c, o->common);
  c->callback([o, &exit] { exit = run(*o); });
}

}  // namespace lithe::cli
