// SPDX-License-Identifier: Apache-2.0
// Two threads, a session each, at once: one model, one copy of the packed weights.
// usage: shared_weights digits.lithe images.npy
#include <algorithm>
#include <cstdio>
#include <thread>
#include <vector>

#include "examples/classify/npy.hpp"
#include "lithe/lithe.hpp"

namespace {

lithe::Status classify(lithe::Session& session, const std::vector<std::uint8_t>& pictures,
                       std::vector<std::ptrdiff_t>& digits) {
  const auto image = session.input<float>("image");
  for (std::size_t first = 0; first + image.size() <= pictures.size(); first += image.size()) {
    std::copy_n(pictures.data() + first, image.size(), image.begin());
    LITHE_TRY(session.run());
    const auto scores = session.output<float>("probabilities");
    digits.push_back(std::ranges::max_element(scores) - scores.begin());
  }
  return {};
}

int fail(const char* text) {
  std::fprintf(stderr, "shared_weights: %s\n", text);
  return 1;
}

}  // namespace

int main(int argc, char** argv) {
  if (argc != 3) {
    std::fprintf(stderr, "usage: shared_weights digits.lithe images.npy\n");
    return 2;
  }
  const auto pictures = npy::read_bytes(argv[2]);
  const auto model = lithe::open(argv[1]);
  if (!model.ok()) return fail(model.status().text());

  lithe::PackedWeights weights;  // outlives both sessions
  lithe::SessionOptions options = lithe::options();
  options.packed_weights = &weights;
  auto one = lithe::Session::create(*model, options);
  if (!one.ok()) return fail(one.status().text());
  const std::size_t entries = weights.entries(), bytes = weights.bytes();
  auto two = lithe::Session::create(*model, options);
  if (!two.ok()) return fail(two.status().text());
  if (entries == 0 || weights.entries() != entries)
    return fail("the second session packed weights of its own");

  std::vector<std::ptrdiff_t> first, second;
  lithe::Status status_one, status_two;
  std::thread thread([&] { status_two = classify(*two, pictures, second); });
  status_one = classify(*one, pictures, first);
  thread.join();
  if (!status_one.ok() || !status_two.ok())
    return fail(status_one.ok() ? status_two.text() : status_one.text());
  if (first.empty() || first != second) return fail("the two sessions disagree");
  std::printf("%zu pictures twice, same answers; %zu packed weights, %zu bytes, once\n", first.size(),
              entries, bytes);
}
