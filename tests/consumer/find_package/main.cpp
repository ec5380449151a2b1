// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <cstdio>
#include <lithe/lithe.hpp>

int main() {
  const auto model = lithe::open(MODEL);
  if (!model.ok()) {
    std::puts(model.status().text());
    return 1;
  }
  auto session = lithe::Session::create(*model, lithe::options());
  if (!session.ok()) {
    std::puts(session.status().text());
    return 1;
  }
  std::ranges::fill(session->input<float>("image"), 1.0f);
  if (const auto status = session->run(); !status.ok()) {
    std::puts(status.text());
    return 1;
  }
  float sum = 0;
  for (const float p : session->output<float>("probabilities")) sum += p;
  return sum > 0.999f && sum < 1.001f ? 0 : 1;
}
