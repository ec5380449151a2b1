// SPDX-License-Identifier: Apache-2.0
// The only unit that names kernels.
#include <cstdio>
#include <cstring>
#include <lithe/lithe.hpp>

bool uses_fast_kernels(const lithe::Session& session);
bool answers(lithe::Session& session);

int main() {
  const auto model = lithe::open(MODEL);
  if (!model.ok()) {
    std::puts(model.status().text());
    return 1;
  }
  auto session = lithe::Session::create(*model, lithe::options());
  if (!session.ok()) {
    std::puts(session.status().text());
    return 1;
  }
  return uses_fast_kernels(*session) && answers(*session) ? 0 : 1;
}
