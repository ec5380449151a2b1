// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <CLI/CLI.hpp>
#include <filesystem>
#include <map>
#include <optional>
#include <random>
#include <span>
#include <string>
#include <vector>

#include "lithe/memory/mapped_file.hpp"
#include "lithe/runtime/threads.hpp"
#include "lithe/session.hpp"
#include "tools/graph/graph.hpp"

/// What the subcommands share: common options, opening models, and turning a Status into a sentence.
namespace lithe::cli {

/// Options that every subcommand takes.
struct Common {
  std::size_t threads = 1;
  std::string kernels = "auto";
  bool no_streaming = false;
  bool verbose = false;
};

/// A model ready for sessions: a .lithe file, or an .onnx file converted in memory; contents count more than
/// the name, with a note.
class OpenModel {
 public:
  enum class Passes { all, none };
  /// Throws report::Failure with the file's name and what to do.
  explicit OpenModel(const std::filesystem::path& path,
                     const std::map<std::string, std::vector<std::int64_t>>& shapes = {},
                     Passes passes = Passes::all);
  const Model& model() const { return *model_; }
  const std::filesystem::path& path() const { return path_; }

 private:
  std::filesystem::path path_;
  std::optional<Model> model_;
};

/// Kernels and threads as the common options say, and what --cpu-mask left of the CPU.
class Machine {
 public:
  explicit Machine(const Common& common);
  SessionOptions options() const;

 private:
  Threads threads_;
  std::span<const KernelEntry> kernels_;
};

/// One line that names the file, the node with its operator and ONNX names, and what to do.
std::string sentence(const Status& status, const Model& model, const std::filesystem::path& file);
/// Throws report::Failure with the sentence; exit 4 for io and memory, else 3.
[[noreturn]] void fail(const Status& status, const Model& model, const std::filesystem::path& file);
Session create(const OpenModel& model, const SessionOptions& options);

/// Gives the session the shapes of `tensors` (by input name), and their contents where they decide shapes;
/// then copies the contents. Every input must be there, and no other name.
void feed(Session& session, const OpenModel& model, const std::map<std::string, graph::ConstantPtr>& tensors);
bool is_host_input(const Session& session, int input);
/// As the file has them: numbers, -1 or symbols.
std::span<const std::int64_t> input_dims(const Session& session, int input);
/// The symbol that stands for a dimension, or null.
const format::Symbol* symbol_at(const Model& model, std::int64_t dim);
bool has_no_bound(const Model& model, std::int64_t dim);
/// Normal random numbers times `scale`; any bytes for 8-bit integers, 0 or 1 for booleans. Other integers
/// (they are mostly indices) become 0.
void fill_random(const Tensor& tensor, std::mt19937& random, float scale = 1);
/// The ONNX nodes that a node came from, or "-> VALUE" with what it writes where a pass made it.
std::string title(const runtime::GraphPlan& graph, const runtime::PlanNode& node);
/// Whether some value of the plan is quantized, or of half precision in the file: for default tolerances.
bool is_quantized(const Session& session);
bool is_half_precision(const Session& session);

/// "NAME=REST" of an option; throws usage where there is no '='.
std::pair<std::string, std::string> name_and_rest(const std::string& option, const std::string& text);
/// The same for options that may be given once for each name; throws usage where one is given twice.
std::map<std::string, std::string> once_each(const std::string& option,
                                             const std::vector<std::string>& texts);
/// The files of "-i NAME=FILE".
std::map<std::string, graph::ConstantPtr> read_inputs(const std::vector<std::string>& texts);
/// "NAME=1,3,224,224".
std::map<std::string, std::vector<std::int64_t>> parse_shapes(const std::vector<std::string>& texts);

/// The same for a session; they refer to `shapes`.
std::vector<InputShape> input_shapes(const std::map<std::string, std::vector<std::int64_t>>& shapes);
/// Says on stderr at which shape the inputs are whose sizes nobody gave, neither when converting nor in
/// `given`: what is measured there may mean little.
void note_open_shapes(Session& session, const OpenModel& model,
                      const std::map<std::string, std::vector<std::int64_t>>& given);

/// Accepts finite numbers from 0 on.
CLI::Validator not_negative();

/// Adds the options of Common to a subcommand.
void add_common(CLI::App& command, Common& common);
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
