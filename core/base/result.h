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
#define TRY(...)                                              \
  __extension__({                                             \
    auto flux_result = (__VA_ARGS__);                         \
    if (!flux_result) [[unlikely]]                            \
      return std::unexpected(std::move(flux_result).error()); \
    ::flux::detail::take(std::move(flux_result));             \
  })
