// SPDX-License-Identifier: Apache-2.0
#include <cstdio>
#include <cstring>
#include <memory>

#include "tools/graph/writer.hpp"
#include "tools/lithe/commands.hpp"
#include "tools/lithe/machine.hpp"
#include "tools/lithe/open_model.hpp"
#include "tools/lithe/options.hpp"
#include "tools/lithe/say_kernels.hpp"
#include "tools/lithe/sentence.hpp"
#include "tools/lithe/session_inputs.hpp"
#include "tools/report/difference.hpp"
#include "tools/report/error.hpp"

namespace lithe::cli {

namespace {

struct VerifyOptions {
  std::string model;
  Common common;
};

TensorView stored(const Model& model, const format::TestTensor& tensor, DType dtype) {
  return {model.buffer(tensor.buffer()).data(), dtype, Shape(numbers(tensor.dims()))};
}

/// Runs one self-test vector; prints and counts what is off.
bool self_test(const OpenModel& file, const SessionOptions& base, std::uint32_t number) {
  const Model& model = file.model();
  const format::SelfTest& t = *model.root().self_tests()->Get(number);
  SessionOptions options = base;
  options.signature = text(model.root().signatures()->Get(t.signature())->name());
  Session session = create(file, options);
  std::vector<InputShape> shapes;
  for (int i = 0; i < session.inputs(); ++i) {
    const auto view = stored(model, *t.inputs()->Get(static_cast<std::uint32_t>(i)), DType::u8);
    shapes.push_back({session.input_name(i), view.shape, is_host_input(session, i) ? view.data : nullptr});
  }
  if (const Status status = session.resize(shapes); !status.ok()) fail(status, model, file.path());
  for (int i = 0; i < session.inputs(); ++i) {
    const Tensor to = session.input(i);
    if (to.bytes() != 0)
      std::memcpy(to.data, model.buffer(t.inputs()->Get(static_cast<std::uint32_t>(i))->buffer()).data(),
                  to.bytes());
  }
  if (const Status status = session.run(); !status.ok()) fail(status, model, file.path());
  bool ok = true;
  for (int i = 0; i < session.outputs(); ++i) {
    const TensorView out = session.output(i);
    TensorView reference = stored(model, *t.outputs()->Get(static_cast<std::uint32_t>(i)), out.dtype);
    reference.quantization = out.quantization;
    const auto d = report::measure(out, reference);
    const bool within = d.within(static_cast<double>(t.tolerance()));
    ok = ok && within;
    std::printf("%s  self-test %u  %.*s error %.3g%s%s\n", within ? "ok  " : "MISS", number,
                static_cast<int>(session.output_name(i).size()), session.output_name(i).data(), d.relative(),
                d.mismatch.empty() ? "" : " ", d.mismatch.c_str());
  }
  return ok;
}

int verify(const VerifyOptions& o) {
  const OpenModel file(o.model);
  if (graph::content_id(file.model()) != file.model().id())
    report::bad_input(o.model +
                      ": is damaged: its contents do not give its id; copy it again from where it was made, "
                      "or convert the model again");
  std::printf("ok    contents\n");
  const Machine machine(o.common);
  const auto& root = file.model().root();
  for (std::uint32_t i = 0; i < root.signatures()->size(); ++i) {
    SessionOptions options = machine.options();
    options.signature = text(root.signatures()->Get(i)->name());
    const Session session = create(file, options);
    say_kernels(o.common, session);
    std::printf("ok    signature '%s': %zu nodes%s\n", root.signatures()->Get(i)->name()->c_str(),
                session.inspect().nodes().size(),
                session.planned() ? "" : "; its shapes are checked when they are given");
  }
  int missed = 0;
  for (std::uint32_t i = 0; i < count(root.self_tests()); ++i)
    missed += self_test(file, machine.options(), i) ? 0 : 1;
  if (missed != 0)
    throw report::Failure(
        report::exits::failed_check,
        o.model + ": " + std::to_string(missed) + " self-tests are not within tolerance on this machine");
  return report::exits::done;
}

}  // namespace

void add_verify(CLI::App& app, int& exit) {
  auto o = std::make_shared<VerifyOptions>();
  CLI::App* c = app.add_subcommand(
      "verify",
      "check every table, node and weight of a file, and run its self-test vectors; loading checks structure "
      "and bounds, but does not read the weights");
  c->add_option("MODEL", o->model, ".lithe file")->required();
  add_common(*c, o->common);
  c->callback([o, &exit] { exit = verify(*o); });
}

}  // namespace lithe::cli
