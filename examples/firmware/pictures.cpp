// SPDX-License-Identifier: Apache-2.0
// Runs on the workstation: writes pictures and this machine's answers as a header for the firmware. The
// portable kernels, which are the firmware's, must give them too: their difference is at most TOLERANCE.
// usage: firmware_pictures MODEL.lithe images.npy COUNT TOLERANCE OUTPUT.hpp
#include <algorithm>
#include <cmath>
#include <cstdlib>
#include <fstream>
#include <iomanip>
#include <iostream>
#include <sstream>
#include <string>
#include <vector>

#include "examples/classify/npy.hpp"
#include "lithe/lithe.hpp"

namespace {

template <class T>
void write_row(std::ostream& out, const std::vector<T>& row) {
  out << "    {";
  for (const T& v : row) out << std::setprecision(9) << v << ", ";
  out << "},\n";
}

using Session = lithe::Result<lithe::Session>;

/// The answer to a picture. If the run fails it is empty, and a line on stderr says why.
std::vector<float> answer(Session& session, const std::vector<int>& picture) {
  std::copy(picture.begin(), picture.end(), session->input(0).as<float>().begin());
  if (const auto status = session->run(); !status.ok()) {
    std::cerr << status.text() << "\n";
    return std::vector<float>{};
  }
  const auto scores = session->output(0).as<float>();
  return {scores.begin(), scores.end()};
}

int write(const char* model_file, const char* image_file, std::size_t count, float tolerance,
          const char* header) {
  const auto model = lithe::open(model_file);
  const auto images = npy::read_bytes(image_file);
  if (!model.ok() || images.empty()) {
    std::cerr << "cannot read " << model_file << " or " << image_file << "\n";
    return 1;
  }
  auto session = lithe::Session::create(*model, lithe::options());
  auto portable = lithe::Session::create(*model, lithe::options<lithe::portable::all>());
  for (const Session* s : {&session, &portable})
    if (!s->ok()) {
      std::cerr << s->status().text() << "\n";
      return 1;
    }
  const auto size = static_cast<std::size_t>(session->input(0).elements());
  std::ostringstream inputs, outputs;
  for (std::size_t i = 0; i < count && (i + 1) * size <= images.size(); ++i) {
    const std::vector<int> picture(images.begin() + static_cast<std::ptrdiff_t>(i * size),
                                   images.begin() + static_cast<std::ptrdiff_t>((i + 1) * size));
    const std::vector<float> fast = answer(session, picture), slow = answer(portable, picture);
    if (fast.empty() || slow.empty()) return 1;
    for (std::size_t k = 0; k < fast.size(); ++k)
      if (!(std::abs(fast[k] - slow[k]) <= tolerance)) {
        std::cerr << "picture " << i << ": the portable kernels answer " << slow[k] << " instead of "
                  << fast[k] << "\n";
        return 1;
      }
    write_row(inputs, picture);
    write_row(outputs, fast);
  }
  std::ofstream out(header);
  out << "// Made by firmware_pictures.\n#pragma once\n\nnamespace pictures {\n\n"
      << "/// How far an answer may be off.\ninline constexpr float tolerance = " << std::scientific
      << tolerance << "f;\n\ninline constexpr unsigned char inputs[][" << size << "] = {\n"
      << inputs.str() << "};\n\ninline constexpr float outputs[][" << session->output(0).elements()
      << "] = {\n"
      << outputs.str() << "};\n\n}  // namespace pictures\n";
  out.close();
  return out ? 0 : 1;
}

}  // namespace

int main(int argc, char** argv) {
  if (argc != 6) {
    std::cerr << "usage: firmware_pictures MODEL.lithe images.npy COUNT TOLERANCE OUTPUT.hpp\n";
    return 2;
  }
  return write(argv[1], argv[2], static_cast<std::size_t>(std::atoi(argv[3])), std::strtof(argv[4], nullptr),
               argv[5]);
}
