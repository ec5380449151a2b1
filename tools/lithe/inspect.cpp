// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <cstdio>
#include <memory>
#include <nlohmann/json.hpp>
#include <string>
#include <tuple>
#include <utility>
#include <vector>

#include "tools/lithe/commands.hpp"
#include "tools/lithe/machine.hpp"
#include "tools/lithe/multiply_adds.hpp"
#include "tools/lithe/node_title.hpp"
#include "tools/lithe/open_model.hpp"
#include "tools/lithe/options.hpp"
#include "tools/lithe/say_kernels.hpp"
#include "tools/lithe/session_inputs.hpp"
#include "tools/report/error.hpp"
#include "tools/report/type_text.hpp"

namespace lithe::cli {

namespace {

struct InspectOptions {
  std::string model;
  std::vector<std::string> shapes;
  bool json = false, memory = false;
  Common common;
};

using nlohmann::json;

std::string dims_text(const Model& model, const format::Value& v) {
  return report::dims_text(numbers(v.dims()), [&](std::int64_t dim) {
    const format::Symbol* symbol = symbol_at(model, dim);
    return symbol != nullptr ? symbol->name()->str() : std::to_string(dim);
  });
}

json value_json(const Model& model, const format::Value& v) {
  json j{{"name", text(v.name())}, {"dtype", name(dtype_of_value(v))}, {"shape", dims_text(model, v)}};
  if (v.host()) j["decides_shapes"] = true;
  return j;
}

json block_json(const runtime::PlanView& plan, const PlannedBlock& block) {
  const std::int32_t end = std::max(static_cast<std::int32_t>(plan.nodes().size()) - 1, 0);
  return {{"bytes", block.bytes},
          {"offset", block.offset},
          {"first_node", std::clamp(block.first, 0, end)},
          {"last_node", std::clamp(block.last, 0, end)}};
}

/// The planned blocks: tensors, and workspaces of kernels; by the node that needs them first.
json blocks_json(const runtime::PlanView& plan) {
  std::vector<json> blocks;
  for (const auto v : plan.values()) {
    if (v.block() == nullptr) continue;
    json j = block_json(plan, *v.block());
    j["name"] = v.name();
    j["dtype"] = name(v.dtype());
    j["shape"] = report::shape_text(v.shape());
    blocks.push_back(std::move(j));
  }
  for (const auto node : plan.nodes()) {
    if (node.block() == nullptr) continue;
    json j = block_json(plan, *node.block());
    j["name"] = "workspace of " + node_title(node);
    j["dtype"] = "";
    j["shape"] = "";
    blocks.push_back(std::move(j));
  }
  std::erase_if(blocks, [](const json& b) { return b["bytes"] == 0; });
  const auto order = [](const json& block) {
    return std::tuple(block["first_node"].get<int>(), -block["bytes"].get<std::int64_t>(),
                      block["name"].get<std::string>());
  };
  std::sort(blocks.begin(), blocks.end(), [&](const json& a, const json& b) { return order(a) < order(b); });
  return blocks;
}

/// For each node the bytes of the blocks that must exist while it runs.
std::vector<std::size_t> alive_bytes(const runtime::PlanView& plan) {
  std::vector<std::size_t> alive(plan.nodes().size());
  for (const json& block : blocks_json(plan))
    for (auto n = block["first_node"].get<std::size_t>();
         n <= block["last_node"].get<std::size_t>() && n < alive.size(); ++n)
      alive[n] += block["bytes"].get<std::size_t>();
  return alive;
}

json memory_json(const Session& session) {
  const MemoryReport m = session.memory();
  const runtime::PlanView plan = session.inspect();
  const std::vector<std::size_t> alive = alive_bytes(plan);
  const auto peak = std::max_element(alive.begin(), alive.end());
  json j{{"tables", m.tables},   {"operator_heap", m.operator_heap},   {"inputs_outputs_states", m.ports},
         {"tensors", m.tensors}, {"packed_weights", m.packed_weights}, {"arena", m.arena()},
         {"total", m.total()},   {"heap_is_ours", m.heap_is_ours},     {"tensor_list", blocks_json(plan)}};
  j["alive"] = alive;
  if (peak != alive.end()) j["peak"] = {{"node", peak - alive.begin()}, {"bytes", *peak}};
  return j;
}

json nodes_json(const Session& session) {
  json nodes = json::array();
  for (const auto node : session.inspect().nodes()) {
    json n{{"op", node.op_name()}, {"kernel", node.kernel_name()}, {"outputs", json::array()}};
    if (node.runs() == runtime::Runs::while_planning)
      n["runs"] = "while planning";
    else if (node.runs() == runtime::Runs::never)
      n["runs"] = "not at all: its output lies where it must be";
    n["title"] = node_title(node);
    for (std::uint32_t i = 0; i < count(node.file().onnx_names()); ++i)
      n["onnx"].push_back(node.file().onnx_names()->Get(i)->str());
    for (std::size_t o = 0; o < node.outputs().size(); ++o) {
      if (node.output_ids()[o] < 0) continue;
      const runtime::ValueView v = node.output_value(o);
      n["outputs"].push_back(
          {{"name", v.name()}, {"dtype", name(v.dtype())}, {"shape", report::shape_text(v.shape())}});
    }
    nodes.push_back(n);
  }
  return nodes;
}

json multiply_adds_json(const Session& session) {
  const MultiplyAdds sum = multiply_adds(session.inspect());
  json j{
      {"total", sum.total}, {"quantized", sum.quantized}, {"share", sum.share()}, {"others", json::array()}};
  for (const auto& other : sum.others)
    j["others"].push_back(
        {{"node", other.node}, {"op", other.op}, {"reason", other.reason}, {"count", other.count}});
  return j;
}

/// "1..4..8", as --range takes it.
std::string range_text(const json& symbol) {
  const auto min = symbol["min"].get<std::uint64_t>(), opt = symbol["opt"].get<std::uint64_t>(),
             max = symbol["max"].get<std::uint64_t>();
  return std::to_string(min) + ".." + (opt == 0 ? "" : std::to_string(opt) + "..") +
         (max == 0 ? "(no bound)" : std::to_string(max));
}

json model_json(const OpenModel& file, const SessionOptions& options) {
  const Model& model = file.model();
  const auto& root = model.root();
  json j{{"file", file.path().string()},       {"file_bytes", model.file_bytes()},
         {"format_version", root.version()},   {"producer", text(root.producer())},
         {"source", text(root.source_name())}, {"source_hash", text(root.source_hash())},
         {"signatures", json::array()},        {"operators", json::array()},
         {"metadata", json::object()}};
  char id[40];
  std::snprintf(id, sizeof id, "%016llx%016llx", static_cast<unsigned long long>(model.id()[1]),
                static_cast<unsigned long long>(model.id()[0]));
  j["id"] = id;
  for (const auto* op : *root.operators())
    j["operators"].push_back(op->name()->str() + "-" + std::to_string(op->version()));
  for (std::uint32_t i = 0; i < count(root.metadata()); ++i)
    j["metadata"][root.metadata()->Get(i)->key()->str()] = root.metadata()->Get(i)->value()->str();
  for (std::uint32_t i = 0; i < count(root.symbols()); ++i) {
    const auto& s = *root.symbols()->Get(i);
    j["symbols"].push_back({{"name", s.name()->str()}, {"min", s.min()}, {"opt", s.opt()}, {"max", s.max()}});
  }
  j["self_tests"] = count(root.self_tests());
  for (const auto* signature : *root.signatures()) {
    SessionOptions o = options;
    o.signature = text(signature->name());
    const Session session = create(file, o);
    const auto& graph = *root.subgraphs()->Get(signature->subgraph());
    json s{{"name", signature->name()->str()},
           {"inputs", json::array()},
           {"outputs", json::array()},
           {"planned", session.planned()}};
    for (auto in : *graph.inputs())
      s["inputs"].push_back(value_json(model, *graph.values()->Get(static_cast<std::uint32_t>(in))));
    for (auto out : *graph.outputs())
      s["outputs"].push_back(value_json(model, *graph.values()->Get(static_cast<std::uint32_t>(out))));
    for (std::uint32_t k = 0; k < count(signature->states()); ++k)
      s["states"].push_back({{"input", signature->states()->Get(k)->input()},
                             {"output", signature->states()->Get(k)->output()}});
    s["nodes"] = nodes_json(session);
    if (session.planned()) s["multiply_adds"] = multiply_adds_json(session);
    s["memory"] = memory_json(session);
    j["signatures"].push_back(s);
  }
  return j;
}

void print_values(const char* title, const json& values) {
  for (const auto& v : values)
    std::printf("  %-8s %-32s %-6s %s%s\n", title, v["name"].get<std::string>().c_str(),
                v["dtype"].get<std::string>().c_str(), v["shape"].get<std::string>().c_str(),
                v.contains("decides_shapes") ? "  (decides shapes: give it to resize)" : "");
}

void print_memory(const json& m) {
  const auto line = [&](const char* what, const char* key) {
    std::printf("  %-28s %12llu\n", what, static_cast<unsigned long long>(m[key].get<std::uint64_t>()));
  };
  std::printf("memory in bytes\n");
  line("plan and kernels", "tables");
  line("operator heap", "operator_heap");
  line("inputs, outputs, states", "inputs_outputs_states");
  line("tensors and workspaces", "tensors");
  line("arena (sum of these)", "arena");
  line("packed weights", "packed_weights");
  line("total", "total");
  const auto peak = m.contains("peak") ? m["peak"]["node"].get<std::int64_t>() : -1;
  if (peak >= 0)
    std::printf("at most %llu bytes of tensors and workspaces are needed at once, by node %lld (marked *)\n",
                static_cast<unsigned long long>(m["peak"]["bytes"].get<std::uint64_t>()),
                static_cast<long long>(peak));
  std::printf("  %12s %12s %11s  %s\n", "bytes", "offset", "nodes", "tensor");
  for (const auto& t : m["tensor_list"]) {
    const auto first = t["first_node"].get<std::int64_t>(), last = t["last_node"].get<std::int64_t>();
    std::printf("%c %12llu %12llu %5lld-%-5lld  %s %s%s\n", first <= peak && peak <= last ? '*' : ' ',
                static_cast<unsigned long long>(t["bytes"].get<std::uint64_t>()),
                static_cast<unsigned long long>(t["offset"].get<std::uint64_t>()),
                static_cast<long long>(first), static_cast<long long>(last),
                t["name"].get<std::string>().c_str(), t["dtype"].get<std::string>().c_str(),
                t["shape"].get<std::string>().c_str());
  }
}

/// One line for each node; with `memory`, the bytes that must exist while it runs.
void print_nodes(const json& signature, bool memory) {
  const json& nodes = signature["nodes"];
  std::printf("  %4s %s%-20s %-34s %-28s %s\n", "node", memory ? "   alive bytes  " : "", "operator",
              "kernel", "outputs", "from");
  for (std::size_t n = 0; n < nodes.size(); ++n) {
    const json& node = nodes[n];
    std::string out, alive;
    for (const auto& v : node["outputs"])
      out += (out.empty() ? "" : " ") + v["dtype"].get<std::string>() + v["shape"].get<std::string>();
    if (memory) {
      char bytes[32];
      std::snprintf(bytes, sizeof bytes, "%14llu  ",
                    static_cast<unsigned long long>(signature["memory"]["alive"][n].get<std::uint64_t>()));
      alive = bytes;
    }
    std::printf("  %4zu %s%-20s %-34s %-28s %s%s\n", n, alive.c_str(), node["op"].get<std::string>().c_str(),
                node["kernel"].get<std::string>().c_str(), out.c_str(),
                node["title"].get<std::string>().c_str(),
                node.contains("runs") ? ("  (runs " + node["runs"].get<std::string>() + ")").c_str() : "");
  }
}

/// The share of multiply-adds in 8 bits; where there are some, also the nodes that have others.
void print_multiply_adds(const json& signature) {
  if (!signature.contains("multiply_adds"))
    return void(std::printf("  multiply-adds: not known before the shapes are; give them with --shape\n"));
  const json& sum = signature["multiply_adds"];
  std::printf("  multiply-adds: %llu, %.2f %% of them in int8 or uint8\n",
              static_cast<unsigned long long>(sum["total"].get<std::uint64_t>()),
              100 * sum["share"].get<double>());
  if (sum["quantized"] == 0) return;
  for (const auto& other : sum["others"])
    std::printf("    %.2f %% not: %s %s: %s\n",
                100 * other["count"].get<double>() / sum["total"].get<double>(),
                other["op"].get<std::string>().c_str(), other["node"].get<std::string>().c_str(),
                other["reason"].get<std::string>().c_str());
}

void print(const json& j, bool memory) {
  std::printf("%s: format %d, %llu bytes, id %s\n", j["file"].get<std::string>().c_str(),
              j["format_version"].get<int>(),
              static_cast<unsigned long long>(j["file_bytes"].get<std::uint64_t>()),
              j["id"].get<std::string>().c_str());
  std::printf("from %s by %s\n", j["source"].get<std::string>().c_str(),
              j["producer"].get<std::string>().c_str());
  for (const auto& s : j.value("symbols", json::array()))
    std::printf("dimension %s: %s\n", s["name"].get<std::string>().c_str(), range_text(s).c_str());
  for (const auto& s : j["signatures"]) {
    std::printf("signature '%s'\n", s["name"].get<std::string>().c_str());
    print_values("input", s["inputs"]);
    print_values("output", s["outputs"]);
    for (const auto& state : s.value("states", json::array()))
      std::printf("  %-8s %s = %s of the run before\n", "state",
                  s["inputs"][state["input"].get<std::size_t>()]["name"].get<std::string>().c_str(),
                  s["outputs"][state["output"].get<std::size_t>()]["name"].get<std::string>().c_str());
    print_nodes(s, memory);
    print_multiply_adds(s);
    if (!memory) continue;
    if (s["planned"])
      print_memory(s["memory"]);
    else
      std::printf("memory: not known before the shapes are; give them with --shape NAME=1,3,224,224\n");
  }
  for (const auto& [key, value] : j["metadata"].items())
    std::printf("metadata %s = %s\n", key.c_str(), value.get<std::string>().c_str());
}

int inspect(const InspectOptions& o) {
  const auto given = parse_shapes(o.shapes);
  const OpenModel model(o.model, given);
  const Machine machine(o.common);
  SessionOptions options = machine.options();
  const auto shapes = input_shapes(given);
  options.shapes = shapes;
  if (o.memory || o.common.verbose) {
    Session session = create(model, options);
    if (o.memory && session.planned()) note_open_shapes(session, model, given);
    say_kernels(o.common, session);
  }
  const json j = model_json(model, options);
  if (o.json)
    std::printf("%s\n", j.dump(2).c_str());
  else
    print(j, o.memory);
  return report::exits::done;
}

}  // namespace

void add_inspect(CLI::App& app, int& exit) {
  auto o = std::make_shared<InspectOptions>();
  CLI::App* c = app.add_subcommand("inspect", "show graph, operators, kernels, signatures and exact memory");
  c->add_option("MODEL", o->model, ".lithe or .onnx file")->required();
  c->add_option("--shape", o->shapes, "NAME=1,3,224,224: the shape of an input that is not fixed");
  c->add_flag("--memory", o->memory, "bytes by purpose and by tensor");
  c->add_flag("--json", o->json, "one JSON object instead of text");
  add_common(*c, o->common);
  c->callback([o, &exit] { exit = inspect(*o); });
}

}  // namespace lithe::cli
