#include "core/log/names.h"

#include <charconv>

#include "core/base/check.h"

namespace flux::log {

constexpr std::size_t kDigits = 20;

std::string segment_file(Offset base, std::string_view suffix) {
  CHECK_GE(base.value(), 0);
  const std::string digits = std::to_string(base.value());
  std::string out(kDigits - digits.size(), '0');
  out += digits;
  out += suffix;
  return out;
}

std::optional<Offset> base_of_file(std::string_view name, std::string_view suffix) {
  if (name.size() != kDigits + suffix.size() || !name.ends_with(suffix)) return std::nullopt;
  return base_of_file(name);
}

std::optional<Offset> base_of_file(std::string_view name) {
  if (name.size() <= kDigits || name[kDigits] != '.') return std::nullopt;
  std::int64_t base = 0;
  const char* const end = name.data() + kDigits;
  const auto [stop, error] = std::from_chars(name.data(), end, base);
  if (error != std::errc() || stop != end || base < 0) return std::nullopt;
  return Offset(base);
}

}  // namespace flux::log
