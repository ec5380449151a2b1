// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string_view>

namespace lithe::check {

/// The size that the name of an open dimension says, where exporters write an expression: "past + 1", "2*h", "(s0 // 2)". `size`
/// gives the size of a name in it. Nullopt for other names, plain ones too, and where the size is negative or exceeds 2^31.
std::optional<std::uint64_t> named_size(std::string_view name,
                                        const std::function<std::uint64_t(std::string_view)>& size);

}  // namespace lithe::check
