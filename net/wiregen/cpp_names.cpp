#include "net/wiregen/cpp_names.h"

#include <fmt/format.h>

#include "core/base/check.h"

namespace flux::wiregen {
namespace {

constexpr std::size_t kColumns = 100;

bool is_integer(Base base) {
  return base == Base::int8 || base == Base::int16 || base == Base::int32 || base == Base::int64 ||
         base == Base::uint16;
}

std::string domain_type(const Field& field) {
  return field.domain == "ErrorCode" ? "WireError" : field.domain;
}

// The type of the field itself or of its elements.
std::string element_type(const Field& field) {
  if (!field.domain.empty()) return domain_type(field);
  switch (field.base) {
    case Base::boolean:
      return "bool";
    case Base::int8:
    case Base::int16:
    case Base::int32:
    case Base::int64:
    case Base::uint16:
      return fmt::format("std::{}_t", name_of(field.base));
    case Base::uuid:
      return "Uuid";
    case Base::string:
      return "std::string";
    case Base::bytes:
      return "Bytes";
    case Base::records:
      return "wire::Records";
    case Base::structure:
      return field.structure;
  }
  UNREACHABLE("a base type outside of the list");
}

bool is_scalar(const Field& field) {
  return !field.array && (field.base == Base::boolean || is_integer(field.base));
}

}  // namespace

std::string cpp_type(const Field& field) {
  std::string type = element_type(field);
  if (field.array) type = fmt::format("std::vector<{}>", type);
  if (field.is_nullable() && field.base != Base::records) {
    type = fmt::format("std::optional<{}>", type);
  }
  return type;
}

std::string cpp_initialiser(const Field& field) {
  if (!is_scalar(field)) return "";
  if (field.domain.empty()) {
    const std::string zero = field.base == Base::boolean ? "false" : "0";
    return " = " + (field.fallback.empty() ? zero : field.fallback);
  }
  return fmt::format("{{{}}}", field.fallback);
}

std::string cpp_differs(const Field& field) {
  if (field.base == Base::records) return fmt::format("!{}.is_null()", field.name);
  if (field.is_nullable()) return fmt::format("{}.has_value()", field.name);
  if (field.array || field.base == Base::string || field.base == Base::bytes) {
    return fmt::format("!{}.empty()", field.name);
  }
  if (field.base == Base::uuid) return fmt::format("!{}.is_zero()", field.name);
  if (field.base == Base::boolean) return (field.fallback.empty() ? "" : "!") + field.name;
  if (field.domain.empty() && is_integer(field.base)) {
    return fmt::format("{} != {}", field.name, field.fallback.empty() ? "0" : field.fallback);
  }
  return fmt::format("{} != {}{{{}}}", field.name, element_type(field), field.fallback);
}

std::string cpp_guard(const Versions& range, const Versions& around) {
  const bool from = range.min > around.min;
  const bool to = range.max < around.max;
  if (from && to && range.min == range.max) return fmt::format("version == {}", range.min);
  if (from && to) return fmt::format("version >= {} && version <= {}", range.min, range.max);
  if (from) return fmt::format("version >= {}", range.min);
  if (to) return fmt::format("version <= {}", range.max);
  return "";
}

std::string cpp_absent(const Versions& range, const Versions& around) {
  const bool from = range.min > around.min;
  const bool to = range.max < around.max;
  if (from && to) return fmt::format("(version < {} || version > {})", range.min, range.max);
  if (from) return fmt::format("version < {}", range.min);
  if (to) return fmt::format("version > {}", range.max);
  return "";
}

std::string cpp_comment(std::string_view text, std::string_view indent) {
  std::string out;
  std::string line = fmt::format("{}//", indent);
  while (!text.empty()) {
    const std::size_t space = text.find(' ');
    const std::string_view word = text.substr(0, space);
    if (line.size() + 1 + word.size() > kColumns) {
      out += line + "\n";
      line = fmt::format("{}//", indent);
    }
    line += ' ';
    line += word;
    text = space == std::string_view::npos ? std::string_view() : text.substr(space + 1);
  }
  return out + line + "\n";
}

}  // namespace flux::wiregen
