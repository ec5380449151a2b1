// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <array>
#include <concepts>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <span>
#include <string_view>
#include <type_traits>

#include "lithe/core/shape.hpp"
#include "lithe/core/status.hpp"

namespace lithe::inline v0 {

/// Limits of an output in real units; infinities mean no limit.
struct Clamp {
  float min = -std::numeric_limits<float>::infinity();
  float max = std::numeric_limits<float>::infinity();
  constexpr bool active() const {
    return min > -std::numeric_limits<float>::infinity() || max < std::numeric_limits<float>::infinity();
  }
  constexpr float operator()(float v) const { return v < min ? min : v > max ? max : v; }
  friend constexpr bool operator==(const Clamp&, const Clamp&) = default;
};

/// One attribute as a file holds it: views into the file, never copies. At most one of the three is not
/// empty.
struct AttributeData {
  std::span<const std::int64_t> ints;
  std::span<const float> floats;
  std::string_view text;
};

/// One member of an operator's attributes, and its name in the file.
template <class Owner, class T>
struct Field {
  const char* name;
  T Owner::* member;
};
template <class Owner, class T>
constexpr Field<Owner, T> field(const char* name, T Owner::* member) {
  return {name, member};
}

/// What `fields()` returns: the fields of an operator's attributes, in order. A std::tuple would do as well,
/// but it would cost the compiler a quarter of the time of all headers.
template <class... F>
struct Fields {
  static constexpr std::size_t size = 0;
  constexpr void each(const auto&) const {}
};
template <class First, class... Rest>
struct Fields<First, Rest...> {
  static constexpr std::size_t size = 1 + sizeof...(Rest);
  First first;
  Fields<Rest...> rest;

  constexpr explicit Fields(First f, Rest... others) : first(f), rest(others...) {}
  /// Calls visit(field) for each field.
  constexpr void each(const auto& visit) const {
    visit(first);
    rest.each(visit);
  }
};
template <class... F>
Fields(F...) -> Fields<F...>;

/// An enumeration that the file stores as text. It declares `constexpr auto enum_names(E)`, which returns an
/// array of its names in order.
template <class E>
concept NamedEnum = std::is_enum_v<E> && requires(E e) { enum_names(e); };

namespace detail {

template <class T>
inline constexpr bool is_array_of_int = false;
template <std::size_t N>
inline constexpr bool is_array_of_int<std::array<std::int32_t, N>> = true;

inline constexpr Status wrong_kind{Code::invalid_model,
                                   "an attribute has another type or size than its operator declares"};
inline constexpr Status out_of_range{Code::invalid_model, "an attribute is out of range"};

inline Status parse_numbers(const AttributeData& data, std::span<std::int32_t> members) {
  if (data.ints.size() != members.size()) return wrong_kind;
  for (std::size_t i = 0; i < members.size(); ++i) {
    if (data.ints[i] != static_cast<std::int32_t>(data.ints[i])) return out_of_range;
    members[i] = static_cast<std::int32_t>(data.ints[i]);
  }
  return {};
}

template <class T>
Status parse_field(const AttributeData& data, T& member) {
  if constexpr (std::is_same_v<T, float>) {
    if (data.floats.size() != 1) return wrong_kind;
    member = data.floats[0];
  } else if constexpr (std::is_same_v<T, Clamp>) {
    if (data.floats.size() != 2 || !(data.floats[0] <= data.floats[1])) return wrong_kind;
    member = {data.floats[0], data.floats[1]};
  } else if constexpr (std::is_same_v<T, bool>) {
    if (data.ints.size() != 1) return wrong_kind;
    if (data.ints[0] != 0 && data.ints[0] != 1) return out_of_range;
    member = data.ints[0] != 0;
  } else if constexpr (std::is_same_v<T, std::int64_t>) {
    if (data.ints.size() != 1) return wrong_kind;
    member = data.ints[0];
  } else if constexpr (std::is_same_v<T, std::int32_t>) {
    return parse_numbers(data, {&member, 1});
  } else if constexpr (is_array_of_int<T>) {
    return parse_numbers(data, member);
  } else if constexpr (std::is_same_v<T, IntList>) {
    if (data.ints.size() > IntList::capacity) return wrong_kind;
    member = IntList{};
    for (auto v : data.ints) member.push_back(v);
  } else {
    static_assert(
        NamedEnum<T>,
        "attributes are bool, int32, int64, float, Clamp, IntList, array<int32_t, N> or a named enum");
    int i = 0;
    for (std::string_view candidate : enum_names(T{})) {
      if (candidate == data.text) {
        member = static_cast<T>(i);
        return {};
      }
      ++i;
    }
    return {Code::unsupported, "an attribute names a mode this version does not know"};
  }
  return {};
}

/// Passes one member's value to sink.ints(name, span), sink.floats(name, span) or sink.text(name,
/// string_view).
template <class T, class Sink>
void write_field(const char* name, const T& member, Sink& sink) {
  if constexpr (std::is_same_v<T, float>) {
    sink.floats(name, std::span<const float>(&member, 1));
  } else if constexpr (std::is_same_v<T, Clamp>) {
    const float both[] = {member.min, member.max};
    sink.floats(name, both);
  } else if constexpr (is_array_of_int<T>) {
    std::array<std::int64_t, std::tuple_size_v<T>> wide{};
    for (std::size_t i = 0; i < wide.size(); ++i) wide[i] = member[i];
    sink.ints(name, wide);
  } else if constexpr (std::is_same_v<T, IntList>) {
    sink.ints(name, std::span<const std::int64_t>(member.begin(), static_cast<std::size_t>(member.size())));
  } else if constexpr (NamedEnum<T>) {
    sink.text(name, std::string_view(enum_names(member)[static_cast<std::size_t>(member)]));
  } else {
    const auto wide = static_cast<std::int64_t>(member);
    sink.ints(name, std::span<const std::int64_t>(&wide, 1));
  }
}

}  // namespace detail

/// Yields a node's attributes one after the other; `next` returns false at the end.
struct AttributeReader {
  bool (*next)(void* self, std::string_view& name, AttributeData& data);
  void* self;
};

namespace detail {

/// Where an attribute goes and how it is parsed, without types: one loop reads the attributes of all
/// operators.
struct FieldSlot {
  const char* name;
  void* member;
  Status (*parse)(const AttributeData& data, void* member);
};

inline Status parse_slots(AttributeReader reader, std::span<const FieldSlot> slots) {
  std::string_view name;
  AttributeData data;
  while (reader.next(reader.self, name, data)) {
    std::size_t i = 0;
    while (i < slots.size() && name != slots[i].name) ++i;
    if (i == slots.size())
      return {Code::invalid_model, "a node has an attribute that its operator does not know"};
    LITHE_TRY(slots[i].parse(data, slots[i].member));
  }
  return {};
}

template <class Owner, class T>
FieldSlot slot(Owner& owner, const Field<Owner, T>& field) {
  return {field.name, &(owner.*field.member), [](const AttributeData& data, void* member) {
            return parse_field(data, *static_cast<T*>(member));
          }};
}

}  // namespace detail

/// Fills `attributes` with what the reader yields. A missing attribute keeps its default.
/// Errors: Code::invalid_model for an attribute that the operator does not know, or of another kind or range;
/// Code::unsupported for the name of an unknown mode.
template <class Attributes>
Status parse_attributes(Attributes& attributes, AttributeReader reader) {
  constexpr auto fields = Attributes::fields();
  std::array<detail::FieldSlot, fields.size> slots;
  std::size_t n = 0;
  fields.each([&](const auto& field) { slots[n++] = detail::slot(attributes, field); });
  return detail::parse_slots(reader, slots);
}
template <class Attributes, std::invocable<std::string_view&, AttributeData&> Next>
Status parse_attributes(Attributes& attributes, Next next) {
  return parse_attributes(attributes, {[](void* self, std::string_view& name, AttributeData& data) -> bool {
                                         return (*static_cast<Next*>(self))(name, data);
                                       },
                                       &next});
}

/// Writes every attribute that differs from its default.
template <class Attributes, class Sink>
void write_attributes(const Attributes& attributes, Sink& sink) {
  const Attributes defaults{};
  Attributes::fields().each([&](const auto& field) {
    if (!(attributes.*field.member == defaults.*field.member))
      detail::write_field(field.name, attributes.*field.member, sink);
  });
}

/// The attributes of an operator that has none.
struct NoAttributes {
  static constexpr auto fields() { return Fields{}; }
};

}  // namespace lithe::inline v0
