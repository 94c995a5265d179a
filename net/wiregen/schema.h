// The definitions of messages, parsed and checked. net/schema/README.md describes the format.
//
// A Schema that parse() returned is consistent: every name resolves, every version range lies
// inside the one around it, every default fits its type. The emitters rely on that and check
// nothing.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "core/base/result.h"

namespace flux::wiregen {

inline constexpr std::int16_t kNoVersion = 32'767;

// An inclusive range of versions; empty when min > max.
struct Versions {
  std::int16_t min = 0;
  std::int16_t max = -1;

  bool empty() const { return min > max; }
  bool contains(int version) const { return version >= min && version <= max; }
  bool covers(const Versions& other) const {
    return other.empty() || (min <= other.min && max >= other.max);
  }
  friend bool operator==(const Versions&, const Versions&) = default;
};

enum class Base : std::uint8_t {
  boolean,
  int8,
  int16,
  int32,
  int64,
  uint16,
  uuid,
  string,
  bytes,
  records,
  structure
};
std::string_view name_of(Base base);

struct Field {
  std::string name;
  std::string doc;
  Base base = Base::int32;
  bool array = false;
  std::string structure;  // name of the struct when base is Base::structure
  std::string domain;     // a strong type of core/base/ids.h, or ErrorCode; empty for none
  Versions versions;
  Versions nullable;  // versions in which null may stand there
  std::optional<int> tag;
  bool ignorable = false;  // may be dropped in silence in versions that lack it
  bool sensitive = false;  // never printed
  std::string fallback;    // the default as written in C++; empty for zero, empty, null

  bool is_nullable() const { return !nullable.empty(); }
};

struct Struct {
  std::string name;
  Versions versions;
  std::vector<Field> fields;
};

enum class Kind : std::uint8_t {
  api,       // a request and its response
  metadata,  // a record of the cluster's metadata log
  data       // the payload of something else
};

struct Message {
  std::string name;      // "produce_request"
  std::string cpp_name;  // "ProduceRequest"
  std::string doc;
  Versions versions;
  std::int16_t flexible_from = kNoVersion;
  std::vector<Struct> structs;  // each after those that it uses
  std::vector<Field> fields;

  const Struct& find(std::string_view struct_name) const;
};

// One file.
struct Definition {
  Kind kind = Kind::api;
  std::string name;  // of the file and of the API: "produce"
  std::string doc;
  std::int16_t key = -1;  // of the API or of the metadata record; -1 for data
  Versions versions;
  Versions advertised;  // what ApiVersions answers; differs from `versions` for Produce only
  std::vector<Message> messages;
};

struct Schema {
  std::vector<Definition> definitions;  // by kind, then by key, then by name
};

struct SourceFile {
  std::string path;  // for error messages; its stem must be the definition's name
  std::string text;
};

// An error names the file and the field: "net/schema/fetch.json: request.topics.name: ...".
Result<Definition> parse_definition(const SourceFile& file);
Result<Schema> parse(const std::vector<SourceFile>& files);

std::string camel_case(std::string_view snake_case);
std::string to_string(const Versions& versions);

}  // namespace flux::wiregen
