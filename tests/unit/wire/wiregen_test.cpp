// The definition language: what is refused, and how published versions are kept.

#include <algorithm>
#include <cstdio>
#include <filesystem>

#include <gtest/gtest.h>

#include "net/wiregen/emit.h"
#include "net/wiregen/evolve.h"
#include "net/wiregen/schema.h"

namespace flux::wiregen {
namespace {

// A record with these fields.
SourceFile record(const std::string& fields, const std::string& versions = "0-2") {
  return {.path = "net/schema/record/thing.json",
          .text = R"({"kind": "metadata", "name": "thing", "key": 7, "versions": ")" + versions +
                  R"(", "flexible": "1+", "doc": "A thing.", "fields": [)" + fields + "]}"};
}

std::string field(const std::string& rest, const std::string& name = "size") {
  return R"({"name": ")" + name + R"(", "doc": "How large it is.", )" + rest + "}";
}

std::string error_of(const std::string& fields) {
  const auto parsed = parse_definition(record(fields));
  return parsed ? "accepted" : parsed.error().detail();
}

void expect_error(const std::string& fields, std::string_view what) {
  const std::string error = error_of(fields);
  EXPECT_NE(error.find(what), std::string::npos) << error;
  EXPECT_TRUE(error.starts_with("net/schema/record/thing.json")) << error;
}

TEST(Wiregen, ErrorsNameFileAndField) {
  EXPECT_EQ(error_of(field(R"("type": "int12")")),
            "net/schema/record/thing.json.size: unknown type 'int12'");
  const std::string inner = field(R"("type": "[]Part", "fields": [)" +
                                  field(R"("type": "int8", "domain": "Offset")", "at") + "]");
  expect_error(inner, "size: at: domain 'Offset' is an int64");
}

TEST(Wiregen, RefusesFieldsThatMeanNothing) {
  expect_error(field(R"("type": "int8", "color": 1)"), "unknown key 'color'");
  expect_error(field(R"("type": "int8", "versions": "1-5")"), "lies outside of 0-2");
  expect_error(field(R"("type": "int8", "versions": "5+")"), "no range of versions");
  expect_error(field(R"("type": "int8", "versions": "2-1")"), "no range of versions");
  expect_error(field(R"("type": "int8", "versions": "x")"), "no range of versions");
  expect_error(field(R"("type": "int8", "nullable": "0+")"), "cannot be null");
  expect_error(field(R"("type": "int8", "default": 200)"), "'default' does not fit");
  expect_error(field(R"("type": "string", "default": null)"), "'default' does not fit");
  expect_error(field(R"("type": "int8", "tag": 0)"), "tagged in a version without tags");
  expect_error(field(R"("type": "int8", "domain": "Weight")"), "no domain 'Weight'");
  expect_error(field(R"("type": "Part")"), "'Part' is not defined yet");
  expect_error(field(R"("type": "records")"), "nullable in every version");
  expect_error(field(R"("type": "int8")", "Size"), "snake_case");
  expect_error(field(R"("type": "int8")", "class"), "reserved");
  expect_error(field(R"("type": "int8")") + "," + field(R"("type": "int8")"), "used twice");
  expect_error(R"({"name": "size", "type": "int8", "doc": "no sentence"})", "must be a sentence");
  EXPECT_EQ(error_of(field(R"("type": "int8", "default": -5)")), "accepted");
}

TEST(Wiregen, RefusesRecordsInATaggedField) {
  expect_error(field(R"("type": "Part", "versions": "1+", "tag": 0, "fields": [)" +
                     field(R"("type": "records", "nullable": "0+")", "data") + "]"),
               "records cannot stand in a tagged field");
}

TEST(Wiregen, RefusesWhatIsNotJsonOrNotNamedAsItsFile) {
  EXPECT_FALSE(parse_definition({.path = "x.json", .text = "{"}).has_value());
  SourceFile file = record(field(R"("type": "int8")"));
  file.path = "net/schema/record/other.json";
  EXPECT_NE(parse_definition(file).error().detail().find("thing.json"), std::string::npos);
}

TEST(Wiregen, RefusesTwoDefinitionsWithOneKey) {
  SourceFile one = record(field(R"("type": "int8")"));
  SourceFile two = one;
  two.path = "net/schema/record/thung.json";
  two.text.replace(two.text.find("thing"), 5, "thung");
  EXPECT_NE(parse({one, two}).error().detail().find("both have key 7"), std::string::npos);
}

std::string listing_of(const std::string& fields, const std::string& versions = "0-2") {
  const auto schema = parse({record(fields, versions)});
  EXPECT_TRUE(schema.has_value()) << schema.error().to_string();
  return make_listing(*schema);
}

TEST(WiregenEvolve, NewVersionsAndNewNamesAreFine) {
  const std::string old = listing_of(field(R"("type": "int8")"));
  EXPECT_TRUE(check_evolution(old, listing_of(field(R"("type": "int8")", "weight"))).has_value());
  const std::string more = listing_of(
      field(R"("type": "int8")") + "," + field(R"("type": "uuid", "versions": "3+")", "id"), "0-3");
  EXPECT_TRUE(check_evolution(old, more).has_value());
}

TEST(WiregenEvolve, APublishedVersionKeepsItsBytes) {
  const std::string old =
      listing_of(field(R"("type": "int8")") + "," +
                 field(R"("type": "int32", "versions": "1+", "tag": 0, "default": 4)", "cost"));
  const auto refused = [&](const std::string& fields, const std::string& versions = "0-2") {
    const auto checked = check_evolution(old, listing_of(fields, versions));
    return checked ? std::string("accepted") : checked.error().detail();
  };
  const std::string cost =
      field(R"("type": "int32", "versions": "1+", "tag": 0, "default": 4)", "cost");
  EXPECT_NE(refused(field(R"("type": "int16")") + "," + cost).find("thing v0"), std::string::npos);
  EXPECT_NE(refused(field(R"("type": "int8", "versions": "1+")") + "," + cost), "accepted");
  EXPECT_NE(refused(cost), "accepted") << "a field is gone";
  EXPECT_NE(refused(field(R"("type": "int8")") + "," + cost, "0-1").find("thing v2 was published"),
            std::string::npos);
  const std::string other = field(R"("type": "int32", "versions": "1+", "tag": 0)", "cost");
  EXPECT_NE(refused(field(R"("type": "int8")") + "," + other), "accepted")
      << "an absent tagged field would mean something else";
  EXPECT_EQ(refused(field(R"("type": "int8")") + "," + cost), "accepted");
}

std::string read_text(const std::filesystem::path& path) {
  std::FILE* file = std::fopen(path.c_str(), "rb");
  if (file == nullptr) return "";
  std::string out;
  char buffer[4096];
  while (const std::size_t n = std::fread(buffer, 1, sizeof buffer, file)) out.append(buffer, n);
  std::fclose(file);
  return out;
}

Schema real_schema() {
  std::vector<SourceFile> files;
  for (const char* folder : {"net/schema", "net/schema/record"}) {
    const auto at = std::filesystem::path(FLUX_SOURCE_DIR) / folder;
    for (const auto& entry : std::filesystem::directory_iterator(at)) {
      if (entry.path().extension() != ".json") continue;
      files.push_back({.path = entry.path().string(), .text = read_text(entry.path())});
    }
  }
  auto schema = parse(files);
  EXPECT_TRUE(schema.has_value());
  return *schema;
}

TEST(WiregenSchema, TheListingIsUpToDate) {
  EXPECT_EQ(read_text(FLUX_SOURCE_DIR "/net/schema/listing.txt"), make_listing(real_schema()))
      << "net/schema/README.md says how to write it";
}

TEST(WiregenSchema, DocumentationCoversEveryDefinition) {
  const Schema schema = real_schema();
  const std::string docs = emit_docs(schema);
  for (const Definition& definition : schema.definitions) {
    EXPECT_NE(docs.find("\"name\": \"" + definition.name + "\""), std::string::npos);
  }
}

}  // namespace
}  // namespace flux::wiregen
