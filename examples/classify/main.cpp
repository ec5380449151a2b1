// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <cstdio>

#include "examples/classify/npy.hpp"
#include "lithe/lithe.hpp"

int main(int argc, char** argv) {
  if (argc != 3) return std::puts("usage: classify digits.lithe images.npy"), 2;
  const auto model = lithe::open(argv[1]);
  if (!model.ok()) return std::puts(model.status().text()), 1;
  auto session = lithe::Session::create(*model, lithe::options());
  if (!session.ok()) return std::puts(session.status().text()), 1;

  const auto pictures = npy::read_bytes(argv[2]);
  const auto image = session->input<float>("image");
  if (image.empty()) return std::puts("the model has no f32 input named image"), 1;
  for (std::size_t first = 0; first + image.size() <= pictures.size(); first += image.size()) {
    std::copy_n(pictures.data() + first, image.size(), image.begin());
    if (const auto status = session->run(); !status.ok()) return std::puts(status.text()), 1;
    const auto scores = session->output<float>("probabilities");
    std::printf("%td\n", std::ranges::max_element(scores) - scores.begin());
  }
}
