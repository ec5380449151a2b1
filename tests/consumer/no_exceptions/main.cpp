// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <cstdio>
#include <lithe/lithe.hpp>

int main() {
  const auto model = lithe::open(MODEL);
  if (!model.ok()) return std::puts(model.status().text()), 1;
  auto session = lithe::Session::create(*model, lithe::options());
  if (!session.ok()) return std::puts(session.status().text()), 1;
  std::ranges::fill(session->input<float>("image"), 1.0f);
  if (const auto status = session->run(); !status.ok()) return std::puts(status.text()), 1;
  float sum = 0;
  for (const float p : session->output<float>("probabilities")) sum += p;
  return sum > 0.999f && sum < 1.001f ? 0 : 1;
}
