// SPDX-License-Identifier: Apache-2.0
// Writes what this machine's fastest kernels answer to each row of an .npy file, for tests on other CPUs.
// usage: record_answers MODEL.lithe ROWS.npy ANSWERS
#include <cstdio>
#include <fstream>

#include "lithe/lithe.hpp"
#include "tests/support/row_answers.hpp"
#include "tools/kernels/kernels.hpp"

int main(int argc, char** argv) {
  if (argc != 4) {
    std::fputs("usage: record_answers MODEL.lithe ROWS.npy ANSWERS\n", stderr);
    return 2;
  }
  const auto model = lithe::open(argv[1]);
  if (!model.ok()) {
    std::fprintf(stderr, "%s: %s\n", argv[1], model.status().text());
    return 3;
  }
  auto session = lithe::Session::create(*model, lithe::machine_options());
  if (!session.ok()) {
    std::fprintf(stderr, "%s: %s\n", argv[1], session.status().text());
    return 3;
  }
  const auto answers = lithe::test::row_answers(*session, argv[2]);
  if (answers.empty()) {
    std::fprintf(stderr, "%s gives no answers to %s\n", argv[1], argv[2]);
    return 3;
  }
  std::ofstream file(argv[3], std::ios::binary);
  file.write(answers.data(), static_cast<std::streamsize>(answers.size()));
  file.close();
  return file ? 0 : 4;
}
