// SPDX-License-Identifier: Apache-2.0
// Operators of ai.onnx.ml that prepare features.
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include "lithe/ops/unary.hpp"
#include "tools/import/domains.hpp"
#include "tools/import/ops/tabular.hpp"

namespace lithe::import {
namespace {

using graph::ValueId;

/// An attribute with one number for all features or one for each.
ValueId per_feature(Compose& c, const char* name, float neutral) {
  std::vector<float> values = c.node.attribute_floats(name);
  if (values.empty()) values = {neutral};
  return numbers(c.node, values);
}

/// Scaler-1: (x - offset) * scale.
void import_scaler(NodeImport& node) {
  Compose c(node);
  const DType given = node.dtype(node.input(0)), dtype = given == DType::f64 ? DType::f64 : DType::f32;
  const ValueId x = c.cast(node.input(0), dtype), offset = c.cast(per_feature(c, "offset", 0), dtype),
                scale = c.cast(per_feature(c, "scale", 1), dtype);
  node.output(0, c.cast(c.mul(c.sub(x, offset), scale), DType::f32));
}

/// Normalizer-1: each row divided by its largest element, or by its L1 or L2 norm; a row of zeros stays.
void import_normalizer(NodeImport& node) {
  Compose c(node);
  const int rank = node.required_rank(node.input(0));
  if (rank != 1 && rank != 2)
    node.refuse("Normalizer takes rows of features [N, F], not " + std::to_string(rank) + " dimensions");
  const ValueId x = c.cast(node.input(0), DType::f32);
  const std::string norm = node.attribute_string("norm", "MAX");
  if (norm != "MAX" && norm != "L1" && norm != "L2")
    node.refuse("attribute norm = \"" + norm + "\" is not known");
  const ValueId size = norm == "MAX"  ? c.reduce<ops::ReduceMax>(x, {-1}, true)
                       : norm == "L1" ? c.reduce<ops::ReduceL1>(x, {-1}, true)
                                      : c.reduce<ops::ReduceL2>(x, {-1}, true);
  const ValueId nothing = c.apply<ops::Equal>({size, node.scalar(0)});
  node.output(0, c.div(x, c.where(nothing, node.scalar(1), size)));
}

/// Imputer-1: other numbers in place of one that stands for "missing".
void import_imputer(NodeImport& node) {
  Compose c(node);
  const ValueId x = node.input(0);
  const DType dtype = node.dtype(x);
  ValueId missing = graph::absent, instead = graph::absent;
  if (is_integer(dtype)) {
    const std::int64_t replaced = node.attribute_int("replaced_value_int64", 0);
    const std::vector<std::int64_t> values = node.attribute_ints("imputed_value_int64s");
    instead = c.cast(numbers(node, values), dtype);
    missing = c.apply<ops::Equal>({x, c.cast(integer(node, replaced), dtype)});
  } else {
    const float replaced = node.attribute_float("replaced_value_float", 0);
    instead = c.cast(numbers(node, node.attribute_floats("imputed_value_floats")), dtype);
    missing = std::isnan(replaced) ? c.apply<ops::IsNaN>({x})
                                   : c.apply<ops::Equal>({x, node.scalar(replaced, dtype)});
  }
  node.output(0, c.where(missing, instead, x));
}

/// Binarizer-1: 1 above the threshold, else 0, in the input's type.
void import_binarizer(NodeImport& node) {
  Compose c(node);
  const ValueId x = node.input(0);
  const DType dtype = node.dtype(x);
  const float threshold = node.attribute_float("threshold", 0);
  // Doubles hold every integer near a threshold of 32 bits.
  const DType compared = is_integer(dtype) ? DType::f64 : dtype;
  node.output(0,
              c.cast(c.apply<ops::Greater>({c.cast(x, compared), node.scalar(threshold, compared)}), dtype));
}

/// FeatureVectorizer-1: the columns of all inputs beside each other, as f32.
void import_feature_vectorizer(NodeImport& node) {
  Compose c(node);
  const std::vector<std::int64_t> sizes = node.attribute_ints("inputdimensions");
  std::vector<ValueId> parts;
  for (int i = 0; i < node.inputs(); ++i) {
    ValueId part = c.cast(node.input(i), DType::f32);
    if (node.required_rank(part) == 1) part = c.unsqueeze(part, {0});
    if (static_cast<std::size_t>(i) < sizes.size()) {
      const Size columns = c.size(part, 1);
      if (columns.known() && columns.number != sizes[static_cast<std::size_t>(i)])
        node.refuse("attribute inputdimensions does not agree with input " + std::to_string(i));
    }
    parts.push_back(part);
  }
  node.output(0, c.concat(std::move(parts), 1));
}

/// ArrayFeatureExtractor-1: columns by their indices.
void import_array_feature_extractor(NodeImport& node) {
  Compose c(node);
  ValueId x = node.input(0);
  if (node.required_rank(x) == 1) x = c.unsqueeze(x, {0});
  ops::Gather::Attributes last;
  last.axis = -1;
  node.output(0, c.apply<ops::Gather>({x, c.reshape(node.input(1), {-1})}, last));
}

/// OneHotEncoder-1 on numbers: 1 at the place of the input's category.
void import_one_hot_encoder(NodeImport& node) {
  Compose c(node);
  const std::vector<std::int64_t> categories = node.attribute_ints("cats_int64s");
  if (categories.empty()) node.refuse("its categories are texts", "encode texts as numbers before the model");
  if (node.attribute_int("zeros", 1) == 0) node.note("an unknown category gives zeros and no error");
  const ValueId x = c.unsqueeze(c.cast(node.input(0), DType::s64), {-1});
  node.output(0, c.cast(c.apply<ops::Equal>({x, numbers(node, categories)}), DType::f32));
}

/// The place of each element of `x` among `keys` [K] of its dtype, s64 of its shape; K where it is none of them. A NaN
/// finds a NaN.
ValueId place_among(Compose& c, ValueId x, ValueId keys) {
  const std::int64_t count = c.node.constant(keys)->view().elements();
  x = c.unsqueeze(x, {-1});
  ValueId found = c.apply<ops::Equal>({x, keys});
  if (is_float(c.node.dtype(keys)))
    found =
        c.apply<ops::Or>({found, c.apply<ops::And>({c.apply<ops::IsNaN>({x}), c.apply<ops::IsNaN>({keys})})});
  std::vector<std::int64_t> places(static_cast<std::size_t>(count));
  std::iota(places.begin(), places.end(), 0);
  return c.reduce<ops::ReduceMin>(c.where(found, numbers(c.node, places), integer(c.node, count)), {-1},
                                  false);
}

/// What LabelEncoder maps to, its default last.
struct EncodedValues {
  ValueId table = graph::absent;
  std::vector<std::string> texts;
  std::size_t count = 0;  ///< without the default

  explicit EncodedValues(Compose& c) {
    NodeImport& node = c.node;
    if (auto strings = node.attribute_strings("values_strings"); !strings.empty()) {
      count = strings.size();
      texts = std::move(strings);
      texts.push_back(node.attribute_string("default_string", "_Unused"));
    } else if (auto ints = node.attribute_ints("values_int64s"); !ints.empty()) {
      count = ints.size();
      ints.push_back(node.attribute_int("default_int64", -1));
      table = numbers(node, ints);
    } else if (auto floats = node.attribute_floats("values_floats"); !floats.empty()) {
      count = floats.size();
      floats.push_back(node.attribute_float("default_float", -0.0f));
      table = numbers(node, floats);
    } else {
      with_default(c, node.attribute_tensor("values_tensor"), node.attribute_tensor("default_tensor"));
    }
  }

 private:
  void with_default(Compose& c, const graph::ConstantPtr& values, const graph::ConstantPtr& fallback) {
    if (values == nullptr) c.node.refuse("it has no values");
    count = static_cast<std::size_t>(values->shape.elements());
    const ValueId all = c.reshape(c.node.constant(values, "values"), {-1});
    const ValueId other = fallback != nullptr ? c.reshape(c.node.constant(fallback, "default"), {1})
                                              : c.cast(numbers<std::int64_t>(c.node, {-1}), values->dtype);
    table = c.concat({all, other}, 0);
  }
};

/// LabelEncoder-2 to 4 on numbers: the value of the key that an element equals, or the default.
void import_label_encoder(NodeImport& node) {
  Compose c(node);
  for (const char* name : {"default_string", "default_int64", "default_float", "default_tensor"})
    (void)node.has_attribute(name);
  const ValueId x = node.input(0);
  ValueId keys = graph::absent;
  if (const auto ints = node.attribute_ints("keys_int64s"); !ints.empty())
    keys = numbers(node, ints);
  else if (const auto floats = node.attribute_floats("keys_floats"); !floats.empty())
    keys = numbers(node, floats);
  else if (const graph::ConstantPtr tensor = node.attribute_tensor("keys_tensor"))
    keys = node.constant(tensor, "keys");
  else
    node.refuse("its keys are texts", "encode texts as numbers before the model");
  if (node.dtype(keys) != node.dtype(x)) node.refuse("its keys are of another type than its input");
  const EncodedValues values(c);
  if (static_cast<std::int64_t>(values.count) != node.constant(keys)->view().elements())
    node.refuse("it has another number of keys than of values");
  const ValueId place = place_among(c, x, keys);
  if (!values.texts.empty()) {
    node.set_texts(place, values.texts);
    node.output(0, place);
  } else {
    node.output(0, c.apply<ops::Gather>({values.table, place}));
  }
}

/// LabelEncoder-1 from numbers to texts: the class with that number.
void import_class_names(NodeImport& node) {
  Compose c(node);
  if (!is_integer(node.dtype(node.input(0))))
    node.refuse("its input holds texts", "encode texts as numbers before the model");
  std::vector<std::string> classes = node.attribute_strings("classes_strings");
  std::vector<std::int64_t> keys(classes.size());
  std::iota(keys.begin(), keys.end(), 0);
  classes.push_back(node.attribute_string("default_string", "_Unused"));
  const ValueId place = place_among(c, node.input(0), numbers(node, keys));
  node.set_texts(place, std::move(classes));
  node.output(0, place);
}

}  // namespace

void register_tabular_features(ImporterTable& table) {
  table.add("ArrayFeatureExtractor", import_array_feature_extractor, 1, tabular);
  table.add("Binarizer", import_binarizer, 1, tabular);
  table.add("FeatureVectorizer", import_feature_vectorizer, 1, tabular);
  table.add("Imputer", import_imputer, 1, tabular);
  table.add("LabelEncoder", import_class_names, 1, tabular);
  table.add("LabelEncoder", import_label_encoder, 2, tabular);
  table.add("Normalizer", import_normalizer, 1, tabular);
  table.add("OneHotEncoder", import_one_hot_encoder, 1, tabular);
  table.add("Scaler", import_scaler, 1, tabular);
}

}  // namespace lithe::import
