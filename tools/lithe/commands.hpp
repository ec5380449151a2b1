// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <CLI/CLI.hpp>

namespace lithe::cli {

/// One per subcommand, each in the file of its name: adds itself and runs from the callback, which stores the
/// exit code.
void add_convert(CLI::App& app, int& exit);
void add_run(CLI::App& app, int& exit);
void add_test(CLI::App& app, int& exit);
void add_compare(CLI::App& app, int& exit);
void add_bench(CLI::App& app, int& exit);
void add_inspect(CLI::App& app, int& exit);
void add_verify(CLI::App& app, int& exit);
void add_embed(CLI::App& app, int& exit);
void add_cpu(CLI::App& app, int& exit);

}  // namespace lithe::cli
