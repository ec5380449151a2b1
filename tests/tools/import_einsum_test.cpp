// SPDX-License-Identifier: Apache-2.0
#include <gtest/gtest.h>

#include <algorithm>
#include <cstdint>
#include <map>
#include <random>
#include <string>
#include <vector>

#include "tests/support/reference_tensor.hpp"
#include "tests/tools/import_testing.hpp"
#include "tests/tools/passes_testing.hpp"

namespace lithe::test {
namespace {

std::string typed(const Shape& shape, const std::string& name) {
  std::string text = "float[";
  for (int i = 0; i < shape.rank(); ++i) text += (i == 0 ? "" : ",") + std::to_string(shape[i]);
  return (shape.rank() == 0 ? "float" : text + "]") + " " + name;
}

/// A model of one Einsum on inputs of these shapes, with an output of `rank`.
std::string einsum(const std::string& equation, const std::vector<Shape>& shapes, std::size_t rank = 1) {
  std::string output;
  for (std::size_t i = 0; i < rank; ++i) output += (i == 0 ? "[o" : ",o") + std::to_string(i);
  if (rank > 0) output += "]";

  std::string inputs, names;
  for (std::size_t i = 0; i < shapes.size(); ++i) {
    const std::string name = "x" + std::to_string(i);
    inputs += (i == 0 ? "" : ", ") + typed(shapes[i], name);
    names += (i == 0 ? "" : ", ") + name;
  }
  return "g (" + inputs + ") => (float" + output + " y) { y = Einsum <equation = \"" + equation + "\"> (" +
         names + ") }";
}

/// The same as `imported`, without ONNX's shape inference outside of the importer.
graph::Model imported_as_is(const std::string& graph) {
  onnx::ModelProto model;
  const std::string text = "<ir_version: 10, opset_import: [\"\" : 13]> " + graph;
  onnx::OnnxParser parser(text.c_str());
  EXPECT_TRUE(parser.Parse(model).IsOK()) << text;
  const std::string bytes = model.SerializeAsString();
  return import::import_model(import::parse(std::as_bytes(std::span(bytes)), "test.onnx", {}));
}

/// The sum over all numbers of all letters, letter by letter.
std::vector<double> by_letters(const std::vector<std::string>& terms, const std::string& output,
                               const std::vector<ReferenceTensor>& inputs) {
  std::map<char, index_t> size, at;
  for (std::size_t i = 0; i < terms.size(); ++i)
    for (std::size_t k = 0; k < terms[i].size(); ++k)
      size[terms[i][k]] = std::max(size[terms[i][k]], inputs[i].shape[static_cast<int>(k)]);
  const auto number = [&](const std::string& labels, const Shape* shape = nullptr) {
    index_t flat = 0;
    for (std::size_t k = 0; k < labels.size(); ++k) {
      const index_t n = shape == nullptr ? size[labels[k]] : (*shape)[static_cast<int>(k)];
      flat = flat * n + (n == 1 ? 0 : at[labels[k]]);  // an axis of size 1 is repeated
    }
    return flat;
  };
  index_t results = 1, all = 1;
  for (char c : output) results *= size[c];
  for (const auto& [c, n] : size) all *= n;
  std::vector<double> sums(static_cast<std::size_t>(results));
  for (index_t i = 0; i < all; ++i) {
    index_t rest = i;
    for (const auto& [c, n] : size) {
      at[c] = rest % n;
      rest /= n;
    }
    double product = 1;
    for (std::size_t k = 0; k < terms.size(); ++k) product *= inputs[k][number(terms[k], &inputs[k].shape)];
    sums[static_cast<std::size_t>(number(output))] += product;
  }
  return sums;
}

/// What the imported model computes, against the sum by letters of `terms` (the equation without ellipses).
void computes(const std::string& equation, const std::vector<Shape>& shapes,
              const std::vector<std::string>& terms, const std::string& output) {
  SCOPED_TRACE(equation);
  const graph::Model model = imported_as_is(einsum(equation, shapes, output.size()));
  std::mt19937 generator(3);
  std::vector<graph::ConstantPtr> constants;
  std::vector<ReferenceTensor> inputs;
  for (const Shape& shape : shapes) {
    std::vector<float> elements(static_cast<std::size_t>(shape.elements()));
    for (float& e : elements) e = static_cast<float>(generator() % 17) / 8 - 1;
    constants.push_back(graph::make_constant<float>(shape, elements));
    inputs.emplace_back(shape, std::vector<double>(elements.begin(), elements.end()));
  }
  const graph::Graph done = evaluated(model.graphs[0], constants);
  const auto got = done.value(done.outputs[0]).constant->as<float>();
  const std::vector<double> wanted = by_letters(terms, output, inputs);
  ASSERT_EQ(got.size(), wanted.size());
  for (std::size_t i = 0; i < wanted.size(); ++i) EXPECT_NEAR(got[i], wanted[i], 1e-4) << i;
}

TEST(ImportEinsum, Computes) {
  computes("ij->ji", {{2, 3}}, {"ij"}, "ji");
  computes("ij -> i", {{2, 3}}, {"ij"}, "i");
  computes("ij->", {{2, 3}}, {"ij"}, "");
  computes("ba", {{2, 3}}, {"ba"}, "ab");
  computes("->", {{}}, {""}, "");
  computes("ij,jk", {{2, 3}, {3, 4}}, {"ij", "jk"}, "ik");
  computes("i,i", {{5}, {5}}, {"i", "i"}, "");
  computes("i,j->ij", {{5}, {3}}, {"i", "j"}, "ij");
  computes("i,->i", {{5}, {}}, {"i", ""}, "i");
  computes("ij,ij->ij", {{2, 3}, {2, 3}}, {"ij", "ij"}, "ij");
  computes("ij,ji->j", {{2, 3}, {3, 2}}, {"ij", "ji"}, "j");
  computes("bij,bjk->bik", {{2, 3, 4}, {2, 4, 5}}, {"bij", "bjk"}, "bik");
  computes("bhid,bhjd->bhij", {{2, 2, 3, 4}, {2, 2, 5, 4}}, {"bhid", "bhjd"}, "bhij");
  computes("bfnd,ndh->bfh", {{2, 3, 2, 4}, {2, 4, 5}}, {"bfnd", "ndh"}, "bfh");
  computes("abcd,cdef->eafb", {{2, 3, 2, 2}, {2, 2, 3, 2}}, {"abcd", "cdef"}, "eafb");
  computes("ijk,jil->kl", {{2, 3, 4}, {3, 2, 5}}, {"ijk", "jil"}, "kl");
  computes("ij,jk,kl->il", {{2, 3}, {3, 4}, {4, 2}}, {"ij", "jk", "kl"}, "il");
  computes("ab,b,ac->c", {{2, 3}, {3}, {2, 4}}, {"ab", "b", "ac"}, "c");
  computes("ijq,jk->ik", {{2, 3, 2}, {3, 4}}, {"ijq", "jk"}, "ik");
}

TEST(ImportEinsum, Ellipses) {
  computes("...ij->...ji", {{2, 3, 4}}, {"aij"}, "aji");
  computes("...ij,...jk", {{2, 3, 4}, {2, 4, 5}}, {"aij", "ajk"}, "aik");
  computes("i...,...j->j...i", {{3, 2, 2}, {2, 4}}, {"iab", "bj"}, "jabi");
  computes("...,...->...", {{2, 3}, {3}}, {"ab", "b"}, "ab");
}

TEST(ImportEinsum, EllipsesOfDifferentWidths) {
  computes("...ij,...jk->...ik", {{3, 4}, {2, 4, 5}}, {"ij", "ajk"}, "aik");
  computes("...,i...->i...", {{3}, {2, 4, 3}}, {"b", "iab"}, "iab");
}

TEST(ImportEinsum, AxesOfSizeOneAreRepeated) {
  computes("ij,jk->ik", {{2, 1}, {3, 4}}, {"ij", "jk"}, "ik");
  computes("ij,jk->ik", {{2, 3}, {1, 4}}, {"ij", "jk"}, "ik");
  computes("bij,bjk->bik", {{1, 3, 4}, {2, 4, 5}}, {"bij", "bjk"}, "bik");
  computes("bij,bjk", {{1, 3, 1}, {2, 4, 5}}, {"bij", "bjk"}, "ik");
  computes("ij,ij->i", {{2, 1}, {1, 3}}, {"ij", "ij"}, "i");
  computes("ij,ij->ij", {{1, 1}, {1, 3}}, {"ij", "ij"}, "ij");
  computes("ij,jk,ki->", {{2, 1}, {3, 1}, {4, 2}}, {"ij", "jk", "ki"}, "");
  computes("...ij,...jk->...ik", {{1, 3, 4}, {2, 4, 5}}, {"aij", "ajk"}, "aik");
}

TEST(ImportEinsum, Diagonals) {
  computes("...ii->...i", {{2, 3, 3}}, {"aii"}, "ai");
  computes("ii", {{4, 4}}, {"ii"}, "");
  computes("iji->j", {{3, 2, 3}}, {"iji"}, "j");
  computes("iii->i", {{3, 3, 3}}, {"iii"}, "i");
  computes("ii,ij->j", {{3, 3}, {3, 2}}, {"ii", "ij"}, "j");
}

TEST(ImportEinsum, IsAMatrixProductWherePossible) {
  EXPECT_EQ(nodes(einsum("bhid,bhjd->bhij", {{2, 2, 3, 4}, {2, 2, 5, 4}}, 4), 12),
            Lines{"MatMul transpose_b=1 (., .)"});
  EXPECT_EQ(nodes("g (float[b,h,i,d] x, float[b,h,d,j] z) => (float[b,h,i,j] y) { y = Einsum <equation = "
                  "\"bhid,bhdj->bhij\"> (x, z) }",
                  13),
            Lines{"MatMul (., .)"});
  EXPECT_EQ(
      nodes("g (float[a,b,c] x, float[b,c,d] z) => (float[a,d] y) { y = Einsum <equation = "
            "\"abc,bcd->ad\"> (x, z) }",
            13),
      (Lines{"Unsqueeze (., [3])", "Unsqueeze (., [0])", "Mul (., .)", "ReduceSum keepdims=0 (., [1,2])"}));
}

TEST(ImportEinsum, SizesOfLettersCarryOver) {
  const Lines lines = nodes(
      "g (float[n,2,3] x, float[2,3,4] w, float[4,5,6] v) => (float[n,5,6] y) { y = Einsum "
      "<equation = \"bij,ijk,klm->blm\"> (x, w, v) }",
      13);
  EXPECT_EQ(
      std::count_if(lines.begin(), lines.end(), [](const std::string& l) { return l.starts_with("MatMul"); }),
      2);
}

TEST(ImportEinsum, Refuses) {
  const auto text = [](const std::string& equation, const std::vector<Shape>& shapes) -> std::string {
    try {
      imported_as_is(einsum(equation, shapes));
    } catch (const report::Failure& failure) {
      return failure.line + (failure.details.empty() ? "" : failure.details[0]);
    }
    return "";
  };
  EXPECT_TRUE(mentions(text("ij->k", {{2, 3}}), "\"ij->k\" names an axis of the output that no input has"));
  EXPECT_TRUE(mentions(text("->k", {{}}), "that no input has"));
  EXPECT_TRUE(mentions(text("ij->ii", {{2, 3}}), "twice"));
  EXPECT_TRUE(mentions(text("...i->i", {{2, 3}}), "drops"));
  EXPECT_TRUE(mentions(text("ijk->i", {{2, 3}}), "another number of axes"));
  EXPECT_TRUE(mentions(text("i1->i", {{2, 3}}), "not made of letters"));
  EXPECT_TRUE(mentions(text("i,j->ij", {{2}}), "another number of inputs"));
  EXPECT_TRUE(mentions(text("ii->i", {{2, 3}}), "diagonal"));
  EXPECT_TRUE(mentions(text("ij,jk->ik", {{2, 3}, {4, 5}}), "\"ij,jk->ik\" gives 'j' the sizes 3 and 4"));
  EXPECT_TRUE(
      mentions(text("...i,...i->...", {{2, 3}, {5, 3}}), "gives an axis of its ellipsis the sizes 2 and 5"));
}

}  // namespace
}  // namespace lithe::test
