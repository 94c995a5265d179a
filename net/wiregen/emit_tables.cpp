// What is about all definitions at once: the tables of APIs and of metadata records, reflection for
// tests, and the data of the documentation.

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "net/wiregen/cpp_names.h"
#include "net/wiregen/emit.h"

namespace flux::wiregen {
namespace {

std::vector<const Definition*> of_kind(const Schema& schema, Kind kind) {
  std::vector<const Definition*> out;
  for (const Definition& definition : schema.definitions) {
    if (definition.kind == kind) out.push_back(&definition);
  }
  return out;
}

std::string reflect_struct(const std::string& cpp_name, const std::vector<Field>& fields) {
  std::string out = fmt::format(
      "template <class T, class F>\n"
      "  requires std::same_as<std::remove_const_t<T>, {}>\n"
      "void each_field([[maybe_unused]] T& of, [[maybe_unused]] F&& visit) {{\n",
      cpp_name);
  for (const Field& field : fields) {
    out +=
        fmt::format("  visit(\"{0}\", of.{0}, FieldInfo{{{1}, {2}, {3}, {4}}});\n", field.name,
                    field.versions.min, field.versions.max, field.nullable.min, field.nullable.max);
  }
  return out + "}\n\n";
}

nlohmann::ordered_json docs_of(const std::vector<Field>& fields, const Message& message) {
  auto out = nlohmann::ordered_json::array();
  for (const Field& field : fields) {
    nlohmann::ordered_json json;
    json["name"] = field.name;
    json["type"] = fmt::format(
        "{}{}", field.array ? "[]" : "",
        field.base == Base::structure ? field.structure : std::string(name_of(field.base)));
    if (!field.domain.empty()) json["domain"] = field.domain;
    json["versions"] = to_string(field.versions);
    if (field.is_nullable()) json["nullable"] = to_string(field.nullable);
    if (field.tag) json["tag"] = *field.tag;
    if (!field.fallback.empty()) json["default"] = field.fallback;
    json["doc"] = field.doc;
    if (field.base == Base::structure) {
      json["fields"] = docs_of(message.find(field.structure).fields, message);
    }
    out.push_back(std::move(json));
  }
  return out;
}

}  // namespace

std::string emit_api_table(const Schema& schema) {
  const std::vector<const Definition*> apis = of_kind(schema, Kind::api);
  std::string out(kGeneratedBy);
  out +=
      "#pragma once\n\n"
      "#include <array>\n"
      "#include <cstdint>\n"
      "#include <string_view>\n\n"
      "namespace flux::kafka {\n\n"
      "enum class ApiKey : std::int16_t {\n";
  for (const Definition* api : apis) out += fmt::format("  {} = {},\n", api->name, api->key);
  out +=
      "};\n\n"
      "// Versions that the codec knows, those that ApiVersions answers, and the first flexible "
      "one.\n"
      "struct ApiInfo {\n"
      "  ApiKey key;\n"
      "  std::string_view name;\n"
      "  std::int16_t version_min;\n"
      "  std::int16_t version_max;\n"
      "  std::int16_t advertised_min;\n"
      "  std::int16_t advertised_max;\n"
      "  std::int16_t flexible_from;\n"
      "};\n\n"
      "// By key.\n";
  out += fmt::format("inline constexpr std::array<ApiInfo, {}> kApis{{{{\n", apis.size());
  for (const Definition* api : apis) {
    out += fmt::format("    {{ApiKey::{0}, \"{0}\", {1}, {2}, {3}, {4}, {5}}},\n", api->name,
                       api->versions.min, api->versions.max, api->advertised.min,
                       api->advertised.max, api->messages.front().flexible_from);
  }
  out += "}};\n\n}  // namespace flux::kafka\n";
  return out;
}

std::string emit_metadata_table(const Schema& schema) {
  std::string out(kGeneratedBy);
  out +=
      "#pragma once\n\n"
      "#include <array>\n"
      "#include <cstdint>\n"
      "#include <string_view>\n\n"
      "namespace flux::kafka {\n\n"
      "// What a record of the metadata log is about.\n"
      "enum class MetadataRecordType : std::uint16_t {\n";
  const std::vector<const Definition*> records = of_kind(schema, Kind::metadata);
  for (const Definition* record : records) {
    out += fmt::format("  {} = {},\n", record->name, record->key);
  }
  out +=
      "};\n\n"
      "struct MetadataRecordInfo {\n"
      "  MetadataRecordType type;\n"
      "  std::string_view name;\n"
      "  std::int16_t version_min;\n"
      "  std::int16_t version_max;\n"
      "};\n\n"
      "// By type.\n";
  out += fmt::format("inline constexpr std::array<MetadataRecordInfo, {}> kMetadataRecords{{{{\n",
                     records.size());
  for (const Definition* record : records) {
    out += fmt::format("    {{MetadataRecordType::{0}, \"{0}\", {1}, {2}}},\n", record->name,
                       record->versions.min, record->versions.max);
  }
  out += "}};\n\n}  // namespace flux::kafka\n";
  return out;
}

std::vector<OutputFile> emit_cpp(const Schema& schema) {
  std::vector<OutputFile> out;
  for (const Definition& definition : schema.definitions) {
    out.push_back({.path = definition.name + ".h", .text = emit_header(definition)});
    out.push_back({.path = definition.name + ".cpp", .text = emit_source(definition)});
  }
  out.push_back({.path = "apis.h", .text = emit_api_table(schema)});
  out.push_back({.path = "metadata_records.h", .text = emit_metadata_table(schema)});
  out.push_back({.path = "each_error.h", .text = emit_errors(schema)});
  return out;
}

std::string emit_reflection(const Schema& schema) {
  std::string out(kGeneratedBy);
  out += "#pragma once\n\n#include <concepts>\n#include <type_traits>\n\n";
  for (const Definition& definition : schema.definitions) {
    out += fmt::format("#include \"net/kafka/gen/{}.h\"\n", definition.name);
  }
  out +=
      "\nnamespace flux::kafka::reflect {\n\n"
      "// Versions in which the field exists, and those in which it may be null.\n"
      "struct FieldInfo {\n"
      "  int min;\n"
      "  int max;\n"
      "  int null_min;\n"
      "  int null_max;\n"
      "  bool exists(int version) const { return version >= min && version <= max; }\n"
      "  bool nullable(int version) const { return version >= null_min && version <= null_max; }\n"
      "};\n\n";
  for (const Definition& definition : schema.definitions) {
    for (const Message& message : definition.messages) {
      for (const Struct& structure : message.structs) {
        out += reflect_struct(fmt::format("{}::{}", message.cpp_name, structure.name),
                              structure.fields);
      }
      out += reflect_struct(message.cpp_name, message.fields);
    }
  }
  out +=
      "// visit.operator()<Message>() for each.\n"
      "template <class F>\n"
      "void each_message(F&& visit) {\n";
  for (const Definition& definition : schema.definitions) {
    for (const Message& message : definition.messages) {
      out += fmt::format("  visit.template operator()<{}>();\n", message.cpp_name);
    }
  }
  out += "}\n\n}  // namespace flux::kafka::reflect\n";
  return out;
}

std::string emit_docs(const Schema& schema) {
  constexpr std::string_view kKinds[] = {"api", "metadata", "data"};
  auto all = nlohmann::ordered_json::array();
  for (const Definition& definition : schema.definitions) {
    nlohmann::ordered_json json;
    json["kind"] = kKinds[static_cast<int>(definition.kind)];
    json["name"] = definition.name;
    json["key"] = definition.key;
    json["versions"] = to_string(definition.versions);
    json["advertised"] = to_string(definition.advertised);
    json["flexible_from"] = definition.messages.front().flexible_from;
    json["doc"] = definition.doc;
    for (const Message& message : definition.messages) {
      json["messages"][message.name] = docs_of(message.fields, message);
    }
    all.push_back(std::move(json));
  }
  return all.dump(2) + "\n";
}

}  // namespace flux::wiregen
