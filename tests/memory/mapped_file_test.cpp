// SPDX-License-Identifier: Apache-2.0
#include "lithe/memory/mapped_file.hpp"

#include <gtest/gtest.h>
#include <sys/stat.h>

#include <cstdint>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <string>
#include <utility>

#include "tests/support/temporary_folder.hpp"

namespace lithe::test {
namespace {

namespace fs = std::filesystem;

class ReadFile : public ::testing::TestWithParam<Access> {
 protected:
  /// A file of `size` bytes: 0, 1, 2 ... modulo 251.
  std::string written(std::size_t size) const {
    const fs::path path = folder_ / "file";
    std::ofstream file(path, std::ios::binary);
    for (std::size_t i = 0; i < size; ++i) file.put(static_cast<char>(i % 251));
    return path.string();
  }
  static Result<Storage> read(const std::string& path) { return read_file(path.c_str(), GetParam()); }

  const TemporaryFolder temporary_;
  const fs::path& folder_ = temporary_.path();
};
INSTANTIATE_TEST_SUITE_P(Access, ReadFile, ::testing::Values(Access::map, Access::copy),
                         [](const auto& info) { return info.param == Access::map ? "map" : "copy"; });

TEST_P(ReadFile, HoldsAllBytesAligned) {
  for (const std::size_t size : {1, 63, 64, 65, 4096, 100'000}) {
    const auto storage = read(written(size));
    ASSERT_TRUE(storage.ok()) << storage.status().text();
    const auto bytes = storage->bytes();
    ASSERT_EQ(bytes.size(), size);
    EXPECT_EQ(reinterpret_cast<std::uintptr_t>(bytes.data()) % 64, 0U);
    for (std::size_t i = 0; i < size; ++i)
      ASSERT_EQ(bytes[i], static_cast<std::byte>(i % 251)) << i << " of " << size;
  }
}

TEST_P(ReadFile, OutlivesTheFilesName) {
  const std::string path = written(5000);
  auto storage = read(path);
  ASSERT_TRUE(storage.ok());
  fs::remove(path);
  const Storage moved = *std::move(storage);
  EXPECT_EQ(moved.bytes()[4999], static_cast<std::byte>(4999 % 251));
}

TEST_P(ReadFile, RefusesAMissingFile) {
  const auto storage = read((folder_ / "nobody").string());
  EXPECT_EQ(storage.status().code(), Code::io);
  EXPECT_STREQ(storage.status().text(),
               "the file cannot be opened: does it exist, and may this user read it?");
}

TEST_P(ReadFile, RefusesAnEmptyFile) {
  EXPECT_STREQ(read(written(0)).status().text(), "not a regular file with contents");
}

TEST_P(ReadFile, RefusesAFolder) {
  const auto storage = read(folder_.string());
  EXPECT_EQ(storage.status().code(), Code::io);
  EXPECT_STREQ(storage.status().text(), "not a regular file with contents");
}

TEST_P(ReadFile, RefusesAPipeWithoutWaitingForAWriter) {
  const std::string path = (folder_ / "pipe").string();
  ASSERT_EQ(mkfifo(path.c_str(), 0600), 0);
  EXPECT_STREQ(read(path).status().text(), "not a regular file with contents");
}

TEST_P(ReadFile, RefusesADevice) {
  EXPECT_STREQ(read("/dev/zero").status().text(), "not a regular file with contents");
}

}  // namespace
}  // namespace lithe::test
