// SPDX-License-Identifier: Apache-2.0
// The command as a user meets it: exit codes, and one line that says what, where and what to do.
#include <gtest/gtest.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <string>
#include <vector>

#include "tests/tools/import_testing.hpp"
#include "tools/report/npy.hpp"

namespace lithe::import {
namespace {

namespace fs = std::filesystem;
using testing::mentions;

struct Answer {
  int exit = -1;
  std::string out, error;

  int error_lines() const { return static_cast<int>(std::count(error.begin(), error.end(), '\n')); }
};

class Command : public ::testing::Test {
 protected:
  void SetUp() override {
    const char* command = std::getenv("LITHE_COMMAND");
    if (command == nullptr || !fs::exists(command))
      GTEST_SKIP() << "LITHE_COMMAND does not name the command-line tool";
    command_ = command;
    std::string name = (fs::temp_directory_path() / "lithe-cli-XXXXXX").string();
    ASSERT_NE(mkdtemp(name.data()), nullptr);
    folder_ = name;
  }
  void TearDown() override {
    if (!folder_.empty()) fs::remove_all(folder_);
  }

  static std::string read(const fs::path& path) {
    std::ifstream file(path, std::ios::binary);
    return {std::istreambuf_iterator<char>(file), {}};
  }
  Answer run(const std::string& arguments) const {
    const fs::path out = folder_ / "stdout", error = folder_ / "stderr";
    const int status = std::system(
        ("'" + command_ + "' " + arguments + " > '" + out.string() + "' 2> '" + error.string() + "'")
            .c_str());  // NOLINT(bugprone-command-processor): what is tested
    return {WIFEXITED(status) ? WEXITSTATUS(status) : -1, read(out), read(error)};
  }
  std::string write(const std::string& name, const std::string& contents) const {
    std::ofstream(folder_ / name, std::ios::binary) << contents;
    return (folder_ / name).string();
  }
  std::string path(const std::string& name) const { return (folder_ / name).string(); }
  std::string digits() const { return "examples/digits/digits.onnx"; }
  std::string converted() const {
    EXPECT_EQ(run("convert " + digits() + " -o " + path("digits.lithe")).exit, 0);
    return path("digits.lithe");
  }

  std::string command_;
  fs::path folder_;
};

TEST_F(Command, EveryHelpNamesItsArguments) {
  const Answer all = run("--help");
  EXPECT_EQ(all.exit, 0);
  EXPECT_TRUE(mentions(all.out, "Exit codes: 0 done"));
  for (const char* name :
       {"convert", "run", "test", "compare", "bench", "inspect", "verify", "embed", "cpu"}) {
    EXPECT_TRUE(mentions(all.out, std::string("  ") + name));
    const Answer help = run(std::string(name) + " --help");
    EXPECT_EQ(help.exit, 0) << name;
    EXPECT_TRUE(mentions(help.out, std::string(name) + " [OPTIONS]"));
    if (std::string(name) != "cpu") {
      EXPECT_TRUE(mentions(help.out, "MODEL"));
    }
    EXPECT_EQ(help.error, "") << name;
  }
}

TEST_F(Command, WrongUsageExits2) {
  for (const std::string& arguments :
       {std::string(), std::string("fly"), std::string("convert"), "convert " + digits(),
        "convert " + digits() + " --wings -o x.lithe", "convert " + digits() + " -o x.lithe --shape nobody=1",
        "convert " + digits() + " -o x.lithe --range image:0=many",
        "convert " + digits() + " -o x.lithe --weights f12", "bench " + digits() + " --threads 0",
        std::string("test model.lithe")}) {
    const Answer answer = run(arguments);
    EXPECT_EQ(answer.exit, 2) << arguments << '\n' << answer.error;
    EXPECT_EQ(answer.error_lines(), 1) << arguments << '\n' << answer.error;
    EXPECT_TRUE(mentions(answer.error, "lithe: "));
  }
}

TEST_F(Command, BadInputExits3AndNamesTheFile) {
  const std::string model = converted(), bytes = read(model);
  const std::string garbage = write("garbage.onnx", "this is no model"), empty = write("empty.onnx", ""),
                    torch = write("model.pt", std::string("PK\x03\x04", 4) + "data.pkl");
  const std::string cut = write("cut.lithe", bytes.substr(0, bytes.size() / 2)),
                    noise = write("noise.lithe", std::string(5000, 'x'));
  for (const std::string& arguments :
       {"convert " + garbage + " -o " + path("x.lithe"), "convert " + empty + " -o " + path("x.lithe"),
        "convert " + torch + " -o " + path("x.lithe"), "verify " + cut, "inspect " + noise, "bench " + cut,
        "verify " + noise}) {
    const Answer answer = run(arguments);
    EXPECT_EQ(answer.exit, 3) << arguments << '\n' << answer.error;
    EXPECT_EQ(answer.error_lines(), 1) << arguments << '\n' << answer.error;
    const std::string file = arguments.substr(arguments.find(' ') + 1);
    EXPECT_TRUE(mentions(answer.error, fs::path(file.substr(0, file.find(' '))).filename().string()));
  }
  EXPECT_FALSE(fs::exists(path("x.lithe")));
}

TEST_F(Command, UnsupportedOperatorsAreListedAllAtOnce) {
  const std::string model =
      write("new.onnx", testing::serialized("g (float[2,3] x) => (float[2,3] y) { a = Bernoulli(x)\n b = "
                                            "Relu(a)\n c = Bernoulli(b)\n y = RandomUniformLike(c) }",
                                            17));
  for (const std::string& more : {std::string("-o ") + path("new.lithe"), std::string("--check")}) {
    const Answer answer = run("convert " + model + " " + more);
    EXPECT_EQ(answer.exit, 3);
    EXPECT_FALSE(fs::exists(path("new.lithe")));
    EXPECT_TRUE(mentions(answer.error, "new.onnx"));
    EXPECT_TRUE(mentions(answer.error, "RandomUniformLike -> y"));
    EXPECT_TRUE(mentions(answer.error, "Bernoulli -> a"));
    EXPECT_TRUE(mentions(answer.error, "Bernoulli -> c"));
    EXPECT_EQ(answer.error_lines(), 4) << answer.error;
  }
}

TEST_F(Command, WhatTheSystemRefusesExits4) {
  for (const std::string& arguments :
       {"convert " + path("nowhere.onnx") + " -o " + path("x.lithe"), "verify " + path("nowhere.lithe"),
        "bench " + path("nowhere.lithe"), "convert " + digits() + " -o " + path("no/such/folder/x.lithe")}) {
    const Answer answer = run(arguments);
    EXPECT_EQ(answer.exit, 4) << arguments << '\n' << answer.error;
    EXPECT_EQ(answer.error_lines(), 1) << arguments << '\n' << answer.error;
  }
}

TEST_F(Command, ConvertsTestsAndRuns) {
  const std::string model = converted();
  fs::create_directories(folder_ / "case");
  const auto images = report::read_npy("examples/digits/images.npy");
  const auto pixels = images->as<std::uint8_t>();
  const std::vector<float> input(pixels.begin(), pixels.end());
  report::write_npy(folder_ / "case" / "input_0.npy",
                    TensorView(input.data(), DType::f32, Shape{images->shape[0], 1, 8, 8}));
  fs::copy_file("examples/digits/expected.npy", folder_ / "case" / "output_0.npy");
  for (const std::string& kernels : {std::string("auto"), std::string("xnnpack"), std::string("portable")})
    for (const std::string& file : {model, digits()}) {
      const Answer answer = run("test " + file + " " + path("case") + " --threads 2 --kernels " + kernels);
      EXPECT_EQ(answer.exit, 0) << answer.error;
      EXPECT_TRUE(mentions(answer.out, "ok "));
    }
  EXPECT_EQ(run("test " + model + " " + path("case") + " --rtol 1e-12 --atol 1e-12").exit, 1);
  EXPECT_EQ(run("verify " + model).exit, 0);
  EXPECT_EQ(run("inspect " + model + " --json").exit, 0);
  EXPECT_EQ(run("cpu").exit, 0);
}

}  // namespace
}  // namespace lithe::import
