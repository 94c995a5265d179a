// TextWriter: messages as one readable line, for traces and for people.
//
//   {transactional_id=null acks=-1 topics=[{name="t" partitions=[{index=0 records=<71 bytes>}]}]}
//
// Not a format that anything reads back. Record batches show as their size, long arrays end early.
#pragma once

#include <concepts>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "core/base/bytes.h"
#include "core/base/ids.h"
#include "net/wire/records.h"

namespace flux::wire {

inline constexpr std::size_t kPrintedElementsMax = 16;

class TextWriter {
 public:
  explicit TextWriter(std::string& out) : out_(out) {}

  void open() { out_ += '{'; }
  void close() { out_ += '}'; }

  template <class T>
  void field(std::string_view name, const T& value) {
    name_field(name);
    show(value);
  }
  // A value that must not be seen, such as a password.
  void masked(std::string_view name) {
    name_field(name);
    out_ += "***";
  }

 private:
  void name_field(std::string_view name);
  void show_integer(std::int64_t value);
  void show_text(std::string_view value);
  void show_size(std::size_t bytes);
  void show_more(std::size_t elements);

  template <class T>
  void show(const T& value) {
    if constexpr (requires { value.print(*this); }) {
      value.print(*this);
    } else if constexpr (std::same_as<T, bool>) {
      out_ += value ? "true" : "false";
    } else if constexpr (std::integral<T>) {
      show_integer(static_cast<std::int64_t>(value));
    } else if constexpr (requires { name_of(value); }) {
      out_ += name_of(value);
    } else if constexpr (requires {
                           value.value();
                           typename T::rep;
                         }) {
      show_integer(static_cast<std::int64_t>(value.value()));
    } else if constexpr (std::same_as<T, Uuid>) {
      out_ += value.to_string();
    } else if constexpr (std::same_as<T, std::string>) {
      show_text(value);
    } else if constexpr (std::same_as<T, Records>) {
      if (value.is_null()) {
        out_ += "null";
      } else {
        show_size(value.size());
      }
    } else if constexpr (std::same_as<T, Bytes>) {
      show_size(value.size());
    } else {
      show_array(value);
    }
  }
  template <class T>
  void show(const std::optional<T>& value) {
    if (value) {
      show(*value);
    } else {
      out_ += "null";
    }
  }
  template <class T>
  void show_array(const std::vector<T>& value) {
    out_ += '[';
    for (std::size_t i = 0; i < value.size() && i < kPrintedElementsMax; ++i) {
      if (i != 0) out_ += ' ';
      show(value[i]);
    }
    if (value.size() > kPrintedElementsMax) show_more(value.size() - kPrintedElementsMax);
    out_ += ']';
  }

  std::string& out_;
};

}  // namespace flux::wire
