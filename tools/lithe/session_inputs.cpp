// SPDX-License-Identifier: Apache-2.0
#include "tools/lithe/session_inputs.hpp"

#include <algorithm>
#include <cstddef>
#include <cstdio>

#include "lithe/format/reader.hpp"
#include "tools/report/type_text.hpp"

namespace lithe::cli {

namespace {

const format::Value& input_value(const Session& session, int input) {
  return session.inspect().input(static_cast<std::size_t>(input)).file();
}

}  // namespace

bool is_host_input(const Session& session, int input) { return input_value(session, input).host(); }

std::span<const std::int64_t> input_dims(const Session& session, int input) {
  return numbers(input_value(session, input).dims());
}

const format::Symbol* symbol_at(const Model& model, std::int64_t dim) {
  const auto symbol = symbol_of(dim);
  return symbol < 0 ? nullptr : model.root().symbols()->Get(static_cast<std::uint32_t>(symbol));
}

bool has_no_bound(const Model& model, std::int64_t dim) {
  const format::Symbol* symbol = symbol_at(model, dim);
  return symbol == nullptr ? dim < 0 : symbol->max() == 0;
}

void note_open_shapes(Session& session, const OpenModel& model,
                      const std::map<std::string, std::vector<std::int64_t>>& given) {
  const auto is_open = [&](std::int64_t dim) {
    const format::Symbol* range = symbol_at(model.model(), dim);
    return has_no_bound(model.model(), dim) && (range == nullptr || range->opt() == 0);
  };
  for (int i = 0; i < session.inputs(); ++i) {
    const auto dims = input_dims(session, i);
    const std::string name(session.input_name(i));
    if (given.contains(name) || std::none_of(dims.begin(), dims.end(), is_open)) continue;
    const std::string shape = report::shape_text(session.input(i).shape);
    std::fprintf(stderr,
                 "note: the shape of input '%s' is open, here it is %s; give another with --shape %s=...\n",
                 name.c_str(), shape.c_str(), name.c_str());
  }
}

}  // namespace lithe::cli
