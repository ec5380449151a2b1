// SPDX-License-Identifier: Apache-2.0
// Classifies pictures from flash on a Cortex-M4, without a heap, and compares with what the workstation
// computed.
#include <algorithm>

#include "board.hpp"
#include "digits.hpp"  // made by lithe embed
#include "lithe/micro.hpp"
#include "pictures.hpp"  // made by pictures.cpp

namespace {

alignas(64) std::byte arena[digits::arena_bytes];

bool stopped(const lithe::Status& status) {
  if (status.ok()) return false;
  board::print("error: ");
  board::print(status.text());
  board::print("\n");
  return true;
}

/// Whether the answer for picture `i` is the workstation's.
bool same(std::size_t i, std::span<const float> answer) {
  const auto& expected = pictures::outputs[i];
  float difference = 0;
  for (std::size_t k = 0; k < answer.size(); ++k)
    difference = std::max(difference, std::abs(answer[k] - expected[k]));
  const std::size_t digit =
      static_cast<std::size_t>(std::max_element(answer.begin(), answer.end()) - answer.begin());
  const std::size_t wanted = static_cast<std::size_t>(
      std::max_element(std::begin(expected), std::end(expected)) - std::begin(expected));
  board::print("picture ");
  board::print(i);
  board::print(": digit ");
  board::print(digit);
  board::print(", probability ");
  board::print(answer[digit]);
  board::print(", difference ");
  board::print(difference);
  board::print("\n");
  return digit == wanted && difference <= pictures::tolerance;
}

void line(const char* what, std::size_t bytes) {
  board::print(what);
  board::print(bytes);
  board::print(" bytes\n");
}

}  // namespace

/// What the board runs after start-up.
int firmware() {
  const auto model = lithe::Model::open(std::as_bytes(std::span(digits::model)));
  if (stopped(model.status())) return 1;
  auto session = lithe::Session::create(*model, lithe::options<digits::Kernels>(arena));
  if (stopped(session.status())) return 1;
  const std::span<float> image = session->input<float>(session->input_name(0));
  if (image.size() != std::size(pictures::inputs[0])) return 1;

  bool right = true;
  for (std::size_t i = 0; i < std::size(pictures::inputs); ++i) {
    std::copy(std::begin(pictures::inputs[i]), std::end(pictures::inputs[i]), image.begin());
    if (stopped(session->run())) return 1;
    right &= same(i, session->output(0).as<float>());
  }

  const board::Usage usage = board::usage();
  line("flash: engine, kernels, math ", usage.code);
  line("flash: model ", usage.model);
  line("flash: start-up and semihosting ", usage.console);
  line("RAM: arena ", sizeof(arena));
  line("RAM: arena used ", session->memory().arena());
  line("RAM: other variables ", usage.data - sizeof(arena));
  line("RAM: deepest stack ", usage.stack);
  board::print(right ? "all answers are the workstation's\n" : "an answer differs from the workstation's\n");
  return right ? 0 : 1;
}
