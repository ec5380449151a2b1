// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <cstdlib>
#include <memory>
#include <optional>
#include <ostream>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "lithe/core/kernel.hpp"
#include "tests/support/guarded_buffer.hpp"
#include "tests/support/print.hpp"
#include "tests/support/reference_tensor.hpp"

/// Drives one node by hand, without a session: infer, create, reshape, run.
namespace lithe::test {

inline constexpr std::uint64_t default_max_bytes = std::uint64_t{1} << 30;

/// How many more bytes must be readable after everything: LITHE_EMULATOR_SLACK, for emulators that read all
/// of a vector whose load is masked.
inline const std::size_t emulator_slack = [] {
  const char* bytes = std::getenv("LITHE_EMULATOR_SLACK");
  return bytes == nullptr ? std::size_t{0} : std::strtoul(bytes, nullptr, 10);
}();
inline const std::size_t read_slack = 16 + emulator_slack;  ///< XNN_EXTRA_BYTES

/// An attribute as a file holds it.
struct StoredAttribute {
  std::string name;
  std::vector<std::int64_t> ints{};
  std::vector<float> floats{};
  std::string text{};
};
/// What write_attributes writes to.
struct AttributeStore {
  std::vector<StoredAttribute>& to;
  void ints(const char* name, std::span<const std::int64_t> v) {
    to.push_back({.name = name, .ints = {v.begin(), v.end()}});
  }
  void floats(const char* name, std::span<const float> v) {
    to.push_back({.name = name, .floats = {v.begin(), v.end()}});
  }
  void text(const char* name, std::string_view v) { to.push_back({.name = name, .text = std::string(v)}); }
};

/// A node and all that is known of it.
struct Case {
  const OperatorEntry* op = nullptr;
  const void* attributes = nullptr;
  std::vector<StoredAttribute> stored_attributes;  ///< those that differ from their defaults
  std::vector<StoredTensor> inputs;
  std::vector<bool> known, constant;  ///< per input: infer sees the contents; kernels may pack them
  std::vector<DType> output_dtypes;   ///< none: absent
  std::vector<TestQuantization> output_quantization;
  std::uint64_t max_bytes = default_max_bytes;
  SubgraphInference* subgraphs = nullptr;
  RunServices* services = nullptr;
};

struct InferResult {
  Status status;
  std::vector<Shape> shapes;
  std::vector<bool> at_most;

  Code code() const { return status.code(); }
  const Shape& shape(int o = 0) const { return shapes.at(static_cast<std::size_t>(o)); }
  friend bool operator==(const InferResult& a, const Shape& b) { return a.status.ok() && a.shape(0) == b; }
};
inline void PrintTo(const InferResult& result, std::ostream* out) {
  if (!result.status.ok()) return lithe::PrintTo(result.status, out);
  for (const Shape& shape : result.shapes) {
    lithe::PrintTo(shape, out);
    *out << ' ';
  }
}

InferResult infer_case(const Case& c);

/// One way of running a node.
struct Variation {
  std::string name = "plain";
  int in_place = -1;      ///< output 0 lies where this input lies
  index_t input_gap = 0;  ///< elements between rows of the last axis
  index_t output_gap = 0;
  index_t strip_rows = 0;  ///< 0: whole
  bool constants = true;   ///< constant inputs are announced to the kernel
  bool slack = true;       ///< readable bytes after every tensor; if false, it ends at the guard page
  ThreadPool threads{};
};

struct RunResult {
  Status status;
  std::vector<StoredTensor> outputs;
  bool intact = true;  ///< nothing was written outside the outputs, nor into an input
};

/// Constructs, creates and runs one kernel on one case.
class NodeRun {
 public:
  NodeRun(const Case& c, const KernelEntry& entry, const Cpu& cpu, const InferResult& inferred,
          const Variation& how);
  NodeRun(const NodeRun&) = delete;
  NodeRun& operator=(const NodeRun&) = delete;
  ~NodeRun() { entry_.destroy(kernel_.get()); }

  bool supported() const { return entry_.supports(case_.attributes, node_); }
  RunResult run();

 private:
  struct Delete {
    void operator()(std::byte* p) const { ::operator delete[](p, std::align_val_t{64}); }
  };

  /// Copies rows [first, first + count) of axis 1 out of or into a tensor.
  static void copy_rows(StoredTensor& window, StoredTensor& whole, index_t first, bool into_window);

  /// The strip that begins at an output row: its slot, and the rows of each input; none: the input is needed whole.
  struct Part {
    Strip strip;
    int slot = 0;
    std::vector<std::optional<RowSpan>> rows;
  };
  Part part_at(index_t first) const;
  static Shape with_rows(Shape shape, index_t count);

  Status run_strip(index_t first, RunResult& result);
  /// Reshapes the kernel for a strip that is not run now: a chain reshapes one slot after the other before it runs any.
  Status reshape_also(const Part& part);

  /// A tensor laid out with `gap` elements between rows of its last axis, in guarded memory.
  struct Placed {
    GuardedBuffer buffer;
    TensorView view;
  };
  static std::size_t row_bytes(const StoredTensor& t, index_t elements);
  static std::size_t placed_bytes(const StoredTensor& t, index_t gap);
  static Placed place(const StoredTensor& t, index_t gap, std::size_t slack, const Quantization* q);
  /// Reads a tensor back; false when the gaps between its rows were written to.
  static bool collect(const Tensor& view, index_t gap, StoredTensor& into);

  Status run_part(const Strip* strip, int slot, const std::vector<StoredTensor>& inputs,
                  std::vector<StoredTensor>& outputs, bool& intact);
  bool unchanged(const Placed& placed, const StoredTensor& original) const;

  const Case& case_;
  const KernelEntry& entry_;
  const Variation& how_;
  std::unique_ptr<std::byte[], Delete> kernel_;
  std::vector<Quantization> quantizations_;
  std::vector<ValueInfo> input_infos_, output_infos_;
  std::vector<GuardedBuffer> constants_;
  NodeInfo node_;
};

}  // namespace lithe::test
