// SPDX-License-Identifier: Apache-2.0
// Runs on the workstation: writes pictures and this machine's answers as a header for the firmware.
// usage: firmware_pictures MODEL.lithe images.npy COUNT OUTPUT.hpp
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

int write(const char* model_file, const char* image_file, std::size_t count, const char* header) {
  const auto model = lithe::open(model_file);
  const auto images = npy::read_bytes(image_file);
  if (!model.ok() || images.empty())
    return std::cerr << "cannot read " << model_file << " or " << image_file << "\n", 1;
  auto session = lithe::Session::create(*model, lithe::options());
  if (!session.ok()) return std::cerr << session.status().text() << "\n", 1;
  const auto image = session->input<float>(session->input_name(0));
  std::ostringstream inputs, outputs;
  for (std::size_t i = 0; i < count && (i + 1) * image.size() <= images.size(); ++i) {
    const std::vector<int> picture(images.begin() + static_cast<std::ptrdiff_t>(i * image.size()),
                                   images.begin() + static_cast<std::ptrdiff_t>((i + 1) * image.size()));
    std::copy(picture.begin(), picture.end(), image.begin());
    if (const auto status = session->run(); !status.ok()) return std::cerr << status.text() << "\n", 1;
    const auto answer = session->output(0).as<float>();
    write_row(inputs, picture);
    write_row(outputs, std::vector<float>(answer.begin(), answer.end()));
  }
  std::ofstream out(header);
  out << "// Made by firmware_pictures.\n#pragma once\n\nnamespace pictures {\n\ninline constexpr unsigned "
         "char inputs[]["
      << image.size() << "] = {\n"
      << inputs.str() << "};\n\ninline constexpr float outputs[][" << session->output(0).elements()
      << "] = {\n"
      << outputs.str() << "};\n\n}  // namespace pictures\n";
  out.close();
  return out ? 0 : 1;
}

}  // namespace

int main(int argc, char** argv) {
  if (argc != 5) return std::cerr << "usage: firmware_pictures MODEL.lithe images.npy COUNT OUTPUT.hpp\n", 2;
  return write(argv[1], argv[2], static_cast<std::size_t>(std::atoi(argv[3])), argv[4]);
}
