// Trace: structured events, the only output of core. Logs, metrics and pictures are made from them.
//
// An event's name is a dotted path ("log.roll"), fixed text. The receiver adds time, node, the
// event's id and the id of its cause. Emitting must not change what a node does: the run's hash is
// the same with tracing on, off or filtered.
#pragma once

#include <concepts>
#include <cstdint>
#include <initializer_list>
#include <string_view>

namespace flux::env {

enum class Severity : std::uint8_t { debug, info, warning, error };

struct Field {
  enum class Kind : std::uint8_t { signed_number, unsigned_number, text };

  std::string_view name;
  Kind kind;
  std::int64_t signed_number = 0;
  std::uint64_t unsigned_number = 0;
  std::string_view text;

  template <class T>
    requires requires(T v) { v.value(); }
  Field(std::string_view field_name, T v) : Field(field_name, v.value()) {}
  Field(std::string_view field_name, std::string_view v)
      : name(field_name), kind(Kind::text), text(v) {}
  Field(std::string_view field_name, const char* v) : Field(field_name, std::string_view(v)) {}
  template <std::signed_integral T>
  Field(std::string_view field_name, T v)
      : name(field_name), kind(Kind::signed_number), signed_number(v) {}
  template <std::unsigned_integral T>
  Field(std::string_view field_name, T v)
      : name(field_name), kind(Kind::unsigned_number), unsigned_number(v) {}
};

class Trace {
 public:
  virtual ~Trace() = default;

  // False when nobody would look at such an event, so that its fields need not be made.
  virtual bool wants(Severity severity) const = 0;
  virtual void emit(Severity severity, std::string_view event,
                    std::initializer_list<Field> fields) = 0;
};

}  // namespace flux::env

// TRACE(trace, info, "log.roll", {"base", offset}, {"bytes", size});
#define TRACE(trace, severity, event, ...)                                 \
  do {                                                                     \
    if ((trace).wants(::flux::env::Severity::severity))                    \
      (trace).emit(::flux::env::Severity::severity, event, {__VA_ARGS__}); \
  } while (0)
