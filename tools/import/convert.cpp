// SPDX-License-Identifier: Apache-2.0
#include "tools/import/convert.hpp"

#include <algorithm>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "tools/graph/infer_dims.hpp"
#include "tools/graph/writer.hpp"
#include "tools/import/io_contract.hpp"
#include "tools/import/range_check.hpp"
#include "tools/passes/pipeline.hpp"
#include "tools/passes/quantize_weights.hpp"
#include "tools/passes/use_half_precision.hpp"
#include "tools/report/error.hpp"
#include "tools/report/number.hpp"

namespace lithe::import {

namespace {

/// Rounded weights that move an output by more than this much of its range are worth a note.
constexpr double largest_rounding = 0.05;

/// The failed check in one line: where, how far, what to do.
[[noreturn]] void fail_check(const std::string& file, Conversion result) {
  const check::Report& report = result.check;
  const check::Case& worst = *report.worst();
  std::string text = file + ": the converted model differs from the original: output '" + worst.output +
                     "', " + worst.contents + " inputs";
  if (!worst.shapes.empty()) text += ", " + worst.shapes;
  text += ": " + worst.difference();
  std::vector<std::string> details;
  for (const check::Case& c : report.cases)
    if (!c.passed && c.counts)
      details.push_back("output '" + c.output + "', " + c.contents + " inputs" +
                        (c.shapes.empty() ? "" : ", " + c.shapes) + ": " +
                        (c.mismatch.empty() ? report::number(c.relative) : c.mismatch));
  text += "; nothing was written: this is a bug of lithe, please report this model; lithe compare " + file +
          " shows where it begins, --no-check writes it as it is";
  report::Failure failure(report::exits::failed_check, std::move(text), std::move(details));
  throw FailedCheck(std::move(failure), std::move(result));
}

graph::Model prepared(const ParsedModel& parsed, const Options& options, std::vector<std::string>& notes) {
  ImportOptions import_options = options.import;
  import_options.notes = &notes;
  graph::Model imported = [&] {
    try {
      return import_model(parsed, import_options);
    } catch (UnsupportedModel& failure) {
      failure.details.insert(failure.details.end(), parsed.notes.begin(), parsed.notes.end());
      throw;
    }
  }();
  check_ranges(imported, options.ranges);
  apply_ranges(imported, options.ranges);
  apply_states(imported, options.states);
  if (options.io_layout == IoLayout::nhwc) use_nhwc(imported);
  for (const auto& [key, value] : options.metadata) imported.metadata[key] = value;
  mark_host_inputs(imported);
  for (graph::Graph& g : imported.graphs) graph::remove_dead(g);
  return imported;
}

void run_passes(Conversion& result, const Options& options) {
  if (options.optimize) passes::run_pipeline(result.model, result.log);
  for (graph::Graph& g : result.model.graphs) graph::infer_dims(g);
}

/// Several checks of one conversion may say the same.
void add_once(std::vector<std::string>& notes, std::string note) {
  if (std::find(notes.begin(), notes.end(), note) == notes.end()) notes.push_back(std::move(note));
}

/// Says which --custom names no operator of the model.
void note_unused_custom(const graph::Model& model, const ImportOptions& options,
                        std::vector<std::string>& notes) {
  for (const auto& [name, kernel] : options.custom) {
    const std::string& op = kernel.empty() ? name : kernel;
    const bool used = std::any_of(model.graphs.begin(), model.graphs.end(), [&](const graph::Graph& g) {
      return std::any_of(g.nodes.begin(), g.nodes.end(), [&](const graph::Node& n) { return n.op == op; });
    });
    if (!used)
      notes.push_back("--custom " + name +
                      ": no node of the model is such an operator; write DOMAIN::OP as " +
                      "the model has it");
  }
}

/// The check takes the first ones where there are more.
constexpr std::size_t most_samples = 1000;

/// What --samples gives the check of a model with these inputs; empty where it guesses.
std::vector<check::Sample> samples_for(const graph::Model& model, const Options& options,
                                       std::vector<std::string>& notes) {
  std::vector<check::Sample> samples;
  if (options.samples.empty()) return samples;
  const quantize::Samples all(options.samples, model, options.pixels);
  for (std::size_t i = 0; i < std::min(all.size(), most_samples); ++i) samples.push_back(all.at(i));
  if (all.size() > most_samples)
    add_once(notes, "check: of " + std::to_string(all.size()) + " samples the first " +
                        std::to_string(most_samples));
  return samples;
}

/// Compares result.model with `reference`; the cases come to those of earlier checks.
void check_result(Conversion& result, const graph::Model& reference, const Options& options, int self_tests,
                  const std::string& file) {
  result.bytes = graph::write(result.model);
  if (!options.check) return;
  const check::Options check_options{.self_tests = self_tests,
                                     .samples = samples_for(reference, options, result.notes),
                                     .threads = options.threads};
  std::vector<check::Case> earlier = std::move(result.check.cases);
  try {
    result.check =
        check::check(reference, result.model, result.bytes, check_options, result.model.self_tests);
  } catch (const report::Failure& failure) {
    throw report::Failure(failure.exit, file + ": " + failure.line, failure.details);
  }
  for (const std::string& note : result.check.notes) add_once(result.notes, "check: " + note);
  if (result.check.verdict == check::Verdict::differs) fail_check(file, std::move(result));
  result.check.cases.insert(result.check.cases.begin(), earlier.begin(), earlier.end());
  if (result.check.verdict == check::Verdict::not_checked) {
    const std::string note = "not checked: " + result.check.reason;
    add_once(result.notes, file + ": " + note);
    result.model.metadata[check_key] = note;
    result.bytes = graph::write(result.model);
  }
  if (!result.model.self_tests.empty()) result.bytes = graph::write(result.model);
}

/// How far the rounded weights move the outputs from those of the float model.
void measure_rounding(Conversion& result, const graph::Model& floating, const Options& options) {
  if (!options.check) return;
  std::vector<graph::SelfTest> none;
  const check::Report report = check::check(floating, result.model, result.bytes,
                                            {.samples = samples_for(floating, options, result.notes),
                                             .witnesses = false,
                                             .threads = options.threads},
                                            none);
  for (const check::Case& c : report.cases)
    if (c.contents != "zero" && c.counts) result.rounding = std::max(result.rounding.value_or(0), c.relative);
  if (result.rounding.value_or(0) > largest_rounding)
    result.notes.push_back(
        "--weights: rounding moves an output by " + report::number(*result.rounding) +
        " of its range on random inputs; lithe test on real ones tells whether that matters");
}

Conversion convert_parsed(ParsedModel parsed, const Options& options, const std::string& file) {
  Conversion result;
  result.notes = parsed.notes;
  graph::Model reference = prepared(parsed, options, result.notes),
               floating;  // floating: before anything was rounded
  note_unused_custom(reference, options.import, result.notes);
  parsed.proto.reset();
  result.model = reference;
  run_passes(result, options);
  passes::WeightedLayers rounded;
  if (options.quantize) {
    check_result(result, reference, options, 0, file);
    quantize::Options quantization = *options.quantize;
    quantization.threads = options.threads;
    quantize::Quantized quantized = quantize::quantize_model(result.model, quantization, result.log);
    reference = std::move(quantized.reference);
    result.model = std::move(quantized.model);
    result.quantized = std::move(quantized.report);
  }
  if (options.weights == Weights::int8 || options.weights == Weights::int4) {
    check_result(result, reference, options, 0, file);
    floating = std::move(reference);
    rounded = passes::quantize_weights(result.model, options.weights == Weights::int4 ? 4 : 8, result.log);
    if (rounded.all == 0)
      result.notes.push_back("--weights: there is no MatMul, Gemm, LSTM, GRU or RNN with " +
                             std::to_string(passes::fewest_weights) +
                             " or more constant weights, and only such are quantized; all stay as they are");
    if (!rounded.wider.empty())
      result.notes.push_back("--weights int4: " + std::to_string(rounded.wider.size()) + " of " +
                             std::to_string(rounded.all) +
                             " layers got 8 bits, because they are recurrent or blocks of " +
                             std::to_string(passes::weights_per_block) +
                             " do not divide the inputs of a neuron: " + rounded.wider.front());
    run_passes(result, options);
    reference = result.model;  // what rounding the weights changes is no error of the converter
  }
  if (options.weights == Weights::f16) {
    passes::use_half_precision(result.model);
    run_passes(result, options);
  }
  check_result(result, reference, options, options.self_tests, file);
  if (rounded.all != 0) measure_rounding(result, floating, options);
  return result;
}

ParseOptions parse_options(const Options& options) {
  std::set<std::string> kept = options.import.custom_domains;
  for (const auto& [name, kernel] : options.import.custom) kept.insert(name);
  return {.shapes = options.shapes, .limits = options.limits, .kept = std::move(kept)};
}

}  // namespace

Conversion convert(const std::filesystem::path& path, const Options& options) {
  return convert_parsed(parse(path, parse_options(options)), options, path.string());
}

Conversion convert(std::span<const std::byte> onnx, const std::string& name, const Options& options) {
  return convert_parsed(parse(onnx, name, {}, parse_options(options)), options, name);
}

}  // namespace lithe::import
