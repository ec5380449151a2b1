// SPDX-License-Identifier: Apache-2.0
#include "lithe/core/status.hpp"

#include <gtest/gtest.h>

#include <memory>
#include <set>
#include <string>
#include <utility>

namespace lithe::test {
namespace {

TEST(Status, DefaultIsOk) {
  const Status ok;
  EXPECT_TRUE(ok.ok());
  EXPECT_EQ(ok.code(), Code::ok);
  EXPECT_STREQ(ok.text(), "");
  EXPECT_EQ(ok.node(), -1);
}

TEST(Status, EveryCodeHasItsOwnName) {
  std::set<std::string> names;
  for (int i = 0; i <= static_cast<int>(Code::kernel); ++i) names.insert(name(static_cast<Code>(i)));
  EXPECT_EQ(names.size(), static_cast<std::size_t>(Code::kernel) + 1);
  EXPECT_STREQ(name(Code::kernel), "kernel");
}

TEST(Status, TheDeepestPlaceStays) {
  const Status failed{Code::shape, "text"};
  const Status inner = failed.at(2, 5);
  EXPECT_EQ(inner.subgraph(), 2);
  EXPECT_EQ(inner.node(), 5);
  EXPECT_EQ(inner.at(0, 1).node(), 5);
  EXPECT_EQ(inner.at(0, 1).subgraph(), 2);
  EXPECT_EQ(Status{}.at(1, 1).node(), -1);
}

TEST(Result, HoldsAValueOrAStatus) {
  const Result<int> value = 7, failed = Status{Code::io, "gone"};
  EXPECT_TRUE(value.ok());
  EXPECT_EQ(*value, 7);
  EXPECT_EQ(value.code(), Code::ok);
  EXPECT_FALSE(failed.ok());
  EXPECT_EQ(failed.code(), Code::io);
  EXPECT_STREQ(failed.status().text(), "gone");
}

TEST(Result, MovesWhatCannotBeCopied) {
  Result<std::unique_ptr<int>> result = std::make_unique<int>(3);
  const std::unique_ptr<int> taken = *std::move(result);
  EXPECT_EQ(*taken, 3);
}

TEST(Result, EndsWhatItHolds) {
  using Shared = Result<std::shared_ptr<int>>;
  const auto one = std::make_shared<int>(1), two = std::make_shared<int>(2);
  {
    Shared a = one, b = two, failed = Status{Code::io, "gone"};
    EXPECT_EQ(one.use_count(), 2);
    b = std::move(a);
    EXPECT_EQ(two.use_count(), 1);
    EXPECT_EQ(*b, one);
    b = std::move(failed);
    EXPECT_EQ(one.use_count(), 1);
    EXPECT_EQ(b.code(), Code::io);
    b = Shared(two);
    EXPECT_TRUE(b.ok());
    EXPECT_EQ(two.use_count(), 2);
  }
  EXPECT_EQ(two.use_count(), 1);
}

Status passes_on(Status status, bool& reached) {
  LITHE_TRY(status);
  reached = true;
  return Status{};
}
Result<int> adds_one(Result<int> given) {
  LITHE_ASSIGN_OR_RETURN(const int value, std::move(given));
  return value + 1;
}

TEST(Macros, ReturnOnFailureOnly) {
  bool reached = false;
  EXPECT_EQ(passes_on({Code::limit, ""}, reached).code(), Code::limit);
  EXPECT_FALSE(reached);
  EXPECT_TRUE(passes_on({}, reached).ok());
  EXPECT_TRUE(reached);
  EXPECT_EQ(*adds_one(4), 5);
  EXPECT_EQ(adds_one(Status{Code::io, ""}).code(), Code::io);
}

}  // namespace
}  // namespace lithe::test
