// SPDX-License-Identifier: Apache-2.0
// Classifies labelled pictures, draws some with the answers, and prints accuracy, latency and memory.
// usage: classify_demo digits.lithe images.npy labels.npy
#include <algorithm>
#include <chrono>
#include <cstdio>
#include <vector>

#include "examples/classify/npy.hpp"
#include "lithe/lithe.hpp"

namespace {

constexpr std::size_t side = 8, shown = 8;

struct Answer {
  std::size_t digit;
  float probability;
  double microseconds;
};

/// Pictures side by side, two characters for each pixel, with their answers below.
void draw(const std::vector<std::uint8_t>& pictures, const std::vector<std::uint8_t>& labels,
          const std::vector<Answer>& answers, const std::vector<std::size_t>& which) {
  constexpr char shades[] = " .:-=+*#%@";
  for (std::size_t row = 0; row < side; ++row) {
    for (const std::size_t i : which) {
      for (std::size_t column = 0; column < side; ++column) {
        const char shade =
            shades[std::min<std::size_t>(pictures[(i * side + row) * side + column], 16) * 9 / 16];
        std::printf("%c%c", shade, shade);
      }
      std::printf("  ");
    }
    std::printf("\n");
  }
  for (const std::size_t i : which) {
    char text[64];
    std::snprintf(text, sizeof(text), "%zu (%.0f %%)%s", answers[i].digit,
                  100 * static_cast<double>(answers[i].probability),
                  answers[i].digit == labels[i] ? "" : " wrong");
    std::printf("%-18s", text);
  }
  std::printf("\n\n");
}

lithe::Result<std::vector<Answer>> classify(lithe::Session& session,
                                            const std::vector<std::uint8_t>& pictures) {
  std::vector<Answer> answers;
  const auto image = session.input<float>("image");
  for (std::size_t first = 0; first + image.size() <= pictures.size(); first += image.size()) {
    std::copy_n(pictures.data() + first, image.size(), image.begin());
    const auto start = std::chrono::steady_clock::now();
    LITHE_TRY(session.run());
    const std::chrono::duration<double, std::micro> time = std::chrono::steady_clock::now() - start;
    const auto scores = session.output<float>("probabilities");
    const auto best = std::ranges::max_element(scores);
    answers.push_back({static_cast<std::size_t>(best - scores.begin()), *best, time.count()});
  }
  return answers;
}

int fail(const lithe::Status& status) {
  std::fprintf(stderr, "classify_demo: %s\n", status.text());
  return 1;
}

}  // namespace

int main(int argc, char** argv) {
  if (argc != 4) {
    std::fprintf(stderr, "usage: classify_demo digits.lithe images.npy labels.npy\n");
    return 2;
  }
  const auto pictures = npy::read_bytes(argv[2]), labels = npy::read_bytes(argv[3]);
  if (labels.empty() || pictures.size() != labels.size() * side * side)
    return fail({lithe::Code::io, "images and labels cannot be read, or do not match"});
  const auto start = std::chrono::steady_clock::now();
  const auto model = lithe::open(argv[1]);
  if (!model.ok()) return fail(model.status());
  auto session = lithe::Session::create(*model, lithe::options());
  if (!session.ok()) return fail(session.status());
  const std::chrono::duration<double, std::milli> ready = std::chrono::steady_clock::now() - start;
  if (session->input<float>("image").size() != side * side)
    return fail({lithe::Code::shape, "the model does not take one picture of 8 x 8"});

  auto answers = classify(*session, pictures);
  if (!answers.ok()) return fail(answers.status());
  std::size_t right = 0;
  std::vector<std::size_t> some, wrong;
  for (std::size_t i = 0; i < labels.size(); ++i) {
    const bool is_right = (*answers)[i].digit == labels[i];
    right += is_right;
    if (is_right && some.size() < shown - 2) some.push_back(i);
    if (!is_right && wrong.size() < 2) wrong.push_back(i);
  }
  some.insert(some.end(), wrong.begin(), wrong.end());
  draw(pictures, labels, *answers, some);

  std::vector<double> times;
  for (const Answer& a : *answers) times.push_back(a.microseconds);
  std::ranges::sort(times);
  const lithe::MemoryReport memory = session->memory();
  std::printf("accuracy %.2f %% (%zu of %zu held-out pictures)\n",
              100.0 * static_cast<double>(right) / static_cast<double>(labels.size()), right, labels.size());
  std::printf("latency %.1f us a picture (median, 1 thread), ready in %.2f ms\n", times[times.size() / 2],
              ready.count());
  std::printf(
      "memory %zu bytes: tensors %zu, inputs and states %zu, tables %zu, operator heap %zu, packed weights "
      "%zu\n",
      memory.total(), memory.tensors, memory.ports, memory.tables, memory.operator_heap,
      memory.packed_weights);
  return 0;
}
