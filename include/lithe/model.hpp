// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string_view>
#include <utility>

#include "lithe/core/services.hpp"
#include "lithe/core/status.hpp"
#include "lithe/format/reader.hpp"
#include "lithe/runtime/verify.hpp"

namespace lithe::inline v0 {

/// A verified model file. It never changes: any number of sessions in any threads may use it. It must outlive
/// them, and everything that its functions return.
class Model {
 public:
  /// Verifies the file and keeps its bytes: a mapping (lithe.hpp's open), a copy, or memory that stays
  /// (flash). They must be aligned to 16 and must not change. Errors: Code::invalid_model with what is wrong;
  /// Code::unsupported for a newer format, feature or element type; Code::invalid_argument if they are not
  /// aligned.
  static Result<Model> open(Storage storage) {
    runtime::VerifiedFile file;
    LITHE_TRY(runtime::verify(storage.bytes(), file));
    return Model(std::move(storage), file);
  }
  /// The bytes are borrowed and must outlive the model.
  static Result<Model> open(std::span<const std::byte> bytes) { return open(Storage(bytes)); }

  const format::Model& root() const { return *file_.model; }
  std::size_t file_bytes() const { return storage_.bytes().size(); }
  std::span<const std::byte> bytes() const { return storage_.bytes(); }
  /// Content hash, computed at conversion: the key of packed weights.
  std::array<std::uint64_t, 2> id() const { return {root().id()->low(), root().id()->high()}; }

  /// The contents of buffer number `index`, which must be below root().buffers()->size(), as everything in a
  /// verified file is. They begin at a multiple of 64 bytes of the file; 64 bytes more may be read.
  std::span<const std::byte> buffer(std::uint32_t index) const {
    const format::Buffer& b = *root().buffers()->Get(index);
    return file_.segment.subspan(static_cast<std::size_t>(b.offset()), static_cast<std::size_t>(b.size()));
  }
  std::span<const std::byte> contents(const format::Buffer& b) const {
    return file_.segment.subspan(static_cast<std::size_t>(b.offset()), static_cast<std::size_t>(b.size()));
  }
  /// The number of the signature called `name` (the first one for an empty name), or -1.
  int find_signature(std::string_view name = {}) const {
    for (std::uint32_t i = 0; i < root().signatures()->size(); ++i)
      if (name.empty() || text(root().signatures()->Get(i)->name()) == name) return static_cast<int>(i);
    return -1;
  }
  /// The value of a metadata key, or an empty text.
  std::string_view metadata(std::string_view key) const {
    for (std::uint32_t i = 0; i < count(root().metadata()); ++i)
      if (text(root().metadata()->Get(i)->key()) == key) return text(root().metadata()->Get(i)->value());
    return {};
  }
  /// The contents of the section called `name` with this key; empty if there is none.
  std::span<const std::byte> section(std::string_view name, std::string_view key = {}) const {
    for (std::uint32_t i = 0; i < count(root().sections()); ++i) {
      const format::Section& s = *root().sections()->Get(i);
      if (text(s.name()) == name && text(s.key()) == key && s.buffer() != nullptr)
        return contents(*s.buffer());
    }
    return {};
  }

 private:
  Model(Storage storage, runtime::VerifiedFile file) : storage_(std::move(storage)), file_(file) {}

  Storage storage_;
  runtime::VerifiedFile file_;
};

}  // namespace lithe::inline v0
