// SPDX-License-Identifier: Apache-2.0
#include "tools/io/image.hpp"

#define STB_IMAGE_IMPLEMENTATION
#define STB_IMAGE_STATIC
#define STBI_ONLY_PNG
#define STBI_ONLY_JPEG
#define STBI_NO_STDIO
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wunused-function"
#include <stb_image.h>
#pragma GCC diagnostic pop

#include <algorithm>
#include <cctype>
#include <limits>
#include <memory>

#include "tools/io/read_bytes.hpp"
#include "tools/report/error.hpp"

namespace lithe::io {

bool is_image(const std::filesystem::path& path) {
  std::string extension = path.extension().string();
  std::transform(extension.begin(), extension.end(), extension.begin(),
                 [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
  return extension == ".png" || extension == ".jpg" || extension == ".jpeg";
}

ConstantPtr read_image(const std::filesystem::path& path, int channels) {
  const std::string bytes = read_bytes(path);
  if (bytes.size() > static_cast<std::size_t>(std::numeric_limits<int>::max()))
    report::bad_input(path.string() + ": is larger than 2 GiB");
  int width = 0, height = 0, found = 0;
  const std::unique_ptr<stbi_uc, void (*)(void*)> pixels(
      stbi_load_from_memory(reinterpret_cast<const stbi_uc*>(bytes.data()), static_cast<int>(bytes.size()),
                            &width, &height, &found, channels),
      stbi_image_free);
  if (pixels == nullptr)
    report::bad_input(path.string() + ": cannot be decoded as PNG or JPEG (" + stbi_failure_reason() + ")");
  const Shape shape{height, width, channels};
  return make_constant<std::uint8_t>(shape, {pixels.get(), static_cast<std::size_t>(shape.elements())});
}

std::string inflate(std::string_view packed, std::size_t size, const std::string& where) {
  constexpr std::size_t most_per_byte = 1032;  // a stored length of 258 takes two bits
  if (size / most_per_byte > packed.size() ||
      size > static_cast<std::size_t>(std::numeric_limits<int>::max()) ||
      packed.size() > static_cast<std::size_t>(std::numeric_limits<int>::max()) - 4)
    report::bad_input(where + ": cannot be unpacked");
  std::string padded(packed), result(size, '\0');
  padded.append(4, '\0');  // the decoder wants to see more than the last code, as zlib's checksum would be
  const int written = stbi_zlib_decode_noheader_buffer(result.data(), static_cast<int>(size), padded.data(),
                                                       static_cast<int>(padded.size()));
  if (written < 0 || static_cast<std::size_t>(written) != size)
    report::bad_input(where + ": cannot be unpacked");
  return result;
}

}  // namespace lithe::io
