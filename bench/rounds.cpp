// SPDX-License-Identifier: Apache-2.0
#include <CLI/CLI.hpp>
#include <chrono>
#include <cstdio>
#include <cstring>
#include <fstream>
#include <iostream>
#include <iterator>
#include <stdexcept>
#include <string>
#include <vector>

#include "lithe/lithe.hpp"

/// lithe's side of peers.py, forests.py and recurrent.py. It loads a model and prints its outputs for one input, the first of those
/// in the file, which take turns. For every number N that it reads from standard input it runs the model once, then N
/// times more, and prints what those N runs took.
namespace {

using namespace lithe;

struct Options {
  std::string model, input;
  std::size_t threads = 1;
};

void check(const Status& status) {
  if (!status.ok()) throw std::runtime_error(status.text());
}

void print_outputs(Session& session) {
  for (int i = 0; i < session.outputs(); ++i) {
    const TensorView t = session.output(i);
    if (t.dtype != DType::f32) throw std::runtime_error("only f32 outputs");
    for (const float x : t.as<float>()) std::printf("%.9g ", static_cast<double>(x));
  }
  std::printf("\n");
}

void serve(const Options& o) {
  auto model = open(o.model.c_str());
  check(model.status());
  const Threads threads(o.threads);
  auto session = Session::create(*model, options(&threads));
  check(session.status());
  if (session->inputs() != 1) throw std::runtime_error("only networks of one input");
  const Tensor input = session->input(0);
  std::ifstream file(o.input, std::ios::binary);
  const std::vector<char> all{std::istreambuf_iterator<char>(file), {}};
  const std::size_t inputs = all.size() / input.bytes();
  if (inputs == 0) throw std::runtime_error(o.input + " does not hold the input");
  std::size_t next = 0;
  const auto feed = [&] { std::memcpy(input.data, &all[next++ % inputs * input.bytes()], input.bytes()); };
  feed();
  check(session->run());
  print_outputs(*session);
  std::fflush(stdout);
  for (int runs = 0; std::cin >> runs;) {
    check(session->run());
    for (int i = 0; i < runs; ++i) {
      const auto begin = std::chrono::steady_clock::now();
      feed();
      check(session->run());
      const std::chrono::duration<double, std::milli> took = std::chrono::steady_clock::now() - begin;
      std::printf("%.6f ", took.count());
    }
    std::printf("\n");
    std::fflush(stdout);
  }
}

}  // namespace

int main(int argc, char** argv) {
  CLI::App app("lithe's side of peers.py");
  Options o;
  app.add_option("MODEL", o.model, ".lithe file")->required();
  app.add_option("--input", o.input, "file of the input's bytes")->required();
  app.add_option("--threads", o.threads, "threads")->check(CLI::Range(1, 1024))->capture_default_str();
  CLI11_PARSE(app, argc, argv);
  try {
    serve(o);
  } catch (const std::exception& e) {
    std::fprintf(stderr, "%s: %s\n", o.model.c_str(), e.what());
    return 1;
  }
  return 0;
}
