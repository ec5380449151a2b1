// SPDX-License-Identifier: Apache-2.0
#include "tools/lithe/given_shapes.hpp"

#include <cstddef>
#include <cstdint>
#include <map>
#include <utility>

#include "lithe/format/reader.hpp"
#include "tools/lithe/sentence.hpp"
#include "tools/lithe/session_inputs.hpp"
#include "tools/report/axes.hpp"
#include "tools/report/error.hpp"
#include "tools/report/type_text.hpp"

namespace lithe::cli {

namespace {

const format::Subgraph& graph_of(const Model& model, const std::string& signature) {
  const auto* signatures = model.root().signatures();
  const format::Signature* found = signatures->Get(0);
  for (const auto* s : *signatures)
    if (!signature.empty() && text(s->name()) == signature) found = s;
  return *model.root().subgraphs()->Get(found->subgraph());
}

const format::Value* input_named(const format::Subgraph& graph, std::string_view name) {
  for (const std::int32_t input : *graph.inputs()) {
    const auto* value = graph.values()->Get(static_cast<std::uint32_t>(input));
    if (text(value->name()) == name) return value;
  }
  return nullptr;
}

std::string dim_text(const Model& model, std::int64_t dim) {
  const format::Symbol* symbol = symbol_at(model, dim);
  if (symbol == nullptr) return dim < 0 ? "any" : std::to_string(dim);
  std::string name(text(symbol->name()));
  if (symbol->max() != 0)
    name += " (" + std::to_string(symbol->min()) + " to " + std::to_string(symbol->max()) + ")";
  return name;
}

std::string dims_text(const Model& model, std::span<const std::int64_t> dims) {
  return report::dims_text(dims, [&](std::int64_t dim) { return dim_text(model, dim); });
}

/// Sizes of symbols, with the input that gave them.
using Sizes = std::map<std::int64_t, std::pair<std::int64_t, std::string>>;

/// Why an input of these dims does not take a shape; empty: it does. Keeps the sizes of symbols.
std::string mismatch(const Model& model, std::span<const std::int64_t> dims, const Shape& given,
                     const std::string& name, Sizes& sizes) {
  if (given.rank() != static_cast<int>(dims.size()))
    return "it has " + std::to_string(given.rank()) + " axes where " + std::to_string(dims.size()) +
           " are wanted";
  for (int axis = 0; axis < given.rank(); ++axis) {
    const std::int64_t dim = dims[static_cast<std::size_t>(axis)];
    const std::string is = "axis " + std::to_string(axis) + " is " + std::to_string(given[axis]);
    if (dim >= 0 && given[axis] != dim) return is + " where " + std::to_string(dim) + " is wanted";
    const format::Symbol* symbol = symbol_at(model, dim);
    if (symbol == nullptr) continue;
    const auto size = static_cast<std::uint64_t>(given[axis]);
    if (size < symbol->min() || (symbol->max() != 0 && size > symbol->max()))
      return is + " where " + dim_text(model, dim) + " is wanted (convert --range sets these bounds)";
    const auto [known, fresh] = sizes.try_emplace(dim, given[axis], name);
    if (!fresh && known->second.first != given[axis])
      return is + " where '" + std::string(text(symbol->name())) + "' is " +
             std::to_string(known->second.first) + " in input '" + known->second.second + "'";
  }
  return {};
}

bool fits(const Model& model, std::span<const std::int64_t> dims, const Shape& shape) {
  Sizes sizes;
  return mismatch(model, dims, shape, {}, sizes).empty();
}

std::vector<report::MeantShape> meant(const Model& model, const format::Value& input, const Shape& given) {
  return report::meant_shapes(given,
                              [&](const Shape& shape) { return fits(model, numbers(input.dims()), shape); });
}

std::string listed(const std::vector<std::string>& names) {
  std::string all;
  for (const std::string& name : names) all += (all.empty() ? "'" : ", '") + name + "'";
  return all;
}

}  // namespace

std::vector<std::string> input_names(const Model& model, const std::string& signature) {
  const format::Subgraph& graph = graph_of(model, signature);
  std::vector<std::string> names;
  for (const std::int32_t input : *graph.inputs())
    names.emplace_back(text(graph.values()->Get(static_cast<std::uint32_t>(input))->name()));
  return names;
}

void check_shapes(const OpenModel& model, const std::string& signature, std::span<const InputShape> shapes,
                  int exit) {
  const format::Subgraph& graph = graph_of(model.model(), signature);
  Sizes sizes;
  for (const InputShape& given : shapes) {
    const std::string name(given.name);
    const format::Value* input = input_named(graph, name);
    if (input == nullptr) {
      const auto names = input_names(model.model(), signature);
      throw report::Failure(exit,
                            model.path().string() + ": has no input '" + name + "'; " +
                                (names.empty() ? "it has no inputs" : "its inputs are " + listed(names)));
    }
    if (input->dims() == nullptr) continue;  // any rank
    const auto dims = numbers(input->dims());
    const std::string why = mismatch(model.model(), dims, given.shape, name, sizes);
    if (why.empty()) continue;
    std::string line = model.path().string() + ": input '" + name + "' is given " +
                       report::shape_text(given.shape) + ", the model wants " +
                       dims_text(model.model(), dims) + ": " + why;
    const auto guesses = meant(model.model(), *input, given.shape);
    if (!guesses.empty()) line += "; " + guesses[0].text;
    throw report::Failure(exit, line);
  }
}

void fail_with_shapes(const Status& status, const OpenModel& model, const std::string& signature,
                      std::span<const InputShape> shapes,
                      const std::function<bool(std::span<const InputShape>)>& works) {
  if (status.code() != Code::shape) fail(status, model.model(), model.path());
  const format::Subgraph& graph = graph_of(model.model(), signature);
  std::string line = sentence(status, model.model(), model.path()), given;
  for (std::size_t i = 0; i < shapes.size(); ++i) {
    const format::Value* input = input_named(graph, shapes[i].name);
    if (input == nullptr || input->dims() == nullptr) continue;
    given += (given.empty() ? "" : ", ") + ("'" + std::string(shapes[i].name) + "' ") +
             report::shape_text(shapes[i].shape) + " for " + dims_text(model.model(), numbers(input->dims()));
    for (const report::MeantShape& guess : meant(model.model(), *input, shapes[i].shape)) {
      std::vector<InputShape> others(shapes.begin(), shapes.end());
      others[i].shape = guess.shape;
      if (!works(others)) continue;
      throw report::Failure(report::exits::bad_input,
                            line + "; input '" + std::string(shapes[i].name) + "' is given " +
                                report::shape_text(shapes[i].shape) + ": " + guess.text);
    }
  }
  throw report::Failure(report::exits::bad_input, line + (given.empty() ? "" : "; given are " + given));
}

}  // namespace lithe::cli
