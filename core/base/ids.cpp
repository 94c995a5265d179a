#include "core/base/ids.h"

namespace flux {
namespace {

constexpr std::string_view kAlphabet =
    "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
constexpr std::size_t kTextLength = 22;  // 128 bits in 6-bit digits; the last digit carries 2 bits

}  // namespace

std::string Uuid::to_string() const {
  std::string out;
  out.reserve(kTextLength);
  // The text reads the 128 bits from the most significant end; the last character holds the lowest
  // two, shifted up.
  for (int bit = 122; bit >= -4; bit -= 6) {
    std::uint64_t digit = 0;
    for (int b = bit + 5; b >= bit; --b) {
      std::uint64_t value = 0;
      if (b >= 64) {
        value = (high >> (b - 64)) & 1;
      } else if (b >= 0) {
        value = (low >> b) & 1;
      }
      digit = digit << 1 | value;
    }
    out.push_back(kAlphabet[digit]);
  }
  return out;
}

Result<Uuid> Uuid::parse(std::string_view text) {
  if (text.size() != kTextLength) {
    return fail(ErrorCode::invalid,
                "uuid '" + std::string(text) + "': 22 characters of URL-safe base64 are expected");
  }
  Uuid out;
  for (std::size_t i = 0; i < kTextLength; ++i) {
    const std::size_t digit = kAlphabet.find(text[i]);
    if (digit == std::string_view::npos) {
      return fail(ErrorCode::invalid,
                  "uuid '" + std::string(text) + "': '" + text[i] + "' is not URL-safe base64");
    }
    const bool last = i + 1 == kTextLength;
    if (last && (digit & 15) != 0) {
      return fail(ErrorCode::invalid, "uuid '" + std::string(text) + "': more than 128 bits");
    }
    const int bits = last ? 2 : 6;
    const std::uint64_t value = last ? digit >> 4 : digit;
    out.high = out.high << bits | out.low >> (64 - bits);
    out.low = out.low << bits | value;
  }
  return out;
}

std::string TopicPartition::to_string() const {
  return topic + "-" + std::to_string(partition.value());
}

}  // namespace flux
