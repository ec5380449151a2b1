// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <filesystem>
#include <optional>
#include <string>

#include "tools/quantize/equalize.hpp"
#include "tools/quantize/insert.hpp"

namespace lithe::quantize {

/// What a calibration belongs to: it is used again only if all of this is the same.
struct CacheKey {
  std::string model, data;  ///< content hashes of the float model and of the samples
  std::string method;       ///< the method's name
  friend bool operator==(const CacheKey&, const CacheKey&) = default;
};

/// Everything that a calibration gives.
struct CalibrationResult {
  Calibration calibration;
  Equalization equalization;
};

struct CacheAnswer {
  std::optional<CalibrationResult> result;
  std::string refused;  ///< why an existing file was not used
};

/// Reads a cache file: JSON with one number on each line, so that diff can compare two files. If there is no
/// file, the answer has neither a result nor a reason. Errors: Failure (exit 2) for a file that is something
/// else, which must not be overwritten.
CacheAnswer read_cache(const std::filesystem::path& file, const CacheKey& key);
/// Writes the cache beside `file` and renames it. Errors: Failure (exit 4).
void write_cache(const std::filesystem::path& file, const CacheKey& key, const CalibrationResult& result);

}  // namespace lithe::quantize
