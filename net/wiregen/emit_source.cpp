// The source of a definition: read(), write() and print() of each struct.

#include <algorithm>

#include <fmt/format.h>

#include "net/wiregen/cpp_names.h"
#include "net/wiregen/emit.h"

namespace flux::wiregen {
namespace {

// One struct or message as the code sees it.
struct Scope {
  std::string cpp_name;  // "ProduceRequest::Topic"
  std::string path;      // "produce_request.Topic": what errors call it
  const std::vector<Field>& fields;
  Versions versions;
  Versions flexible;
};

std::vector<const Field*> tagged_fields(const Scope& scope) {
  std::vector<const Field*> out;
  for (const Field& field : scope.fields) {
    if (field.tag) out.push_back(&field);
  }
  std::ranges::sort(out, {}, [](const Field* f) { return *f->tag; });
  return out;
}

std::string under(const std::string& guard, const std::string& statement) {
  if (guard.empty()) return fmt::format("  {}\n", statement);
  return fmt::format("  if ({}) {}\n", guard, statement);
}

// ---- reading

std::string read_statement(const Field& field) {
  if (!field.is_nullable() || field.base == Base::records) {
    return fmt::format("wire::get(from, {}, version);", field.name);
  }
  const std::string nullable = fmt::format("wire::get_nullable(from, {}, version);", field.name);
  const std::string guard = cpp_guard(field.nullable, field.versions);
  if (guard.empty()) return nullable;
  return fmt::format("{{\n    if ({}) {{\n      {}\n    }} else {{\n      {}\n    }}\n  }}", guard,
                     nullable, fmt::format("wire::get_required(from, {}, version);", field.name));
}

std::string read_tags(const Scope& scope) {
  if (scope.flexible.empty()) return "";
  const std::string guard = cpp_guard(scope.flexible, scope.versions);
  const std::vector<const Field*> tagged = tagged_fields(scope);
  if (tagged.empty()) return under(guard, "wire::skip_tags(from);");
  std::string out = guard.empty() ? "" : fmt::format("  if (!({})) return;\n", guard);
  out += "  for (wire::TagReader tags(from); tags.next();) {\n    switch (tags.tag()) {\n";
  for (const Field* field : tagged) {
    const std::string has = cpp_guard(field->versions, scope.flexible);
    out += fmt::format("      case {}:\n", *field->tag);
    if (!has.empty()) out += fmt::format("        if (!({})) {{ tags.skip(); break; }}\n", has);
    out += fmt::format("        {}\n        break;\n", read_statement(*field));
  }
  out += "      default:\n        tags.skip();\n        break;\n    }\n  }\n";
  return out;
}

std::string read_function(const Scope& scope) {
  std::string out =
      fmt::format("void {}::read(wire::Reader& from, [[maybe_unused]] std::int16_t version) {{\n",
                  scope.cpp_name);
  for (const Field& field : scope.fields) {
    if (!field.tag) out += under(cpp_guard(field.versions, scope.versions), read_statement(field));
  }
  return out + read_tags(scope) + "}\n\n";
}

// ---- writing

std::string write_statement(const Field& field, const Scope& scope) {
  if (!field.is_nullable() || field.base == Base::records) {
    return fmt::format("wire::put(to, {}, version);", field.name);
  }
  const std::string nullable = fmt::format("wire::put_nullable(to, {}, version);", field.name);
  const std::string guard = cpp_guard(field.nullable, field.versions);
  if (guard.empty()) return nullable;
  return fmt::format(
      "{{\n    if ({}) {{\n      {}\n    }} else {{\n"
      "      wire::put_required(to, {}, version, \"{}.{}\");\n    }}\n  }}",
      guard, nullable, field.name, scope.path, field.name);
}

std::string write_tags(const Scope& scope) {
  if (scope.flexible.empty()) return "";
  const std::string guard = cpp_guard(scope.flexible, scope.versions);
  const std::vector<const Field*> tagged = tagged_fields(scope);
  if (tagged.empty()) return under(guard, "to.no_tags();");
  std::string out = guard.empty() ? "" : fmt::format("  if (!({})) return;\n", guard);
  out += "  wire::Writer::Tags tags = to.begin_tags();\n";
  for (const Field* field : tagged) {
    const std::string has = cpp_guard(field->versions, scope.flexible);
    out += fmt::format(
        "  if ({}{}{}) {{\n    to.begin_tag(tags, {});\n    {}\n    to.end_tag(tags);\n  }}\n", has,
        has.empty() ? "" : " && ", cpp_differs(*field), *field->tag,
        write_statement(*field, scope));
  }
  return out + "  to.end_tags(tags);\n";
}

std::string write_function(const Scope& scope) {
  std::string out = fmt::format(
      "void {}::write(wire::Writer& to, [[maybe_unused]] std::int16_t version) const {{\n",
      scope.cpp_name);
  for (const Field& field : scope.fields) {
    const std::string absent = cpp_absent(field.versions, scope.versions);
    if (absent.empty() || field.ignorable) continue;
    out += fmt::format("  if ({} && {}) wire::fail_absent(to, \"{}.{}\", version);\n", absent,
                       cpp_differs(field), scope.path, field.name);
  }
  for (const Field& field : scope.fields) {
    if (field.tag) continue;
    out += under(cpp_guard(field.versions, scope.versions), write_statement(field, scope));
  }
  return out + write_tags(scope) + "}\n\n";
}

// ---- printing

std::string print_function(const Scope& scope) {
  std::string out =
      fmt::format("void {}::print(wire::TextWriter& to) const {{\n  to.open();\n", scope.cpp_name);
  for (const Field& field : scope.fields) {
    // A field that some versions lack is shown only when it says something.
    const bool always = field.versions == scope.versions && !field.tag;
    const std::string show = field.sensitive ? fmt::format("to.masked(\"{}\");", field.name)
                                             : fmt::format("to.field(\"{0}\", {0});", field.name);
    out += under(always ? "" : cpp_differs(field), show);
  }
  return out + "  to.close();\n}\n\n";
}

std::string functions(const Scope& scope) {
  return read_function(scope) + write_function(scope) + print_function(scope);
}

std::string message_functions(const Message& message) {
  const Versions flexible{.min = message.flexible_from, .max = message.versions.max};
  std::string out;
  for (const Struct& structure : message.structs) {
    Versions inner = flexible;
    inner.min = std::max(inner.min, structure.versions.min);
    inner.max = structure.versions.max;
    out += functions({.cpp_name = fmt::format("{}::{}", message.cpp_name, structure.name),
                      .path = fmt::format("{}.{}", message.name, structure.name),
                      .fields = structure.fields,
                      .versions = structure.versions,
                      .flexible = inner});
  }
  out += functions({.cpp_name = message.cpp_name,
                    .path = message.name,
                    .fields = message.fields,
                    .versions = message.versions,
                    .flexible = flexible});
  out += fmt::format(
      "Result<{0}> {0}::decode(wire::Reader& from, std::int16_t version) {{\n"
      "  return wire::decode_message<{0}>(from, version);\n"
      "}}\n\n"
      "Result<> {0}::encode(wire::Writer& to, std::int16_t version) const {{\n"
      "  return wire::encode_message(*this, to, version);\n"
      "}}\n\n"
      "std::string {0}::to_string() const {{\n"
      "  std::string out(kName);\n"
      "  wire::TextWriter to(out);\n"
      "  print(to);\n"
      "  return out;\n"
      "}}\n\n",
      message.cpp_name);
  return out;
}

}  // namespace

std::string emit_source(const Definition& definition) {
  std::string out(kGeneratedBy);
  out += fmt::format(
      "#include \"net/kafka/gen/{}.h\"\n"
      "\n"
      "#include \"net/wire/codec.h\"\n"
      "#include \"net/wire/text.h\"\n"
      "\n"
      "namespace flux::kafka {{\n\n",
      definition.name);
  for (const Message& message : definition.messages) out += message_functions(message);
  out += "}  // namespace flux::kafka\n";
  return out;
}

}  // namespace flux::wiregen
