#include "net/wiregen/validate.h"

#include <algorithm>
#include <array>
#include <set>
#include <string_view>

#include <fmt/format.h>

namespace flux::wiregen {
namespace {

struct Domain {
  std::string_view name;
  Base base;
};

constexpr std::array kDomains = {
    Domain{"NodeId", Base::int32},     Domain{"PartitionIndex", Base::int32},
    Domain{"Offset", Base::int64},     Domain{"LeaderEpoch", Base::int32},
    Domain{"ProducerId", Base::int64}, Domain{"ProducerEpoch", Base::int16},
    Domain{"ErrorCode", Base::int16},
};

// Keywords, and names that the generated functions use themselves.
constexpr std::array<std::string_view, 20> kReserved = {
    "default", "class", "new",  "delete", "operator", "namespace", "private",
    "public",  "union", "enum", "read",   "write",    "print",     "encode",
    "decode",  "from",  "to",   "tags",   "version",  "to_string"};

std::unexpected<Error> fails(const Field& field, std::string_view what) {
  return fail(ErrorCode::invalid, fmt::format("{}: {}", field.name, what));
}

bool is_snake_case(std::string_view name) {
  if (name.empty() || name.front() < 'a' || name.front() > 'z') return false;
  return std::ranges::all_of(
      name, [](char c) { return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '_'; });
}

bool holds_records(const Field& field, const Message& message) {
  if (field.base == Base::records) return true;
  if (field.base != Base::structure) return false;
  return std::ranges::any_of(message.find(field.structure).fields,
                             [&](const Field& f) { return holds_records(f, message); });
}

Result<> validate_type(const Field& field) {
  if (!field.domain.empty()) {
    const auto at = std::ranges::find(kDomains, field.domain, &Domain::name);
    if (at == kDomains.end()) return fails(field, fmt::format("no domain '{}'", field.domain));
    if (at->base != field.base) {
      return fails(field, fmt::format("domain '{}' is an {}", at->name, name_of(at->base)));
    }
  }
  const bool may_be_null = field.array || field.base == Base::string || field.base == Base::bytes ||
                           field.base == Base::records || field.base == Base::structure;
  if (field.is_nullable() && !may_be_null) return fails(field, "this type cannot be null");
  if (field.base == Base::records && (field.array || field.nullable != field.versions)) {
    return fails(field, "records are single and nullable in every version");
  }
  return {};
}

Result<> validate_tag(const Field& field, const Message& message, const Versions& flexible) {
  if (!field.tag) return {};
  if (!flexible.covers(field.versions)) return fails(field, "tagged in a version without tags");
  if (field.is_nullable() && field.nullable != field.versions) {
    return fails(field, "a tagged field is nullable in all of its versions or in none");
  }
  if (field.is_nullable() && !field.array && field.base == Base::structure) {
    return fails(field, "a tagged struct cannot be null");
  }
  // The writer moves a tagged field when its size is known, which a reference would not survive.
  if (holds_records(field, message)) return fails(field, "records cannot stand in a tagged field");
  return {};
}

}  // namespace

Result<> validate_fields(const std::vector<Field>& fields, const Message& message,
                         const Versions& flexible) {
  std::set<std::string_view> names;
  std::set<int> tags;
  for (const Field& field : fields) {
    if (!is_snake_case(field.name)) return fails(field, "a name is written in snake_case");
    if (std::ranges::find(kReserved, field.name) != kReserved.end()) {
      return fails(field, "this name is reserved");
    }
    if (!names.insert(field.name).second) return fails(field, "this name is used twice");
    if (field.versions.empty()) return fails(field, "it exists in no version");
    if (field.tag && !tags.insert(*field.tag).second) return fails(field, "this tag is used twice");
    TRY(validate_type(field));
    TRY(validate_tag(field, message, flexible));
  }
  return {};
}

}  // namespace flux::wiregen
