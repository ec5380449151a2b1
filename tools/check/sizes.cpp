// SPDX-License-Identifier: Apache-2.0
#include "tools/check/sizes.hpp"

#include <algorithm>
#include <set>
#include <string_view>
#include <utility>

#include "tools/check/named_size.hpp"

namespace lithe::check {

namespace {

/// The sizes that the names of unbounded symbols compute from the others; a name that no symbol has is of size `unbounded`.
void follow_names(const graph::Model& model, std::uint64_t unbounded, Sizes& sizes) {
  const Sizes plain = sizes;
  const auto size_of = [&](std::string_view name) {
    for (std::size_t i = 0; i < plain.size(); ++i)
      if (model.symbols[i].name == name) return plain[i];
    return unbounded;
  };
  for (std::size_t i = 0; i < sizes.size(); ++i)
    if (model.symbols[i].max == 0)
      sizes[i] =
          std::max(named_size(model.symbols[i].name, size_of).value_or(sizes[i]), model.symbols[i].min);
}

}  // namespace

std::vector<Sizes> settings(const graph::Model& model) {
  std::vector<Sizes> all;
  auto add = [&](std::uint64_t unbounded, auto pick) {
    Sizes sizes;
    for (const graph::Symbol& s : model.symbols)
      sizes.push_back(s.max == 0 ? std::max(unbounded, s.min) : pick(s));
    follow_names(model, unbounded, sizes);
    if (std::find(all.begin(), all.end(), sizes) == all.end()) all.push_back(std::move(sizes));
  };
  add(1, [](const graph::Symbol& s) { return s.min; });
  add(2, [](const graph::Symbol& s) { return s.opt != 0 ? s.opt : s.min; });
  add(7, [](const graph::Symbol& s) { return s.max; });
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
    follow_names(model, size, sizes);
    if (!bounded) all.push_back(std::move(sizes));
  }
  return all;
}

std::vector<Sizes> variants(const graph::Model& model, const Sizes& sizes) {
  constexpr std::size_t most_symbols = 8, most_steps = 4;
  constexpr std::int64_t longest_step = 16;
  std::vector<Sizes> all;
  if (sizes.size() < 2 || sizes.size() > most_symbols) return all;
  std::set<std::uint64_t> steps{1};
  for (const graph::ValueId input : model.graphs[0].inputs)
    for (const std::int64_t d : model.graphs[0].value(input).dims.value_or(graph::Dims{}))
      if (d > 0 && d <= longest_step && steps.size() < most_steps)
        steps.insert(static_cast<std::uint64_t>(d));
  for (std::size_t s = 0; s < sizes.size(); ++s) {
    if (model.symbols[s].max != 0) continue;
    std::set<std::uint64_t> larger{2 * sizes[s]};
    for (const std::uint64_t step : steps) larger.insert(sizes[s] + step);
    for (const std::uint64_t size : larger) {
      all.push_back(sizes);
      all.back()[s] = size;
    }
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
