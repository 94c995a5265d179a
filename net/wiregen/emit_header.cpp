// The header of a definition: plain structs.

#include <algorithm>
#include <array>

#include <fmt/format.h>

#include "net/wiregen/cpp_names.h"
#include "net/wiregen/emit.h"

namespace flux::wiregen {
namespace {

bool any_field(const Message& message, auto&& holds) {
  if (std::ranges::any_of(message.fields, holds)) return true;
  return std::ranges::any_of(message.structs,
                             [&](const Struct& s) { return std::ranges::any_of(s.fields, holds); });
}

bool any_field(const Definition& definition, auto&& holds) {
  return std::ranges::any_of(definition.messages,
                             [&](const Message& m) { return any_field(m, holds); });
}

std::string includes(const Definition& definition) {
  const auto has = [&](auto&& holds) { return any_field(definition, holds); };
  const bool bytes = has([](const Field& f) { return f.base == Base::bytes; });
  const bool ids = has([](const Field& f) {
    return f.base == Base::uuid || (!f.domain.empty() && f.domain != "ErrorCode");
  });
  const bool errors = has([](const Field& f) { return f.domain == "ErrorCode"; });
  const bool optional =
      has([](const Field& f) { return f.is_nullable() && f.base != Base::records; });
  const bool records = has([](const Field& f) { return f.base == Base::records; });
  const bool vector = has([](const Field& f) { return f.array; });

  std::string out = "#include <cstddef>\n#include <cstdint>\n";
  if (optional) out += "#include <optional>\n";
  out += "#include <string>\n#include <string_view>\n";
  if (vector) out += "#include <vector>\n";
  out += '\n';
  if (bytes) out += "#include \"core/base/bytes.h\"\n";
  if (ids) out += "#include \"core/base/ids.h\"\n";
  out += "#include \"core/base/result.h\"\n";
  if (errors) out += "#include \"net/kafka/errors.h\"\n";
  if (records) out += "#include \"net/wire/records.h\"\n";
  return out;
}

std::size_t size_min(const std::vector<Field>& fields, const Message& message, int version);

// The fewest bytes that a field takes in a version.
std::size_t size_min(const Field& field, const Message& message, int version) {
  const bool flexible = version >= message.flexible_from;
  if (field.array || field.base == Base::bytes || field.base == Base::records) {
    return flexible ? 1 : 4;
  }
  switch (field.base) {
    case Base::boolean:
    case Base::int8:
      return 1;
    case Base::int16:
    case Base::uint16:
      return 2;
    case Base::int32:
      return 4;
    case Base::int64:
      return 8;
    case Base::uuid:
      return 16;
    case Base::structure:
      return size_min(message.find(field.structure).fields, message, version);
    default:
      return flexible ? 1 : 2;
  }
}

std::size_t size_min(const std::vector<Field>& fields, const Message& message, int version) {
  std::size_t size = version >= message.flexible_from ? 1 : 0;
  for (const Field& field : fields) {
    if (!field.tag && field.versions.contains(version)) size += size_min(field, message, version);
  }
  return size;
}

std::size_t size_min(const Struct& structure, const Message& message) {
  std::size_t least = size_min(structure.fields, message, structure.versions.min);
  for (int version = structure.versions.min; version <= structure.versions.max; ++version) {
    least = std::min(least, size_min(structure.fields, message, version));
  }
  return std::max<std::size_t>(least, 1);
}

std::string members(const std::vector<Field>& fields, const Versions& around,
                    std::string_view indent) {
  std::string out;
  for (const Field& field : fields) {
    std::string note = field.doc;
    if (field.versions != around || field.tag) {
      note += fmt::format(" Versions {}", to_string(field.versions));
      if (field.tag) note += fmt::format(", tag {}", *field.tag);
      note += '.';
    }
    out += cpp_comment(note, indent);
    out += fmt::format("{}{} {}{};\n", indent, cpp_type(field), field.name, cpp_initialiser(field));
  }
  return out;
}

std::string inner_struct(const Struct& structure, const Message& message) {
  std::string out = fmt::format("  struct {} {{\n", structure.name);
  out += fmt::format("    static constexpr std::size_t kWireSizeMin = {};\n\n",
                     size_min(structure, message));
  out += members(structure.fields, structure.versions, "    ");
  out += fmt::format(
      "\n"
      "    void read(wire::Reader& from, std::int16_t version);\n"
      "    void write(wire::Writer& to, std::int16_t version) const;\n"
      "    void print(wire::TextWriter& to) const;\n"
      "    friend bool operator==(const {0}&, const {0}&) = default;\n"
      "  }};\n\n",
      structure.name);
  return out;
}

std::string message_struct(const Message& message, const Definition& definition) {
  std::string out = cpp_comment(message.doc, "");
  out += fmt::format("struct {} {{\n", message.cpp_name);
  out += fmt::format("  static constexpr std::string_view kName = \"{}\";\n", message.name);
  if (definition.kind != Kind::data) {
    out += fmt::format("  static constexpr std::int16_t kKey = {};\n", definition.key);
  }
  out += fmt::format("  static constexpr std::int16_t kVersionMin = {};\n", message.versions.min);
  out += fmt::format("  static constexpr std::int16_t kVersionMax = {};\n", message.versions.max);
  out +=
      fmt::format("  static constexpr std::int16_t kFlexibleFrom = {};\n\n", message.flexible_from);
  for (const Struct& structure : message.structs) out += inner_struct(structure, message);
  out += members(message.fields, message.versions, "  ");
  out += fmt::format(
      "\n"
      "  // Leaves what follows the message in the reader.\n"
      "  static Result<{0}> decode(wire::Reader& from, std::int16_t version);\n"
      "  Result<> encode(wire::Writer& to, std::int16_t version) const;\n"
      "  // One readable line, for traces.\n"
      "  std::string to_string() const;\n"
      "\n"
      "  void read(wire::Reader& from, std::int16_t version);\n"
      "  void write(wire::Writer& to, std::int16_t version) const;\n"
      "  void print(wire::TextWriter& to) const;\n"
      "  friend bool operator==(const {0}&, const {0}&) = default;\n"
      "}};\n\n",
      message.cpp_name);
  return out;
}

}  // namespace

std::string emit_header(const Definition& definition) {
  std::string out(kGeneratedBy);
  out += "#pragma once\n\n";
  out += includes(definition);
  out +=
      "\n"
      "namespace flux::wire {\n"
      "class Reader;\n"
      "class Writer;\n"
      "class TextWriter;\n"
      "}  // namespace flux::wire\n"
      "\n"
      "namespace flux::kafka {\n\n";
  for (const Message& message : definition.messages) out += message_struct(message, definition);
  out += "}  // namespace flux::kafka\n";
  return out;
}

}  // namespace flux::wiregen
