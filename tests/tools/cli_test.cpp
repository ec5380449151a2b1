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
#include <map>
#include <nlohmann/json.hpp>
#include <string>
#include <tuple>
#include <vector>

#include "tests/support/temporary_folder.hpp"
#include "tests/tools/import_testing.hpp"
#include "tools/io/npy.hpp"

namespace lithe::import {
namespace {

namespace fs = std::filesystem;
using namespace test;

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
      GTEST_SKIP() << "there is no command-line tool: build lithe_command, and set LITHE_COMMAND to it";
    command_ = command;
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
  const test::TemporaryFolder temporary_;
  const fs::path& folder_ = temporary_.path();
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
        "convert " + digits() + " -o x.lithe --metadata a=1 --metadata a=2",
        "convert " + digits() + " -o x.lithe --shape image=1,1,8,8 --shape image=2,1,8,8",
        "convert " + digits() + " -o x.lithe --max-drop -1",
        "convert " + digits() + " -o x.lithe --max-drop nan", "test " + digits() + " examples --rtol -1",
        "test " + digits() + " examples --atol nan",
        "run " + digits() + " -o x -i image=a.npy -i image=b.npy", std::string("test model.lithe"),
        "bench model.lithe --cache " + path("weights")}) {
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

TEST_F(Command, VerifyFindsADamagedWeightThatALoadDoesNot) {
  std::string bytes = read(converted());
  bytes[bytes.size() - 1000] ^= 1;
  const std::string damaged = write("damaged.lithe", bytes);
  EXPECT_EQ(run("inspect " + damaged).exit, 0);
  const Answer answer = run("verify " + damaged);
  EXPECT_EQ(answer.exit, 3);
  EXPECT_EQ(answer.error_lines(), 1) << answer.error;
  EXPECT_TRUE(mentions(answer.error, "damaged.lithe: is damaged: "));
  EXPECT_TRUE(mentions(answer.error, "convert the model again"));
}

TEST_F(Command, UnsupportedOperatorsAreListedAllAtOnce) {
  const std::string model =
      write("new.onnx", serialized("g (float[2,3] x) => (float[2,3] a, float[2,3] c, float[2,3] y) { a = "
                                   "com.microsoft.Sampling(x)\n b = Relu(x)\n c = "
                                   "com.microsoft.Sampling(b)\n y = com.microsoft.CDist(x, b) }",
                                   17));
  for (const std::string& more : {std::string("-o ") + path("new.lithe"), std::string("--check")}) {
    const Answer answer = run("convert " + model + " " + more);
    EXPECT_EQ(answer.exit, 3);
    EXPECT_FALSE(fs::exists(path("new.lithe")));
    EXPECT_TRUE(mentions(answer.error, "new.onnx"));
    EXPECT_TRUE(mentions(answer.error, "CDist -> y"));
    EXPECT_TRUE(mentions(answer.error, "Sampling -> a"));
    EXPECT_TRUE(mentions(answer.error, "Sampling -> c"));
    EXPECT_EQ(answer.error_lines(), 4) << answer.error;
  }
}

TEST_F(Command, WhatTheSystemRefusesExits4) {
  for (const std::string& arguments :
       {"convert " + path("nowhere.onnx") + " -o " + path("x.lithe"), "verify " + path("nowhere.lithe"),
        "bench " + path("nowhere.lithe"), "convert " + digits() + " -o " + path("no/such/folder/x.lithe"),
        "convert " + digits() + " -o " + path("x.lithe") + " --report " +
            path("no/such/folder/report.json")}) {
    const Answer answer = run(arguments);
    EXPECT_EQ(answer.exit, 4) << arguments << '\n' << answer.error;
    EXPECT_EQ(answer.error_lines(), 1) << arguments << '\n' << answer.error;
  }
}

TEST_F(Command, TheInputIsNeverTheOutput) {
  const std::string onnx = write("net.onnx", read(digits())), model = converted();
  fs::create_symlink("net.onnx", path("link"));
  fs::create_hard_link(model, path("same.hpp"));
  for (const std::string& arguments :
       {"convert " + onnx + " -o " + path("./net.onnx"), "convert " + onnx + " -o " + path("link"),
        "convert " + path("link") + " -o " + onnx, "embed " + model + " -o " + path("same.hpp"),
        "convert " + onnx + " --check --report " + path("link"),
        "bench " + model + " --trace " + path("same.hpp"),
        "compare " + model + " --onnx " + onnx + " --report " + onnx,
        "compare " + model + " --onnx " + onnx + " --report " + model}) {
    const Answer answer = run(arguments);
    EXPECT_EQ(answer.exit, 2) << arguments << '\n' << answer.error;
    EXPECT_EQ(answer.error_lines(), 1) << answer.error;
    EXPECT_TRUE(mentions(answer.error, "is the input itself, which would be lost; choose another name"));
  }
  EXPECT_TRUE(read(onnx) == read(digits()));
  EXPECT_EQ(run("verify " + model).exit, 0);
}

TEST_F(Command, ConvertsTestsAndRuns) {
  const std::string model = converted();
  fs::create_directories(folder_ / "case");
  const auto images = io::read_npy("examples/digits/images.npy");
  const auto pixels = images->as<std::uint8_t>();
  const std::vector<float> input(pixels.begin(), pixels.end());
  io::write_npy(folder_ / "case" / "input_0.npy",
                TensorView(input.data(), DType::f32, Shape{images->shape[0], 1, 8, 8}));
  fs::copy_file("examples/digits/expected.npy", folder_ / "case" / "output_0.npy");
  for (const std::string& kernels : {std::string("auto"), std::string("xnnpack"), std::string("portable")})
    for (const std::string& file : {model, digits()}) {
      const Answer answer = run("test " + file + " " + path("case") + " --threads 2 --kernels " + kernels);
      EXPECT_EQ(answer.exit, 0) << answer.error;
      EXPECT_TRUE(mentions(answer.out, "ok "));
    }
  EXPECT_EQ(run("test " + model + " " + path("case") + " --rtol 1e-12 --atol 1e-12").exit, 1);
  const std::string by_cosine = "test " + model + " " + path("case") + " --rtol 1e-12 --cosine ";
  const Answer alike = run(by_cosine + "0.9999");
  EXPECT_EQ(alike.exit, 0) << alike.error;
  EXPECT_TRUE(mentions(alike.out, "cosine 1.0000"));
  io::write_npy(folder_ / "case" / "output_0.npy",
                TensorView(input.data(), DType::f32, Shape{images->shape[0], 10}));
  EXPECT_EQ(run(by_cosine + "0.9999").exit, 1) << "pixels are no probabilities";
  EXPECT_EQ(run(by_cosine + "2").exit, 2);
  EXPECT_EQ(run("verify " + model).exit, 0);
  EXPECT_EQ(run("inspect " + model + " --json").exit, 0);
  EXPECT_EQ(run("cpu").exit, 0);
}

TEST_F(Command, EveryOutputHasAFileAndEveryFileAnInput) {
  onnx::ModelProto model;
  model.ParseFromString(
      serialized("g (float[2] x) => (float[2] ab, float[2] a_b) { ab = Abs(x)\n a_b = Neg(x) }", 17));
  model.mutable_graph()->mutable_node(0)->set_output(0, "a/b");
  model.mutable_graph()->mutable_output(0)->set_name("a/b");
  const std::string file = write("slash.onnx", model.SerializeAsString());
  const float two[] = {-1, 2};
  io::write_npy(path("two.npy"), TensorView(two, DType::f32, Shape{2}));
  const Answer answer = run("run " + file + " -o " + path("results") + " -i x=" + path("two.npy"));
  ASSERT_EQ(answer.exit, 0) << answer.error;
  EXPECT_EQ(io::read_npy(path("results/a_b.npy"))->as<float>()[1], -2) << "a name that a file can have stays";
  EXPECT_EQ(io::read_npy(path("results/a_b_2.npy"))->as<float>()[1], 2);

  const Answer unknown = run("run " + file + " -o " + path("results") + " -i img=" + path("two.npy"));
  EXPECT_EQ(unknown.exit, 3);
  EXPECT_TRUE(mentions(unknown.error, "has no input 'img'; its inputs are 'x'"));
}

TEST_F(Command, NamesMayHoldEqualsSigns) {
  onnx::ModelProto model;
  model.ParseFromString(
      serialized("g (float[T] x, float[2] z) => (float[T] y, float[2] q) { y = Abs(x)\n q = Neg(z) }", 17));
  model.mutable_graph()->mutable_node(0)->set_input(0, "a=b");
  model.mutable_graph()->mutable_input(0)->set_name("a=b");
  model.mutable_graph()->mutable_node(1)->set_input(0, "a");
  model.mutable_graph()->mutable_input(1)->set_name("a");
  model.mutable_graph()->mutable_node(1)->set_output(0, "s=t");
  model.mutable_graph()->mutable_output(1)->set_name("s=t");
  const std::string file = write("equals.onnx", model.SerializeAsString());
  const float three[] = {-1, 2, 3};
  io::write_npy(path("three=3.npy"), TensorView(three, DType::f32, Shape{3}));
  io::write_npy(path("two.npy"), TensorView(three, DType::f32, Shape{2}));
  const Answer answer = run("run " + file + " -o " + path("results") + " -i a=b=" + path("three=3.npy") +
                            " -i a=" + path("two.npy"));
  ASSERT_EQ(answer.exit, 0) << answer.error;
  EXPECT_EQ(io::read_npy(path("results/y.npy"))->as<float>()[2], 3);
  EXPECT_EQ(io::read_npy(path("results/s=t.npy"))->as<float>()[0], 1);
  for (const std::string& option : {std::string("--shape a=b=5"), std::string("--range a=b:0=1..5"),
                                    std::string("--state a=s=t"), std::string("--range a=b:0=1..2..5")}) {
    const Answer converted = run("convert " + file + " -o " + path("equals.lithe") + " " + option);
    EXPECT_EQ(converted.exit, 0) << option << '\n' << converted.error;
  }
  EXPECT_EQ(run("bench " + file + " --reps 1 --warmup 0 --shape a=b=4").exit, 0);
}

TEST_F(Command, ShapesThatDoNotFitNameTheInputAndGuessTheAxes) {
  const std::string file = write(
      "picture.onnx",
      serialized(
          "g (float[N,3,H,W] x, float[N,2] z) => (float[N,3,P,Q] y, float[N,2] q) <float[3,3,1,1] w = {1, 0, "
          "0, 0, 1, 0, 0, 0, 1}> { y = Conv(x, w)\n q = Neg(z) }",
          17));
  ASSERT_EQ(run("convert " + file + " -o " + path("picture.lithe") + " --range x:2=1..16").exit, 0);
  const std::string model = path("picture.lithe");
  const std::vector<float> zeros(2048);
  const auto save = [&](const std::string& name, const Shape& shape) {
    io::write_npy(path(name + ".npy"), TensorView(zeros.data(), DType::f32, shape));
  };
  save("nhwc", {1, 8, 9, 3});
  save("hwc", {8, 9, 3});
  save("chw", {3, 8, 9});
  save("large", {1, 3, 20, 9});
  save("gray", {1, 1, 8, 9});
  save("image", {1, 3, 8, 9});
  save("pair", {1, 2});
  save("pairs", {4, 2});
  const auto told = [&](const std::string& x, const std::string& z) {
    const Answer answer = run("run " + model + " -o " + path("results") + " -i x=" + path(x + ".npy") +
                              " -i z=" + path(z + ".npy"));
    EXPECT_EQ(answer.error_lines(), answer.exit == 0 ? 0 : 1) << answer.error;
    EXPECT_EQ(answer.exit, x == "image" && z == "pair" ? 0 : 3) << answer.error;
    return answer.error;
  };
  EXPECT_EQ(told("image", "pair"), "");
  EXPECT_TRUE(mentions(
      told("nhwc", "pair"),
      "picture.lithe: input 'x' is given [1, 8, 9, 3], the model wants [N, 3, H (1 to 16), W]: axis 1 "
      "is 8 where 3 is wanted; it looks like channels last (NHWC), and the model takes channels first "
      "(NCHW): give x.transpose(0, 3, 1, 2)"));
  EXPECT_TRUE(mentions(told("hwc", "pair"),
                       "it has 3 axes where 4 are wanted; it lacks the batch axis, and it looks "
                       "like channels last (NHWC), and the model takes channels first (NCHW): give "
                       "x[None].transpose(0, 3, 1, 2)"));
  EXPECT_TRUE(mentions(told("chw", "pair"), "it lacks the batch axis: give x[None]"));
  EXPECT_TRUE(mentions(told("large", "pair"),
                       "axis 2 is 20 where H (1 to 16) is wanted (convert --range sets these bounds)"));
  EXPECT_TRUE(mentions(told("gray", "pair"), "axis 1 is 1 where 3 is wanted"));
  EXPECT_TRUE(mentions(told("image", "pairs"),
                       "input 'z' is given [4, 2], the model wants [N, 2]: axis 0 is 4 where 'N' "
                       "is 1 in input 'x'"));

  fs::create_directories(path("case"));
  fs::copy_file(path("nhwc.npy"), path("case/input_0.npy"));
  fs::copy_file(path("pair.npy"), path("case/input_1.npy"));
  fs::copy_file(path("image.npy"), path("case/output_0.npy"));
  fs::copy_file(path("pair.npy"), path("case/output_1.npy"));
  EXPECT_TRUE(
      mentions(run("test " + model + " " + path("case")).error, "it looks like channels last (NHWC)"));
  const Answer bench = run("bench " + model + " --shape x=1,8,9,3");
  EXPECT_EQ(bench.exit, 2);
  EXPECT_TRUE(mentions(bench.error, "it looks like channels last (NHWC)"));
  EXPECT_TRUE(
      mentions(run("bench " + model + " --shape u=1").error, "has no input 'u'; its inputs are 'x', 'z'"));

  // Where every dimension is open, only a node can tell, and the axes are exchanged to see whether that helps.
  const std::string open =
      write("open.onnx",
            serialized("g (float[N,C,H,W] x) => (float[N,O,P,Q] y) <float[1,3,1,1] w = {1, 1, 1}> { y = "
                       "Conv(x, w) }",
                       17));
  const Answer inside = run("run " + open + " -o " + path("results") + " -i x=" + path("nhwc.npy"));
  EXPECT_EQ(inside.exit, 3);
  EXPECT_TRUE(mentions(inside.error, "input 'x' is given [1, 8, 9, 3]: it looks like channels last (NHWC)"));
  const Answer neither = run("run " + open + " -o " + path("results") + " -i x=" + path("gray.npy"));
  EXPECT_TRUE(mentions(neither.error, "given are 'x' [1, 1, 8, 9] for [N, C, H, W]"));
}

TEST_F(Command, CompareShowsTheWorstFirstAndTheFirstThatIsWrong) {
  const std::string model = converted(), onnx = " --onnx " + digits();
  const Answer same = run("compare " + model + onnx + " --report " + path("report.json"));
  EXPECT_EQ(same.exit, 0) << same.error;
  EXPECT_TRUE(mentions(same.out, "probabilities"));
  EXPECT_TRUE(mentions(same.out, "nodes compared, tolerance 0.0001"));
  const auto report = nlohmann::json::parse(read(path("report.json")));
  ASSERT_GT(report["layers"].size(), 3u);
  for (std::size_t i = 1; i < report["layers"].size(); ++i)
    EXPECT_LE(report["layers"][i]["error"], report["layers"][i - 1]["error"]);
  EXPECT_EQ(report["first_wrong"], "");
  const Answer top = run("compare " + digits() + " --top 1");
  EXPECT_EQ(top.exit, 0) << top.error;
  EXPECT_EQ(std::count(top.out.begin(), top.out.end(), '\n'), 4) << top.out;
  EXPECT_EQ(run("compare " + model).exit, 2);

  // The same network, whose first convolution was scaled since: everything after it is off.
  const std::string network = "g (float[1,2,4,4] x) => (float[1,2,4,4] y) <float[2,2,1,1] w = {1, 2, 3, ";
  const std::string rest = "}> { a = Neg(x)\n b = Conv(a, w)\n c = Sigmoid(b)\n y = Relu(c) }";
  const std::string before = write("before.onnx", serialized(network + "4" + rest, 17));
  const std::string after = write("after.onnx", serialized(network + "5" + rest, 17));
  ASSERT_EQ(run("convert " + after + " -o " + path("after.lithe")).exit, 0);
  const Answer wrong = run("compare " + path("after.lithe") + " --onnx " + before);
  EXPECT_EQ(wrong.exit, 1);
  EXPECT_TRUE(mentions(wrong.out, "<- over tolerance"));
  EXPECT_TRUE(mentions(wrong.error, "the first layer over tolerance is b (Conv2D)"));
}

TEST_F(Command, CompareFeedsHalfPrecisionInputs) {
  const std::string network = "g (float16[1,64] x) => (float16[1,64] y) { a = Exp(x)\n y = Sqrt(a) }";
  const std::string model = write("half.onnx", serialized(network, 17));
  const Answer answer = run("compare " + model + " --report " + path("report.json"));
  EXPECT_EQ(answer.exit, 0) << answer.error;
  ASSERT_EQ(run("compare " +
                write("other.onnx", serialized("g (float16[1,64] x) => (float16[1,64] y) "
                                               "{ a = Exp(x)\n y = Abs(a) }",
                                               17)) +
                " --onnx " + model)
                .exit,
            1);  // zeros would hide it: Sqrt and Abs of 1 are 1
}

TEST_F(Command, CompareReadsStoredNumbersAsWhatTheyStandFor) {
  const std::string network =
      "g (uint8[1,1,2,2] x) => (uint8[1,2,2,2] y) <float s = {0.5}, uint8 z = {120}, float t = {0.25}, "
      "uint8 m = {128}, uint8[2,1,1,1] w = {130, 125}> { q = QLinearConv(x, s, z, w, t, m, s, z)\n "
      "y = com.microsoft.QLinearSigmoid(q, s, z, t, z) }";
  const std::string model = write("quantized.onnx", serialized(network, 17));
  const Answer answer = run("compare " + model + " --report " + path("report.json"));
  EXPECT_EQ(answer.exit, 0) << answer.out << answer.error;
  const auto report = nlohmann::json::parse(read(path("report.json")));
  EXPECT_EQ(report["layers"].size(), 2u);  // u8 here, s8 in the converted model
}

/// A network that was calibrated on numbers a tenth as large as those it gets now.
TEST_F(Command, CompareSaysWhatSaturates) {
  const std::string onnx = write(
      "wide.onnx", serialized("g (float[1,2,8,8] x) => (float[1,2,8,8] y) <float[2,2,1,1] w = {1, 2, 3, 4}> "
                              "{ a = Conv(x, w)\n y = Abs(a) }",
                              17));
  std::vector<float> numbers(128);
  for (std::size_t i = 0; i < numbers.size(); ++i) numbers[i] = static_cast<float>(i % 31) - 15;
  fs::create_directories(folder_ / "samples");
  const auto save = [&](const fs::path& file) {
    io::write_npy(file, TensorView(numbers.data(), DType::f32, Shape{1, 2, 8, 8}));
  };
  save(path("x.npy"));
  for (float& number : numbers) number /= 10;
  save(folder_ / "samples" / "x.npy");
  ASSERT_EQ(run("convert " + onnx + " -o " + path("narrow.lithe") + " --quantize int8 --calibrate " +
                path("samples"))
                .exit,
            0);
  const std::string compare =
      "compare " + path("narrow.lithe") + " --onnx " + onnx + " --report " + path("report.json");
  const auto saturated = [&](const std::string& input) {
    run(compare + " -i x=" + input);
    const auto report = nlohmann::json::parse(read(path("report.json")));
    double most = 0;
    for (const auto& layer : report["layers"]) most = std::max(most, layer["saturated"].get<double>());
    return most;
  };
  EXPECT_EQ(saturated((folder_ / "samples" / "x.npy").string()), 0);
  EXPECT_GT(saturated(path("x.npy")), 0.5);
}

TEST_F(Command, BenchProfilesByNodeOperatorAndKernel) {
  const std::string model = converted();
  const Answer text = run("bench " + model + " --profile --warmup 1 --reps 2");
  EXPECT_EQ(text.exit, 0) << text.error;
  for (const char* word : {"share  up to  node", "nodes  operator", "nodes  kernel", "xnn::", "us in "})
    EXPECT_TRUE(mentions(text.out, word));
  const Answer answer = run("bench " + model + " --json --warmup 1 --reps 2 --kernels portable");
  ASSERT_EQ(answer.exit, 0) << answer.error;
  const auto j = nlohmann::json::parse(answer.out);
  ASSERT_GT(j["nodes"].size(), 3u);
  std::map<std::string, double> of_operator;
  double micros = 0;
  for (const auto& node : j["nodes"]) {
    EXPECT_EQ(node["kernel"], "portable");
    EXPECT_NE(node["output"], "");
    of_operator[node["op"]] += node["us"].get<double>();
    micros += node["us"].get<double>();
  }
  EXPECT_EQ(j["operators"].size(), of_operator.size());
  double share = 0, last = micros;
  for (const auto& sum : j["operators"]) {
    const double us = sum["us"];
    EXPECT_NEAR(us, of_operator[sum["name"]], 1e-3 * micros);
    EXPECT_LE(us, last);
    last = us;
    share += sum["share"].get<double>();
  }
  EXPECT_NEAR(share, 1, 1e-6);
  EXPECT_EQ(j["kernels"].size(), of_operator.size());  // "portable Conv2D", "portable Softmax" ...
}

/// The code path of each node that XNNPACK runs.
std::map<std::string, std::string> xnnpack_paths(const std::string& json) {
  std::map<std::string, std::string> paths;
  const auto report = nlohmann::json::parse(json);
  for (const auto& node : report["nodes"])
    if (node["kernel"].get<std::string>().starts_with("xnn::")) paths[node["op"]] = node["path"];
  return paths;
}

TEST_F(Command, BenchNamesTheMicrokernelsAndAMaskChangesThem) {
  const std::string bench = "bench " + converted() + " --kernels xnnpack --json --warmup 0 --reps 1 ";
  const Answer free = run(bench);
  ASSERT_EQ(free.exit, 0) << free.error;
  const auto paths = xnnpack_paths(free.out);
  ASSERT_TRUE(paths.contains("Conv2D")) << free.out;
  EXPECT_TRUE(mentions(paths.at("Conv2D"), "gemm_minmax_ukernel_")) << paths.at("Conv2D");
#if defined(__x86_64__)
  const Answer masked = run(bench + "--cpu-mask avx");
  ASSERT_EQ(masked.exit, 0) << masked.error;
  EXPECT_EQ(xnnpack_paths(masked.out).size(), paths.size());
  for (const auto& [op, path] : xnnpack_paths(masked.out)) {
    EXPECT_TRUE(mentions(path, "_ukernel_")) << op << ": " << path;
    for (const char* newer : {"avx", "fma3", "f16c"})
      EXPECT_FALSE(mentions(path, newer)) << op << ": " << path;
  }
  EXPECT_TRUE(mentions(xnnpack_paths(masked.out).at("Conv2D"), "__sse"));
#endif
  EXPECT_TRUE(mentions(run("bench " + converted() + " --profile --reps 1").out, "nodes  code path"));
}

/// The line of `lithe cpu` that starts with `type`.
std::string line_of(const std::string& text, const std::string& type) {
  const std::size_t at = text.find("\n" + type + " ");
  return at == std::string::npos ? "" : text.substr(at + 1, text.find('\n', at + 1) - at - 1);
}

TEST_F(Command, CpuShowsThePathOfEachElementType) {
  const Answer all = run("cpu");
  ASSERT_EQ(all.exit, 0) << all.error;
  EXPECT_TRUE(mentions(line_of(all.out, "f32"), "f32_gemm_minmax_ukernel_")) << all.out;
  EXPECT_TRUE(mentions(line_of(all.out, "s8"), "qs8_qc8w_gemm_minmax_fp32_ukernel_")) << all.out;
  EXPECT_TRUE(mentions(line_of(all.out, "u8"), "qu8_gemm_minmax_")) << all.out;
  EXPECT_TRUE(mentions(line_of(all.out, "f32 by s8"), "qd8_f32_qc8w_gemm_")) << all.out;
  EXPECT_TRUE(mentions(line_of(all.out, "f32 by s4"), "qd8_f32_qc4w_gemm_")) << all.out;
  // What is widened is computed in the same way as f32.
  const std::string masked = run("cpu --cpu-mask f16").out;
  for (const std::string type : {"f16", "bf16"}) {
    constexpr std::size_t column = 13;
    ASSERT_GT(line_of(masked, type).size(), column) << masked;
    EXPECT_EQ(line_of(masked, type).substr(column), line_of(masked, "f32").substr(column)) << masked;
  }
  EXPECT_FALSE(mentions(line_of(run("cpu --kernels portable").out, "f32"), "_ukernel_"));
#if defined(__x86_64__)
  const std::string sse = run("cpu --cpu-mask avx").out;
  EXPECT_FALSE(mentions(sse, "avx")) << sse;
  EXPECT_TRUE(mentions(line_of(sse, "s8"), "__sse41")) << sse;
#endif
}

TEST_F(Command, AnUnknownFeatureIsWrongUsage) {
  const Answer answer = run("cpu --cpu-mask turbo");
  EXPECT_EQ(answer.exit, 2);
  EXPECT_EQ(answer.error_lines(), 1) << answer.error;
  EXPECT_TRUE(mentions(answer.error, "--cpu-mask turbo: "));
}

TEST_F(Command, InspectShowsWhatIsAliveWhen) {
  const std::string model = converted();
  const Answer text = run("inspect " + model + " --memory");
  EXPECT_EQ(text.exit, 0) << text.error;
  EXPECT_TRUE(mentions(text.out, "are needed at once"));
  EXPECT_TRUE(mentions(text.out, "alive bytes"));
  const auto memory =
      nlohmann::json::parse(run("inspect " + model + " --json").out)["signatures"][0]["memory"];
  ASSERT_GT(memory["tensor_list"].size(), 2u);
  std::vector<std::size_t> alive(memory["alive"].size());
  for (const auto& block : memory["tensor_list"])
    for (std::size_t n = block["first_node"]; n <= block["last_node"].get<std::size_t>(); ++n)
      alive.at(n) += block["bytes"].get<std::size_t>();
  EXPECT_EQ(memory["alive"].get<std::vector<std::size_t>>(), alive);
  const auto peak = std::max_element(alive.begin(), alive.end());
  EXPECT_EQ(memory["peak"]["bytes"], *peak);
  EXPECT_EQ(memory["peak"]["node"], peak - alive.begin());
  EXPECT_GT(*peak, 0u);
  EXPECT_LE(*peak, memory["tensors"].get<std::size_t>());
}

TEST_F(Command, InspectCountsMultiplyAddsAndNamesThoseInFloat) {
  const std::string network =
      "g (int8[1,1,2,2] x) => (float[1,3,2,2] y) <float s = {0.5}, int8 z = {0}, int8[2,1,1,1] w = {2, -4}, "
      "float[3,2,1,1] v = {1, 2, 3, 4, 5, 6}> { q = QLinearConv(x, s, z, w, s, z, s, z)\n "
      "d = DequantizeLinear(q, s, z)\n e = Sin(d)\n y = Conv(e, v) }";
  const std::string model = write("mixed.onnx", serialized(network, 17));
  const Answer text = run("inspect " + model);
  EXPECT_EQ(text.exit, 0) << text.error;
  EXPECT_TRUE(mentions(text.out, "multiply-adds: 32, 25.00 % of them in int8 or uint8"));
  EXPECT_TRUE(mentions(text.out, "75.00 % not: Conv2D Conv -> y: its input 'e"));
  EXPECT_TRUE(mentions(text.out, "is f32, by Sin Sin -> e"));
  const auto sum =
      nlohmann::json::parse(run("inspect " + model + " --json").out)["signatures"][0]["multiply_adds"];
  EXPECT_EQ(sum["quantized"], 8);
  EXPECT_EQ(sum["others"].size(), 1u);
  EXPECT_TRUE(mentions(run("inspect " + converted()).out, "0.00 % of them"));
}

TEST_F(Command, ExplainSaysWhatFusedAndWhatStoppedANearMiss) {
  const std::string network =
      "g (float[1,2,4,4] x) => (float[1,2,4,4] y, float[1,2,4,4] z) <float[2,2,1,1] w = {1, 2, 3, 4}> "
      "{ a = Conv(x, w)\n b = Relu(a)\n c = Conv(b, w)\n y = Relu(c)\n z = Conv(c, w) }";
  const Answer answer = run("convert " + write("net.onnx", serialized(network, 17)) + " --check --explain");
  EXPECT_EQ(answer.exit, 0) << answer.error;
  EXPECT_TRUE(mentions(answer.out, "+ fuse_activation: Conv -> a + Relu -> b fused"));
  EXPECT_TRUE(mentions(answer.out,
                       "- fuse_activation: Conv -> c + Relu -> y not fused: the first one's output has "
                       "another reader"));
  EXPECT_TRUE(mentions(answer.out, "1            1  fuse_activation"));
}

TEST_F(Command, AFailedCheckIsExplainedAllTheSame) {
  const std::string network =  // beyond f16 in between
      "g (float[1,8] x) => (float[1,8] y) <float k = {1000}, float j = {0.000001}> "
      "{ a = Mul(x, k)\n b = Softplus(a)\n c = Mul(b, k)\n d = Relu(c)\n y = Mul(d, j) }";
  const std::string model = write("wide.onnx", serialized(network, 17));
  const Answer answer = run("convert " + model + " --weights f16 -o " + path("wide.lithe") +
                            " --explain --report " + path("report.json"));
  EXPECT_EQ(answer.exit, 1);
  EXPECT_FALSE(fs::exists(path("wide.lithe")));
  EXPECT_TRUE(mentions(answer.error, "differs from the original: output 'y'"));
  EXPECT_TRUE(mentions(answer.error, "lithe compare " + model + " shows where it begins"));
  EXPECT_TRUE(mentions(answer.out, "+ "));
  EXPECT_TRUE(mentions(answer.out, "changes  near misses  pass"));
  const auto report = nlohmann::json::parse(read(path("report.json")));
  EXPECT_FALSE(report["checks"][0]["passed"].get<bool>());  // random
  EXPECT_TRUE(report["checks"][1]["passed"].get<bool>());   // zeros
}

TEST_F(Command, WhatIsNotCheckedIsWrittenAndSaysSo) {
  const std::string file = path("digits.lithe");
  const Answer asked = run("convert " + digits() + " --no-check -o " + file);
  EXPECT_EQ(asked.exit, 0) << asked.error;
  EXPECT_TRUE(mentions(asked.out, "not checked"));
  EXPECT_TRUE(mentions(run("inspect " + file).out, "metadata check = not checked: --no-check"));

  const std::string model = write(  // the product of two inputs is the shape
      "guess.onnx",
      serialized("g (float[6] x, int64[1] p, int64[1] q) => (float[a,b] y) <int64[1] seven = {7}> "
                 "{ r = Mul(p, seven)\n s = Concat <axis = 0> (r, q)\n y = Reshape(x, s) }",
                 17));
  const Answer unknown = run("convert " + model + " -o " + path("guess.lithe"));
  EXPECT_EQ(unknown.exit, 0) << unknown.error;
  EXPECT_TRUE(mentions(unknown.error,
                       "note: " + model + ": not checked: no valid inputs could be guessed for input 'p'"));
  EXPECT_TRUE(
      mentions(run("inspect " + path("guess.lithe")).out, "metadata check = not checked: no valid inputs"));

  EXPECT_EQ(run("convert " + digits() + " -o " + file).exit, 0);
  EXPECT_FALSE(mentions(run("inspect " + file).out, "metadata check"));
}

TEST_F(Command, NoCheckFitsNothingThatTheCheckDoes) {
  for (const char* with : {" --check", " --samples examples", " --self-test 1"})
    EXPECT_EQ(run("convert " + digits() + " --no-check -o " + path("x.lithe") + with).exit, 2) << with;
  EXPECT_EQ(run("convert " + digits() + " --metadata check=fine -o " + path("x.lithe")).exit, 2);
}

TEST_F(Command, SamplesAreWhatTheCheckRunsOn) {
  const std::string model =
      write("abs.onnx", serialized("g (float[N,2] x) => (float[N,2] y) { y = Abs(x) }", 17));
  const std::vector<float> rows{1, -2, 3, 4};
  io::write_npy(path("x.npy"), graph::make_constant<float>({2, 2}, rows)->view());
  const Answer answer = run("convert " + model + " --check -v --samples " + path("x.npy"));
  EXPECT_EQ(answer.exit, 0) << answer.error;
  EXPECT_TRUE(mentions(answer.error, "check: N=1, sample 1 inputs: output 'y' agrees"));
  EXPECT_TRUE(mentions(answer.error, "check: N=1, sample 2 inputs: output 'y' agrees"));
  EXPECT_FALSE(mentions(answer.error, "random inputs"));
  EXPECT_EQ(run("convert " + model + " --check --samples " + path("missing")).exit, 4);
}

TEST_F(Command, TestLetsRoundingDecideWhereNothingElseCan) {
  const std::string text =
      "g (float[1,16] x) => (int64[1,1] y) <float k = {100}> "
      "{ a = Mul(x, k)\n b = Sigmoid(a)\n y = ArgMax <axis = 1> (b) }";
  const std::string model = write("argmax.onnx", serialized(text, 17));
  std::vector<float> scores(16, -1);
  scores[3] = scores[9] = 1;  // both saturate
  const auto outcome = [&](std::int64_t index, const std::string& options = "") {
    fs::create_directories(path("case"));
    io::write_npy(path("case/input_0.npy"), graph::make_constant<float>({1, 16}, scores)->view());
    const std::vector<std::int64_t> recorded{index};
    io::write_npy(path("case/output_0.npy"), graph::make_constant<std::int64_t>({1, 1}, recorded)->view());
    return run("test " + model + " " + path("case") + options).exit;
  };
  EXPECT_EQ(outcome(3), 0);
  EXPECT_EQ(outcome(9), 0) << "as right as 3";
  EXPECT_EQ(outcome(9, " --rtol 1e-3"), 0) << "indices have no tolerance";
  EXPECT_EQ(outcome(4), 1);
  scores[9] = 0.01F;
  EXPECT_EQ(outcome(9), 1);
}

TEST_F(Command, WhereRoundingDecidesConvertTakesItAndCompareShowsIt) {
  std::string weights = "0.1";
  for (int i = 1; i < 64 * 8; ++i) weights += ", 0." + std::to_string(i * 37 % 89 + 10);
  const std::string network = "g (float[1,64] x) => (float[1,8] y) <float[64,8] w = {" + weights +
                              "}, float k = {1000000}> { a = MatMul(x, w)\n b = Mul(a, k)\n y = Sin(b) }";
  const std::string model = write("chaos.onnx", serialized(network, 17));
  const Answer converted = run("convert " + model + " --check");
  EXPECT_EQ(converted.exit, 0) << converted.error;
  const Answer compared = run("compare " + model);
  EXPECT_EQ(compared.exit, 1);
  EXPECT_TRUE(mentions(compared.error, "the first layer over tolerance is y (Sin)"));
}

TEST_F(Command, VerboseNamesTheKernelOfEachNode) {
  write("cumulative.onnx", serialized("g (float[2,5] x) => (float[2,5] y) <int64 axis = {1}> "
                                      "{ a = Tanh(x)\n y = CumSum(a, axis) }",
                                      17));
  const std::string model = path("cumulative.lithe");
  ASSERT_EQ(run("convert " + path("cumulative.onnx") + " -o " + model).exit, 0);
  const std::string bench = "bench " + model + " --warmup 0 --reps 1";
  EXPECT_EQ(run(bench).error, "");
  const Answer xnnpack = run(bench + " -v --kernels xnnpack");
  EXPECT_EQ(xnnpack.exit, 0) << xnnpack.error;
  EXPECT_EQ(xnnpack.error_lines(), 2) << xnnpack.error;
  EXPECT_TRUE(mentions(xnnpack.error, "node 0: Tanh by xnn::")) << xnnpack.error;
  EXPECT_TRUE(mentions(xnnpack.error, "node 1: CumSum by portable  ")) << xnnpack.error;
  const Answer portable = run(bench + " -v --kernels portable");
  EXPECT_TRUE(mentions(portable.error, "node 0: Tanh by portable  ")) << portable.error;
  for (const std::string& arguments :
       {"verify " + model, "inspect " + model, "embed " + model + " -o " + path("c.hpp")})
    EXPECT_TRUE(mentions(run(arguments + " -v").error, "node 1: CumSum by portable  ")) << arguments;
  const Answer checked = run("convert -v --check " + path("cumulative.onnx"));
  EXPECT_TRUE(mentions(checked.error, "check: random inputs: output 'y' agrees, error ")) << checked.error;
  EXPECT_EQ(checked.error_lines(), 3) << checked.error;
}

TEST_F(Command, WithoutStreamingNothingChanges) {
  const std::string model = converted();
  const auto report = [&](const std::string& more) {
    const Answer answer = run("inspect " + model + " --memory --json" + more);
    EXPECT_EQ(answer.exit, 0) << answer.error;
    return answer.out;
  };
  EXPECT_EQ(report(" --no-streaming"), report(""));  // no chain is planned unasked
  EXPECT_EQ(run("bench " + model + " --warmup 0 --reps 1 --no-streaming").exit, 0);
  EXPECT_TRUE(mentions(run("run --help").out, "--no-streaming"));
}

TEST_F(Command, OpenShapesAreNamedWhereNobodyGaveThem) {
  const std::string network = "g (float[N,3,H,8] x) => (float[N,3,H,8] y) { a = Exp(x)\n y = Neg(a) }";
  const std::string onnx = write("open.onnx", serialized(network, 17)), model = path("open.lithe");
  ASSERT_EQ(run("convert " + onnx + " -o " + model).exit, 0);
  for (const std::string& arguments :
       {"bench " + model + " --reps 1 --warmup 0", "compare " + model + " --onnx " + onnx}) {
    const Answer open = run(arguments);
    EXPECT_EQ(open.exit, 0) << open.error;
    EXPECT_TRUE(mentions(open.error, "note: the shape of input 'x' is open, here it is [1, 3, 1, 8]"));
    const Answer given = run(arguments + " --shape x=2,3,5,8");
    EXPECT_EQ(given.exit, 0) << given.error;
    EXPECT_EQ(given.error, "");
  }
  const std::string wrong = "compare " + model + " --onnx " + onnx + " --shape x=2,3,5,9";
  EXPECT_EQ(run(wrong).exit, 2);
  ASSERT_EQ(run("convert " + onnx + " -o " + model + " --range x:0=1..1..4 --range x:2=1..16..32").exit, 0);
  EXPECT_EQ(run("bench " + model + " --reps 1 --warmup 0").error, "");
}

TEST_F(Command, EmbedWantsBoundsAndANamespace) {
  const std::string network = "g (float[2,H] x) => (float[2,H] y) { y = Exp(x) }";
  const std::string onnx = write("class.onnx", serialized(network, 17)), model = path("class.lithe");
  const std::string embed = "embed " + model + " -o " + path("model.hpp");
  ASSERT_EQ(run("convert " + onnx + " -o " + model).exit, 0);
  const Answer open = run(embed);
  EXPECT_EQ(open.exit, 3);
  EXPECT_TRUE(mentions(open.error,
                       "input 'x' is open at axis 1, so its arena has no size; convert it with "
                       "--shape x=... or --range x:1=MIN..MAX"));
  EXPECT_FALSE(fs::exists(path("model.hpp")));
  ASSERT_EQ(run("convert " + onnx + " -o " + model + " --range x:1=1..8").exit, 0);
  for (const auto& [option, space] :
       {std::tuple("", "class_"), std::tuple(" --namespace app::net", "app::net")}) {
    EXPECT_EQ(run(embed + option).exit, 0);
    EXPECT_TRUE(mentions(read(path("model.hpp")), std::string("namespace ") + space + " {"));
  }
  for (const char* name : {"class", "std", "app::int", "app:net", "app::", "2nd", "a-b"}) {
    const Answer answer = run(embed + " --namespace " + name);
    EXPECT_EQ(answer.exit, 2) << name;
    EXPECT_TRUE(mentions(answer.error, "cannot be a namespace here; give identifiers that are no keyword"));
  }
}

TEST_F(Command, InspectShowsRangesStatesAndWhatIsNotKnown) {
  const std::string network =
      "g (float[N,8] x, float[1,8] h) => (float[N,8] y, float[1,8] g) { y = Exp(x)\n g = Abs(h) }";
  const std::string onnx = write("open.onnx", serialized(network, 17)), model = path("open.lithe");
  ASSERT_EQ(run("convert " + onnx + " -o " + model + " --range x:0=1..4..8 --state h=g").exit, 0);
  const Answer bounded = run("inspect " + model + " --memory");
  EXPECT_TRUE(mentions(bounded.out, "dimension N: 1..4..8"));
  EXPECT_TRUE(mentions(bounded.out, "h = g of the run before"));
  EXPECT_EQ(bounded.error, "");
  EXPECT_TRUE(mentions(run("inspect " + onnx + " --memory").error, "the shape of input 'x' is open"));
}

TEST_F(Command, ContentsCountMoreThanTheName) {
  const std::string ours = write("ours.onnx", read(converted())), onnx = write("onnx.lithe", read(digits()));
  const Answer first = run("verify " + ours), second = run("inspect " + onnx);
  EXPECT_EQ(first.exit, 0);
  EXPECT_TRUE(mentions(first.error, "ours.onnx: holds a converted model; name it .lithe"));
  EXPECT_EQ(second.exit, 0);
  EXPECT_TRUE(mentions(second.error, "onnx.lithe: holds an ONNX model, which is converted first; name it"));
}

TEST_F(Command, UnknownCommandsAreNamedAndTheVersionIsKnown) {
  EXPECT_EQ(run("covnert model.onnx").error, "lithe: there is no command 'covnert'; see lithe --help\n");
  const Answer version = run("--version");
  EXPECT_EQ(version.exit, 0);
  EXPECT_EQ(version.out.rfind("lithe ", 0), 0u) << version.out;
}

TEST_F(Command, NotesSayWhyAnOptionDoesNothing) {
  const std::string network =
      "g (float[1,2,4,4] x) => (float[1,2,4,4] y) <float[2,2,1,1] w = {1, 2, 3, 4}> { y = Conv(x, w) }";
  const std::string convert =
      "convert " + write("conv.onnx", serialized(network, 17)) + " --check --weights int8";
  EXPECT_TRUE(mentions(run(convert).error, "there is no MatMul, Gemm, LSTM, GRU or RNN with 1024"));
  EXPECT_TRUE(mentions(run(convert + " --custom foo::Bar").error, "--custom foo::Bar: no node of the model"));
}

TEST_F(Command, AFailedCaseIsNotedOnce) {
  const std::string network =
      "g (float[N,8] x) => (float[2,4] y) <int64[2] s = {2, 4}> { y = Reshape(x, s) }";
  const Answer answer =
      run("convert " + write("one.onnx", serialized(network, 17)) + " --check --weights int8");
  EXPECT_EQ(answer.exit, 0) << answer.error;
  const std::size_t at = answer.error.find("note: check: ");
  ASSERT_NE(at, std::string::npos) << answer.error;
  const std::string line = answer.error.substr(at, answer.error.find('\n', at) + 1 - at);
  EXPECT_EQ(answer.error.find(line, at + 1), std::string::npos) << answer.error;
}

TEST_F(Command, QuantizesWithAFolderOfSamples) {
  fs::create_directory(folder_ / "samples");
  fs::copy("examples/digits/images.npy", folder_ / "samples/image.npy");
  const std::string quantize = "convert " + digits() + " -o " + path("digits8.lithe") +
                               " --quantize int8 --calibrate " + path("samples") + " --report " +
                               path("report.json");
  const Answer answer = run(quantize + " --calibration-cache " + path("ranges.json"));
  ASSERT_EQ(answer.exit, 0) << answer.error;
  EXPECT_EQ(answer.error, "") << "no progress bar in a pipe";
  EXPECT_TRUE(mentions(answer.out, "int8: 8 of 8 layers with weights"));
  EXPECT_TRUE(mentions(answer.out, "'probabilities' against float on 797 samples: SNR "));
  EXPECT_TRUE(mentions(answer.out, "the same largest class in 79"));
  EXPECT_LT(fs::file_size(path("digits8.lithe")), fs::file_size(converted()));
  const auto report = nlohmann::json::parse(read(path("report.json")));
  EXPECT_EQ(report.at("quantization").at("int8_layers"), 8);
  EXPECT_GT(report.at("quantization").at("outputs").at(0).at("snr_db"), 30);
  EXPECT_EQ(run("verify " + path("digits8.lithe")).exit, 0);

  const std::string bytes = read(path("digits8.lithe"));
  const Answer again = run(quantize + " --calibration-cache " + path("ranges.json"));
  EXPECT_EQ(again.error, "note: calibration taken from " + path("ranges.json") + "\n");
  EXPECT_TRUE(bytes == read(path("digits8.lithe"))) << "the same bytes with and without the cache";
}

TEST_F(Command, QuantizationOptionsBelongTogether) {
  fs::create_directory(folder_ / "samples");
  const std::string convert = "convert " + digits() + " -o " + path("x.lithe");
  for (const auto& [arguments, exit, why] :
       {std::tuple(std::string(" --quantize int8"), 2, "say with --calibrate DIR"),
        std::tuple(" --calibrate " + path("samples"), 2, "belong to --quantize int8"),
        std::tuple(" --quantize int8 --weights f16 --calibrate " + path("samples"), 2, "leave --weights out"),
        std::tuple(" --quantize int8 --calibrate " + path("samples"), 3, "holds no samples; put NAME.npy"),
        std::tuple(" --quantize int8 --calibrate " + path("nowhere"), 4, "does it exist?")}) {
    const Answer answer = run(convert + arguments);
    EXPECT_EQ(answer.exit, exit) << arguments << '\n' << answer.error;
    EXPECT_EQ(answer.error_lines(), 1) << answer.error;
    EXPECT_TRUE(mentions(answer.error, why));
    EXPECT_FALSE(fs::exists(path("x.lithe")));
  }
}

}  // namespace
}  // namespace lithe::import
