// Definition files to the model of schema.h: the JSON side.

#include <algorithm>
#include <array>
#include <filesystem>
#include <initializer_list>
#include <limits>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "net/wiregen/schema.h"
#include "net/wiregen/validate.h"

namespace flux::wiregen {
namespace {

using Json = nlohmann::json;

// An object of the file and where it stands, so that every complaint can say so.
struct Node {
  const Json& json;
  std::string path;  // "net/schema/fetch.json: request.topics"

  Error error(std::string_view what) const {
    return Error(ErrorCode::invalid, fmt::format("{}: {}", path, what));
  }
  std::unexpected<Error> fails(std::string_view what) const { return std::unexpected(error(what)); }
};

Result<> check_keys(const Node& node, std::initializer_list<std::string_view> allowed) {
  if (!node.json.is_object()) return node.fails("must be an object");
  for (const auto& item : node.json.items()) {
    if (std::ranges::find(allowed, item.key()) == allowed.end()) {
      return node.fails(fmt::format("unknown key '{}'", item.key()));
    }
  }
  return {};
}

Result<std::string> get_text(const Node& node, const char* key) {
  const auto at = node.json.find(key);
  if (at == node.json.end() || !at->is_string()) {
    return node.fails(fmt::format("'{}' must be a string", key));
  }
  return at->get<std::string>();
}

Result<bool> get_flag(const Node& node, const char* key) {
  const auto at = node.json.find(key);
  if (at == node.json.end()) return false;
  if (!at->is_boolean()) return node.fails(fmt::format("'{}' must be true or false", key));
  return at->get<bool>();
}

// One string, or several that are joined by spaces.
Result<std::string> get_doc(const Node& node) {
  const auto at = node.json.find("doc");
  std::string doc;
  if (at != node.json.end() && at->is_array()) {
    for (const Json& line : *at) {
      if (!line.is_string()) return node.fails("'doc' must be text");
      if (!doc.empty()) doc += ' ';
      doc += line.get<std::string>();
    }
  } else {
    doc = TRY(get_text(node, "doc"));
  }
  if (doc.size() < 2 || doc.back() != '.') return node.fails("'doc' must be a sentence");
  return doc;
}

bool parse_number(std::string_view text, std::int16_t& out) {
  if (text.empty() || text.size() > 4) return false;
  int value = 0;
  for (const char c : text) {
    if (c < '0' || c > '9') return false;
    value = value * 10 + (c - '0');
  }
  out = static_cast<std::int16_t>(value);
  return true;
}

// "none", "3", "0-12" or "9+"; the last ends where `around` does.
Result<Versions> parse_versions(const Node& node, std::string_view text, const Versions& around) {
  if (text == "none") return Versions{};
  Versions out;
  const std::size_t dash = text.find('-');
  bool good = false;
  if (text.ends_with('+')) {
    good = parse_number(text.substr(0, text.size() - 1), out.min);
    out.max = around.max;
  } else if (dash != std::string_view::npos) {
    good =
        parse_number(text.substr(0, dash), out.min) && parse_number(text.substr(dash + 1), out.max);
  } else {
    good = parse_number(text, out.min);
    out.max = out.min;
  }
  if (!good || out.empty()) return node.fails(fmt::format("'{}' is no range of versions", text));
  return out;
}

// An absent key means `fallback`. A range that begins below `around` is cut to it, so that "0+" in
// a definition stays true when the lowest version of the message is dropped.
Result<Versions> get_versions(const Node& node, const char* key, const Versions& around,
                              const Versions& fallback) {
  if (!node.json.contains(key)) return fallback;
  const std::string text = TRY(get_text(node, key));
  Versions out = TRY(parse_versions(node, text, around));
  if (!out.empty()) out.min = std::max(out.min, around.min);
  if (!around.covers(out) || (out.empty() && text != "none")) {
    return node.fails(fmt::format("'{}': {} lies outside of {}", key, text, to_string(around)));
  }
  return out;
}

Result<> parse_type(const Node& node, std::string_view type, Field& field) {
  if (type.starts_with("[]")) {
    field.array = true;
    type.remove_prefix(2);
  }
  constexpr std::array kBases = {Base::boolean, Base::int8,   Base::int16, Base::int32,
                                 Base::int64,   Base::uint16, Base::uuid,  Base::string,
                                 Base::bytes,   Base::records};
  for (const Base base : kBases) {
    if (type == name_of(base)) {
      field.base = base;
      return {};
    }
  }
  if (type.empty() || type[0] < 'A' || type[0] > 'Z') {
    return node.fails(fmt::format("unknown type '{}'", type));
  }
  field.base = Base::structure;
  field.structure = type;
  return {};
}

struct IntegerLimits {
  std::int64_t min;
  std::int64_t max;
};

std::optional<IntegerLimits> limits_of(Base base) {
  const auto of = []<class T>(T) {
    return IntegerLimits{std::numeric_limits<T>::min(), std::numeric_limits<T>::max()};
  };
  switch (base) {
    case Base::int8:
      return of(std::int8_t{});
    case Base::int16:
      return of(std::int16_t{});
    case Base::int32:
      return of(std::int32_t{});
    case Base::int64:
      return of(std::int64_t{});
    case Base::uint16:
      return of(std::uint16_t{});
    default:
      return std::nullopt;
  }
}

Result<std::string> parse_default(const Node& node, const Field& field) {
  const auto at = node.json.find("default");
  if (at == node.json.end()) return std::string();
  if (at->is_null() && field.is_nullable()) return std::string();
  if (field.array || field.is_nullable()) return node.fails("only null can be its default");
  if (field.base == Base::boolean && at->is_boolean()) return at->get<bool>() ? "true" : "";
  const auto limits = limits_of(field.base);
  if (limits && at->is_number_integer()) {
    const auto value = at->get<std::int64_t>();
    if (value >= limits->min && value <= limits->max) {
      return value == 0 ? std::string() : fmt::format("{}", value);
    }
  }
  return node.fails("'default' does not fit the type");
}

class Parser {
 public:
  Parser(Message& message, Versions flexible) : message_(message), flexible_(flexible) {}

  Result<std::vector<Field>> fields(const Node& node, const Versions& around) {
    const auto at = node.json.find("fields");
    if (at == node.json.end() || !at->is_array()) return node.fails("'fields' must be an array");
    std::vector<Field> out;
    for (const Json& json : *at) {
      const auto name = json.is_object() ? json.find("name") : json.end();
      if (!json.is_object() || name == json.end() || !name->is_string()) {
        return node.fails("each of 'fields' must be an object with a name");
      }
      const Node child{json, fmt::format("{}.{}", node.path, name->get<std::string>())};
      out.push_back(TRY(field(child, around)));
    }
    if (auto good = validate_fields(out, message_, flexible_); !good) {
      return std::unexpected(good.error().in(node.path));
    }
    return out;
  }

 private:
  Result<Field> field(const Node& node, const Versions& around) {
    TRY(check_keys(node, {"name", "type", "domain", "versions", "nullable", "tag", "default",
                          "ignorable", "sensitive", "doc", "fields"}));
    Field out;
    out.name = TRY(get_text(node, "name"));
    out.doc = TRY(get_doc(node));
    const std::string type = TRY(get_text(node, "type"));
    TRY(parse_type(node, type, out));
    if (node.json.contains("domain")) out.domain = TRY(get_text(node, "domain"));
    out.versions = TRY(get_versions(node, "versions", around, around));
    out.nullable = TRY(get_versions(node, "nullable", out.versions, Versions{}));
    out.ignorable = TRY(get_flag(node, "ignorable"));
    out.sensitive = TRY(get_flag(node, "sensitive"));
    if (const auto tag = node.json.find("tag"); tag != node.json.end()) {
      if (!tag->is_number_unsigned() || tag->get<unsigned>() > 1000) {
        return node.fails("'tag' must be a number from 0 to 1000");
      }
      out.tag = tag->get<int>();
    }
    out.fallback = TRY(parse_default(node, out));
    TRY(structure(node, out));
    return out;
  }

  // A struct is defined where a field first uses it.
  Result<> structure(const Node& node, const Field& field) {
    const auto at = std::ranges::find(message_.structs, field.structure, &Struct::name);
    const bool known = at != message_.structs.end();
    if (!node.json.contains("fields")) {
      if (field.base != Base::structure) return {};
      if (known && at->versions.covers(field.versions)) return {};
      if (known) return node.fails("it exists in versions that its struct does not");
      return node.fails(
          fmt::format("'{}' is not defined yet: 'fields' is missing", field.structure));
    }
    if (field.base != Base::structure) return node.fails("only a struct has 'fields'");
    if (known) return node.fails(fmt::format("'{}' is defined twice", field.structure));
    Struct out{.name = field.structure, .versions = field.versions, .fields = {}};
    out.fields = TRY(fields(node, field.versions));
    message_.structs.push_back(std::move(out));
    return {};
  }

  Message& message_;
  Versions flexible_;
};

Result<Message> parse_message(const Node& node, const Definition& definition,
                              const std::string& name, Versions flexible) {
  Message out;
  out.name = name;
  out.cpp_name = camel_case(name);
  out.doc = definition.doc;
  out.versions = definition.versions;
  out.flexible_from = flexible.empty() ? kNoVersion : flexible.min;
  Parser parser(out, flexible);
  out.fields = TRY(parser.fields(node, out.versions));
  return out;
}

Result<Kind> parse_kind(const Node& node) {
  const std::string kind = TRY(get_text(node, "kind"));
  if (kind == "api") return Kind::api;
  if (kind == "metadata") return Kind::metadata;
  if (kind == "data") return Kind::data;
  return node.fails(fmt::format("unknown kind '{}': api, metadata or data", kind));
}

Result<std::int16_t> parse_key(const Node& node, Kind kind) {
  const auto at = node.json.find("key");
  if (kind == Kind::data) {
    if (at != node.json.end()) return node.fails("data has no key");
    return std::int16_t{-1};
  }
  if (at == node.json.end() || !at->is_number_unsigned() || at->get<unsigned>() > 10'000) {
    return node.fails("'key' must be a number from 0 to 10000");
  }
  return at->get<std::int16_t>();
}

Result<Definition> parse_document(const Node& node) {
  Definition out;
  out.kind = TRY(parse_kind(node));
  if (out.kind == Kind::api) {
    TRY(check_keys(node, {"kind", "name", "key", "versions", "advertised", "flexible", "doc",
                          "request", "response"}));
  } else {
    TRY(check_keys(node, {"kind", "name", "key", "versions", "flexible", "doc", "fields"}));
  }
  out.name = TRY(get_text(node, "name"));
  out.doc = TRY(get_doc(node));
  out.key = TRY(parse_key(node, out.kind));
  constexpr Versions kAll{.min = 0, .max = 1000};
  out.versions = TRY(get_versions(node, "versions", kAll, Versions{}));
  if (out.versions.empty() || out.versions.max == kAll.max) {
    return node.fails("'versions' must have an end");
  }
  out.advertised = TRY(get_versions(node, "advertised", kAll, out.versions));
  const Versions flexible = TRY(get_versions(node, "flexible", out.versions, Versions{}));
  if (!flexible.empty() && flexible.max != out.versions.max) {
    return node.fails("'flexible' must reach to the last version");
  }
  if (out.kind != Kind::api) {
    out.messages.push_back(TRY(parse_message(node, out, out.name, flexible)));
    return out;
  }
  for (const char* half : {"request", "response"}) {
    const auto at = node.json.find(half);
    if (at == node.json.end()) return node.fails(fmt::format("'{}' is missing", half));
    const Node child{*at, fmt::format("{}: {}", node.path, half)};
    TRY(check_keys(child, {"fields"}));
    out.messages.push_back(
        TRY(parse_message(child, out, fmt::format("{}_{}", out.name, half), flexible)));
  }
  return out;
}

}  // namespace

Result<Definition> parse_definition(const SourceFile& file) {
  Json json;
  try {
    json = Json::parse(file.text, nullptr, true, true);
  } catch (const Json::parse_error& error) {
    return fail(ErrorCode::invalid, fmt::format("{}: {}", file.path, error.what()));
  }
  Definition out = TRY(parse_document(Node{json, file.path}));
  if (std::filesystem::path(file.path).stem() != out.name) {
    return fail(ErrorCode::invalid, fmt::format("{}: defines '{}', so it must be named {}.json",
                                                file.path, out.name, out.name));
  }
  return out;
}

}  // namespace flux::wiregen
