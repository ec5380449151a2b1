// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cassert>
#include <cstdint>
#include <new>  // IWYU pragma: keep (placement new)
#include <utility>

namespace lithe::inline v0 {

/// What went wrong.
enum class Code : std::uint8_t {
  ok,
  invalid_argument,  ///< the caller passed something that cannot be right (a name, a size, a null)
  invalid_model,     ///< the file contradicts itself or its operators' contracts
  unsupported,       ///< valid, but this build, CPU or kernel list cannot run it
  shape,             ///< shapes do not fit each other
  dtype,             ///< element types do not fit the operator
  needs_value,       ///< a shape depends on contents that are not known yet
  out_of_range,      ///< an index or size found in the data lies outside its tensor
  out_of_memory,     ///< the arena, the byte limit or the system has no room
  io,                ///< the system refused a file or mapping
  stopped,           ///< the caller's stop flag was set
  limit,             ///< an iteration or nesting limit was reached
  kernel,            ///< the kernel library reported a failure
};

constexpr const char* name(Code code) {
  constexpr const char* names[] = {
      "ok",          "invalid argument", "invalid model", "unsupported", "shape",   "dtype",
      "needs value", "out of range",     "out of memory", "io",          "stopped", "limit",
      "kernel"};
  return names[static_cast<int>(code)];
}

/// A code, a static text and the place of a failure: never formatted, never allocated. The plan fills in node
/// and subgraph.
class [[nodiscard]] Status {
 public:
  constexpr Status() = default;
  constexpr Status(Code code, const char* text) : text_(text), code_(code) {}

  constexpr bool ok() const { return code_ == Code::ok; }
  constexpr Code code() const { return code_; }
  constexpr const char* text() const { return text_; }
  constexpr std::int32_t node() const { return node_; }          ///< index in its subgraph, -1: no node
  constexpr std::int32_t subgraph() const { return subgraph_; }  ///< index in the model

  /// The same failure, placed at a node unless it has a place already.
  constexpr Status at(std::int32_t subgraph, std::int32_t node) const {
    Status placed = *this;
    if (!ok() && node_ < 0) {
      placed.subgraph_ = subgraph;
      placed.node_ = node;
    }
    return placed;
  }

 private:
  const char* text_ = "";
  std::int32_t node_ = -1;
  std::int32_t subgraph_ : 24 = 0;  // files have at most 4 million tables
  Code code_ : 8 = Code::ok;
};
static_assert(sizeof(void*) != 8 || sizeof(Status) == 16);  // returned in two registers

/// A value, or the Status that says why there is none. It moves and never copies. It is a union because
/// std::optional would make a program compile a dozen more functions for each type.
template <class T>
class [[nodiscard]] Result {
 public:
  Result(T value) : value_(std::move(value)), ok_(true) {}           // NOLINT(google-explicit-constructor)
  Result(Status status) : status_(status) { assert(!status.ok()); }  // NOLINT(google-explicit-constructor)
  Result(Result&& other) noexcept : status_(other.status_), ok_(other.ok_) {
    if (ok_) new (&value_) T(std::move(other.value_));
  }
  Result& operator=(Result&& other) noexcept {
    if (this == &other) return *this;
    this->~Result();
    return *new (this) Result(std::move(other));
  }
  ~Result() {
    if (ok_) value_.~T();
  }

  bool ok() const { return ok_; }
  Status status() const { return status_; }
  Code code() const { return status_.code(); }
  T& operator*() & {
    assert(ok_);
    return value_;
  }
  const T& operator*() const& {
    assert(ok_);
    return value_;
  }
  T&& operator*() && {
    assert(ok_);
    return std::move(value_);
  }
  T* operator->() {
    assert(ok_);
    return &value_;
  }
  const T* operator->() const {
    assert(ok_);
    return &value_;
  }

 private:
  union {
    T value_;  ///< constructed only where ok_
  };
  Status status_;
  bool ok_ = false;
};

}  // namespace lithe::inline v0

/// Returns from the calling function if `expression` is a failed Status, or a failed answer of another type
/// that has ok().
#define LITHE_TRY(expression)                                                      \
  do {                                                                             \
    if (auto lithe_status = (expression); !lithe_status.ok()) return lithe_status; \
  } while (false)

#define LITHE_CONCAT_(a, b) a##b
#define LITHE_CONCAT(a, b) LITHE_CONCAT_(a, b)
/// Declares `target` from a Result, or returns its Status.
#define LITHE_ASSIGN_OR_RETURN(target, expression)                                                        \
  auto LITHE_CONCAT(lithe_result_, __LINE__) = (expression);                                              \
  if (!LITHE_CONCAT(lithe_result_, __LINE__).ok()) return LITHE_CONCAT(lithe_result_, __LINE__).status(); \
  target = *std::move(LITHE_CONCAT(lithe_result_, __LINE__))
