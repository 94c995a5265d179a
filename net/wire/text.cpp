#include "net/wire/text.h"

namespace flux::wire {
namespace {

constexpr std::string_view kHexDigits = "0123456789abcdef";
constexpr unsigned char kPrintableMin = 0x20;
constexpr unsigned char kDelete = 0x7f;

}  // namespace

void TextWriter::name_field(std::string_view name) {
  if (!out_.empty() && out_.back() != '{') out_ += ' ';
  out_ += name;
  out_ += '=';
}

void TextWriter::show_integer(std::int64_t value) { out_ += std::to_string(value); }

void TextWriter::show_text(std::string_view value) {
  out_ += '"';
  for (const char c : value) {
    const auto byte = static_cast<unsigned char>(c);
    if (c == '"' || c == '\\') {
      out_ += '\\';
      out_ += c;
    } else if (byte < kPrintableMin || byte >= kDelete) {
      out_ += "\\x";
      out_ += kHexDigits[byte >> 4];
      out_ += kHexDigits[byte & 15];
    } else {
      out_ += c;
    }
  }
  out_ += '"';
}

void TextWriter::show_size(std::size_t bytes) {
  out_ += '<';
  out_ += std::to_string(bytes);
  out_ += " bytes>";
}

void TextWriter::show_more(std::size_t elements) {
  out_ += " and ";
  out_ += std::to_string(elements);
  out_ += " more";
}

}  // namespace flux::wire
