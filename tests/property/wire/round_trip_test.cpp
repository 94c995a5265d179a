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

template <std::integral T>
T any_integer() {
  switch (*rc::gen::inRange(0, 4)) {
    case 0:
      return T{0};
    case 1:
      return std::numeric_limits<T>::max();
    case 2:
      return std::numeric_limits<T>::min();
    default:
      return *rc::gen::arbitrary<T>();
  }
}

template <class T>
void fill(T& out, int version);

template <class T>
void fill_elements(std::vector<T>& out, int version) {
  const int count = *rc::gen::inRange(0, kElementsMax + 1);
  for (int i = 0; i < count; ++i) fill(out.emplace_back(), version);
}

template <class T>
void fill(T& out, int version) {
  if constexpr (std::same_as<T, bool>) {
    out = *rc::gen::arbitrary<bool>();
  } else if constexpr (std::integral<T>) {
    out = any_integer<T>();
  } else if constexpr (std::is_enum_v<T>) {
    out = static_cast<T>(any_integer<std::underlying_type_t<T>>());
  } else if constexpr (wire::StrongInteger<T>) {
    out = T(any_integer<typename T::rep>());
  } else if constexpr (std::same_as<T, Uuid>) {
    out = {.high = any_integer<std::uint64_t>(), .low = any_integer<std::uint64_t>()};
  } else if constexpr (std::same_as<T, std::string>) {
    out = *rc::gen::arbitrary<std::string>();
  } else if constexpr (std::same_as<T, wire::Records>) {
    static constexpr std::array<std::byte, 2000> kBatches{};
    const auto size = *rc::gen::element<std::size_t>(0, 61, 1024, 1025, 2000);
    if (*rc::gen::inRange(0, 4) != 0) out = wire::Records(ByteView(kBatches).first(size));
  } else if constexpr (wire::Structure<T>) {
    reflect::each_field(out, [&](const char*, auto& field, const reflect::FieldInfo& info) {
      if (!info.exists(version)) return;
      if constexpr (requires { field.emplace(); }) {
        if (info.nullable(version) && *rc::gen::inRange(0, 4) == 0) {
          field.reset();
        } else {
          fill(field.emplace(), version);
        }
      } else {
        fill(field, version);
      }
    });
  } else {
    fill_elements(out, version);
  }
}

template <class Message>
Bytes encoded(const Message& message, int version) {
  wire::Writer to;
  const auto done = message.encode(to, static_cast<std::int16_t>(version));
  RC_ASSERT(done.has_value());
  return to.join();
}

template <class Message>
void check_round_trip(int version) {
  Message message;
  fill(message, version);
  const Bytes bytes = encoded(message, version);
  wire::Reader from(bytes);
  const auto back = Message::decode(from, static_cast<std::int16_t>(version));
  RC_ASSERT(back.has_value());
  RC_ASSERT(from.remaining() == 0u);
  RC_ASSERT(*back == message);
  RC_ASSERT(!message.to_string().empty());
}

// Decodes bytes that may mean anything. A value that comes out must encode again and stay the same.
template <class Message>
void check_any(ByteView bytes, int version) {
  wire::Reader from(bytes);
  largest_allocation = 0;
  const auto value = Message::decode(from, static_cast<std::int16_t>(version));
  RC_ASSERT(largest_allocation <= kMemoryFree + kMemoryPerByteMax * bytes.size());
  if (!value) return;
  const Bytes again = encoded(*value, version);
  wire::Reader second(again);
  const auto same = Message::decode(second, static_cast<std::int16_t>(version));
  RC_ASSERT(same.has_value());
  RC_ASSERT(*same == *value);
}

template <class Message>
void check_damage(int version) {
  Message message;
  fill(message, version);
  Bytes bytes = encoded(message, version);
  if (bytes.empty()) return;
  const std::size_t cut = *rc::gen::inRange<std::size_t>(0, bytes.size());
  {
    wire::Reader from(ByteView(bytes).first(cut));
    RC_ASSERT(!Message::decode(from, static_cast<std::int16_t>(version)).has_value());
  }
  const std::size_t at = *rc::gen::inRange<std::size_t>(0, bytes.size());
  bytes[at] ^= static_cast<std::byte>(*rc::gen::inRange(1, 256));
  check_any<Message>(bytes, version);
}

template <class Message>
void check_message(const char* what, void (*check)(int)) {
  rc::detail::TestParams params = rc::detail::configuration().testParams;
  params.maxSuccess = kCasesPerMessage;
  const auto result = rc::detail::checkTestable(
      [check] {
        for (int version = Message::kVersionMin; version <= Message::kVersionMax; ++version) {
          check(version);
        }
      },
      rc::detail::TestMetadata{std::string(Message::kName), what}, params);
  EXPECT_TRUE(result.template is<rc::detail::SuccessResult>()) << Message::kName;
}

TEST(WireRoundTrip, EveryMessageInEveryVersion) {
  reflect::each_message(
      []<class Message>() { check_message<Message>("round trip", check_round_trip<Message>); });
}

TEST(WireRoundTrip, DamagedBytesEndInAValueOrAnError) {
  reflect::each_message(
      []<class Message>() { check_message<Message>("damage", check_damage<Message>); });
}

TEST(WireRoundTrip, RandomBytesEndInAValueOrAnError) {
  reflect::each_message([]<class Message>() {
    check_message<Message>("random bytes", [](int version) {
      const auto bytes = *rc::gen::arbitrary<std::vector<std::uint8_t>>();
      check_any<Message>(std::as_bytes(std::span(bytes)), version);
    });
  });
}

}  // namespace
}  // namespace flux::kafka
