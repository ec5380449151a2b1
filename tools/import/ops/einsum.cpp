// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <cctype>
#include <cstddef>
#include <cstdint>
#include <iterator>
#include <map>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "lithe/ops/binary.hpp"
#include "lithe/ops/matmul.hpp"
#include "lithe/ops/reduce.hpp"
#include "lithe/ops/reshape.hpp"
#include "lithe/ops/slice.hpp"
#include "lithe/ops/squeeze.hpp"
#include "lithe/ops/unsqueeze.hpp"
#include "lithe/ops/where.hpp"
#include "tools/import/importer.hpp"
#include "tools/import/ops/sizes.hpp"

namespace lithe::import {
namespace {

using graph::ValueId;

/// One letter for each axis; the axes of an ellipsis are digits, the last one '0', so that they align at the
/// right.
using Labels = std::string;

struct Operand {
  ValueId value;
  Labels labels;
};

bool is_letter(char c) { return std::isalpha(static_cast<unsigned char>(c)) != 0; }
bool has(const Labels& labels, char label) { return labels.find(label) != Labels::npos; }
Labels without(const Labels& labels, const Labels& gone) {
  Labels rest;
  std::copy_if(labels.begin(), labels.end(), std::back_inserter(rest), [&](char c) { return !has(gone, c); });
  return rest;
}
Labels common(const Labels& a, const Labels& b) {
  Labels both;
  std::copy_if(a.begin(), a.end(), std::back_inserter(both), [&](char c) { return has(b, c); });
  return both;
}

class Einsum {
 public:
  explicit Einsum(NodeImport& node) : node_(node), dtype_(node.dtype(node.input(0))) {}

  void run() {
    parse();
    for (std::size_t i = 0; i < operands_.size(); ++i) take_diagonals(operands_[i]);
    check_sizes();
    for (std::size_t i = 0; i < operands_.size(); ++i) drop_repeated(operands_[i]);
    Operand result = operands_[0];
    for (std::size_t i = 1; i <= operands_.size(); ++i) {
      Labels later = output_;
      for (std::size_t k = i; k < operands_.size(); ++k) later += operands_[k].labels;
      sum_out(result, without(result.labels, later));
      if (i == operands_.size()) break;
      later = output_;
      for (std::size_t k = i + 1; k < operands_.size(); ++k) later += operands_[k].labels;
      sum_out(operands_[i], without(operands_[i].labels, later + result.labels));
      result = multiplied(result, operands_[i], later);
    }
    if (without(output_, result.labels) != "") refuse("names an axis of the output that no input has");
    node_.output(0, transposed(result, output_));
  }

 private:
  [[noreturn]] void refuse(const std::string& what) const {
    node_.refuse("Einsum: the equation \"" + equation_ + "\" " + what);
  }

  /// Reads the equation into operands_ and output_.
  void parse() {
    equation_ = node_.attribute_string("equation", "");
    std::string text = equation_;
    std::erase(text, ' ');
    const std::size_t arrow = text.find("->");
    std::vector<std::string> terms(1);
    for (char c : text.substr(0, arrow)) {
      if (c == ',')
        terms.emplace_back();
      else
        terms.back().push_back(c);
    }
    if (static_cast<int>(terms.size()) != node_.inputs()) refuse("is of another number of inputs");
    for (std::size_t i = 0; i < terms.size(); ++i) {
      const ValueId input = node_.input(static_cast<int>(i));
      const int rank = node_.required_rank(input);
      operands_.push_back({input, read_term(terms[i], rank)});
      for (int axis = 0; axis < rank; ++axis)
        if (const char c = operands_[i].labels[static_cast<std::size_t>(axis)]; is_letter(c))
          if (const auto size = size_of(operands_[i], axis); size && *size != 1) sizes_.emplace(c, *size);
    }
    if (arrow != std::string::npos) {
      output_ = read_term(text.substr(arrow + 2), -1);
      if (without(ellipsis_, output_) != "") refuse("drops the axes of an ellipsis");
    } else {
      Labels all;
      for (const Operand& operand : operands_) all += operand.labels;
      output_ = ellipsis_;
      std::sort(all.begin(), all.end());
      for (char c : all)
        if (is_letter(c) && std::count(all.begin(), all.end(), c) == 1) output_.push_back(c);
    }
    for (char c : output_)
      if (std::count(output_.begin(), output_.end(), c) > 1) refuse("names an axis of the output twice");
  }

  /// The labels of a term of `rank` axes; -1: of the output, whose ellipsis is the widest seen.
  Labels read_term(const std::string& term, int rank) {
    const std::size_t dots = term.find("...");
    Labels letters = term;
    if (dots != std::string::npos) letters.erase(dots, 3);
    for (char c : letters)
      if (!is_letter(c)) refuse("is not made of letters, \"...\", \",\" and \"->\"");
    const auto count = static_cast<int>(letters.size());
    if (rank >= 0 && (dots == std::string::npos ? count != rank : count > rank))
      refuse("names another number of axes than an input has");
    if (dots == std::string::npos) return letters;
    Labels hidden = ellipsis_;
    if (rank >= 0) {
      hidden.clear();
      for (int i = rank - count - 1; i >= 0; --i) hidden.push_back(static_cast<char>('0' + i));
      if (hidden.size() > ellipsis_.size()) ellipsis_ = hidden;
    }
    return letters.insert(dots, hidden);
  }

  static int axis_of(const Operand& operand, char label) {
    return static_cast<int>(operand.labels.find(label));
  }
  /// The size of an axis; nullopt where it is unknown or 0, which a reshape could not be told.
  std::optional<std::int64_t> size_of(const Operand& operand, int axis) const {
    const auto& dims = node_.value(operand.value).dims;
    std::int64_t size = dims ? (*dims)[static_cast<std::size_t>(axis)] : -1;
    const auto known = sizes_.find(operand.labels[static_cast<std::size_t>(axis)]);
    if (size < 0 && known != sizes_.end()) size = known->second;
    return size > 0 ? std::optional(size) : std::nullopt;
  }

  ValueId transposed(const Operand& operand, const Labels& order) {
    std::vector<std::int32_t> permutation;
    for (char c : order) permutation.push_back(axis_of(operand, c));
    return node_.transpose(operand.value, std::move(permutation));
  }
  ValueId reshaped(ValueId value, std::vector<std::int64_t> shape) {
    return node_.emit<ops::Reshape>({}, {value, node_.ints(std::move(shape))}, dtype_);
  }

  /// Where a label stands twice, the elements with one number for both axes.
  void take_diagonals(Operand& operand) {
    for (std::size_t i = 0; i < operand.labels.size(); ++i) {
      const char label = operand.labels[i];
      const std::size_t j = operand.labels.find(label, i + 1);
      if (j == Labels::npos) continue;
      const auto n = size_of(operand, static_cast<int>(i)), m = size_of(operand, static_cast<int>(j));
      if (n && m && n != m) refuse("takes a diagonal of axes that are not equal");
      std::vector<std::int32_t> permutation;
      Labels rest;
      for (std::size_t k = 0; k < operand.labels.size(); ++k)
        if (k != i && k != j) {
          permutation.push_back(static_cast<std::int32_t>(k));
          rest += operand.labels[k];
        }
      permutation.push_back(static_cast<std::int32_t>(i));
      permutation.push_back(static_cast<std::int32_t>(j));
      const ValueId squares = node_.transpose(operand.value, std::move(permutation));
      const auto outer = static_cast<int>(rest.size());
      operand.value = n && m ? diagonal(squares, outer, *n) : open_diagonal(squares, outer);
      operand.labels = rest + label;
      i = static_cast<std::size_t>(-1);
    }
  }
  /// The diagonals of `squares` [..., n, n], with `outer` axes before.
  ValueId diagonal(ValueId squares, int outer, std::int64_t n) {
    std::vector<std::int64_t> shape(static_cast<std::size_t>(outer), 0);
    shape.push_back(n * n);
    const ValueId flat = reshaped(squares, std::move(shape));
    return node_.emit<ops::Slice>(
        {}, {flat, node_.ints({0}), node_.ints({n * n}), node_.ints({outer}), node_.ints({n + 1})}, dtype_);
  }
  /// The same of squares whose size is known at run time only: sums over what is zero beside the diagonals.
  ValueId open_diagonal(ValueId squares, int outer) {
    const ValueId rows = numbers_below(node_, import::size_of(node_, squares, outer));
    const ValueId columns = numbers_below(node_, import::size_of(node_, squares, outer + 1));
    const ValueId at = node_.emit<ops::Unsqueeze>({}, {rows, node_.ints({1})}, DType::s64);
    const ValueId mask = node_.emit<ops::Equal>({}, {at, columns}, DType::boolean);
    const ValueId kept = node_.emit<ops::Where>({}, {mask, squares, zero(node_, dtype_)}, dtype_);
    ops::ReduceAttributes attributes;
    attributes.keepdims = false;
    return node_.emit<ops::ReduceSum>(attributes, {kept, node_.ints({-1})}, dtype_);
  }

  /// The size of an axis as its value has it: -1 where it is open.
  std::int64_t own_size(const Operand& operand, char label) const {
    const auto& dims = node_.value(operand.value).dims;
    return dims ? (*dims)[static_cast<std::size_t>(axis_of(operand, label))] : -1;
  }
  /// Refuses axes of one label whose sizes differ, unless one of them is 1 and thus repeated.
  void check_sizes() const {
    for (const Operand& a : operands_)
      for (const char label : a.labels)
        for (const Operand& b : operands_) {
          const std::int64_t n = own_size(a, label), m = has(b.labels, label) ? own_size(b, label) : n;
          if (n >= 0 && m >= 0 && n != m && n != 1 && m != 1)
            refuse((is_letter(label) ? std::string("gives '") + label + "' the sizes "
                                     : std::string("gives an axis of its ellipsis the sizes ")) +
                   std::to_string(n) + " and " + std::to_string(m));
        }
  }
  /// Drops the axes of size 1 that are repeated along an axis of another operand: that one alone counts.
  void drop_repeated(Operand& operand) {
    std::vector<std::int64_t> axes;
    Labels rest;
    for (const char label : operand.labels) {
      const bool repeated = is_letter(label) && own_size(operand, label) == 1 &&
                            std::any_of(operands_.begin(), operands_.end(), [&](const Operand& other) {
                              return has(other.labels, label) && own_size(other, label) != 1;
                            });
      if (repeated)
        axes.push_back(axis_of(operand, label));
      else
        rest += label;
    }
    if (axes.empty()) return;
    operand.value = node_.emit<ops::Squeeze>({}, {operand.value, node_.ints(std::move(axes))}, dtype_);
    operand.labels = rest;
  }

  void sum_out(Operand& operand, const Labels& gone) {
    if (gone.empty()) return;
    std::vector<std::int64_t> axes;
    for (char c : gone) axes.push_back(axis_of(operand, c));
    ops::ReduceAttributes attributes;
    attributes.keepdims = false;
    operand.value =
        node_.emit<ops::ReduceSum>(attributes, {operand.value, node_.ints(std::move(axes))}, dtype_);
    operand.labels = without(operand.labels, gone);
  }

  /// The product of two, summed over what both have and nobody needs `later`.
  Operand multiplied(const Operand& a, const Operand& b, const Labels& later) {
    const Labels both = common(a.labels, b.labels), batch = common(both, later),
                 summed = without(both, batch);
    if (!summed.empty())
      if (const auto product = matrix_product(a, b, batch, summed)) return *product;
    const Labels order = a.labels + without(b.labels, a.labels);
    Operand product{node_.emit<ops::Mul>({}, {widened(a, order), widened(b, order)}, dtype_), order};
    sum_out(product, summed);
    return product;
  }

  /// `operand` with the axes of `order`, those that it lacks of size 1.
  ValueId widened(const Operand& operand, const Labels& order) {
    const ValueId value = transposed(operand, common(order, operand.labels));
    std::vector<std::int64_t> axes;
    for (std::size_t i = 0; i < order.size(); ++i)
      if (!has(operand.labels, order[i])) axes.push_back(static_cast<std::int64_t>(i));
    return axes.empty() ? value
                        : node_.emit<ops::Unsqueeze>({}, {value, node_.ints(std::move(axes))}, dtype_);
  }

  bool empty(const Operand& operand) const {
    const auto& dims = node_.value(operand.value).dims;
    return dims && std::find(dims->begin(), dims->end(), 0) != dims->end();
  }
  /// Whether these axes can become one: there is one, or all sizes are known.
  bool merges(const Operand& operand, const Labels& labels) const {
    return labels.size() == 1 || std::all_of(labels.begin(), labels.end(), [&](char c) {
             return size_of(operand, axis_of(operand, c)).has_value();
           });
  }
  /// nullopt where MatMul does not have the dtype, or axes of unknown sizes would have to be merged.
  std::optional<Operand> matrix_product(const Operand& a, const Operand& b, const Labels& batch,
                                        const Labels& summed) {
    const Labels rows = without(a.labels, batch + summed), columns = without(b.labels, batch + summed);
    const bool multiplies = dtype_ == DType::f32 || dtype_ == DType::f16 || dtype_ == DType::f64 ||
                            (is_integer(dtype_) && bits(dtype_) >= 32);
    const bool fits = multiplies && merges(a, rows) && merges(b, columns) && merges(a, summed) &&
                      merges(b, summed) && !empty(a) && !empty(b) &&
                      static_cast<int>(batch.size()) + 2 <= max_rank;
    if (!fits) return std::nullopt;
    ops::MatMul::Attributes attributes;
    attributes.transpose_b =
        columns.size() == 1 && summed.size() == 1 && b.labels == batch + columns + summed;
    const ValueId left = merged(a, batch, rows, summed);
    const ValueId right = attributes.transpose_b ? b.value : merged(b, batch, summed, columns);
    const ValueId product = node_.emit<ops::MatMul>(attributes, {left, right}, dtype_);
    Operand result{product, batch + rows + columns};
    if (rows.size() == 1 && columns.size() == 1) return result;
    std::vector<std::int64_t> shape(batch.size(), 0);
    append_sizes(shape, a, rows);
    append_sizes(shape, b, columns);
    result.value = reshaped(product, std::move(shape));
    return result;
  }
  /// Sizes of axes in a reshape; -1 for an unknown one.
  void append_sizes(std::vector<std::int64_t>& shape, const Operand& operand, const Labels& labels) const {
    for (char c : labels) shape.push_back(size_of(operand, axis_of(operand, c)).value_or(-1));
  }
  /// [batch..., first, second], each of the last two merged to one axis.
  ValueId merged(const Operand& operand, const Labels& batch, const Labels& first, const Labels& second) {
    const ValueId value = transposed(operand, batch + first + second);
    if (first.size() == 1 && second.size() == 1) return value;
    std::vector<std::int64_t> shape(batch.size(), 0);
    for (const Labels& labels : {first, second}) {
      std::int64_t size = 1;
      for (char c : labels) size *= size_of(operand, axis_of(operand, c)).value_or(-1);
      shape.push_back(size);
    }
    return reshaped(value, std::move(shape));
  }

  NodeImport& node_;
  DType dtype_;
  std::string equation_;
  std::vector<Operand> operands_;
  std::map<char, std::int64_t> sizes_;  ///< by letter, where an input tells
  Labels output_, ellipsis_;
};

/// Einsum-12, as transposes, sums, products and matrix products, from the first input to the last.
void import_einsum(NodeImport& node) { Einsum(node).run(); }

}  // namespace

void register_einsum(ImporterTable& table) { table.add("Einsum", import_einsum); }

}  // namespace lithe::import
