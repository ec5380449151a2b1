// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "tests/support/op_test.hpp"

namespace lithe::test {

/// The calling thread, and "threads" that take the tasks of a kernel from last to first: a portable kernel
/// whose tasks depend on each other, or that counts on all of them being one, gives something else.
inline const Platform reversed_threads{
    .cpu = {},
    .pools = {ThreadPool{},
              ThreadPool{.handle = nullptr,
                         .threads = 3,
                         .parallel = [](void*, ThreadPool::Task task, void* context, std::size_t count) {
                           while (count-- > 0) task(context, count);
                         }}}};

}  // namespace lithe::test
