// JsonReader: one object of a scenario or tape file, each member asked for by name.
//
// The first error is kept and everything after it is skipped, so that a caller asks for all members
// in a row and looks once. An error names the file, the path in the document and what is allowed.
// A member may be drawn: {"draw": [low, high]} is an integer of that range, {"one_of": [...]} one
// of the values; the draw is keyed by the member's path, so that adding a member changes no other.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <nlohmann/json_fwd.hpp>

#include "core/base/ratio.h"
#include "core/base/result.h"
#include "core/base/time.h"
#include "sim/workload/workload.h"

namespace flux::sim {

class JsonDocument {
 public:
  JsonDocument(std::string file, std::uint64_t seed) : file_(std::move(file)), seed_(seed) {}

  void fail(const std::string& path, const std::string& message);
  bool failed() const { return !error_.empty(); }
  Result<void> result() const;
  std::uint64_t seed() const { return seed_; }
  void drew(const std::string& path, std::string value) { draws_.emplace_back(path, value); }
  const std::vector<std::pair<std::string, std::string>>& draws() const { return draws_; }

 private:
  std::string file_;
  std::uint64_t seed_;
  std::string error_;
  std::vector<std::pair<std::string, std::string>> draws_;
};

// Comments are allowed. An error names line and column.
Result<nlohmann::json> parse_json(std::string_view file, std::string_view text);
// Sets a member, making objects on the way: "phases.safety_ms=5000". Members of objects whose keys
// are free (broker_config) may have dots in their names. The value is JSON, or else text.
Result<void> set_member(nlohmann::json& document, std::string_view assignment);

class JsonReader {
 public:
  JsonReader(JsonDocument& document, const nlohmann::json& object, std::string path);
  // Complains about members that nobody asked for, and says which there are.
  ~JsonReader();
  JsonReader(const JsonReader&) = delete;
  JsonReader& operator=(const JsonReader&) = delete;

  bool has(const char* name);
  const std::string& path() const { return path_; }
  void fail(const char* name, const std::string& message);

  template <class T>
  void integer(const char* name, T& out, std::int64_t low, std::int64_t high) {
    std::int64_t value = static_cast<std::int64_t>(out);
    read_integer(name, value, low, high);
    out = static_cast<T>(value);
  }
  void boolean(const char* name, bool& out);
  void text(const char* name, std::string& out);
  // One of `allowed`.
  void choice(const char* name, std::string& out, const std::vector<std::string_view>& allowed);
  void duration(const char* name, Duration& out, Duration unit);
  void ratio(const char* name, Ratio& out);  // "1/20"
  void span(const char* name, Span& out, std::int64_t low, std::int64_t high);
  void texts(const char* name, std::vector<std::string>& out);
  // Weights of some of `allowed`: one name alone, or {name: weight, ...}.
  void weights(const char* name, Weights& out, const std::vector<std::string_view>& allowed);
  // Values of any simple kind, as text.
  void config(const char* name, std::map<std::string, std::string>& out);
  void integers(const char* name, std::map<std::string, std::int64_t, std::less<>>& out);

  // Members that are objects or lists of objects: `body(JsonReader&)` for each.
  template <class Body>
  void object(const char* name, Body&& body) {
    const nlohmann::json* member = find(name);
    if (!member || document_.failed()) return;
    JsonReader reader(document_, *member, path_of(name));
    if (!document_.failed()) body(reader);
  }
  template <class Body>
  void list(const char* name, Body&& body) {
    const std::size_t count = list_size(name);
    for (std::size_t i = 0; i < count && !document_.failed(); ++i) {
      JsonReader reader(document_, element(name, i), path_of(name) + "." + std::to_string(i));
      if (!document_.failed()) body(reader);
    }
  }
  JsonDocument& document() { return document_; }

 private:
  const nlohmann::json* find(const char* name);
  std::string path_of(const char* name) const;
  std::size_t list_size(const char* name);
  const nlohmann::json& element(const char* name, std::size_t index);
  void read_integer(const char* name, std::int64_t& out, std::int64_t low, std::int64_t high);

  JsonDocument& document_;
  const nlohmann::json& object_;
  std::string path_;
  std::vector<std::string> asked_;
};

}  // namespace flux::sim
