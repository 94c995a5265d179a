// What the contracts of this folder ask of a backend, and how their bodies report.
//
// A contract is a suite of type-parameterised tests over a Harness: a class that builds one fresh
// environment and runs a body in it as a task.
//
//   struct Harness {
//     // Why this backend cannot run here, or nothing; the tests then say that they were skipped.
//     static std::string unavailable();
//     // A world of its own: an empty data root, no listener, no connection.
//     Harness();
//     env::Env& env();
//     // A host name or address at which this node can listen and reach itself.
//     std::string host() const;
//     // Runs body(task) as a task and returns when it and all tasks it started have ended.
//     template <class Body> void run(Body&& body);
//   };
//
// A body runs on a fiber, so it never throws: gtest's and rapidcheck's assertions stay outside. It
// returns a Verdict, which owns no memory, since a simulated node's memory ends with its world.
#pragma once

#include <algorithm>
#include <array>
#include <cstddef>
#include <string>
#include <string_view>
#include <utility>

#include <gtest/gtest.h>

#include "core/base/result.h"
#include "core/env/env.h"

namespace flux::parity {

// Holds unless it names a condition that did not.
struct Verdict {
  const char* condition = nullptr;
  int line = 0;
  std::array<char, 256> note{};

  bool holds() const { return condition == nullptr; }
  std::string to_string() const {
    if (holds()) return "holds";
    return "line " + std::to_string(line) + ": " + condition + " " + note.data();
  }
};

inline Verdict failed(int line, const char* condition, std::string_view note = {}) {
  Verdict out{condition, line, {}};
  std::copy_n(note.begin(), std::min(note.size(), out.note.size() - 1), out.note.begin());
  return out;
}

template <class T>
std::string outcome(const Result<T>& result) {
  return result ? std::string("no error") : result.error().to_string();
}
template <class T>
bool fails_with(const Result<T>& result, ErrorCode code) {
  return !result && result.error().code() == code;
}

// Runs body(env, task) in a fresh environment of this kind.
template <class Harness, class Body>
Verdict run_in(Body&& body) {
  Harness harness;
  Verdict verdict = failed(__LINE__, "the body came to its end");
  harness.run([&](env::Task& task) { verdict = body(harness, task); });
  return verdict;
}

// Tasks that their owner waits for.
class Children {
 public:
  explicit Children(env::Task& owner) : owner_(owner) {}
  ~Children() { wait(); }
  Children(const Children&) = delete;
  Children& operator=(const Children&) = delete;

  template <class Body>
  env::TaskHandle spawn(std::string_view name, Body body) {
    ++live_;
    return owner_.scheduler().spawn(name, [this, what = std::move(body)](env::Task& task) mutable {
      what(task);
      if (--live_ == 0) owner_.scheduler().unpark(owner_.handle());
    });
  }
  void wait() {
    const env::Shield shield(owner_);
    while (live_ > 0) owner_.scheduler().park(owner_);
  }

 private:
  env::Task& owner_;
  std::size_t live_ = 0;
};

// Lets what other tasks have to do happen, for a while.
inline void rest(env::Env& env, env::Task& task, Duration length) {
  [[maybe_unused]] const Result<void> slept = env::sleep_until(task, env.clock.now() + length);
}

template <class Harness>
class ContractTest : public testing::Test {
 protected:
  void SetUp() override {
    if (const std::string why = Harness::unavailable(); !why.empty()) GTEST_SKIP() << why;
  }
};

}  // namespace flux::parity

#define HOLDS(cond)                                              \
  do {                                                           \
    if (!(cond)) return ::flux::parity::failed(__LINE__, #cond); \
  } while (0)

#define FAILS_WITH(error_code, ...)                                                    \
  do {                                                                                 \
    const auto& parity_result = (__VA_ARGS__);                                         \
    if (!::flux::parity::fails_with(parity_result, ::flux::ErrorCode::error_code)) {   \
      return ::flux::parity::failed(__LINE__, #__VA_ARGS__ " fails with " #error_code, \
                                    ::flux::parity::outcome(parity_result));           \
    }                                                                                  \
  } while (0)

// The value, or an end of the body with the error. One may stand inside another, so that each has
// its own name for the result.
#define MUST(...) PARITY_MUST(__COUNTER__, #__VA_ARGS__, __VA_ARGS__)
#define PARITY_MUST(number, text, ...) PARITY_MUST_NAMED(number, text, __VA_ARGS__)
#define PARITY_MUST_NAMED(number, text, ...) \
  PARITY_MUST_AS(parity_result_##number, text, __VA_ARGS__)
#define PARITY_MUST_AS(name, text, ...)                                             \
  __extension__({                                                                   \
    auto name = (__VA_ARGS__);                                                      \
    if (!name) {                                                                    \
      return ::flux::parity::failed(__LINE__, text, ::flux::parity::outcome(name)); \
    }                                                                               \
    ::flux::detail::take(std::move(name));                                          \
  })

#define EXPECT_VERDICT(...)                                            \
  do {                                                                 \
    const ::flux::parity::Verdict parity_verdict = (__VA_ARGS__);      \
    EXPECT_TRUE(parity_verdict.holds()) << parity_verdict.to_string(); \
  } while (0)
