// SPDX-License-Identifier: Apache-2.0
#include "lithe/core/fields.hpp"

#include <gtest/gtest.h>

#include <map>
#include <string>
#include <vector>

namespace lithe::test {
namespace {

enum class Mode : std::uint8_t { first, second, third };
constexpr std::array<const char*, 3> enum_names(Mode) { return {"first", "second", "third"}; }

struct Attributes {
  bool flag = true;
  std::int32_t small = 4;
  std::int64_t large = -1;
  float real = 0.5f;
  std::array<std::int32_t, 2> pair{1, 1};
  IntList list;
  Clamp clamp;
  Mode mode = Mode::second;
  static constexpr auto fields() {
    return Fields{field("flag", &Attributes::flag),   field("small", &Attributes::small),
                  field("large", &Attributes::large), field("real", &Attributes::real),
                  field("pair", &Attributes::pair),   field("list", &Attributes::list),
                  field("clamp", &Attributes::clamp), field("mode", &Attributes::mode)};
  }
};

/// Attributes as a file holds them.
struct Stored {
  struct Value {
    std::vector<std::int64_t> ints;
    std::vector<float> floats;
    std::string text;
  };
  std::map<std::string, Value> values;

  void ints(const char* name, std::span<const std::int64_t> v) {
    values[name].ints.assign(v.begin(), v.end());
  }
  void floats(const char* name, std::span<const float> v) { values[name].floats.assign(v.begin(), v.end()); }
  void text(const char* name, std::string_view v) { values[name].text = v; }

  Status parse(Attributes& into) const {
    auto it = values.begin();
    return parse_attributes(into, [&](std::string_view& name, AttributeData& data) {
      if (it == values.end()) return false;
      name = it->first;
      data = {it->second.ints, it->second.floats, it->second.text};
      ++it;
      return true;
    });
  }
};
Code parse_one(const char* name, Stored::Value value) {
  Attributes attributes;
  return Stored{{{name, std::move(value)}}}.parse(attributes).code();
}

TEST(Fields, RoundTrip) {
  Attributes written;
  written.flag = false;
  written.small = -7;
  written.large = std::int64_t{1} << 40;
  written.real = -2.5f;
  written.pair = {3, -4};
  written.list = {9, INT64_MIN};
  written.clamp = {0, 6};
  written.mode = Mode::third;
  Stored stored;
  write_attributes(written, stored);
  EXPECT_EQ(stored.values.size(), 8u);
  EXPECT_EQ(stored.values["mode"].text, "third");
  Attributes read;
  ASSERT_TRUE(stored.parse(read).ok());
  EXPECT_EQ(read.flag, false);
  EXPECT_EQ(read.small, -7);
  EXPECT_EQ(read.large, std::int64_t{1} << 40);
  EXPECT_EQ(read.real, -2.5f);
  EXPECT_EQ(read.pair, written.pair);
  EXPECT_EQ(read.list, written.list);
  EXPECT_EQ(read.clamp, written.clamp);
  EXPECT_EQ(read.mode, Mode::third);
}

TEST(Fields, DefaultsAreNotWrittenAndStay) {
  Stored stored;
  write_attributes(Attributes{}, stored);
  EXPECT_TRUE(stored.values.empty());
  Attributes read;
  ASSERT_TRUE(stored.parse(read).ok());
  EXPECT_EQ(read.small, 4);
  EXPECT_EQ(read.mode, Mode::second);
}

TEST(Fields, HalfOpenClamps) {
  Attributes written;
  written.clamp.min = 0;
  Stored stored;
  write_attributes(written, stored);
  Attributes read;
  ASSERT_TRUE(stored.parse(read).ok());
  EXPECT_EQ(read.clamp, written.clamp);
  EXPECT_TRUE(read.clamp.active());
  EXPECT_EQ(read.clamp(-3), 0);
  EXPECT_EQ(read.clamp(3e30f), 3e30f);
}

TEST(Fields, Refuses) {
  EXPECT_EQ(parse_one("unknown", {{1}, {}, {}}), Code::invalid_model);
  EXPECT_EQ(parse_one("small", {{1, 2}, {}, {}}), Code::invalid_model);
  EXPECT_EQ(parse_one("small", {{}, {}, {}}), Code::invalid_model);
  EXPECT_EQ(parse_one("small", {{}, {1.0f}, {}}), Code::invalid_model);
  EXPECT_EQ(parse_one("small", {{std::int64_t{1} << 31}, {}, {}}), Code::invalid_model);
  EXPECT_EQ(parse_one("pair", {{1}, {}, {}}), Code::invalid_model);
  EXPECT_EQ(parse_one("pair", {{1, INT64_MIN}, {}, {}}), Code::invalid_model);
  EXPECT_EQ(parse_one("flag", {{2}, {}, {}}), Code::invalid_model);
  EXPECT_EQ(parse_one("real", {{}, {1, 2}, {}}), Code::invalid_model);
  EXPECT_EQ(parse_one("clamp", {{}, {2, 1}, {}}), Code::invalid_model);
  EXPECT_EQ(parse_one("clamp", {{}, {std::numeric_limits<float>::quiet_NaN(), 1}, {}}), Code::invalid_model);
  EXPECT_EQ(parse_one("list", {std::vector<std::int64_t>(65), {}, {}}), Code::invalid_model);
  EXPECT_EQ(parse_one("list", {std::vector<std::int64_t>(64), {}, {}}), Code::ok);
  EXPECT_EQ(parse_one("mode", {{}, {}, "fourth"}), Code::unsupported);
  EXPECT_EQ(parse_one("mode", {{1}, {}, {}}), Code::unsupported);
}

}  // namespace
}  // namespace lithe::test
