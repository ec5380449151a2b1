// SPDX-License-Identifier: Apache-2.0
#include "tools/quantize/cache.hpp"

#include <cmath>
#include <nlohmann/json.hpp>
#include <vector>

#include "tools/io/read_bytes.hpp"
#include "tools/io/write_file.hpp"
#include "tools/report/error.hpp"

namespace lithe::quantize {

namespace {

using Json = nlohmann::ordered_json;
constexpr int version = 1;
constexpr const char* title = "lithe_calibration";

CalibrationResult from_json(const Json& j) {
  CalibrationResult result;
  const auto number = [](const Json& from, const char* name) { return from.at(name).get<float>(); };
  for (const auto& [name, v] : j.at("values").items())
    result.calibration.values[name] = {number(v, "low"), number(v, "high")};
  for (const auto& [name, means] : j.at("input_means").items())
    result.calibration.means[name] = means.get<std::vector<double>>();
  for (const auto& [name, factors] : j.at("equalization").items())
    result.equalization[name] = factors.get<std::vector<float>>();
  return result;
}

}  // namespace

CacheAnswer read_cache(const std::filesystem::path& file, const CacheKey& key) {
  if (!std::filesystem::exists(file)) return {};
  const Json j = Json::parse(io::read_bytes(file), nullptr, false);
  if (!j.is_object() || !j.contains(title))
    report::bad_usage(file.string() + ": is no calibration cache; it is not overwritten, name another file");
  try {
    if (j.at(title) != version) return {std::nullopt, "it is of another version"};
    if (j.at("model") != key.model) return {std::nullopt, "the model has changed"};
    if (j.at("data") != key.data) return {std::nullopt, "the samples have changed"};
    if (j.at("method") != key.method)
      return {std::nullopt, "it is of method " + j.at("method").get<std::string>()};
    return {from_json(j), {}};
  } catch (const nlohmann::json::exception&) {
    return {std::nullopt, "it is damaged"};
  }
}

void write_cache(const std::filesystem::path& file, const CacheKey& key, const CalibrationResult& result) {
  Json j{{title, version},
         {"model", key.model},
         {"data", key.data},
         {"method", key.method},
         {"values", Json::object()},
         {"input_means", Json::object()},
         {"equalization", Json::object()}};
  for (const auto& [name, v] : result.calibration.values)
    j["values"][name] = {{"low", v.low}, {"high", v.high}};
  for (const auto& [name, means] : result.calibration.means) j["input_means"][name] = means;
  for (const auto& [name, factors] : result.equalization) j["equalization"][name] = factors;
  io::write_file(file, j.dump(1) + "\n");
}

}  // namespace lithe::quantize
