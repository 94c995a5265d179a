#include "sim/run/tape_file.h"

#include <algorithm>
#include <charconv>
#include <optional>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "sim/run/fault_json.h"
#include "sim/run/json_reader.h"

namespace flux::sim {
namespace {

using nlohmann::json;

constexpr std::string_view kFormat = "flux-tape-1";

std::optional<std::uint64_t> number(std::string_view text, int base) {
  std::uint64_t value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value, base);
  if (error != std::errc() || end != text.data() + text.size()) return std::nullopt;
  return value;
}

// Decisions are by far the most of a tape: one short list each, [key, label, bound, value].
Result<std::vector<Decision>> read_decisions(std::string_view file, const json& list) {
  std::vector<Decision> out;
  if (!list.is_array())
    return fail(ErrorCode::invalid, fmt::format("{}: decisions: a list is"
                                                " expected",
                                                file));
  for (const json& entry : list) {
    const bool shape = entry.is_array() && entry.size() == 4 && entry[0].is_string() &&
                       entry[1].is_string() && entry[2].is_number_unsigned() &&
                       entry[3].is_number_unsigned();
    const auto key = shape ? number(entry[0].get<std::string>(), 16) : std::nullopt;
    if (!key || entry[3] >= entry[2]) {
      return fail(ErrorCode::invalid,
                  fmt::format("{}: decisions: {}: [key, label, bound, value below bound] is"
                              " expected",
                              file, entry.dump()));
    }
    out.push_back({*key, entry[1].get<std::string>(), entry[2].get<std::uint64_t>(),
                   entry[3].get<std::uint64_t>()});
  }
  return out;
}

}  // namespace

std::string write_tape(const Tape& tape) {
  json root = {{"format", kFormat},         {"name", tape.name},       {"seed", tape.seed},
               {"settings", tape.settings}, {"verdict", tape.verdict}, {"hash", tape.hash},
               {"scenario", tape.scenario}};
  json plan = json::array();
  for (const FaultItem& item : tape.plan) plan.push_back(write_fault(item));
  root["plan"] = std::move(plan);
  std::string out = root.dump(1);
  // One decision a line, so that tapes can be compared and edited by hand.
  out.resize(out.size() - 2);
  out += ",\n \"decisions\": [";
  const char* separator = "\n";
  for (const Decision& decision : tape.decisions) {
    out += fmt::format("{}[\"{:016x}\",\"{}\",{},{}]", separator, decision.key, decision.label,
                       decision.bound, decision.value);
    separator = ",\n";
  }
  return out + "\n]}\n";
}

Result<Tape> read_tape(std::string_view file, std::string_view text) {
  json root = TRY(parse_json(file, text));
  if (!root.is_object() || root["format"] != kFormat) {
    return fail(ErrorCode::invalid,
                fmt::format("{}: not a tape: \"format\" must be \"{}\"", file, kFormat));
  }
  Tape tape;
  tape.decisions = TRY(read_decisions(file, root["decisions"]));
  root.erase("decisions");
  root.erase("format");
  if (!root["seed"].is_number_unsigned()) {
    return fail(ErrorCode::invalid, fmt::format("{}: seed: an integer is expected", file));
  }
  tape.seed = root["seed"].get<std::uint64_t>();
  root.erase("seed");
  JsonDocument document{std::string(file), tape.seed};
  {
    JsonReader reader(document, root, "");
    reader.text("name", tape.name);
    reader.text("scenario", tape.scenario);
    reader.texts("settings", tape.settings);
    reader.text("verdict", tape.verdict);
    reader.text("hash", tape.hash);
    reader.list("plan", [&](JsonReader& j) { read_fault(j, tape.plan.emplace_back()); });
  }
  TRY(document.result());
  return tape;
}

Result<void> edit_tape(Tape& tape, std::string_view edit) {
  const std::size_t equals = edit.find('=');
  const std::string_view what = edit.substr(0, equals);
  const std::string_view value =
      equals == std::string_view::npos ? std::string_view() : edit.substr(equals + 1);
  if (what == "drop") {
    const auto dropped =
        std::erase_if(tape.plan, [&](const FaultItem& item) { return item.name() == value; });
    if (dropped != 0) return {};
    return fail(ErrorCode::not_found, fmt::format("no fault item \"{}\" on the tape", value));
  }
  const auto chosen = number(value, 10);
  if (what == "seed" && chosen) {
    tape.seed = *chosen;
    return {};
  }
  const auto key = number(what, 16);
  if (!key || what.size() != 16 || !chosen) {
    return fail(ErrorCode::invalid,
                fmt::format("\"{}\": an edit is drop=ITEM, KEY=VALUE or seed=N", edit));
  }
  for (Decision& decision : tape.decisions) {
    if (decision.key != *key) continue;
    if (*chosen >= decision.bound) {
      return fail(ErrorCode::out_of_range,
                  fmt::format("{}: {} lies below {}", edit, decision.label, decision.bound));
    }
    decision.value = *chosen;
    return {};
  }
  return fail(ErrorCode::not_found, fmt::format("no decision {} on the tape", what));
}

}  // namespace flux::sim
