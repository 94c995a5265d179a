// Result<T>: a value, or the Error that kept it from existing.
//
//   Result<int> parse(std::string_view text);
//   int n = TRY(parse(text));       // returns the Error to our own caller
//   return fail(ErrorCode::invalid, "port 70000: allowed are 1 to 65535");
#pragma once

#include <expected>
#include <string>
#include <utility>

#include "core/base/error.h"

namespace flux {

template <class T = void>
using Result = std::expected<T, Error>;

[[nodiscard]] inline std::unexpected<Error> fail(ErrorCode code) {
  return std::unexpected(Error(code));
}
[[nodiscard]] inline std::unexpected<Error> fail(ErrorCode code, std::string detail) {
  return std::unexpected(Error(code, std::move(detail)));
}

namespace detail {
template <class T>
T take(Result<T>&& result) {
  return std::move(*result);
}
inline void take(Result<void>&&) {}
}  // namespace detail

}  // namespace flux

// Evaluates to the value; on an error returns it from the enclosing function.
#define TRY(...) FLUX_TRY_AS(FLUX_JOIN(flux_result_, __COUNTER__), __VA_ARGS__)

// A name of its own for each use, so that one TRY can stand in another.
#define FLUX_JOIN(a, b) FLUX_JOIN_EXPANDED(a, b)
#define FLUX_JOIN_EXPANDED(a, b) a##b
#define FLUX_TRY_AS(name, ...)                         \
  __extension__({                                      \
    auto name = (__VA_ARGS__);                         \
    if (!name) [[unlikely]]                            \
      return std::unexpected(std::move(name).error()); \
    ::flux::detail::take(std::move(name));             \
  })
