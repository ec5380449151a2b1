// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <filesystem>
#include <optional>
#include <string>

#include "tools/quantize/equalize.hpp"
#include "tools/quantize/insert.hpp"

namespace lithe::quantize {

/// What a calibration holds for: it is used again only where all of this is the same.
struct CacheKey {
  std::string model, data,
      method;  ///< content hashes of the float model and of the samples; the method's name
  friend bool operator==(const CacheKey&, const CacheKey&) = default;
};

/// Everything that calibration gives.
struct CalibrationResult {
  Calibration calibration;
  Equalization equalization;
};

struct CacheAnswer {
  std::optional<CalibrationResult> result;
  std::string refused;  ///< why a file that is there was not used
};

/// JSON, one number a line, so that two files can be compared with diff. No file: neither result nor reason.
/// Errors: Failure (exit 2) for a file that is something else, which is not to be overwritten.
CacheAnswer read_cache(const std::filesystem::path& file, const CacheKey& key);
/// Written beside `file` and renamed. Errors: Failure (exit 4).
void write_cache(const std::filesystem::path& file, const CacheKey& key, const CalibrationResult& result);

}  // namespace lithe::quantize
