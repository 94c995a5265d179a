#include "net/wiregen/schema.h"

#include <algorithm>
#include <tuple>

#include <fmt/format.h>

#include "core/base/check.h"

namespace flux::wiregen {

std::string_view name_of(Base base) {
  switch (base) {
    case Base::boolean:
      return "bool";
    case Base::int8:
      return "int8";
    case Base::int16:
      return "int16";
    case Base::int32:
      return "int32";
    case Base::int64:
      return "int64";
    case Base::uint16:
      return "uint16";
    case Base::uuid:
      return "uuid";
    case Base::string:
      return "string";
    case Base::bytes:
      return "bytes";
    case Base::records:
      return "records";
    case Base::structure:
      return "struct";
  }
  UNREACHABLE("a base type outside of the list");
}

const Struct& Message::find(std::string_view struct_name) const {
  const auto at = std::ranges::find(structs, struct_name, &Struct::name);
  CHECK(at != structs.end());
  return *at;
}

std::string camel_case(std::string_view snake_case) {
  std::string out;
  bool upper = true;
  for (const char c : snake_case) {
    if (c == '_') {
      upper = true;
    } else {
      out += upper && c >= 'a' && c <= 'z' ? static_cast<char>(c - 'a' + 'A') : c;
      upper = false;
    }
  }
  return out;
}

std::string to_string(const Versions& versions) {
  if (versions.empty()) return "none";
  if (versions.min == versions.max) return fmt::format("{}", versions.min);
  return fmt::format("{}-{}", versions.min, versions.max);
}

Result<Schema> parse(const std::vector<SourceFile>& files) {
  Schema schema;
  for (const SourceFile& file : files) schema.definitions.push_back(TRY(parse_definition(file)));
  std::ranges::sort(schema.definitions, {},
                    [](const Definition& d) { return std::tuple(d.kind, d.key, d.name); });
  for (std::size_t i = 1; i < schema.definitions.size(); ++i) {
    const Definition& a = schema.definitions[i - 1];
    const Definition& b = schema.definitions[i];
    if (a.kind == b.kind && a.kind != Kind::data && a.key == b.key) {
      return fail(ErrorCode::invalid,
                  fmt::format("{} and {} both have key {}", a.name, b.name, a.key));
    }
  }
  return schema;
}

}  // namespace flux::wiregen
