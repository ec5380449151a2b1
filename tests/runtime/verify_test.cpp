// SPDX-License-Identifier: Apache-2.0
#include "lithe/runtime/verify.hpp"

#include <gtest/gtest.h>

#include <cstdint>
#include <cstring>
#include <functional>
#include <string_view>

#include "lithe/ops/unary.hpp"
#include "tests/support/model_builder.hpp"

namespace lithe::testing {
namespace {

ModelBuilder two_nodes() {
  ModelBuilder b;
  const int x = b.input("x", DType::f32, {1, 4});
  b.output(b.node<ops::Exp>("z", {}, {b.node<ops::Relu>("y", {}, {x})}));
  return b;
}

/// What Model::open says of two_nodes() after `damage`.
Status opened(const std::function<void(std::byte*, const format::Model&)>& damage) {
  const Storage file = two_nodes().storage();
  auto* data = const_cast<std::byte*>(file.bytes().data());
  {
    const auto model = Model::open(Storage(file.bytes()));
    EXPECT_TRUE(model.ok());
    if (model.ok()) damage(data, model->root());
  }
  return Model::open(Storage(file.bytes())).status();
}

template <class T>
void set(const void* at, T value) {
  std::memcpy(const_cast<void*>(at), &value, sizeof value);
}

TEST(Verify, TakesWhatTheWriterWrites) {
  EXPECT_TRUE(opened([](std::byte*, const format::Model&) {}).ok());
}

TEST(Verify, TakesEmptyConstantsWhoseOtherDimensionsAreLargerThanTheFile) {
  ModelBuilder b;
  const int x = b.constant<float>({1 << 10, 0, 1 << 10}, {});
  b.output(b.node<ops::Relu>("y", {}, {x}));
  const Status status = Model::open(b.storage()).status();
  EXPECT_TRUE(status.ok()) << status.text();
}

TEST(Verify, RefusesConstantsOfAnotherSizeThanTheirBuffer) {
  ModelBuilder b;
  const int x = b.constant<float>({2}, {1, 2});
  b.output(b.node<ops::Relu>("y", {}, {x}));
  const Storage file = b.storage();
  {
    const auto model = Model::open(Storage(file.bytes()));
    ASSERT_TRUE(model.ok());
    set(model->root().subgraphs()->Get(0)->values()->Get(0)->dims()->Data(), std::int64_t{3});
  }
  EXPECT_EQ(Model::open(Storage(file.bytes())).status().code(), Code::invalid_model);
}

TEST(Verify, RefusesOtherFiles) {
  EXPECT_FALSE(opened([](std::byte* data, const format::Model&) { set(data + 4, 'x'); }).ok());
  EXPECT_FALSE(opened([](std::byte* data, const format::Model&) { set(data, 0xFFFFFFF0u); }).ok());
}

TEST(Verify, RefusesListsOf64BitNumbersThatAreNotAligned) {
  // The offset to a value's dims moves on by four bytes: what lies there, 1, is a plausible length.
  const Status status = opened([](std::byte*, const format::Model& model) {
    const auto* value = model.subgraphs()->Get(0)->values()->Get(0);
    const auto* dims = reinterpret_cast<const std::uint8_t*>(value->dims());
    const auto* field = reinterpret_cast<const std::uint8_t*>(value);
    while (field + flatbuffers::ReadScalar<std::uint32_t>(field) != dims) ++field;
    set(field, flatbuffers::ReadScalar<std::uint32_t>(field) + 4);
  });
  EXPECT_EQ(status.code(), Code::invalid_model);
  EXPECT_EQ(std::string_view(status.text()), "a list of 64-bit numbers is not aligned");
}

TEST(Verify, RefusesNodesThatReadWhatIsNotThereYet) {
  const Status status = opened([](std::byte*, const format::Model& model) {
    set(model.subgraphs()->Get(0)->nodes()->Get(0)->inputs()->Data(), std::int32_t{2});
  });
  EXPECT_EQ(status.code(), Code::invalid_model);
}

TEST(Verify, RefusesValuesThatAreWrittenTwice) {
  const Status status = opened([](std::byte*, const format::Model& model) {
    set(model.subgraphs()->Get(0)->nodes()->Get(1)->outputs()->Data(), std::int32_t{1});
  });
  EXPECT_EQ(status.code(), Code::invalid_model);
}

}  // namespace
}  // namespace lithe::testing
