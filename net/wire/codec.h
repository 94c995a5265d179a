// get() and put(): how a value of each type that a message may hold stands on the wire.
//
// The generated code is a list of calls to these, one per field. For generated .cpp files only:
// headers need no more than the names Reader and Writer.
//
// A message type has kName, kVersionMin, kVersionMax, kFlexibleFrom, read() and write(); a struct
// inside a message has kWireSizeMin (the fewest bytes it takes in any version), read() and write().
#pragma once

#include <concepts>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <type_traits>
#include <vector>

#include "core/base/bytes.h"
#include "core/base/ids.h"
#include "net/wire/reader.h"
#include "net/wire/records.h"
#include "net/wire/writer.h"

namespace flux::wire {

template <class T>
concept StrongInteger = requires(const T& v) {
  typename T::rep;
  { v.value() } -> std::same_as<typename T::rep>;
};

template <class T>
concept Structure = requires(T& v, Reader& from) { v.read(from, std::int16_t{}); };

template <class T>
constexpr std::size_t wire_size_min() {
  if constexpr (std::same_as<T, Uuid>) {
    return 16;
  } else if constexpr (Structure<T>) {
    return T::kWireSizeMin;
  } else if constexpr (std::integral<T> || std::is_enum_v<T> || StrongInteger<T>) {
    return sizeof(T);
  } else {
    return 1;  // the length of something empty
  }
}

// ---- reading

template <class T>
void get(Reader& from, T& out, std::int16_t version);

// What follows a count: the elements of an array.
template <class T>
void get_elements(Reader& from, std::vector<T>& out, std::size_t count, std::int16_t version) {
  out.reserve(count);
  for (std::size_t i = 0; i < count && from.ok(); ++i) {
    get(from, out.emplace_back(), version);
    from.work(kElementWork);
  }
}

inline void get_text(Reader& from, std::string& out, std::string_view text) {
  from.charge(text.size());
  from.work(text.size());
  if (from.ok()) out.assign(text);
}

template <class T>
void get(Reader& from, T& out, [[maybe_unused]] std::int16_t version) {
  if constexpr (std::same_as<T, bool>) {
    out = from.boolean();
  } else if constexpr (std::integral<T>) {
    out = from.integer<T>();
  } else if constexpr (std::is_enum_v<T>) {
    out = static_cast<T>(from.integer<std::underlying_type_t<T>>());
  } else if constexpr (StrongInteger<T>) {
    out = T(from.integer<typename T::rep>());
  } else if constexpr (std::same_as<T, Uuid>) {
    out = from.uuid();
  } else if constexpr (Structure<T>) {
    out.read(from, version);
  } else if constexpr (std::same_as<T, Records>) {
    if (const auto bytes = from.bytes()) {
      out = Records(*bytes);
      from.note_view();
    }
  } else if constexpr (std::same_as<T, std::string>) {
    const auto text = from.text();
    if (!text) return from.fail_null("a null string where the message allows none");
    get_text(from, out, *text);
  } else if constexpr (std::same_as<T, Bytes>) {
    const auto bytes = from.bytes();
    if (!bytes) return from.fail_null("null bytes where the message allows none");
    from.charge(bytes->size());
    if (from.ok()) out = to_bytes(*bytes);
  } else {
    using Element = typename T::value_type;
    const auto count = from.count(wire_size_min<Element>(), sizeof(Element));
    if (!count) return from.fail_null("a null array where the message allows none");
    get_elements(from, out, *count, version);
  }
}

template <class T>
void get_nullable(Reader& from, std::optional<T>& out, [[maybe_unused]] std::int16_t version) {
  out.reset();
  if constexpr (std::same_as<T, std::string>) {
    if (const auto text = from.text()) get_text(from, out.emplace(), *text);
  } else if constexpr (std::same_as<T, Bytes>) {
    const auto bytes = from.bytes();
    if (bytes) from.charge(bytes->size());
    if (bytes && from.ok()) out = to_bytes(*bytes);
  } else if constexpr (Structure<T>) {
    // Not emplace(): in clang a struct within a message has no default constructor that optional
    // could see.
    if (from.integer<std::int8_t>() >= 0) (out = T{})->read(from, version);
  } else {
    using Element = typename T::value_type;
    const auto count = from.count(wire_size_min<Element>(), sizeof(Element));
    if (count) get_elements(from, out.emplace(), *count, version);
  }
}

// A field that is nullable in other versions than this one.
template <class T>
void get_required(Reader& from, std::optional<T>& out, std::int16_t version) {
  get(from, out.emplace(), version);
}

// ---- writing

template <class T>
void put(Writer& to, const T& value, [[maybe_unused]] std::int16_t version) {
  if constexpr (std::same_as<T, bool>) {
    to.boolean(value);
  } else if constexpr (std::integral<T>) {
    to.integer(value);
  } else if constexpr (std::is_enum_v<T>) {
    to.integer(static_cast<std::underlying_type_t<T>>(value));
  } else if constexpr (StrongInteger<T>) {
    to.integer(value.value());
  } else if constexpr (std::same_as<T, Uuid>) {
    to.uuid(value);
  } else if constexpr (Structure<T>) {
    value.write(to, version);
  } else if constexpr (std::same_as<T, Records>) {
    to.records(value);
  } else if constexpr (std::same_as<T, std::string>) {
    to.work(value.size());
    to.text(value);
  } else if constexpr (std::same_as<T, Bytes>) {
    to.bytes(value);
  } else {
    to.count(value.size());
    for (const auto& element : value) {
      put(to, element, version);
      to.work(kElementWork);
    }
  }
}

template <class T>
void put_nullable(Writer& to, const std::optional<T>& value, std::int16_t version) {
  if constexpr (Structure<T>) to.integer(std::int8_t(value ? 1 : -1));
  if (value) return put(to, *value, version);
  if constexpr (Structure<T>) {
    // That is all of it.
  } else if constexpr (std::same_as<T, std::string>) {
    to.null_text();
  } else {
    to.null_count();
  }
}

// `field` names a value that this version of its message cannot carry.
void fail_absent(Writer& to, std::string_view field, std::int16_t version);
void fail_null(Writer& to, std::string_view field, std::int16_t version);

template <class T>
void put_required(Writer& to, const std::optional<T>& value, std::int16_t version,
                  std::string_view field) {
  if (!value) return fail_null(to, field, version);
  put(to, *value, version);
}

// ---- whole messages

Result<> check_version(std::string_view name, std::int16_t version, std::int16_t min,
                       std::int16_t max);

template <class Message>
Result<> encode_message(const Message& message, Writer& to, std::int16_t version) {
  TRY(check_version(Message::kName, version, Message::kVersionMin, Message::kVersionMax));
  to.set_flexible(version >= Message::kFlexibleFrom);
  message.write(to, version);
  return to.status();
}

template <class Message>
Result<Message> decode_message(Reader& from, std::int16_t version) {
  TRY(check_version(Message::kName, version, Message::kVersionMin, Message::kVersionMax));
  from.set_flexible(version >= Message::kFlexibleFrom);
  Result<Message> out;
  out->read(from, version);
  if (!from.ok()) out = std::unexpected(from.status().error().in(Message::kName));
  return out;
}

}  // namespace flux::wire
