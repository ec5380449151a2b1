// SPDX-License-Identifier: Apache-2.0
#include "tools/import/convert.hpp"

#include <algorithm>
#include <cstdio>
#include <memory>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "tools/io/write_file.hpp"
#include "tools/lithe/commands.hpp"
#include "tools/lithe/options.hpp"
#include "tools/passes/quantize_weights.hpp"
#include "tools/report/error.hpp"

namespace lithe::cli {

namespace {

struct ConvertOptions {
  std::string model, output, report, weights = "f32", quantize, calibrate, calibration = "minmax",
                                     calibration_cache, io_layout = "keep", pack, samples;
  std::vector<std::string> shapes, ranges, states, metadata, custom;
  std::vector<float> mean, deviation;
  double max_drop = -1;
  bool check_only = false, no_check = false, explain = false;
  int self_test = 0;
  Common common;
};

std::uint64_t parse_number(const std::string& text, const std::string& whole) {
  if (text.empty() || text.size() > 9 || text.find_first_not_of("0123456789") != std::string::npos)
    report::bad_usage("--range " + whole + ": write NAME:AXIS=MIN..OPT..MAX with whole numbers");
  return std::stoull(text);
}

/// NAME:AXIS=MIN..OPT..MAX, or MIN..MAX.
import::Range parse_range(const std::string& text) {
  const auto [place, bounds] = name_and_numbers("--range", text);
  const auto colon = place.rfind(':');
  if (colon == std::string::npos) report::bad_usage("--range " + text + ": write NAME:AXIS=MIN..OPT..MAX");
  std::vector<std::uint64_t> numbers;
  for (std::size_t at = 0; at <= bounds.size();) {
    const auto dots = std::min(bounds.find("..", at), bounds.size());
    numbers.push_back(parse_number(bounds.substr(at, dots - at), text));
    at = dots + 2;
  }
  import::Range range{place.substr(0, colon), static_cast<int>(parse_number(place.substr(colon + 1), text))};
  if (numbers.size() == 3) {
    range.min = numbers[0];
    range.opt = numbers[1];
    range.max = numbers[2];
  } else if (numbers.size() == 2) {
    range.min = numbers[0];
    range.max = numbers[1];
  } else {
    report::bad_usage("--range " + text + ": write NAME:AXIS=MIN..OPT..MAX");
  }
  return range;
}

/// What stands in the command line's contract and is not built yet says so by name.
void refuse_what_is_to_come(const ConvertOptions& o) {
  const auto refuse = [](const std::string& what) {
    report::bad_usage(what + " is not supported yet in this version");
  };
  if (!o.pack.empty()) refuse("--pack");
}

quantize::Options quantize_options(const ConvertOptions& o) {
  if (o.calibrate.empty())
    report::bad_usage(
        "--quantize int8: say with --calibrate DIR where samples are, from which ranges are measured");
  if (o.weights != "f32")
    report::bad_usage("--quantize int8 with --weights " + o.weights +
                      ": what is not int8 stays f32; leave --weights out");
  quantize::Options options;
  options.samples = o.calibrate;
  options.cache = o.calibration_cache;
  options.max_drop = o.max_drop;
  options.pixels = {o.mean, o.deviation};
  options.method = quantize::method_named(o.calibration);
  return options;
}

/// How the result is checked, or that it is not.
void add_check_options(const ConvertOptions& o, import::Options& options) {
  if (options.metadata.contains(import::check_key))
    report::bad_usage(std::string("--metadata ") + import::check_key +
                      "=...: what the check says stands under this key; take another");
  options.samples = o.samples;
  if (!o.samples.empty()) options.pixels = {o.mean, o.deviation};
  if (!o.no_check) return;
  if (o.check_only) report::bad_usage("--no-check with --check: nothing would be done");
  if (!o.samples.empty())
    report::bad_usage("--no-check with --samples: they are for the check; leave one out");
  if (o.self_test > 0)
    report::bad_usage("--no-check with --self-test: the check records them; leave one out");
  options.check = false;
  options.metadata[import::check_key] = "not checked: --no-check";
}

import::Options import_options(const ConvertOptions& o) {
  import::Options options;
  options.shapes = parse_shapes(o.shapes);
  for (const auto& text : o.ranges) options.ranges.push_back(parse_range(text));
  for (const auto& text : o.states) options.states.push_back(name_and_rest("--state", text));
  options.metadata = once_each("--metadata", o.metadata);
  for (const auto& text : o.custom) {
    const auto equals = text.find('=');
    options.import.custom[text.substr(0, equals)] =
        equals == std::string::npos ? "" : text.substr(equals + 1);
  }
  options.io_layout = o.io_layout == "nhwc" ? import::IoLayout::nhwc : import::IoLayout::keep;
  options.weights = o.weights == "f16"    ? import::Weights::f16
                    : o.weights == "int8" ? import::Weights::int8
                    : o.weights == "int4" ? import::Weights::int4
                                          : import::Weights::f32;
  const bool pixels = o.samples.empty() && (!o.mean.empty() || !o.deviation.empty());
  const bool calibrates = !o.calibrate.empty() || !o.calibration_cache.empty() || o.max_drop >= 0 || pixels;
  if (!o.quantize.empty())
    options.quantize = quantize_options(o);
  else if (calibrates)
    report::bad_usage(
        "--calibrate, --calibration-cache and --max-drop belong to --quantize int8, --mean and --std to it "
        "or to --samples");
  options.self_tests = o.self_test;
  options.threads = o.common.threads;
  add_check_options(o, options);
  return options;
}

nlohmann::json json_of(const quantize::Report& q) {
  nlohmann::json outputs = nlohmann::json::array();
  for (const auto& out : q.accuracy.outputs) {
    outputs.push_back({{"name", out.name}, {"error", out.error}, {"exact", out.noise == 0}});
    if (out.noise != 0) outputs.back()["snr_db"] = out.snr_db();
    if (out.rows != 0) {
      outputs.back()["rows"] = out.rows;
      outputs.back()["same_top1"] = out.agreeing;
    }
  }
  return {{"layers", q.layers}, {"int8_layers", q.int8_layers},  {"kept", q.kept},    {"left", q.left},
          {"notes", q.notes},   {"samples", q.accuracy.samples}, {"outputs", outputs}};
}

void write_report(const std::string& file, const import::Conversion& result) {
  nlohmann::json j{{"file_bytes", result.bytes.size()},
                   {"tolerance", result.check.tolerance},
                   {"verdict", check::name(result.check.verdict)},
                   {"reason", result.check.reason},
                   {"checks", nlohmann::json::array()},
                   {"passes", nlohmann::json::array()},
                   {"notes", result.notes}};
  for (const auto& c : result.check.cases)
    j["checks"].push_back({{"output", c.output},
                           {"contents", c.contents},
                           {"shapes", c.shapes},
                           {"error", c.relative},
                           {"tolerance", c.tolerance},
                           {"passed", c.passed},
                           {"counts", c.counts},
                           {"mismatch", c.mismatch}});
  if (result.rounding) j["rounding"] = *result.rounding;
  if (result.quantized) j["quantization"] = json_of(*result.quantized);
  for (const auto& line : result.log.lines())
    j["passes"].push_back({{"pass", line.pass}, {"text", line.text}, {"changed", line.changed}});
  io::write_file(file, j.dump(2) + "\n");
}

/// What each pass did, then how often.
void explain(const passes::PassLog& log) {
  struct Counts {
    std::string pass;
    int changes = 0, misses = 0;
  };
  std::vector<Counts> passes;
  for (const auto& line : log.lines()) {
    std::printf("%s %s: %s\n", line.changed ? "+" : "-", line.pass.c_str(), line.text.c_str());
    auto at =
        std::find_if(passes.begin(), passes.end(), [&](const Counts& c) { return c.pass == line.pass; });
    if (at == passes.end()) at = passes.insert(passes.end(), {line.pass});
    ++(line.changed ? at->changes : at->misses);
  }
  std::printf("%8s %12s  pass\n", "changes", "near misses");
  for (const Counts& c : passes) std::printf("%8d %12d  %s\n", c.changes, c.misses, c.pass.c_str());
}

/// Below this a quantized output has little to do with the float one.
constexpr double poor_snr_db = 10;

/// What became of the layers, and how far the result is from float.
void print_quantized(const quantize::Report& q) {
  for (const auto& note : q.notes) std::fprintf(stderr, "note: %s\n", note.c_str());
  for (const auto& layer : q.left) std::fprintf(stderr, "note: stays in floating point: %s\n", layer.c_str());
  std::printf("int8: %zu of %zu layers with weights\n", q.int8_layers, q.layers);
  for (const auto& node : q.kept) std::printf("  in floating point for --max-drop: %s\n", node.c_str());
  for (const auto& out : q.accuracy.outputs) {
    std::printf("  '%s' against float on %zu samples: SNR %.1f dB, largest error %.3g", out.name.c_str(),
                q.accuracy.samples, out.snr_db(), out.error);
    if (out.rows != 0) std::printf(", the same largest class in %zu of %zu", out.agreeing, out.rows);
    std::printf("\n");
    if (out.snr_db() < poor_snr_db)
      std::fprintf(
          stderr,
          "note: '%s' is far from float; calibrate with samples like those the network will see, or keep "
          "what matters in floating point with --max-drop\n",
          out.name.c_str());
  }
}

/// The comparisons of the check, one line each.
void say_cases(const check::Report& report) {
  for (const auto& c : report.cases)
    std::fprintf(stderr, "check: %s%s%s inputs: output '%s' %s, error %.3g, tolerance %.3g%s%s\n",
                 c.shapes.c_str(), c.shapes.empty() ? "" : ", ", c.contents.c_str(), c.output.c_str(),
                 c.passed ? "agrees" : "differs", c.relative, c.tolerance, c.mismatch.empty() ? "" : ", ",
                 c.mismatch.c_str());
}

/// What the user asked to be told of a conversion, whether its check passed or not.
void tell(const ConvertOptions& o, const import::Conversion& result) {
  if (o.explain) explain(result.log);
  if (o.common.verbose) say_cases(result.check);
  for (const auto& note : result.notes) std::fprintf(stderr, "note: %s\n", note.c_str());
  if (result.quantized) print_quantized(*result.quantized);
  if (!o.report.empty()) write_report(o.report, result);
}

int convert(const ConvertOptions& o) {
  refuse_what_is_to_come(o);
  if (o.output.empty() && !o.check_only)
    report::bad_usage("convert: say where to write with -o MODEL.lithe, or --check to write nothing");
  for (const std::string& file : {o.check_only ? std::string() : o.output, o.report, o.calibration_cache})
    if (!file.empty()) io::check_output(file, o.model);
  import::Conversion result;
  try {
    result = import::convert(o.model, import_options(o));
  } catch (const import::FailedCheck& failed) {
    tell(o, failed.result);
    throw;
  }
  tell(o, result);
  if (!o.check_only) io::write_file(o.output, result.bytes);
  std::size_t nodes = 0;
  for (const auto& g : result.model.graphs) nodes += g.nodes.size();
  std::printf("%s: %zu nodes, %zu bytes", o.check_only ? o.model.c_str() : o.output.c_str(), nodes,
              result.bytes.size());
  if (o.no_check || (result.check.verdict == check::Verdict::not_checked))
    std::printf(", not checked");
  else if (const auto* worst = result.check.worst(); worst != nullptr)
    std::printf(", largest error of the check %.3g (tolerance %.3g, %zu cases)", worst->relative,
                worst->tolerance, result.check.cases.size());
  if (result.rounding)
    std::printf("\nrounded weights against float on random inputs: largest error %.3g", *result.rounding);
  std::printf("\n");
  return report::exits::done;
}

}  // namespace

void add_convert(CLI::App& app, int& exit) {
  auto o = std::make_shared<ConvertOptions>();
  CLI::App* c = app.add_subcommand("convert", "convert an ONNX model, and check the result against it");
  c->add_option("MODEL", o->model, ".onnx file")->required();
  c->add_option("-o,--output", o->output, ".lithe file to write; nothing is written when the check fails");
  c->add_flag("--check", o->check_only, "do everything and write nothing");
  c->add_flag("--no-check", o->no_check, "write the file unchecked; it says so, and lithe inspect shows it");
  c->add_option("--samples", o->samples,
                "folder of inputs to check on, and on nothing else, in the forms of --calibrate");
  c->add_option("--shape", o->shapes, "NAME=1,3,224,224: fix an input's shape");
  c->add_option("--range", o->ranges,
                "NAME:AXIS=MIN..OPT..MAX: bounds of an open dimension, so that memory is planned once");
  c->add_option("--state", o->states,
                "INPUT=OUTPUT: the session feeds this output to that input in the next run");
  c->add_option(
       "--weights", o->weights,
       "f32; f16 for half the file; int8 or int4 for layers with " + std::to_string(passes::fewest_weights) +
           " or more constant weights: MatMul and Gemm, whose inputs are then quantized at run time, and "
           "LSTM, GRU and RNN, which compute in f32 and take int8 alone; the rest stays f32")
      ->check(CLI::IsMember({"f32", "f16", "int8", "int4"}))
      ->capture_default_str();
  c->add_option("--io-layout", o->io_layout, "nhwc: image inputs and outputs are channels last")
      ->check(CLI::IsMember({"keep", "nhwc"}))
      ->capture_default_str();
  c->add_option("--metadata", o->metadata, "KEY=VALUE kept in the file (labels, mean, std, image_layout)");
  c->add_option("--self-test", o->self_test, "store N inputs with their outputs, for lithe verify")
      ->check(CLI::Range(0, 64));
  c->add_option("--custom", o->custom, "DOMAIN::OP[=NAME]: an operator whose kernel the application brings");
  c->add_flag("--explain", o->explain, "print what each pass changed (+) and what it nearly did (-)");
  c->add_option("--report", o->report, "write checks and passes as JSON");
  c->add_option("--quantize", o->quantize, "int8: layers compute on 8 bits, with ranges from --calibrate")
      ->check(CLI::IsMember({"int8"}));
  c->add_option(
      "--calibrate", o->calibrate,
      "folder of samples: NAME.npy for each input, stacked along the batch axis; .npz files alike; a folder "
      "for each sample; or pictures (PNG, JPEG)");
  c->add_option("--calibration", o->calibration, "how ranges are chosen: minmax, percentile, entropy or mse")
      ->check(CLI::IsMember({"minmax", "percentile", "entropy", "mse"}))
      ->capture_default_str();
  c->add_option("--calibration-cache", o->calibration_cache,
                "file for what was measured; used again while model, samples and method are the same");
  c->add_option(
       "--max-drop", o->max_drop,
       "keep the nodes that matter most in floating point, until the largest error on the samples, relative "
       "to the output's range, is below this")
      ->check(not_negative());
  c->add_option("--mean", o->mean,
                "pictures become (pixel / 255 - mean) / std, in the order red, green, blue");
  c->add_option("--std", o->deviation, "one number, or one for each channel");
  c->add_option("--pack", o->pack, "CPU features to pack weights for")->group("To come");
  add_common(*c, o->common);
  c->callback([o, &exit] { exit = convert(*o); });
}

}  // namespace lithe::cli
