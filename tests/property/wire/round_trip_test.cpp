// Every message in every version: what is encoded decodes to the same value, and whatever is done
// to the bytes, the decoder ends in a value or in an error without asking for much memory.

#include <algorithm>
#include <cstdlib>
#include <limits>
#include <new>
#include <rapidcheck.h>

#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

#include "net/kafka/gen/reflection.h"
#include "net/wire/codec.h"

namespace {

// The largest single allocation since it was last set to zero.
std::size_t largest_allocation = 0;

void* allocate(std::size_t size) {
  largest_allocation = std::max(largest_allocation, size);
  void* out = std::malloc(size);
  if (out == nullptr) std::abort();
  return out;
}

}  // namespace

void* operator new(std::size_t size) { return allocate(size); }
void* operator new[](std::size_t size) { return allocate(size); }
void operator delete(void* at) noexcept { std::free(at); }
void operator delete[](void* at) noexcept { std::free(at); }
void operator delete(void* at, std::size_t) noexcept { std::free(at); }
void operator delete[](void* at, std::size_t) noexcept { std::free(at); }

namespace flux::kafka {
namespace {

// A byte of a message may stand for a struct of this many in memory, and short messages allocate
// their error text.
constexpr std::size_t kMemoryPerByteMax = 64;
constexpr std::size_t kMemoryFree = 4096;

constexpr int kElementsMax = 3;
constexpr int kCasesPerMessage = 200;

// The draws are functions of their own: a generator inlined at each field of each message would be
// most of the compile time of this file.
int below(int end) { return *rc::gen::inRange(0, end); }
std::uint64_t any_word() { return *rc::gen::arbitrary<std::uint64_t>(); }
std::string any_string() { return *rc::gen::arbitrary<std::string>(); }
std::vector<std::uint8_t> any_bytes() { return *rc::gen::arbitrary<std::vector<std::uint8_t>>(); }
std::size_t size_below(std::size_t end) { return *rc::gen::inRange<std::size_t>(0, end); }

template <std::integral T>
T any_integer() {
  switch (below(4)) {
    case 0:
      return T{0};
    case 1:
      return std::numeric_limits<T>::max();
    case 2:
      return std::numeric_limits<T>::min();
    default:
      return static_cast<T>(any_word());
  }
}

template <class T>
void fill(T& out, int version);

template <class T>
void fill_elements(std::vector<T>& out, int version) {
  const int count = below(kElementsMax + 1);
  for (int i = 0; i < count; ++i) fill(out.emplace_back(), version);
}

template <class T>
void fill(T& out, int version) {
  if constexpr (std::same_as<T, bool>) {
    out = below(2) == 1;
  } else if constexpr (std::integral<T>) {
    out = any_integer<T>();
  } else if constexpr (std::is_enum_v<T>) {
    out = static_cast<T>(any_integer<std::underlying_type_t<T>>());
  } else if constexpr (wire::StrongInteger<T>) {
    out = T(any_integer<typename T::rep>());
  } else if constexpr (std::same_as<T, Uuid>) {
    out = {.high = any_integer<std::uint64_t>(), .low = any_integer<std::uint64_t>()};
  } else if constexpr (std::same_as<T, std::string>) {
    out = any_string();
  } else if constexpr (std::same_as<T, wire::Records>) {
    static constexpr std::array<std::byte, 2000> kBatches{};
    constexpr std::array<std::size_t, 5> kSizes = {0, 61, 1024, 1025, kBatches.size()};
    const std::size_t size = kSizes[size_below(kSizes.size())];
    if (below(4) != 0) out = wire::Records(ByteView(kBatches).first(size));
  } else if constexpr (wire::Structure<T>) {
    reflect::each_field(out, [&](const char*, auto& field, const reflect::FieldInfo& info) {
      if (!info.exists(version)) return;
      if constexpr (requires { field.reset(); }) {
        if (info.nullable(version) && below(4) == 0) {
          field.reset();
        } else {
          field = typename std::remove_cvref_t<decltype(field)>::value_type{};
          fill(*field, version);
        }
      } else {
        fill(field, version);
      }
    });
  } else {
    fill_elements(out, version);
  }
}

// RC_ASSERT prints the operands of what it is given, which for every message type would be most of
// the compile time of this file.
void require(bool holds, const char* what) {
  if (!holds) RC_FAIL(std::string(what));
}

template <class Message>
Bytes encoded(const Message& message, int version) {
  wire::Writer to;
  const auto done = message.encode(to, static_cast<std::int16_t>(version));
  require(done.has_value(), "it encodes");
  return to.join();
}

template <class Message>
void check_round_trip(int version) {
  Message message;
  fill(message, version);
  const Bytes bytes = encoded(message, version);
  wire::Reader from(bytes);
  const auto back = Message::decode(from, static_cast<std::int16_t>(version));
  require(back.has_value(), "it decodes");
  require(from.remaining() == 0, "all bytes are read");
  require(*back == message, "the value is the same");
  require(!message.to_string().empty(), "it prints");
}

// Decodes bytes that may mean anything. A value that comes out must encode again and stay the same.
template <class Message>
void check_any(ByteView bytes, int version) {
  wire::Reader from(bytes);
  largest_allocation = 0;
  const auto value = Message::decode(from, static_cast<std::int16_t>(version));
  require(largest_allocation <= kMemoryFree + kMemoryPerByteMax * bytes.size(), "memory");
  if (!value) return;
  const Bytes again = encoded(*value, version);
  wire::Reader second(again);
  const auto same = Message::decode(second, static_cast<std::int16_t>(version));
  require(same.has_value(), "it decodes again");
  require(*same == *value, "the value stays the same");
}

template <class Message>
void check_damage(int version) {
  Message message;
  fill(message, version);
  Bytes bytes = encoded(message, version);
  if (bytes.empty()) return;
  const std::size_t cut = size_below(bytes.size());
  {
    wire::Reader from(ByteView(bytes).first(cut));
    require(!Message::decode(from, static_cast<std::int16_t>(version)), "a part is no message");
  }
  const std::size_t at = size_below(bytes.size());
  bytes[at] ^= static_cast<std::byte>(1 + below(255));
  check_any<Message>(bytes, version);
}

template <class Message>
void check_random_bytes(int version) {
  const std::vector<std::uint8_t> bytes = any_bytes();
  check_any<Message>(std::as_bytes(std::span(bytes)), version);
}

// Not a template, since each property costs a second of compile time.
void check_versions(std::string_view name, int version_min, int version_max, void (*check)(int)) {
  rc::detail::TestParams params = rc::detail::configuration().testParams;
  params.maxSuccess = kCasesPerMessage;
  const auto result = rc::detail::checkTestable(
      [=] {
        for (int version = version_min; version <= version_max; ++version) check(version);
      },
      rc::detail::TestMetadata{std::string(name), std::string(name)}, params);
  EXPECT_TRUE(result.is<rc::detail::SuccessResult>()) << name;
}

template <class Message>
void check_message(void (*check)(int)) {
  check_versions(Message::kName, Message::kVersionMin, Message::kVersionMax, check);
}

TEST(WireRoundTrip, EveryMessageInEveryVersion) {
  reflect::each_message([]<class Message>() { check_message<Message>(check_round_trip<Message>); });
}

TEST(WireRoundTrip, DamagedBytesEndInAValueOrAnError) {
  reflect::each_message([]<class Message>() { check_message<Message>(check_damage<Message>); });
}

TEST(WireRoundTrip, RandomBytesEndInAValueOrAnError) {
  reflect::each_message(
      []<class Message>() { check_message<Message>(check_random_bytes<Message>); });
}

}  // namespace
}  // namespace flux::kafka
