// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <cstdio>

#include "examples/classify/npy.hpp"
#include "lithe/lithe.hpp"

int fail(const char* text, int code = 1) {
  std::puts(text);
  return code;
}

int main(int argc, char** argv) {
  if (argc != 3) return fail("usage: classify digits.lithe images.npy", 2);
  const auto model = lithe::open(argv[1]);
  if (!model.ok()) return fail(model.status().text());
  auto session = lithe::Session::create(*model, lithe::options());
  if (!session.ok()) return fail(session.status().text());

  const auto pictures = npy::read_bytes(argv[2]);
  const auto image = session->input<float>("image");
  if (image.empty()) return fail("the model has no f32 input named image");
  for (std::size_t first = 0; first + image.size() <= pictures.size(); first += image.size()) {
    std::copy_n(pictures.data() + first, image.size(), image.begin());
    if (const auto status = session->run(); !status.ok()) return fail(status.text());
    const auto scores = session->output<float>("probabilities");
    std::printf("%td\n", std::ranges::max_element(scores) - scores.begin());
  }
}
