#include "net/wiregen/evolve.h"

#include <algorithm>
#include <map>
#include <vector>

#include <fmt/format.h>

namespace flux::wiregen {
namespace {

std::string layout(const std::vector<Field>& fields, const Message& message, int version);

std::string item(const Field& field, const Message& message, int version) {
  std::string type(name_of(field.base));
  if (field.base == Base::structure) {
    const Struct& structure = message.find(field.structure);
    type = fmt::format("{{{} }}", layout(structure.fields, message, version));
  }
  if (field.array) type = fmt::format("[ {} ]", type);
  if (field.nullable.contains(version)) type += '?';
  if (!field.tag) return fmt::format("{}:{}", field.name, type);
  // An absent tagged field means its default, so the default is part of the format.
  const std::string fallback = field.fallback.empty() ? "" : "=" + field.fallback;
  return fmt::format("#{} {}:{}{}", *field.tag, field.name, type, fallback);
}

std::string layout(const std::vector<Field>& fields, const Message& message, int version) {
  std::string out;
  std::map<int, std::string> tagged;
  for (const Field& field : fields) {
    if (!field.versions.contains(version)) continue;
    const std::string text = " " + item(field, message, version);
    if (field.tag) {
      tagged[*field.tag] = text;
    } else {
      out += text;
    }
  }
  for (const auto& [tag, text] : tagged) out += text;
  return out;
}

// "name:type" without the name.
std::string_view without_name(std::string_view token) {
  const std::size_t colon = token.find(':');
  return colon == std::string_view::npos ? token : token.substr(colon + 1);
}

std::vector<std::string_view> split(std::string_view text, char at) {
  std::vector<std::string_view> out;
  while (!text.empty()) {
    const std::size_t end = text.find(at);
    if (end != 0) out.push_back(text.substr(0, end));
    text = end == std::string_view::npos ? std::string_view() : text.substr(end + 1);
  }
  return out;
}

// "fetch_request v4" to the rest of the line.
std::map<std::string_view, std::string_view> by_version(std::string_view listing) {
  std::map<std::string_view, std::string_view> out;
  for (const std::string_view line : split(listing, '\n')) {
    const std::size_t colon = line.find(": ");
    if (line.starts_with('#') || colon == std::string_view::npos) continue;
    out.emplace(line.substr(0, colon), line.substr(colon + 2));
  }
  return out;
}

Result<> check_line(std::string_view version, std::string_view old_line,
                    std::string_view new_line) {
  const std::vector<std::string_view> before = split(old_line, ' ');
  const std::vector<std::string_view> after = split(new_line, ' ');
  const std::size_t size = std::max(before.size(), after.size());
  for (std::size_t i = 0; i < size; ++i) {
    const std::string_view a = i < before.size() ? before[i] : "the end";
    const std::string_view b = i < after.size() ? after[i] : "the end";
    if (without_name(a) != without_name(b)) {
      return fail(ErrorCode::invalid,
                  fmt::format("{} was published with '{}' where '{}' stands now: add a version "
                              "instead of changing one",
                              version, a, b));
    }
  }
  return {};
}

}  // namespace

std::string make_listing(const Schema& schema) {
  std::string out = "# Written by `wiregen --write-listing`: what each version has on the wire.\n";
  for (const Definition& definition : schema.definitions) {
    for (const Message& message : definition.messages) {
      for (int version = message.versions.min; version <= message.versions.max; ++version) {
        out += fmt::format("{} v{}: {}{}\n", message.name, version,
                           version >= message.flexible_from ? "flexible" : "classic",
                           layout(message.fields, message, version));
      }
    }
  }
  return out;
}

Result<> check_evolution(std::string_view old_listing, std::string_view new_listing) {
  const auto before = by_version(old_listing);
  const auto after = by_version(new_listing);
  for (const auto& [version, line] : before) {
    const auto at = after.find(version);
    if (at == after.end()) {
      return fail(ErrorCode::invalid, fmt::format("{} was published and is gone", version));
    }
    TRY(check_line(version, line, at->second));
  }
  return {};
}

}  // namespace flux::wiregen
