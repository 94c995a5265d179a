// Assertions that are always on.
//
// CHECK is for what cannot happen unless Flux itself is wrong; what the world may do (a full disk,
// bad bytes from a client) is a Result (result.h). A failed CHECK prints where and what, calls the
// hook (the simulator prints seed and trace position there, the daemon flushes its log) and aborts.
// It never throws and cannot be caught.
#pragma once

#include <concepts>
#include <string_view>

namespace flux {

struct CheckSite {
  const char* file;
  int line;
  const char* expression;
};

// Called once, after the message was printed and before abort(). Must not allocate or CHECK.
using CheckHook = void (*)(const CheckSite& site);
void set_check_hook(CheckHook hook);

[[noreturn]] void check_failed(const CheckSite& site, std::string_view note = {});
[[noreturn]] void check_op_failed(const CheckSite& site, long long left, long long right);

namespace detail {
// Prints any integer or strong type (strong.h) as a number.
template <class T>
constexpr long long check_number(const T& v) {
  if constexpr (requires { v.value(); }) {
    return static_cast<long long>(v.value());
  } else {
    return static_cast<long long>(v);
  }
}
}  // namespace detail

}  // namespace flux

#define CHECK(condition, ...)                                                            \
  do {                                                                                   \
    if (!(condition)) [[unlikely]]                                                       \
      ::flux::check_failed({__FILE__, __LINE__, #condition} __VA_OPT__(, ) __VA_ARGS__); \
  } while (0)

#define FLUX_CHECK_OP(left, op, right)                                        \
  do {                                                                        \
    const auto& flux_left = (left);                                           \
    const auto& flux_right = (right);                                         \
    if (!(flux_left op flux_right)) [[unlikely]]                              \
      ::flux::check_op_failed({__FILE__, __LINE__, #left " " #op " " #right}, \
                              ::flux::detail::check_number(flux_left),        \
                              ::flux::detail::check_number(flux_right));      \
  } while (0)

#define CHECK_EQ(left, right) FLUX_CHECK_OP(left, ==, right)
#define CHECK_NE(left, right) FLUX_CHECK_OP(left, !=, right)
#define CHECK_LT(left, right) FLUX_CHECK_OP(left, <, right)
#define CHECK_LE(left, right) FLUX_CHECK_OP(left, <=, right)
#define CHECK_GT(left, right) FLUX_CHECK_OP(left, >, right)
#define CHECK_GE(left, right) FLUX_CHECK_OP(left, >=, right)

#define UNREACHABLE(note) ::flux::check_failed({__FILE__, __LINE__, "unreachable"}, note)
