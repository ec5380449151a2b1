// SPDX-License-Identifier: Apache-2.0
#include "tools/io/npy.hpp"

#include <cctype>
#include <cstdint>
#include <cstring>
#include <fstream>
#include <sstream>

#include "tools/io/read_bytes.hpp"
#include "tools/report/error.hpp"

namespace lithe::io {

namespace {

struct Descr {
  const char* text;
  DType dtype;
};
constexpr Descr descrs[] = {{"<f4", DType::f32}, {"<f2", DType::f16}, {"<f8", DType::f64},
                            {"|i1", DType::s8},  {"<i2", DType::s16}, {"<i4", DType::s32},
                            {"<i8", DType::s64}, {"|u1", DType::u8},  {"<u2", DType::u16},
                            {"<u4", DType::u32}, {"<u8", DType::u64}, {"|b1", DType::boolean}};
constexpr std::uint64_t limit = std::uint64_t{2} << 30;

/// The text after `key` in the header's dictionary.
std::string_view after(std::string_view header, std::string_view key, const std::filesystem::path& path) {
  const auto at = header.find(key);
  const auto colon = at == std::string_view::npos ? at : header.find(':', at);
  if (colon == std::string_view::npos)
    report::bad_input(path.string() + ": its .npy header has no " + std::string(key));
  header.remove_prefix(colon + 1);
  while (!header.empty() && header.front() == ' ') header.remove_prefix(1);
  return header;
}

Shape parse_shape(std::string_view text, const std::filesystem::path& path) {
  Shape shape;
  const auto end = text.find(')');
  if (text.empty() || text.front() != '(' || end == std::string_view::npos)
    report::bad_input(path.string() + ": its .npy header has no valid shape");
  std::int64_t number = -1;
  for (char c : text.substr(1, end)) {
    if (std::isdigit(static_cast<unsigned char>(c)) != 0) {
      number = (number < 0 ? 0 : number) * 10 + (c - '0');
      if (number > INT32_MAX) report::bad_input(path.string() + ": has a dimension above 2^31 - 1");
    } else if (number >= 0 && (c == ',' || c == ')')) {
      shape.push_back(number);
      number = -1;
    } else if (c != ' ' && c != ',' && c != ')') {
      report::bad_input(path.string() + ": its .npy header has no valid shape");
    }
  }
  if (!shape.valid()) report::bad_input(path.string() + ": has more than 8 dimensions");
  return shape;
}

}  // namespace

ConstantPtr parse_npy(std::string_view bytes, const std::filesystem::path& path) {
  if (bytes.size() < 10 || bytes.compare(0, 6, "\x93NUMPY") != 0)
    report::bad_input(path.string() + ": not an .npy file");
  const bool first = bytes[6] == 1;
  const auto byte = [&](std::size_t i) {
    return static_cast<std::size_t>(static_cast<unsigned char>(bytes[i]));
  };
  std::size_t length = byte(8) | byte(9) << 8, start = 10;
  if (!first && bytes.size() >= 12) {
    length |= byte(10) << 16 | byte(11) << 24;
    start = 12;
  }
  if (length > bytes.size() - start) report::bad_input(path.string() + ": its .npy header is cut short");
  const std::string_view header = bytes.substr(start, length);
  if (after(header, "'fortran_order'", path).starts_with("True"))
    report::bad_input(path.string() + ": is in Fortran order; save numpy.ascontiguousarray(x)");
  const std::string_view descr = after(header, "'descr'", path).substr(1, 3);
  auto constant = std::make_shared<Constant>();
  for (const Descr& d : descrs)
    if (descr == d.text) constant->dtype = d.dtype;
  if (constant->dtype == DType::none)
    report::bad_input(path.string() + ": numpy dtype '" + std::string(descr) +
                      "' is not supported; convert it with astype()");
  constant->shape = parse_shape(after(header, "'shape'", path), path);
  std::uint64_t size = 0;
  if (!constant->shape.checked_bytes(constant->dtype, limit, size) || size != bytes.size() - start - length)
    report::bad_input(path.string() + ": holds another number of bytes than its shape says");
  constant->bytes.resize(static_cast<std::size_t>(size));
  if (size != 0)
    std::memcpy(constant->bytes.data(), bytes.data() + start + length, static_cast<std::size_t>(size));
  return constant;
}

ConstantPtr read_npy(const std::filesystem::path& path) { return parse_npy(read_bytes(path), path); }

void write_npy(const std::filesystem::path& path, const TensorView& tensor) {
  std::string descr = element_bytes(tensor.dtype) == 2 ? "<u2" : "|u1";
  for (const Descr& d : descrs)
    if (d.dtype == tensor.dtype) descr = d.text;
  std::ostringstream header;
  header << "{'descr': '" << descr << "', 'fortran_order': False, 'shape': (";
  for (index_t d : tensor.shape.dims()) header << d << ",";
  header << "), }";
  std::string text = header.str();
  text.append(64 - (10 + text.size() + 1) % 64, ' ').push_back('\n');
  std::ofstream file(path, std::ios::binary);
  file << "\x93NUMPY" << '\1' << '\0' << static_cast<char>(text.size() & 255)
       << static_cast<char>(text.size() >> 8) << text;
  file.write(static_cast<const char*>(tensor.data), static_cast<std::streamsize>(tensor.bytes()));
  file.close();
  if (!file) {
    std::error_code ignored;
    std::filesystem::remove(path, ignored);
    report::system_refused(path.string() + ": cannot be written; does the folder exist, and is there room?");
  }
}

}  // namespace lithe::io
