// SPDX-License-Identifier: Apache-2.0
#include <sys/resource.h>

#include <algorithm>
#include <chrono>
#include <cmath>
#include <cstdio>
#include <map>
#include <memory>
#include <nlohmann/json.hpp>
#include <random>
#include <string>
#include <vector>

#include "tools/io/write_file.hpp"
#include "tools/lithe/code_path.hpp"
#include "tools/lithe/commands.hpp"
#include "tools/lithe/feed.hpp"
#include "tools/lithe/machine.hpp"
#include "tools/lithe/node_title.hpp"
#include "tools/lithe/open_model.hpp"
#include "tools/lithe/options.hpp"
#include "tools/lithe/say_kernels.hpp"
#include "tools/lithe/sentence.hpp"
#include "tools/lithe/session_inputs.hpp"
#include "tools/report/error.hpp"
#include "tools/report/type_text.hpp"

namespace lithe::cli {

namespace {

using Clock = std::chrono::steady_clock;
double micros(Clock::duration d) { return std::chrono::duration<double, std::micro>(d).count(); }

struct BenchOptions {
  std::string model, trace;
  std::vector<std::string> shapes;
  int warmup = 20, reps = 200;
  bool profile = false, json = false;
  Common common;
};

/// Adds up what each node of the main graph takes.
struct Profile {
  struct Event {
    std::int32_t node;
    double begin, micros;
  };
  Clock::time_point origin = Clock::now(), start;
  std::vector<double> total;
  std::vector<Event> events;
  bool keep_events = false;
  std::int32_t graph = 0;  ///< the main one

  static void before(void* self, const runtime::NodeView& node, const Strip*) {
    auto& p = *static_cast<Profile*>(self);
    if (node.graph() == p.graph) p.start = Clock::now();
  }
  static void after(void* self, const runtime::NodeView& node, const Strip*) {
    auto& p = *static_cast<Profile*>(self);
    if (node.graph() != p.graph) return;
    const double us = micros(Clock::now() - p.start);
    p.total[static_cast<std::size_t>(node.number())] += us;
    if (p.keep_events) p.events.push_back({node.number(), micros(p.start - p.origin), us});
  }
};

void fill(Session& session) {
  std::mt19937 random(1);
  for (int i = 0; i < session.inputs(); ++i)
    if (!is_host_input(session, i)) fill_random(session.input(i), random);
}

/// Milliseconds of `reps` runs, sorted.
std::vector<double> measure(Session& session, const OpenModel& model, int reps) {
  std::vector<double> times;
  for (int i = 0; i < reps; ++i) {
    const auto start = Clock::now();
    if (const Status status = session.run(); !status.ok()) fail(status, model.model(), model.path());
    times.push_back(micros(Clock::now() - start) / 1e3);
  }
  std::sort(times.begin(), times.end());
  return times;
}

double percentile(const std::vector<double>& sorted, double p) {
  return sorted[std::min(
      sorted.size() - 1,
      static_cast<std::size_t>(std::ceil(p * static_cast<double>(sorted.size()))) - (p > 0 ? 1 : 0))];
}

void write_trace(const std::string& file, const Session& session, const Profile& profile) {
  nlohmann::json events = nlohmann::json::array();
  for (const auto& e : profile.events) {
    const auto node = session.inspect().nodes()[static_cast<std::size_t>(e.node)];
    events.push_back({{"name", node_title(node)},
                      {"cat", node.op().spec->name},
                      {"ph", "X"},
                      {"ts", e.begin},
                      {"dur", e.micros},
                      {"pid", 1},
                      {"tid", 1},
                      {"args", {{"kernel", node.kernel_name()}}}});
  }
  io::write_file(file, nlohmann::json{{"traceEvents", events}}.dump());
}

/// The microseconds that nodes with something in common take in a run.
struct Sum {
  std::string name;
  int nodes = 0;
  double micros = 0;
};

/// Sums over the nodes that ran, largest first. `name_of` says what a node belongs to.
std::vector<Sum> sums(const Session& session, const Profile& profile, int reps, auto name_of) {
  std::map<std::string, Sum> by_name;
  for (std::size_t n = 0; n < profile.total.size(); ++n) {
    if (profile.total[n] <= 0) continue;
    const std::string name = name_of(session.inspect().nodes()[n]);
    Sum& sum = by_name[name];
    sum.name = name;
    ++sum.nodes;
    sum.micros += profile.total[n] / reps;
  }
  std::vector<Sum> list;
  for (const auto& [name, sum] : by_name) list.push_back(sum);
  std::sort(list.begin(), list.end(), [](const Sum& a, const Sum& b) {
    return a.micros != b.micros ? a.micros > b.micros : a.name < b.name;
  });
  return list;
}

std::string operator_name(const runtime::NodeView& node) { return node.op().spec->name; }
std::string kernel_name(const runtime::NodeView& node) {
  return node.kernel_name() == std::string_view("portable") ? "portable " + operator_name(node)
                                                            : node.kernel_name();
}

double micros_of(const Profile& profile, int reps) {
  double sum = 0;
  for (double t : profile.total) sum += t;
  return sum / reps;
}

std::string output_text(const runtime::NodeView& node) {
  for (const Tensor& output : node.outputs())
    if (output.dtype != DType::none) return name(output.dtype) + report::shape_text(output.shape);
  return "";
}

/// Per node, slowest first; then per operator, kernel and code path.
void print_profile(const Session& session, const Profile& profile, int reps) {
  const double sum = micros_of(profile, reps);
  std::vector<std::size_t> order;
  for (std::size_t n = 0; n < profile.total.size(); ++n)
    if (profile.total[n] > 0) order.push_back(n);
  std::sort(order.begin(), order.end(), [&](auto a, auto b) { return profile.total[a] > profile.total[b]; });
  std::printf("\n%9s %6s %6s %5s  %-20s %-38s %-22s %-60s %s\n", "us", "share", "up to", "node", "operator",
              "kernel", "output", "code path", "from");
  double so_far = 0;
  for (std::size_t n : order) {
    const auto node = session.inspect().nodes()[n];
    const double us = profile.total[n] / reps;
    so_far += us;
    std::printf("%9.1f %5.1f%% %5.1f%% %5zu  %-20s %-38s %-22s %-60s %s\n", us, 100 * us / sum,
                100 * so_far / sum, n, node.op().spec->name, node.kernel_name(), output_text(node).c_str(),
                code_path(session, node).c_str(), node_title(node).c_str());
  }
  const auto print = [&](const char* what, const std::vector<Sum>& list) {
    std::printf("\n%9s %6s %5s  %s\n", "us", "share", "nodes", what);
    for (const Sum& s : list)
      std::printf("%9.1f %5.1f%% %5d  %s\n", s.micros, 100 * s.micros / sum, s.nodes, s.name.c_str());
  };
  print("operator", sums(session, profile, reps, operator_name));
  print("kernel", sums(session, profile, reps, kernel_name));
  print("code path",
        sums(session, profile, reps, [&](const auto& node) { return code_path(session, node); }));
  std::printf("\n%9.1f us in %zu nodes; %zu of the plan's nodes need no run\n", sum, order.size(),
              profile.total.size() - order.size());
}

nlohmann::json json_of(const std::vector<Sum>& list, double total) {
  nlohmann::json j = nlohmann::json::array();
  for (const Sum& s : list)
    j.push_back({{"name", s.name}, {"nodes", s.nodes}, {"us", s.micros}, {"share", s.micros / total}});
  return j;
}

nlohmann::json nodes_json(const Session& session, const Profile& profile, int reps) {
  nlohmann::json nodes = nlohmann::json::array();
  const double total = micros_of(profile, reps);
  for (std::size_t n = 0; n < profile.total.size(); ++n) {
    const auto node = session.inspect().nodes()[n];
    if (profile.total[n] <= 0) continue;
    const double us = profile.total[n] / reps;
    nodes.push_back({{"node", n},
                     {"name", node_title(node)},
                     {"op", node.op().spec->name},
                     {"kernel", node.kernel_name()},
                     {"path", code_path(session, node)},
                     {"output", output_text(node)},
                     {"us", us},
                     {"share", us / total}});
  }
  return nodes;
}

int bench(const BenchOptions& o) {
  if (!o.trace.empty()) io::check_output(o.trace, o.model);
  const auto begin = Clock::now();
  const OpenModel model(o.model, parse_shapes(o.shapes));
  const Machine machine(o.common);
  SessionOptions options = machine.options();
  const auto given = parse_shapes(o.shapes);
  const auto shapes = input_shapes(given);
  options.shapes = shapes;
  Session session = create(model, options);
  if (!session.planned())
    report::bad_usage(o.model + ": its shapes are open; give them with --shape NAME=1,3,224,224");
  note_open_shapes(session, model, given);
  const double load = micros(Clock::now() - begin) / 1e3;
  say_kernels(o.common, session);
  fill(session);
  const double first = measure(session, model, 1)[0];
  if (o.warmup > 0) measure(session, model, o.warmup);
  const auto times = measure(session, model, o.reps);
  Profile profile;
  if (o.profile || o.json || !o.trace.empty()) {
    profile.graph = session.inspect().graph();
    profile.total.resize(session.inspect().nodes().size());
    profile.keep_events = !o.trace.empty();
    const RunObserver observer{Profile::before, Profile::after, &profile};
    session.observe(&observer);
    measure(session, model, o.reps);
    session.observe(nullptr);
  }
  if (!o.trace.empty()) write_trace(o.trace, session, profile);
  const MemoryReport memory = session.memory();
  rusage usage{};
  getrusage(RUSAGE_SELF, &usage);
  if (o.json) {
    const double total = micros_of(profile, o.reps);
    const nlohmann::json j{{"load_ms", load},
                           {"first_ms", first},
                           {"p50_ms", percentile(times, .5)},
                           {"p90_ms", percentile(times, .9)},
                           {"p99_ms", percentile(times, .99)},
                           {"min_ms", times.front()},
                           {"reps", o.reps},
                           {"threads", o.common.threads},
                           {"arena_bytes", memory.arena()},
                           {"packed_bytes", memory.packed_weights},
                           {"file_bytes", model.model().file_bytes()},
                           {"peak_rss_bytes", static_cast<std::int64_t>(usage.ru_maxrss) * 1024},
                           {"nodes", nodes_json(session, profile, o.reps)},
                           {"operators", json_of(sums(session, profile, o.reps, operator_name), total)},
                           {"kernels", json_of(sums(session, profile, o.reps, kernel_name), total)}};
    std::printf("%s\n", j.dump().c_str());
    return report::exits::done;
  }
  std::printf(
      "load %.2f ms  first %.3f ms  p50 %.3f ms  p90 %.3f ms  p99 %.3f ms  min %.3f ms  (%d runs, %zu "
      "thread%s)\n",
      load, first, percentile(times, .5), percentile(times, .9), percentile(times, .99), times.front(),
      o.reps, o.common.threads, o.common.threads == 1 ? "" : "s");
  std::printf("arena %zu bytes, packed weights %zu bytes, file %zu bytes\n", memory.arena(),
              memory.packed_weights, model.model().file_bytes());
  if (o.profile) print_profile(session, profile, o.reps);
  return report::exits::done;
}

}  // namespace

void add_bench(CLI::App& app, int& exit) {
  auto o = std::make_shared<BenchOptions>();
  CLI::App* c = app.add_subcommand("bench", "measure load time, latency and memory");
  c->add_option("MODEL", o->model, ".lithe or .onnx file")->required();
  c->add_option("--warmup", o->warmup, "runs before the measured ones")
      ->check(CLI::Range(0, 1000000))
      ->capture_default_str();
  c->add_option("--reps", o->reps, "measured runs")->check(CLI::Range(1, 1000000))->capture_default_str();
  c->add_option("--shape", o->shapes, "NAME=1,3,224,224: the shape of an input that is not fixed");
  c->add_flag("--profile", o->profile,
              "time, kernel and code path of every node, slowest first, and their sums");
  c->add_option("--trace", o->trace, "write a Chrome trace (chrome://tracing, Perfetto)");
  c->add_flag("--json", o->json, "one JSON object instead of text");
  add_common(*c, o->common);
  c->callback([o, &exit] { exit = bench(*o); });
}

}  // namespace lithe::cli
