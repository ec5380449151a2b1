// SPDX-License-Identifier: Apache-2.0
#include <gtest/gtest.h>

#include "tools/quantize/samples.hpp"

#define STB_IMAGE_WRITE_IMPLEMENTATION
#define STB_IMAGE_WRITE_STATIC
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wunused-function"
#pragma GCC diagnostic ignored "-Wmissing-field-initializers"
#include <stb_image_write.h>
#pragma GCC diagnostic pop

#include <cstdint>
#include <fstream>
#include <iterator>
#include <limits>
#include <numeric>
#include <string>
#include <vector>

#include "tests/tools/quantize_testing.hpp"

namespace lithe::quantize {
namespace {

using namespace test;
namespace fs = std::filesystem;

graph::Model model_with(const std::vector<graph::Dims>& inputs, DType dtype = DType::f32) {
  Builder b;
  for (const graph::Dims& dims : inputs) b.input(dims, dtype);
  b.output(b.graph().inputs[0]);
  return model_of(b);
}

std::vector<float> counted(std::size_t count) {
  std::vector<float> numbers(count);
  std::iota(numbers.begin(), numbers.end(), 1.0f);
  return numbers;
}

std::vector<float> floats(const graph::ConstantPtr& tensor) {
  return {tensor->as<float>().begin(), tensor->as<float>().end()};
}

std::string little_endian(std::uint32_t v, int width) {
  std::string bytes;
  for (int i = 0; i < width; ++i, v >>= 8) bytes.push_back(static_cast<char>(v & 255));
  return bytes;
}

/// An archive as numpy.savez writes it, or numpy.savez_compressed.
std::string npz(const std::vector<std::pair<std::string, std::string>>& members, bool deflated) {
  std::string archive, directory;
  for (auto [name, data] : members) {
    const auto bytes = [](std::string& s) { return reinterpret_cast<unsigned char*>(s.data()); };
    const std::uint32_t crc = stbiw__crc32(bytes(data), static_cast<int>(data.size()));
    const auto size = static_cast<std::uint32_t>(data.size());
    if (deflated) {  // without zlib's two bytes of header and four of checksum
      int length = 0;
      unsigned char* packed = stbi_zlib_compress(bytes(data), static_cast<int>(size), &length, 8);
      data.assign(packed + 2, packed + length - 4);
      std::free(packed);
    }
    const std::string facts =
        little_endian(deflated ? 8 : 0, 2) + little_endian(0, 4) + little_endian(crc, 4) +
        little_endian(static_cast<std::uint32_t>(data.size()), 4) + little_endian(size, 4) +
        little_endian(static_cast<std::uint32_t>(name.size()), 2) + little_endian(0, 2);
    directory += little_endian(0x02014b50, 4) + little_endian(0, 4) + little_endian(0, 2) + facts +
                 little_endian(0, 10) + little_endian(static_cast<std::uint32_t>(archive.size()), 4) + name;
    archive += little_endian(0x04034b50, 4) + little_endian(0, 4) + facts + name + data;
  }
  const auto count = static_cast<std::uint32_t>(members.size());
  return archive + directory + little_endian(0x06054b50, 4) + little_endian(0, 4) + little_endian(count, 2) +
         little_endian(count, 2) + little_endian(static_cast<std::uint32_t>(directory.size()), 4) +
         little_endian(static_cast<std::uint32_t>(archive.size()), 4) + little_endian(0, 2);
}

class SamplesTest : public WithFolder {
 protected:
  void write(const std::string& name, const std::string& bytes) const {
    std::ofstream(folder_ / name, std::ios::binary) << bytes;
  }
  std::string read(const std::string& name) const {
    std::ifstream file(folder_ / name, std::ios::binary);
    return {std::istreambuf_iterator<char>(file), {}};
  }
  std::string refused(const graph::Model& model, int exit = 3, const PixelOptions& pixels = {}) const {
    return refusal([&] { Samples(folder_, model, pixels); }, exit);
  }
  void picture(const std::string& name, int width, int height, const std::vector<unsigned char>& rgb) const {
    const std::string path = (folder_ / name).string();
    ASSERT_NE(name.ends_with(".png") ? stbi_write_png(path.c_str(), width, height, 3, rgb.data(), 3 * width)
                                     : stbi_write_jpg(path.c_str(), width, height, 3, rgb.data(), 100),
              0);
  }
};

TEST_F(SamplesTest, StackedAlongTheBatch) {
  save("v0.npy", {4, 3}, counted(12));
  for (const graph::Dims& dims : {graph::Dims{1, 3}, graph::Dims{-1, 3}}) {
    const Samples samples(folder_, model_with({dims}));
    ASSERT_EQ(samples.size(), 4u);
    EXPECT_EQ(samples.at(2)[0]->shape, (Shape{1, 3}));
    EXPECT_EQ(floats(samples.at(2)[0]), (std::vector<float>{7, 8, 9}));
  }
  const Samples pairs(folder_, model_with({{2, 3}}));
  ASSERT_EQ(pairs.size(), 2u);
  EXPECT_EQ(pairs.at(1)[0]->shape, (Shape{2, 3}));
  EXPECT_EQ(floats(pairs.at(1)[0])[0], 7);
}

TEST_F(SamplesTest, OtherNumbersAndAxesOfOneFit) {
  save<std::uint8_t>("pictures.npy", {2, 2, 2}, {1, 2, 3, 4, 5, 6, 7, 255});
  const Samples samples(folder_, model_with({{-1, 1, 2, 2}}));
  ASSERT_EQ(samples.size(), 2u);
  EXPECT_EQ(samples.at(1)[0]->shape, (Shape{1, 1, 2, 2}));
  EXPECT_EQ(floats(samples.at(1)[0]), (std::vector<float>{5, 6, 7, 255}));
}

TEST_F(SamplesTest, AnAxisOfItsOwn) {
  save("v0.npy", {3, 2, 5}, counted(30));  // three samples of [T, 5] with T = 2
  const Samples samples(folder_, model_with({{2, 5}}));
  ASSERT_EQ(samples.size(), 3u);
  EXPECT_EQ(floats(samples.at(1)[0])[0], 11);
}

TEST_F(SamplesTest, SeveralFilesOfOneInput) {
  save("a.npy", {2, 3}, counted(6));
  save("b.npy", {1, 3}, counted(3));
  EXPECT_EQ(Samples(folder_, model_with({{-1, 3}})).size(), 3u);
  EXPECT_EQ(Samples(folder_ / "a.npy", model_with({{-1, 3}})).size(), 2u) << "a single file";
}

TEST_F(SamplesTest, InputsByNameOrNumber) {
  save("v0.npy", {2, 3}, counted(6));
  save("input_1.npy", {2, 1}, counted(2));
  const Samples samples(folder_, model_with({{1, 3}, {1, 1}}));
  ASSERT_EQ(samples.size(), 2u);
  EXPECT_EQ(floats(samples.at(1)[1]), (std::vector<float>{2}));
}

TEST_F(SamplesTest, FolderForEachSample) {
  save("case_0/input_0.npy", {2, 5}, counted(10));
  save("case_1/v0.npy", {7, 5}, counted(35));
  const Samples samples(folder_, model_with({{-1, 5}}));
  ASSERT_EQ(samples.size(), 2u);
  EXPECT_EQ(samples.at(0)[0]->shape, (Shape{2, 5}));
  EXPECT_EQ(samples.at(1)[0]->shape, (Shape{7, 5})) << "not cut into rows";
}

TEST_F(SamplesTest, Archives) {
  save("x.npy", {2, 300}, counted(600));
  const std::string array = read("x.npy");
  fs::remove(folder_ / "x.npy");
  for (bool deflated : {false, true}) {
    write("a.npz", npz({{"v0.npy", array}, {"v1.npy", array}}, deflated));
    const Samples samples(folder_, model_with({{1, 300}, {1, 300}}));
    ASSERT_EQ(samples.size(), 2u);
    EXPECT_EQ(floats(samples.at(1)[1])[299], 600);
  }
  const std::string whole = read("a.npz");
  std::string flipped = whole;
  flipped[60] = static_cast<char>(flipped[60] ^ 4);
  for (const std::string& damaged :
       {whole.substr(0, whole.size() - 30), flipped, std::string("PK"), whole.substr(40)}) {
    write("a.npz", damaged);
    EXPECT_TRUE(mentions(refused(model_with({{1, 300}, {1, 300}})), "a.npz"));
  }
}

TEST_F(SamplesTest, PicturesInBothLayouts) {
  fs::create_directories(folder_ / "class");
  picture("class/a.png", 2, 2, {255, 0, 0, 0, 255, 0, 0, 0, 255, 255, 255, 255});
  const Samples first(folder_, model_with({{1, 3, 2, 2}}), {{0.5f}, {0.5f, 0.25f, 1}});
  EXPECT_EQ(floats(first.at(0)[0]), (std::vector<float>{1, -1, -1, 1, -2, 2, -2, 2, -.5f, -.5f, .5f, .5f}));
  const Samples last(folder_, model_with({{-1, 2, 2, 3}}));
  EXPECT_EQ(floats(last.at(0)[0]), (std::vector<float>{1, 0, 0, 0, 1, 0, 0, 0, 1, 1, 1, 1}));
  const Samples bytes(folder_, model_with({{1, 2, 2, 3}}, DType::u8));
  EXPECT_EQ(bytes.at(0)[0]->as<std::uint8_t>()[4], 255);
}

TEST_F(SamplesTest, PicturesAreResizedAndMadeGray) {
  picture("a.jpg", 4, 2, std::vector<unsigned char>(24, 128));
  const Samples samples(folder_, model_with({{1, 1, 8, 3}}));
  const auto pixels = floats(samples.at(0)[0]);
  ASSERT_EQ(pixels.size(), 24u);
  for (float p : pixels) EXPECT_NEAR(p, 128.0 / 255, 0.01);
  fs::remove(folder_ / "a.jpg");
  picture("b.png", 2, 1, {0, 0, 0, 255, 255, 255});
  EXPECT_NEAR(floats(Samples(folder_, model_with({{1, 1, 1, 1}})).at(0)[0])[0], 0.5, 1e-6)
      << "the mean of both";
}

TEST_F(SamplesTest, HashFollowsTheContents) {
  save("v0.npy", {4, 3}, counted(12));
  const graph::Model model = model_with({{-1, 3}});
  const std::string hash = Samples(folder_, model).hash();
  EXPECT_EQ(Samples(folder_, model).hash(), hash);
  std::vector<float> other = counted(12);
  other[11] = 0;
  save("v0.npy", {4, 3}, other);
  EXPECT_NE(Samples(folder_, model).hash(), hash);
}

TEST_F(SamplesTest, RefusalsNameFileAndRemedy) {
  const graph::Model model = model_with({{1, 3}});
  EXPECT_TRUE(mentions(refused(model), "holds no samples; put NAME.npy"));
  EXPECT_TRUE(mentions(refusal([&] { Samples(folder_ / "nowhere", model); }, 4), "nowhere: cannot be read"));

  save("v0.npy", {4, 5}, counted(20));
  EXPECT_TRUE(mentions(refused(model), "input 'v0' holds f32 [4, 5], but the model wants [1, 3], stacked"));
  EXPECT_TRUE(mentions(refused(model_with({{1, 5}, {1, 2}})),
                       "has nothing for input 'v1'; name it v1 or input_1 (found: v0)"));
  save("v1.npy", {3, 2}, counted(6));
  EXPECT_TRUE(mentions(refused(model_with({{1, 5}, {1, 2}})), "holds 3 samples, the inputs before it 4"));
  fs::remove(folder_ / "v1.npy");
  EXPECT_TRUE(
      mentions(refused(model_with({{1, 5}}, DType::s64)), "but the model wants s64; save it with astype()"));
  EXPECT_TRUE(mentions(refused(model_with({{1, 5}}), 2, {{0.5f}, {}}), "--mean and --std are for pictures"));

  save<float>("v0.npy", {1, 3}, {1, std::numeric_limits<float>::quiet_NaN(), 2});
  EXPECT_TRUE(mentions(refused(model), "element 1 is not a finite number"));
  picture("a.png", 1, 1, {1, 2, 3});
  EXPECT_TRUE(mentions(refused(model), "several kinds"));
  fs::remove(folder_ / "v0.npy");
  EXPECT_TRUE(mentions(refused(model), "a.png: pictures need a model with one input [1, C, H, W]"));
  EXPECT_TRUE(
      mentions(refused(model_with({{1, 3, 4, 4}}), 2, {{1, 2}, {}}), "divide numbers meant for 0 to 255"));
  EXPECT_TRUE(
      mentions(refused(model_with({{1, 3, 4, 4}}), 2, {{0, 1}, {}}), "one for each of the 3 channels"));
  EXPECT_TRUE(mentions(refused(model_with({{1, 3, 4, 4}}), 2, {{}, {0}}), "give positive numbers"));
  write("a.png", "no picture");
  EXPECT_TRUE(mentions(refusal([&] { Samples(folder_, model_with({{1, 3, 4, 4}})).at(0); }, 3),
                       "a.png: cannot be decoded as PNG or JPEG"));
}

}  // namespace
}  // namespace lithe::quantize
