// SPDX-License-Identifier: Apache-2.0
// The bill and the promise: memory() is what the allocators saw, and run() asks them for nothing.
#include <gtest/gtest.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <ostream>
#include <string>
#include <vector>

#include "lithe/lithe.hpp"
#include "tests/accounting/interposer.hpp"
#include "tests/support/recorded_case.hpp"
#include "tools/import/convert.hpp"
#include "tools/kernels/kernels.hpp"

namespace lithe::test {
namespace {

namespace fs = std::filesystem;

fs::path onnx_file(const std::string& name) {
  if (name == "digits") return "examples/digits/digits.onnx";
  const char* shared = std::getenv("LITHE_SHARED");
  return fs::path(shared == nullptr ? "" : shared) / "models" / name / "model.onnx";
}

/// A model converted by this program, with the first dimension of its input open up to `batch`.
std::vector<std::byte> converted(const std::string& name, std::uint64_t batch = 0) {
  import::Options options;
  options.check = false;
  if (batch != 0) options.ranges.push_back({"image", 0, 1, 1, batch});
  return import::convert(onnx_file(name), options).bytes;
}

class Accounting : public ::testing::TestWithParam<const char*> {
 protected:
  void SetUp() override {
    if (!counting) GTEST_SKIP() << "sanitizers bring their own allocator: run it in the dev preset";
    if (!fs::exists(onnx_file(GetParam())))
      GTEST_SKIP() << "there is no " << onnx_file(GetParam())
                   << ": set LITHE_SHARED to the folder of models and data";
  }
};

void fill(Session& session, int seed) {
  for (int i = 0; i < session.inputs(); ++i) {
    const Tensor t = session.input(i);
    auto* bytes = static_cast<std::uint8_t*>(t.data);
    for (std::size_t k = 0; k < t.bytes(); ++k) bytes[k] = 0;
    if (t.dtype != DType::f32) continue;
    index_t k = 0;
    for (float& v : t.as<float>()) v = static_cast<float>((k++ * 7 + seed) % 13) / 13;
  }
}

using Runs = Accounting;

TEST_P(Runs, AllocateNothing) {
  const auto file = converted(GetParam());
  auto model = Model::open(aligned_copy(file));
  ASSERT_TRUE(model.ok());
  for (const std::size_t count : {1u, 2u}) {
    const Threads threads(count);
    auto session = Session::create(*model, machine_options(&threads));
    ASSERT_TRUE(session.ok()) << session.status().text();
    const Usage before = usage();
    bool ok = true;
    for (int i = 0; i < 5; ++i) {
      fill(*session, i);
      ok = ok && session->run().ok();
    }
    const Usage after = usage();
    EXPECT_TRUE(ok);
    EXPECT_EQ(after.allocations, before.allocations) << count << " threads";
    EXPECT_EQ(after.releases, before.releases) << count << " threads";
  }
}
INSTANTIATE_TEST_SUITE_P(Models, Runs, ::testing::Values("digits", "mnist_cnn"),
                         [](const auto& info) { return std::string(info.param); });

/// Resizes input `name` to each shape, and runs.
void run_without_allocation(Session& session, const char* name, const std::vector<Shape>& shapes) {
  const Usage before = usage();
  bool ok = true;
  for (const Shape& shape : shapes) {
    ok = ok && session.resize(name, shape).ok();
    fill(session, 1);
    ok = ok && session.run().ok();
  }
  const Usage after = usage();
  EXPECT_TRUE(ok);
  EXPECT_EQ(after.allocations, before.allocations);
  EXPECT_EQ(after.releases, before.releases);
}

TEST(Resizes, InsideTheBoundsAllocateNothing) {
  if (!counting) GTEST_SKIP() << "sanitizers bring their own allocator: run it in the dev preset";
  const auto file = converted("digits", 9);
  auto model = Model::open(aligned_copy(file));
  ASSERT_TRUE(model.ok());
  const Threads threads(2);
  auto session = Session::create(*model, machine_options(&threads));
  ASSERT_TRUE(session.ok()) << session.status().text();
  std::vector<Shape> shapes;
  for (const index_t batch : {9, 1, 4, 7, 2, 9, 3}) shapes.push_back({batch, 1, 8, 8});
  run_without_allocation(*session, "image", shapes);
  EXPECT_EQ(session->resize("image", Shape{10, 1, 8, 8}).code(), Code::shape);
}

/// Batches and lengths of a transformer, in any order; the weights are packed once.
TEST(Resizes, OfATransformerAllocateNothing) {
  if (!counting) GTEST_SKIP() << "sanitizers bring their own allocator: run it in the dev preset";
  const fs::path folder = onnx_file("transformer_block").parent_path();
  if (!fs::exists(folder))
    GTEST_SKIP() << "there is no " << folder << ": set LITHE_SHARED to the folder of models and data";
  for (const char* name : {"model.onnx", "model_ts_opset17.onnx"}) {
    SCOPED_TRACE(name);
    import::Options options;
    options.check = false;
    options.ranges = {{"x", 0, 1, 1, 8}, {"x", 1, 1, 128, 512}};
    const auto file = import::convert(folder / name, options).bytes;
    auto model = Model::open(aligned_copy(file));
    ASSERT_TRUE(model.ok());
    EXPECT_LE(model->root().subgraphs()->Get(0)->nodes()->size(), 16U);
    const Threads threads(2);
    auto session = Session::create(*model, machine_options(&threads));
    ASSERT_TRUE(session.ok()) << session.status().text();
    const std::size_t packed = session->memory().packed_weights;
    run_without_allocation(
        *session, "x", {{1, 1, 512}, {1, 128, 512}, {8, 37, 512}, {2, 512, 512}, {1, 511, 512}, {1, 1, 512}});
    EXPECT_EQ(session->memory().packed_weights, packed);
  }
}

struct Bill {
  std::int64_t billed = -1, seen = 0;
  MemoryReport report;
};

/// In a process of its own, so that nothing was set up before.
Bill bill_of(const std::vector<std::byte>& file) {
  int pipes[2];
  if (pipe(pipes) != 0) return {};
  const pid_t child = fork();
  if (child == 0) {
    auto model = Model::open(aligned_copy(file));
    Bill bill;
    const Usage before = usage();
    if (model.ok()) {
      auto session = Session::create(*model, machine_options());
      if (session.ok() && session->planned()) {
        fill(*session, 1);
        if (session->run().ok()) {
          bill.seen = usage().bytes - before.bytes;
          bill.report = session->memory();
          bill.billed = static_cast<std::int64_t>(bill.report.total());
        }
      }
    }
    const bool sent = write(pipes[1], &bill, sizeof bill) == static_cast<ssize_t>(sizeof bill);
    _exit(sent ? 0 : 1);
  }
  close(pipes[1]);
  Bill bill;
  if (child < 0 || read(pipes[0], &bill, sizeof bill) != static_cast<ssize_t>(sizeof bill)) bill = {};
  close(pipes[0]);
  int status = 0;
  if (child > 0) waitpid(child, &status, 0);
  return bill;
}

using Bills = Accounting;

TEST_P(Bills, AgreeWithTheInterposer) {
  const Bill bill = bill_of(converted(GetParam()));
  ASSERT_GE(bill.billed, 0) << "the model does not run";
  const MemoryReport& m = bill.report;
  std::printf(
      "%s: billed %lld, seen %lld (tables %zu, operator heap %zu, ports %zu, tensors %zu, grown %zu, packed "
      "weights %zu)\n",
      GetParam(), static_cast<long long>(bill.billed), static_cast<long long>(bill.seen), m.tables,
      m.operator_heap, m.ports, m.tensors, m.grown, m.packed_weights);
  EXPECT_TRUE(m.heap_is_ours);
  EXPECT_LE(std::llabs(bill.billed - bill.seen), std::max<std::int64_t>(bill.seen / 100, 16 * 1024));
}
INSTANTIATE_TEST_SUITE_P(Models, Bills,
                         ::testing::Values("digits", "mnist_cnn", "kws_ds_cnn_fp32", "ic_resnet8_fp32",
                                           "ultraface_rfb320"),
                         [](const auto& info) { return std::string(info.param); });

}  // namespace
}  // namespace lithe::test
