// SPDX-License-Identifier: Apache-2.0
#include "tools/passes/pattern.hpp"

#include <algorithm>
#include <cctype>
#include <cmath>
#include <stdexcept>
#include <utility>

#include "tools/graph/operators.hpp"
#include "tools/passes/constants.hpp"
#include "tools/passes/node.hpp"
#include "tools/passes/rewriter.hpp"
#include "tools/passes/value.hpp"

namespace lithe::passes {
namespace {

class Parser {
 public:
  explicit Parser(std::string_view text) : text_(text) {}

  Pattern whole() {
    Pattern pattern = term();
    if (at_ != text_.size()) fail();
    return pattern;
  }

 private:
  Pattern term() {
    if (take('{')) return either();
    Pattern p;
    if (take('$')) {
      p.kind = Pattern::Kind::any_number;
      p.name = word();
      return p;
    }
    const char first = peek();
    if (first == '-' || std::isdigit(static_cast<unsigned char>(first)) != 0) return number();
    p.name = word();
    if (take('=')) p.label = std::exchange(p.name, word());
    p.kind =
        std::isupper(static_cast<unsigned char>(p.name[0])) != 0 ? Pattern::Kind::node : Pattern::Kind::value;
    if (p.kind == Pattern::Kind::value) return p;
    p.any_inputs = !take('(');
    if (p.any_inputs) return p;
    do p.parts.push_back(term());
    while (take(','));
    if (!take(')')) fail();
    return p;
  }
  Pattern either() {
    Pattern p;
    p.kind = Pattern::Kind::either;
    do p.parts.push_back(term());
    while (take('|'));
    if (!take('}')) fail();
    return p;
  }
  Pattern number() {
    std::size_t length = 0;
    Pattern p;
    p.kind = Pattern::Kind::number;
    p.number = std::stod(std::string(text_.substr(at_)), &length);
    at_ += length;
    skip_space();
    return p;
  }
  std::string word() {
    const std::size_t start = at_;
    while (std::isalnum(static_cast<unsigned char>(peek())) != 0) ++at_;
    if (at_ == start) fail();
    std::string result(text_.substr(start, at_ - start));
    skip_space();
    return result;
  }
  bool take(char c) {
    if (peek() != c) return false;
    ++at_;
    skip_space();
    return true;
  }
  void skip_space() {
    while (peek() == ' ') ++at_;
  }
  char peek() const { return at_ < text_.size() ? text_[at_] : '\0'; }
  [[noreturn]] void fail() const {
    throw std::invalid_argument("pattern: " + std::string(text_) + " at " + std::to_string(at_));
  }

  std::string_view text_;
  std::size_t at_ = 0;
};

class Matcher {
 public:
  explicit Matcher(Rewriter& rewriter) : rewriter_(rewriter) {}

  bool value(const Pattern& p, ValueId v, Match& m) {
    switch (p.kind) {
      case Pattern::Kind::value:
        return v >= 0 && m.values.emplace(p.name, v).first->second == v;
      case Pattern::Kind::number:
      case Pattern::Kind::any_number:
        return number(p, v, false, m);
      case Pattern::Kind::either:
        return std::any_of(p.parts.begin(), p.parts.end(),
                           [&](const Pattern& part) { return trial(m, [&] { return value(part, v, m); }); });
      case Pattern::Kind::node:
        break;
    }
    const int n = rewriter_.producer(v);
    if (n < 0 || (!p.label.empty() && m.values.emplace(p.label, v).first->second != v)) return false;
    return node(p, n, m);
  }

  bool node(const Pattern& p, int n, Match& m) {
    const Node& found = rewriter_.node(n);
    if (std::find(m.nodes.begin(), m.nodes.end(), n) == m.nodes.end()) m.nodes.push_back(n);
    if (graph::facts_of(found).clamps && clamp_attribute(found).active()) return false;
    if (p.name == "Scale") return scale(p, found, m);
    if (found.op != p.name) return false;
    if (p.any_inputs) return true;
    if (found.inputs.size() != p.parts.size()) return false;
    const bool swaps = p.parts.size() == 2 && graph::facts_of(found).commutes;
    return trial(m, [&] { return inputs(p, found, m, false); }) ||
           (swaps && trial(m, [&] { return inputs(p, found, m, true); }));
  }

 private:
  /// What a failed `attempt` bound is forgotten.
  template <class Attempt>
  static bool trial(Match& m, Attempt attempt) {
    const Match before = m;
    if (attempt()) return true;
    m = before;
    return false;
  }
  bool inputs(const Pattern& p, const Node& found, Match& m, bool swapped) {
    for (std::size_t i = 0; i < p.parts.size(); ++i)
      if (!value(p.parts[i], found.inputs[swapped ? 1 - i : i], m)) return false;
    return true;
  }
  bool scale(const Pattern& p, const Node& found, Match& m) {
    if (is(found, "Div"))
      return number(p.parts[1], found.inputs[1], true, m) && value(p.parts[0], found.inputs[0], m);
    if (!is(found, "Mul")) return false;
    return trial(m, [&] { return inputs(p, found, m, false); }) ||
           trial(m, [&] { return inputs(p, found, m, true); });
  }
  bool number(const Pattern& p, ValueId v, bool inverse, Match& m) {
    if (v < 0) return false;
    const auto scalar = scalar_of(rewriter_.graph().constant(v));
    if (!scalar) return false;
    const double have = inverse ? 1 / *scalar : *scalar;
    if (p.kind == Pattern::Kind::any_number) {
      m.numbers[p.name] = have;
      return true;
    }
    const DType dtype = rewriter_.value(v).dtype;
    const bool narrow = is_floating(dtype) && bits(dtype) < 32;
    return std::fabs(have - p.number) <= (narrow ? 4e-3 : 1e-5) * std::fabs(p.number);
  }

  Rewriter& rewriter_;
};

}  // namespace

Pattern Pattern::parse(std::string_view text) { return Parser(text).whole(); }

std::optional<Match> find(Rewriter& rewriter, const Pattern& pattern, int n) {
  Match match;
  return Matcher(rewriter).node(pattern, n, match) ? std::optional(match) : std::nullopt;
}

ValueId read_outside(Rewriter& rewriter, const Match& match) {
  const auto inside = [&](const Rewriter::Reader& reader) {
    return std::find(match.nodes.begin(), match.nodes.end(), reader.node) != match.nodes.end();
  };
  for (std::size_t i = 1; i < match.nodes.size(); ++i)
    for (const ValueId v : rewriter.node(match.nodes[i]).outputs) {
      if (v < 0) continue;
      const auto& readers = rewriter.readers(v);
      if (rewriter.is_output(v) || !std::all_of(readers.begin(), readers.end(), inside)) return v;
    }
  return graph::absent;
}

void replace(Rewriter& rewriter, const Match& match, Node replacement) {
  const int root = match.nodes[0];
  std::vector<int> nodes = match.nodes;
  std::sort(nodes.begin(), nodes.end());
  for (const int n : nodes) append_names(replacement, rewriter.node(n));
  replacement.outputs = {rewriter.node(root).outputs[0]};
  for (const int n : nodes) rewriter.remove_node(n);
  rewriter.add_node(std::move(replacement), root);
}

}  // namespace lithe::passes
