// SPDX-License-Identifier: Apache-2.0
#include "tools/io/npz.hpp"

#include <array>
#include <cstdint>
#include <string_view>

#include "tools/io/image.hpp"
#include "tools/io/npy.hpp"
#include "tools/io/read_bytes.hpp"
#include "tools/report/error.hpp"

namespace lithe::io {

namespace {

/// Little-endian numbers of an archive; zero beyond its end, which no signature and no size is.
struct Archive {
  std::string bytes;

  std::uint32_t number(std::size_t at, int width) const {
    std::uint32_t value = 0;
    for (int i = width - 1; i >= 0; --i) {
      const std::size_t byte = at + static_cast<std::size_t>(i);
      value = value << 8 | (byte < bytes.size() ? static_cast<unsigned char>(bytes[byte]) : 0u);
    }
    return value;
  }
};

/// Numbers of the ZIP format ("PKWARE APPNOTE", 4.3).
constexpr std::uint32_t end_signature = 0x06054b50, entry_signature = 0x02014b50,
                        member_signature = 0x04034b50;
constexpr std::size_t end_bytes = 22, entry_bytes = 46, member_bytes = 30, longest_comment = 65535;
constexpr std::uint32_t stored = 0, deflated = 8, in_zip64 = 0xffffffff;

std::uint32_t crc32(std::string_view bytes) {
  static const std::array<std::uint32_t, 256> table = [] {
    std::array<std::uint32_t, 256> t{};
    for (std::uint32_t i = 0; i < 256; ++i) {
      t[i] = i;
      for (int bit = 0; bit < 8; ++bit) t[i] = (t[i] >> 1) ^ ((t[i] & 1) != 0 ? 0xEDB88320u : 0u);
    }
    return t;
  }();
  std::uint32_t crc = ~0u;
  for (char c : bytes) crc = (crc >> 8) ^ table[(crc ^ static_cast<unsigned char>(c)) & 255];
  return ~crc;
}

std::size_t find_end(const Archive& archive) {
  const std::size_t size = archive.bytes.size();
  for (std::size_t back = end_bytes; back <= size && back <= end_bytes + longest_comment; ++back)
    if (archive.number(size - back, 4) == end_signature) return size - back;
  return std::string::npos;
}

/// The contents of the member whose entry in the directory begins at `at`.
std::string contents(const Archive& archive, std::size_t at, const std::string& where) {
  const std::uint32_t method = archive.number(at + 10, 2), crc = archive.number(at + 16, 4);
  const std::size_t packed = archive.number(at + 20, 4), size = archive.number(at + 24, 4),
                    member = archive.number(at + 42, 4);
  if (packed == in_zip64 || size == in_zip64)
    report::bad_input(where + ": is larger than 4 GiB; save several files");
  if (archive.number(member, 4) != member_signature) report::bad_input(where + ": the archive is damaged");
  const std::size_t begin =
      member + member_bytes + archive.number(member + 26, 2) + archive.number(member + 28, 2);
  if (begin > archive.bytes.size() || packed > archive.bytes.size() - begin)
    report::bad_input(where + ": the archive is cut short");
  const std::string_view data = std::string_view(archive.bytes).substr(begin, packed);
  std::string result;
  if (method == stored)
    result = data;
  else if (method == deflated)
    result = inflate(data, size, where);
  else
    report::bad_input(where + ": is packed in a way that numpy never uses");
  if (result.size() != size || crc32(result) != crc)
    report::bad_input(where + ": its checksum is wrong; save it again");
  return result;
}

}  // namespace

std::map<std::string, ConstantPtr> read_npz(const std::filesystem::path& path) {
  const Archive archive{read_bytes(path)};
  const std::size_t end = find_end(archive);
  if (end == std::string::npos) report::bad_input(path.string() + ": not an .npz file");
  std::map<std::string, ConstantPtr> arrays;
  std::size_t at = archive.number(end + 16, 4);
  for (std::uint32_t i = archive.number(end + 10, 2); i > 0; --i) {
    const std::size_t length = archive.number(at + 28, 2);
    if (archive.number(at, 4) != entry_signature || at + entry_bytes + length > archive.bytes.size())
      report::bad_input(path.string() + ": the archive's directory is damaged");
    std::string name = archive.bytes.substr(at + entry_bytes, length);
    const std::string where = path.string() + " (" + name + ")";
    if (name.ends_with(".npy")) name.resize(name.size() - 4);
    arrays[name] = parse_npy(contents(archive, at, where), where);
    at += entry_bytes + length + archive.number(at + 30, 2) + archive.number(at + 32, 2);
  }
  return arrays;
}

}  // namespace lithe::io
