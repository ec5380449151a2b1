// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <filesystem>
#include <map>
#include <optional>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "tools/check/check.hpp"
#include "tools/import/import_model.hpp"
#include "tools/passes/pass_log.hpp"
#include "tools/quantize/quantize.hpp"
#include "tools/report/error.hpp"

namespace lithe::import {

/// --range NAME:AXIS=MIN..OPT..MAX: bounds of the symbol at that place, which hold everywhere it stands.
struct Range {
  std::string input;
  int axis = 0;
  std::uint64_t min = 1, opt = 0, max = 0;  ///< opt 0: unset, max 0: unbounded; min == max: fixed
};

enum class IoLayout { keep, nhwc };
enum class Weights { f32, f16, int8, int4 };

/// What `lithe convert` can be told.
struct Options {
  std::map<std::string, std::vector<std::int64_t>> shapes{};  ///< --shape
  std::vector<Range> ranges{};                                ///< --range
  std::vector<std::pair<std::string, std::string>> states{};  ///< --state INPUT=OUTPUT
  std::map<std::string, std::string> metadata{};              ///< --metadata KEY=VALUE
  IoLayout io_layout = IoLayout::keep;  ///< nhwc: inputs and outputs of rank 4 are channels last
  /// f16: everything that can be is computed in f16; inputs and outputs stay. int8, int4: layers have weights
  /// of this type, over rows that are quantized at run time.
  Weights weights = Weights::f32;
  std::optional<quantize::Options> quantize{};  ///< --quantize int8; `threads` is taken from below
  ImportOptions import{};                       ///< --custom
  bool optimize = true;                         ///< false: as the importers build it, for comparisons
  bool check = true;                ///< false: --no-check, and models that are converted to be run at once
  std::filesystem::path samples{};  ///< --samples: what to check on, and on nothing else
  quantize::PixelOptions pixels{};  ///< how pictures among these become numbers
  int self_tests = 0;               ///< --self-test N
  std::size_t threads = 1;
  Limits limits{};
};

/// What a conversion gives.
struct Conversion {
  std::vector<std::byte> bytes;  ///< the .lithe file
  graph::Model model;            ///< what the bytes hold
  passes::PassLog log;           ///< for --explain
  lithe::check::Report check;
  std::optional<quantize::Report> quantized;  ///< with --quantize
  std::optional<double> rounding;             ///< largest error of rounded weights against float
  std::vector<std::string> notes;             ///< one line each: what the user should know
};

/// The metadata key of a file whose check could not say anything, with the reason.
inline constexpr const char* check_key = "check";

/// Thrown where the check finds a difference over tolerance, with what would have been the result.
struct FailedCheck : report::Failure {
  FailedCheck(Failure failure, Conversion found) : Failure(std::move(failure)), result(std::move(found)) {}
  Conversion result;
};

/// Converts an .onnx file in memory; io::write_file writes the result.
///
/// With --quantize the float model is checked against the original, and the int8 model against its own graph
/// of QuantizeLinear and DequantizeLinear nodes. The distance between the int8 and the float model is not
/// treated as a conversion error; it is measured on the samples and reported. Self-tests hold what the
/// quantized graph gives. With weights of int8 or int4 the result on the fast kernels is checked against
/// itself on the portable kernels; how far these weights move it from float is measured and reported.
///
/// Where the check finds no inputs on which it could say something, the file says so under `check_key`, and a
/// note does.
///
/// Throws FailedCheck, and report::Failure: exit 2 for options that do not fit the model, 3 and 4 as parse
/// and import_model say.
Conversion convert(const std::filesystem::path& path, const Options& options = {});
/// The same from memory, without external data.
Conversion convert(std::span<const std::byte> onnx, const std::string& name, const Options& options = {});

}  // namespace lithe::import
