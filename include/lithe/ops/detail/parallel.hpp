// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <algorithm>
#include <cstddef>

#include "lithe/core/services.hpp"
#include "lithe/core/shape.hpp"

namespace lithe::inline v0::ops::detail {

/// Calls f(i) for i in [0, count) on the given threads; null: on this one. Calls must not depend on each
/// other. Split work by its size alone, never by the number of threads, so that results do not depend on it.
template <class F>
void in_parallel(const ThreadPool* threads, index_t count, F f) {
  if (threads == nullptr || count < 2) {
    for (index_t i = 0; i < count; ++i) f(i);
    return;
  }
  const auto task = [](void* context, std::size_t i) {
    (*static_cast<F*>(context))(static_cast<index_t>(i));
  };
  threads->for_each(task, &f, static_cast<std::size_t>(count));
}

/// How many tasks share `items` pieces of work when each task needs memory of its own: one, or a few for each thread.
inline index_t tasks_with_memory(const ThreadPool* threads, index_t items) {
  constexpr index_t per_thread = 4;
  const index_t count = threads == nullptr ? 1 : static_cast<index_t>(threads->threads);
  return std::min(items, count < 2 ? 1 : per_thread * count);
}
/// Calls f(task, first, last) for pieces [first, last) of `items`, where there is memory for `room` tasks. Results do not depend on
/// their number if pieces do not depend on each other.
template <class F>
void in_tasks(const ThreadPool* threads, index_t items, index_t room, F f) {
  const index_t tasks = std::clamp<index_t>(room, 1, std::max<index_t>(items, 1)),
                each = (items + tasks - 1) / tasks;
  in_parallel(threads, tasks,
              [&](index_t task) { f(task, task * each, std::min(items, (task + 1) * each)); });
}

/// Cuts `n` items of `cost` elements each into ranges: at least about `grain` elements in a range, and at
/// most `most` ranges.
struct Ranges {
  index_t count, size, n;

  Ranges(index_t items, index_t cost, index_t grain, index_t most) : n(items) {
    const index_t least = std::max<index_t>(1, grain / std::max<index_t>(1, cost));
    size = std::max(least, (items + most - 1) / most);
    count = (items + size - 1) / size;
  }
  index_t first(index_t i) const { return i * size; }
  index_t length(index_t i) const { return std::min(size, n - i * size); }
};

}  // namespace lithe::inline v0::ops::detail
