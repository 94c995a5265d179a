// Lines for people and JSON for programs.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include <nlohmann/json_fwd.hpp>

#include "core/base/bytes.h"
#include "core/base/error.h"

namespace flux::app {

// "flux: ..." on standard error.
void complain(std::string_view what);
void complain(const Error& error);
// What a person should read of an error: its detail, or the meaning of its code.
std::string words_of(const Error& error);

// False when nobody reads any more (a closed pipe): the command ends.
bool print_line(std::string_view line);
bool print_bytes(ByteView bytes);
bool print_json(const nlohmann::ordered_json& value);
bool flush_output();

// Where a setting's value comes from, by Kafka's number.
std::string_view name_of_source(std::int8_t source);
inline constexpr std::int8_t kDefaultSource = 5;

// Sets `name` to null or text; bytes that are no UTF-8 go to "<name>_base64" instead.
void set_bytes(nlohmann::ordered_json& in, const std::string& name,
               const std::optional<Bytes>& bytes);

}  // namespace flux::app
