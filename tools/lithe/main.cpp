// SPDX-License-Identifier: Apache-2.0
#include <cstdio>
#include <exception>
#include <new>

#include "tools/lithe/commands.hpp"
#include "tools/report/error.hpp"

namespace {

constexpr const char* footer =
    R"(Exit codes: 0 done, 1 a check or comparison failed, 2 wrong usage, 3 bad or unsupported
input, 4 the system refused (file, memory). An error is one line on stderr.

Examples:
  lithe convert model.onnx -o model.lithe
  lithe test model.onnx folder/            folder holds input_0.npy ... and output_0.npy ...
  lithe run model.lithe -i image=cat.npy -o results/
  lithe bench model.lithe --threads 2 --profile)";

int run(int argc, char** argv) {
  CLI::App app{"lithe: from ONNX to a small, verified, fast model file"};
  app.footer(footer);
  app.set_version_flag("--version", "lithe " LITHE_VERSION);
  app.require_subcommand(1);
  app.get_formatter()->column_width(34);
  int exit = 0;
  lithe::cli::add_convert(app, exit);
  lithe::cli::add_run(app, exit);
  lithe::cli::add_test(app, exit);
  lithe::cli::add_compare(app, exit);
  lithe::cli::add_bench(app, exit);
  lithe::cli::add_inspect(app, exit);
  lithe::cli::add_verify(app, exit);
  lithe::cli::add_embed(app, exit);
  lithe::cli::add_cpu(app, exit);
  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& error) {
    if (error.get_exit_code() == 0) return app.exit(error);
    if (app.get_subcommands().empty() && argc > 1 && argv[1][0] != '-')
      std::fprintf(stderr, "lithe: there is no command '%s'; see lithe --help\n", argv[1]);
    else
      std::fprintf(stderr, "lithe: %s; see lithe --help\n", error.what());
    return lithe::report::exits::usage;
  }
  return exit;
}

}  // namespace

int main(int argc, char** argv) {
  try {
    return run(argc, argv);
  } catch (const lithe::report::Failure& failure) {
    for (const auto& line : failure.details) std::fprintf(stderr, "  %s\n", line.c_str());
    std::fprintf(stderr, "lithe: %s\n", failure.line.c_str());
    return failure.exit;
  } catch (const std::bad_alloc&) {
    std::fprintf(stderr, "lithe: out of memory: use a machine with more, or a smaller model or shape\n");
    return lithe::report::exits::system;
  } catch (const std::exception& error) {
    std::fprintf(stderr, "lithe: internal error: %s; please report it with the model\n", error.what());
    return lithe::report::exits::bad_input;
  }
}
