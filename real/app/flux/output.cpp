#include "real/app/flux/output.h"

#include <cstdio>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

namespace flux::app {
namespace {

constexpr std::string_view kBase64 =
    "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

std::string base64(ByteView bytes) {
  std::string out;
  for (std::size_t i = 0; i < bytes.size(); i += 3) {
    const std::size_t left = bytes.size() - i;
    std::uint32_t group = 0;
    for (std::size_t j = 0; j < 3; ++j) {
      group = group << 8 | (j < left ? std::to_integer<std::uint32_t>(bytes[i + j]) : 0U);
    }
    for (std::size_t j = 0; j < 4; ++j) {
      out += j <= left ? kBase64[(group >> (18 - 6 * j)) & 63] : '=';
    }
  }
  return out;
}

// How many bytes the character that begins here takes; 0 when it is none.
std::size_t character_at(std::string_view text) {
  const auto byte = [&](std::size_t i) {
    return i < text.size() ? static_cast<unsigned char>(text[i]) : 0U;
  };
  const auto follows = [&](std::size_t i) { return (byte(i) & 0xC0) == 0x80; };
  const unsigned first = byte(0);
  if (first < 0x80) return 1;
  if (first >= 0xC2 && first <= 0xDF && follows(1)) return 2;
  if (first >= 0xE0 && first <= 0xEF && follows(1) && follows(2)) {
    const unsigned code = (first & 15) << 12 | (byte(1) & 63) << 6 | (byte(2) & 63);
    return code >= 0x800 && (code < 0xD800 || code > 0xDFFF) ? 3 : 0;
  }
  if (first >= 0xF0 && first <= 0xF4 && follows(1) && follows(2) && follows(3)) {
    const unsigned code = (first & 7) << 6 | (byte(1) & 63);
    return code >= 0x10 && code <= 0x10F ? 4 : 0;
  }
  return 0;
}

bool is_utf8(std::string_view text) {
  while (!text.empty()) {
    const std::size_t size = character_at(text);
    if (size == 0) return false;
    text.remove_prefix(size);
  }
  return true;
}

}  // namespace

void complain(std::string_view what) {
  std::fflush(stdout);
  fmt::print(stderr, "flux: {}\n", what);
}

std::string words_of(const Error& error) {
  return error.detail().empty() ? std::string(describe(error.code())) : error.detail();
}

void complain(const Error& error) { complain(words_of(error)); }

bool print_bytes(ByteView bytes) {
  return std::fwrite(bytes.data(), 1, bytes.size(), stdout) == bytes.size();
}

bool print_line(std::string_view line) {
  return print_bytes(as_bytes(line)) && std::fputc('\n', stdout) != EOF;
}

bool print_json(const nlohmann::ordered_json& value) { return print_line(value.dump()); }

bool flush_output() { return std::fflush(stdout) == 0; }

std::string_view name_of_source(std::int8_t source) {
  switch (source) {
    case 1:
      return "topic";
    case 2:
      return "broker";
    case 3:
      return "all-brokers";
    case 4:
      return "file";
    case 5:
      return "default";
    default:
      return "unknown";
  }
}

void set_bytes(nlohmann::ordered_json& in, const std::string& name,
               const std::optional<Bytes>& bytes) {
  if (!bytes) {
    in[name] = nullptr;
  } else if (is_utf8(as_text(*bytes))) {
    in[name] = std::string(as_text(*bytes));
  } else {
    in[name + "_base64"] = base64(*bytes);
  }
}

}  // namespace flux::app
