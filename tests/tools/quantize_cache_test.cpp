// SPDX-License-Identifier: Apache-2.0
#include <gtest/gtest.h>

#include <fstream>
#include <iterator>
#include <string>

#include "tests/tools/quantize_testing.hpp"
#include "tools/quantize/cache.hpp"

namespace lithe::quantize {
namespace {

using namespace test;
namespace fs = std::filesystem;

CalibrationResult result() {
  CalibrationResult r;
  r.calibration.values["conv 1"] = {-0.1f, 2.7182817f};
  r.calibration.values["a\"b\\c"] = {0, 1e-7f};
  r.calibration.means["conv 1"] = {0.1, -1e-300, 3};
  r.equalization["conv 1"] = {1, 0.3333333f, 1e-3f};
  return r;
}

class CacheTest : public WithFolder {
 protected:
  fs::path file() const { return folder_ / "ranges.json"; }
  std::string text() const {
    std::ifstream in(file());
    return {std::istreambuf_iterator<char>(in), {}};
  }
  const CacheKey key_{"model", "data", "entropy"};
};

TEST_F(CacheTest, ComesBackToTheBit) {
  write_cache(file(), key_, result());
  const CacheAnswer answer = read_cache(file(), key_);
  ASSERT_TRUE(answer.result);
  EXPECT_EQ(answer.result->calibration, result().calibration);
  EXPECT_EQ(answer.result->equalization, result().equalization);
  EXPECT_EQ(answer.refused, "");
  const std::string once = text();
  write_cache(file(), key_, *answer.result);
  EXPECT_EQ(text(), once);
  EXPECT_EQ(std::distance(fs::directory_iterator(folder_), {}), 1) << "no temporary file stays";
}

TEST_F(CacheTest, IsTextWithANumberALine) {
  write_cache(file(), key_, result());
  EXPECT_TRUE(mentions(text(), "\"method\": \"entropy\",\n"));
  EXPECT_TRUE(mentions(text(), "   \"high\": 2.71828"));
  for (char c : text()) ASSERT_TRUE(c == '\n' || (c >= ' ' && c < 127));
}

TEST_F(CacheTest, IsRefusedWhereAnythingChanged) {
  EXPECT_FALSE(read_cache(file(), key_).result) << "no file";
  EXPECT_EQ(read_cache(file(), key_).refused, "");
  write_cache(file(), key_, result());
  for (const auto& [key, why] : {std::pair(CacheKey{"other", "data", "entropy"}, "the model has changed"),
                                 std::pair(CacheKey{"model", "other", "entropy"}, "the samples have changed"),
                                 std::pair(CacheKey{"model", "data", "mse"}, "it is of method entropy")}) {
    EXPECT_FALSE(read_cache(file(), key).result);
    EXPECT_EQ(read_cache(file(), key).refused, why);
  }
}

TEST_F(CacheTest, DamageIsRefusedAndOtherFilesAreLeftAlone) {
  write_cache(file(), key_, result());
  std::string damaged = text();
  damaged.replace(damaged.find("\"low\""), 5, "\"lwo\"");
  std::ofstream(file()) << damaged;
  EXPECT_EQ(read_cache(file(), key_).refused, "it is damaged");
  for (const std::string other : {"my notes", "{\"labels\": []}", "[1, 2]", ""}) {
    std::ofstream(file()) << other;
    EXPECT_TRUE(mentions(refusal([&] { read_cache(file(), key_); }, 2), "is no calibration cache")) << other;
  }
}

}  // namespace
}  // namespace lithe::quantize
