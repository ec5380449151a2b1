// SPDX-License-Identifier: Apache-2.0
#include "lithe/runtime/symbols.hpp"

#include <gtest/gtest.h>

#include <array>
#include <cstdint>
#include <string_view>

#include "schema/lithe_builders_generated.h"

namespace lithe::test {
namespace {

constexpr std::int64_t n = dim_of_symbol(0), m = dim_of_symbol(1);

TEST(Symbols, TakeTheirSizesFromAShape) {
  std::array<runtime::SymbolValue, 2> symbols{};
  EXPECT_TRUE(runtime::assign_symbols({5, 3, 7}, std::array{n, std::int64_t{3}, m}, symbols).ok());
  EXPECT_EQ(symbols[0].size, 5);
  EXPECT_EQ(symbols[1].size, 7);
  EXPECT_EQ(runtime::shape_of(std::array{m, std::int64_t{2}, n, n}, symbols), (Shape{7, 2, 5, 5}));
}

TEST(Symbols, RefuseShapes) {
  const struct {
    const char* what;
    Shape given;
    std::string_view text;
  } refusals[] = {
      {"a dimension less", {2}, "an input is given another rank than the model's"},
      {"a dimension more", {2, 3, 1}, "an input is given another rank than the model's"},
      {"a negative dimension", {-1, 3}, "an input is given another rank than the model's"},
      {"another fixed dimension", {2, 4}, "an input is given another size than its fixed dimension"},
      {"below min", {1, 3}, "an input is given a size outside its dimension's range"},
      {"above max", {9, 3}, "an input is given a size outside its dimension's range"},
  };
  for (const auto& r : refusals) {
    std::array<runtime::SymbolValue, 1> symbols{{{.min = 2, .max = 8}}};
    const Status status = runtime::assign_symbols(r.given, std::array{n, std::int64_t{3}}, symbols);
    EXPECT_EQ(status.code(), Code::shape) << r.what;
    EXPECT_EQ(std::string_view(status.text()), r.text) << r.what;
  }
}

TEST(Symbols, MustAgree) {
  std::array<runtime::SymbolValue, 1> symbols{};
  EXPECT_EQ(runtime::assign_symbols({4, 5}, std::array{n, n}, symbols).code(), Code::shape);
  symbols = {};
  EXPECT_TRUE(runtime::assign_symbols({4, 4}, std::array{n, n}, symbols).ok());
  EXPECT_EQ(runtime::assign_symbols({5}, std::array{n}, symbols).code(), Code::shape);
}

TEST(Symbols, WithoutAMaximumAreUnbounded) {
  std::array<runtime::SymbolValue, 1> symbols{{{.min = 1, .max = 0}}};
  EXPECT_TRUE(runtime::assign_symbols({1 << 30}, std::array{n}, symbols).ok());
}

TEST(Symbols, AreTunedForTheirMinimumWhereTheFileDoesNotSay) {
  flatbuffers::FlatBufferBuilder builder;
  builder.Finish(format::CreateSymbol(builder, builder.CreateString("n"), 3, 0, 9));
  const auto* const file = flatbuffers::GetRoot<format::Symbol>(builder.GetBufferPointer());
  const runtime::SymbolValue value = runtime::symbol_value(*file);
  EXPECT_EQ(value.size, -1);
  EXPECT_EQ(value.min, 3);
  EXPECT_EQ(value.opt, 3);
  EXPECT_EQ(value.max, 9);
}

}  // namespace
}  // namespace lithe::test
