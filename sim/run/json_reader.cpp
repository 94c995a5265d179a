#include "sim/run/json_reader.h"

#include <algorithm>
#include <charconv>
#include <optional>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "core/base/keyed.h"

namespace flux::sim {
namespace {

using nlohmann::json;

constexpr Key kDraw = key("scenario.draw");

// Keys of these objects are the user's own and may hold dots.
bool has_free_keys(std::string_view name) {
  return name == "broker_config" || name == "config" || name == "at_least" || name == "with";
}

std::string as_plain_text(const json& value) {
  return value.is_string() ? value.get<std::string>() : value.dump();
}

// Replaces a draw by what was drawn; anything else is itself.
json resolve(JsonDocument& document, const json& value, const std::string& path) {
  if (!value.is_object() || value.size() != 1) return value;
  const auto member = value.begin();
  const Key key = kDraw.with(path);
  json drawn;
  if (member.key() == "draw") {
    const json& range = *member;
    const bool good = range.is_array() && range.size() == 2 && range[0].is_number_integer() &&
                      range[1].is_number_integer() && range[0] <= range[1];
    if (!good) {
      document.fail(path, "\"draw\" takes two integers, [low, high]");
      return value;
    }
    const auto low = range[0].get<std::int64_t>();
    const auto width = static_cast<std::uint64_t>(range[1].get<std::int64_t>() - low) + 1;
    drawn = low + static_cast<std::int64_t>(keyed_below(document.seed(), key, width));
  } else if (member.key() == "one_of") {
    if (!member->is_array() || member->empty()) {
      document.fail(path, "\"one_of\" takes a list of values");
      return value;
    }
    drawn = (*member)[keyed_below(document.seed(), key, member->size())];
  } else {
    return value;
  }
  document.drew(path, as_plain_text(drawn));
  return drawn;
}

std::optional<Ratio> parse_ratio(std::string_view text) {
  Ratio ratio;
  const std::size_t slash = text.find('/');
  if (slash == std::string_view::npos) return std::nullopt;
  const auto number = [](std::string_view digits, std::uint64_t& out) {
    const auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), out);
    return error == std::errc() && end == digits.data() + digits.size();
  };
  const bool good = number(text.substr(0, slash), ratio.numerator) &&
                    number(text.substr(slash + 1), ratio.denominator);
  if (!good || ratio.denominator == 0 || ratio.numerator > ratio.denominator) return std::nullopt;
  return ratio;
}

Result<void> set_in(json& at, std::string_view path, json value) {
  if (at.is_array()) {
    const std::size_t dot = path.find('.');
    std::size_t index = 0;
    const std::string_view digits = path.substr(0, dot);
    const auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), index);
    if (error != std::errc() || end != digits.data() + digits.size() || index >= at.size()) {
      return flux::fail(ErrorCode::invalid,
                        fmt::format("no element {}: the list has {}", digits, at.size()));
    }
    if (dot == std::string_view::npos) {
      at[index] = std::move(value);
      return {};
    }
    return set_in(at[index], path.substr(dot + 1), std::move(value));
  }
  if (!at.is_object() && !at.is_null()) {
    return flux::fail(ErrorCode::invalid, fmt::format("{} lies below a plain value", path));
  }
  const std::size_t dot = path.find('.');
  const std::string name(path.substr(0, dot));
  if (dot == std::string_view::npos) {
    at[name] = std::move(value);
    return {};
  }
  if (has_free_keys(name)) {
    at[name][std::string(path.substr(dot + 1))] = std::move(value);
    return {};
  }
  return set_in(at[name], path.substr(dot + 1), std::move(value));
}

}  // namespace

void JsonDocument::fail(const std::string& path, const std::string& message) {
  if (!failed())
    error_ = fmt::format("{}: {}: {}", file_, path.empty() ? "document" : path, message);
}

Result<void> JsonDocument::result() const {
  if (!failed()) return {};
  return flux::fail(ErrorCode::invalid, error_);
}

Result<json> parse_json(std::string_view file, std::string_view text) {
  try {
    return json::parse(text, nullptr, true, true);
  } catch (const json::parse_error& error) {
    return flux::fail(ErrorCode::invalid, fmt::format("{}: {}", file, error.what()));
  }
}

Result<void> set_member(json& document, std::string_view assignment) {
  const std::size_t equals = assignment.find('=');
  if (equals == std::string_view::npos || equals == 0) {
    return flux::fail(ErrorCode::invalid,
                      fmt::format("\"{}\": a setting is PATH=VALUE", assignment));
  }
  const std::string_view text = assignment.substr(equals + 1);
  json value = json::parse(text, nullptr, false, true);
  if (value.is_discarded()) value = std::string(text);
  return set_in(document, assignment.substr(0, equals), std::move(value));
}

JsonReader::JsonReader(JsonDocument& document, const json& object, std::string path)
    : document_(document), object_(object), path_(std::move(path)) {
  if (!object_.is_object()) document_.fail(path_, "an object {...} is expected");
}

JsonReader::~JsonReader() {
  if (document_.failed() || !object_.is_object()) return;
  for (const auto& [name, value] : object_.items()) {
    if (std::ranges::find(asked_, name) != asked_.end() || name == "$schema") continue;
    std::ranges::sort(asked_);
    document_.fail(path_,
                   fmt::format("no member \"{}\": there are {}", name, fmt::join(asked_, " ")));
    return;
  }
}

std::string JsonReader::path_of(const char* name) const {
  return path_.empty() ? std::string(name) : path_ + "." + name;
}

void JsonReader::fail(const char* name, const std::string& message) {
  document_.fail(path_of(name), message);
}

const json* JsonReader::find(const char* name) {
  if (std::ranges::find(asked_, name) == asked_.end()) asked_.emplace_back(name);
  if (!object_.is_object()) return nullptr;
  const auto member = object_.find(name);
  return member == object_.end() ? nullptr : &*member;
}

bool JsonReader::has(const char* name) { return find(name) != nullptr; }

void JsonReader::read_integer(const char* name, std::int64_t& out, std::int64_t low,
                              std::int64_t high) {
  const json* member = find(name);
  if (!member || document_.failed()) return;
  const json value = resolve(document_, *member, path_of(name));
  if (!value.is_number_integer() || value < low || value > high) {
    return fail(name,
                fmt::format("{}: allowed are integers from {} to {}", value.dump(), low, high));
  }
  out = value.get<std::int64_t>();
}

void JsonReader::boolean(const char* name, bool& out) {
  const json* member = find(name);
  if (!member || document_.failed()) return;
  const json value = resolve(document_, *member, path_of(name));
  if (!value.is_boolean()) return fail(name, value.dump() + ": allowed are true and false");
  out = value.get<bool>();
}

void JsonReader::text(const char* name, std::string& out) {
  const json* member = find(name);
  if (!member || document_.failed()) return;
  const json value = resolve(document_, *member, path_of(name));
  if (!value.is_string()) return fail(name, value.dump() + ": a text is expected");
  out = value.get<std::string>();
}

void JsonReader::choice(const char* name, std::string& out,
                        const std::vector<std::string_view>& allowed) {
  text(name, out);
  if (document_.failed() || !has(name)) return;
  if (std::ranges::find(allowed, out) != allowed.end()) return;
  fail(name, fmt::format("\"{}\": allowed are {}", out, fmt::join(allowed, " ")));
}

void JsonReader::duration(const char* name, Duration& out, Duration unit) {
  if (!has(name)) return;
  std::int64_t units = 0;
  integer(name, units, 0, Duration::max().ns() / unit.ns() / 2);
  if (!document_.failed()) out = unit * units;
}

void JsonReader::ratio(const char* name, Ratio& out) {
  if (!has(name)) return;
  std::string written;
  text(name, written);
  if (document_.failed()) return;
  const std::optional<Ratio> parsed = parse_ratio(written);
  if (!parsed) return fail(name, fmt::format("\"{}\": a chance is written \"1/20\"", written));
  out = *parsed;
}

void JsonReader::span(const char* name, Span& out, std::int64_t low, std::int64_t high) {
  const json* member = find(name);
  if (!member || document_.failed()) return;
  const bool good = member->is_array() && member->size() == 2 && (*member)[0].is_number_integer() &&
                    (*member)[1].is_number_integer() && (*member)[0] >= low &&
                    (*member)[0] <= (*member)[1] && (*member)[1] <= high;
  if (!good) {
    return fail(name,
                fmt::format("two integers [low, high] from {} to {} are expected", low, high));
  }
  out = {(*member)[0].get<std::int64_t>(), (*member)[1].get<std::int64_t>()};
}

void JsonReader::texts(const char* name, std::vector<std::string>& out) {
  const json* member = find(name);
  if (!member || document_.failed()) return;
  if (!member->is_array()) return fail(name, "a list of texts is expected");
  out.clear();
  for (const json& value : *member) {
    if (!value.is_string()) return fail(name, value.dump() + ": a text is expected");
    out.push_back(value.get<std::string>());
  }
}

void JsonReader::weights(const char* name, Weights& out,
                         const std::vector<std::string_view>& allowed) {
  const json* member = find(name);
  if (!member || document_.failed()) return;
  const auto refused = [&](const std::string& entry) {
    if (std::ranges::find(allowed, entry) != allowed.end()) return false;
    fail(name, allowed.empty()
                   ? fmt::format("\"{}\": no name is allowed here", entry)
                   : fmt::format("\"{}\": allowed are {}", entry, fmt::join(allowed, " ")));
    return true;
  };
  if (member->is_string()) {
    const auto entry = member->get<std::string>();
    if (!refused(entry)) out = {{entry, 1}};
    return;
  }
  if (!member->is_object()) return fail(name, "a name, or {name: weight, ...} is expected");
  out.clear();
  for (const auto& [entry, weight] : member->items()) {
    if (refused(entry)) return;
    const json value = resolve(document_, weight, path_of(name) + "." + entry);
    if (!value.is_number_integer() || value < 0 || value > 1'000'000) {
      return fail(name, fmt::format("{}: {}: a weight is an integer from 0", entry, value.dump()));
    }
    out[entry] = value.get<std::uint32_t>();
  }
}

void JsonReader::config(const char* name, std::map<std::string, std::string>& out) {
  const json* member = find(name);
  if (!member || document_.failed()) return;
  if (!member->is_object()) return fail(name, "{name: value, ...} is expected");
  for (const auto& [entry, written] : member->items()) {
    const json value = resolve(document_, written, path_of(name) + "." + entry);
    if (value.is_structured()) return fail(name, entry + ": a plain value is expected");
    out[entry] = as_plain_text(value);
  }
}

void JsonReader::integers(const char* name, std::map<std::string, std::int64_t, std::less<>>& out) {
  const json* member = find(name);
  if (!member || document_.failed()) return;
  if (!member->is_object()) return fail(name, "{name: integer, ...} is expected");
  for (const auto& [entry, written] : member->items()) {
    const json value = resolve(document_, written, path_of(name) + "." + entry);
    if (!value.is_number_integer()) return fail(name, entry + ": an integer is expected");
    out[entry] = value.get<std::int64_t>();
  }
}

std::size_t JsonReader::list_size(const char* name) {
  const json* member = find(name);
  if (!member || document_.failed()) return 0;
  if (member->is_array()) return member->size();
  fail(name, "a list [...] is expected");
  return 0;
}

const json& JsonReader::element(const char* name, std::size_t index) {
  return (*find(name))[index];
}

}  // namespace flux::sim
