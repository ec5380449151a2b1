// SPDX-License-Identifier: Apache-2.0
#include "tools/check/sizes.hpp"

#include <algorithm>
#include <utility>

namespace lithe::check {

std::vector<Sizes> settings(const graph::Model& model) {
  std::vector<Sizes> all;
  auto add = [&](auto pick) {
    Sizes sizes;
    for (const graph::Symbol& s : model.symbols) sizes.push_back(pick(s));
    if (std::find(all.begin(), all.end(), sizes) == all.end()) all.push_back(std::move(sizes));
  };
  auto at = [&](std::uint64_t unbounded) {
    return [=](const graph::Symbol& s) { return std::max(unbounded, s.min); };
  };
  add([&](const graph::Symbol& s) { return s.max == 0 ? at(1)(s) : s.min; });
  add([&](const graph::Symbol& s) { return s.max == 0 ? at(2)(s) : s.opt != 0 ? s.opt : s.min; });
  add([&](const graph::Symbol& s) { return s.max == 0 ? at(7)(s) : s.max; });
  return all;
}

bool has_bounds(const graph::Model& model) {
  return std::all_of(model.symbols.begin(), model.symbols.end(), [](const auto& s) { return s.max != 0; });
}

std::vector<Sizes> larger_settings(const graph::Model& model) {
  std::vector<Sizes> all;
  const bool bounded = has_bounds(model);
  for (std::uint64_t size : {16, 32, 64, 128, 256, 512}) {
    Sizes sizes;
    for (const graph::Symbol& s : model.symbols)
      sizes.push_back(s.max != 0 ? std::clamp(size, s.min, s.max) : std::max(size, s.min));
    if (!bounded) all.push_back(std::move(sizes));
  }
  return all;
}

std::string sizes_text(const graph::Model& model, const Sizes& sizes) {
  std::string text;
  for (std::size_t i = 0; i < sizes.size(); ++i)
    text += (text.empty() ? "" : ", ") + model.symbols[i].name + "=" + std::to_string(sizes[i]);
  return text;
}

}  // namespace lithe::check
